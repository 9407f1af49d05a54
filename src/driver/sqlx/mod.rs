//! The sqlx front-end: `CachedPool` as an `Executor`, connections and transactions that keep sqlx's shape, and
//! `.cached(&pool)`.

mod backend;
mod catalog;
mod connection;
mod executor;
mod front;
#[cfg(feature = "testing")]
pub mod inspect;
#[cfg(feature = "mysql")]
mod mysql;
mod names;
mod owned;
mod parameters;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod peek;
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
mod prove;
mod query;
#[cfg(feature = "sqlite")]
mod sqlite;
mod values;

pub use backend::Backend;
pub use query::{CacheExt, CacheValue, Mapped};
