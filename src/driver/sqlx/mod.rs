//! The sqlx front-end: `CachedPool` as an `Executor`, connections and transactions that keep sqlx's shape, and
//! `.cached(&pool)`.
//!
//! Every statement that can change something runs in a task of its own, to its end, with a guard of the version clock
//! held from before it is sent until after it has answered. Whoever drops a future on the way drops only the answer.

mod backend;
mod catalog;
mod checkout;
mod connection;
mod definitions;
mod executor;
#[cfg(feature = "testing")]
pub mod inspect;
#[cfg(feature = "mysql")]
mod mysql;
mod owned;
mod parameters;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod peek;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod scoped;
#[cfg(feature = "sqlite")]
mod sqlite;
mod transaction;
mod values;

pub use backend::Backend;
pub use connection::{CachedConnection, CachedPoolConnection};
pub use query::{CacheExt, CacheValue, CachedRead, Mapped};
pub use transaction::Transaction;

pub(crate) use backend::{Outcome, Session};
pub(crate) use definitions::{Definitions, Trouble, watch};
