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
pub mod sql;
pub mod tier;

#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
pub use self::{
    builder::Builder,
    driver::{
        CachePolicy,
        sqlx::{
            Backend, CacheExt, CacheValue, CachedConnection, CachedPoolConnection, CachedRead,
            Transaction,
        },
    },
    error::{Error, ErrorKind, is_not_cached},
    pool::CachedPool,
};
