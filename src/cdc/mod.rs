//! Change data capture: what is written past the pool, told by PostgreSQL's logical replication (`LogicalReplication`) or its
//! notifications (`Notifications`), or by SQLite's `data_version` (`DataVersion`).
//!
//! Promises that every committed transaction moves the clock for all that it changed once it is visible, that a start, a
//! gap or a message that cannot be read moves everything, never nothing, and that memory answers nothing while this
//! process may not hear (`max_staleness` of each). `docs/cdc.md` and `docs/sources.md` have the arguments.
//!
//! It knows tags, messages and time. It must not know a pool, a driver or the schema: the pool says by a trait a source what a
//! change moves, and lends the connections of those that sqlx speaks.

#[cfg(feature = "postgres")]
mod changes;
#[cfg(feature = "sqlite")]
mod data_version;
#[cfg(feature = "postgres")]
mod drop_slot;
#[cfg(feature = "postgres")]
mod election;
mod feed;
mod follow;
#[cfg(feature = "postgres")]
mod hearing;
#[cfg(feature = "postgres")]
mod notify;
// Not covered by semver: reachable for tests and fuzz targets.
#[cfg(feature = "postgres")]
#[doc(hidden)]
pub mod pgoutput;
// Not covered by semver either.
#[cfg(all(feature = "postgres", any(test, feature = "testing")))]
#[doc(hidden)]
pub mod play;
#[cfg(feature = "postgres")]
mod proof;
#[cfg(all(feature = "postgres", feature = "testing"))]
mod replay;
#[cfg(feature = "postgres")]
mod replication;
#[cfg(feature = "postgres")]
mod session;
#[cfg(feature = "postgres")]
mod settings;
#[cfg(feature = "postgres")]
mod slots;
#[cfg(all(test, not(shuttle), feature = "postgres"))]
mod testkit;
#[cfg(all(feature = "postgres", feature = "cdc-tls", unix))]
mod tls;
#[cfg(all(feature = "postgres", not(all(feature = "cdc-tls", unix))))]
#[path = "no_tls.rs"]
mod tls;
#[cfg(feature = "postgres")]
mod transaction;
mod trouble;
#[cfg(feature = "postgres")]
mod wire;

#[cfg(feature = "sqlite")]
pub use data_version::DataVersion;
#[cfg(feature = "postgres")]
pub use drop_slot::drop_slot;
pub use follow::Follow;
#[cfg(feature = "postgres")]
pub use notify::Notifications;
#[cfg(feature = "postgres")]
pub use settings::LogicalReplication;

#[cfg(feature = "postgres")]
pub(crate) use changes::{Changes, Moment, Moves, Publication, Rows, Running};
#[cfg(feature = "sqlite")]
pub(crate) use data_version::{Files, Poll, Polled, Version};
#[cfg(feature = "postgres")]
pub(crate) use election::{Elected, Topic};
pub(crate) use feed::Feed;
#[cfg(feature = "postgres")]
pub(crate) use notify::{Cover, Ears, Notice, Notified, Post, Voice};
#[cfg(all(feature = "postgres", feature = "testing"))]
pub(crate) use replay::replay;
#[cfg(feature = "postgres")]
pub(crate) use replication::{Replication, SlotName};
#[cfg(feature = "postgres")]
pub(crate) use settings::Target;
pub(crate) use trouble::Trouble;
