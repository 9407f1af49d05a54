//! What the tests of `cachedpool` share: real servers, a browser, SQLite files, and tools to wait and to cancel.
//!
//! Promises: a server is started once for a test binary, on a free port, and is gone after the binary has ended,
//! however it ended. A test gets a database of its own and may run beside any other test. A server that cannot be
//! started panics: a test never passes because its server was missing.
//!
//! Must not know: `cachedpool` itself. Everything here is said in terms of sqlx, addresses and futures.

#[cfg(feature = "servers")]
mod browser;
#[cfg(feature = "servers")]
mod certificates;
#[cfg(feature = "servers")]
mod container;
mod editor;
#[cfg(feature = "servers")]
mod faults;
mod futures;
#[cfg(feature = "servers")]
mod ports;
mod proxy;
#[cfg(feature = "servers")]
mod reaper;
#[cfg(feature = "servers")]
mod redis;
#[cfg(feature = "servers")]
mod run;
#[cfg(feature = "servers")]
mod servers;
mod sqlite;

#[cfg(feature = "servers")]
pub use browser::{Exchange, Visit};
#[cfg(feature = "servers")]
pub use certificates::Certificates;
pub use editor::{Editor, Fate, Frame};
#[cfg(feature = "servers")]
pub use faults::{Packets, Victim};
pub use futures::{poll_at_most, wait_until};
pub use proxy::{Proxy, Way};
#[cfg(feature = "servers")]
pub use redis::OwnRedis;
#[cfg(feature = "servers")]
pub use servers::{DatabaseServer, RedisServer, logical_postgres, mariadb, postgres, redis};
pub use sqlite::SqliteFile;
