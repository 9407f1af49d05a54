//! A sqlx pool whose reads are cached and whose writes invalidate what they can have changed.

#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod builder;
pub mod cache;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod driver;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod error;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod explain;
pub mod observe;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
mod pool;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
pub mod prelude;
pub mod sql;
pub mod tier;

pub use self::sql::{Dialect, explain};
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
pub use self::{
    builder::Builder,
    cache::{Cached, Consistency, Freshness, Source},
    driver::{
        CachePolicy,
        sqlx::{
            Backend, CacheExt, CacheValue, CachedConnection, CachedPoolConnection, CachedRead,
            Mapped, Transaction,
        },
    },
    error::{Error, ErrorKind, is_not_cached},
    explain::PoolExplanation,
    pool::CachedPool,
};
