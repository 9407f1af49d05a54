//! `.cached(&pool)`: a query that is answered from the cache.
//!
//! `read` is the one way through: ask for the key, look it up, and on a miss load under the engine's eyes. The two kinds
//! of queries differ in how rows become values: by their type alone ([`typed`]), or by a closure that only runs inside
//! sqlx ([`mapped`]).

mod gather;
mod mapped;
mod typed;

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{
    Error,
    query::{Map, Query, QueryAs, QueryScalar},
};

use super::Backend;
use crate::{
    cache::Cached,
    driver::{CachePolicy, CachedRead},
    pool::CachedPool,
};
use gather::Gather;

/// What can be kept in the cache: implemented for every type with these bounds.
///
/// In memory a value stays what it is. Through a [shared tier](crate::Builder::shared_tier) it goes as its `Serialize` and
/// `Deserialize` make it, if it comes back the same: each value is read back before it is shared, and what differs stays in
/// its process (`stats().shared_stores_withheld`). Three things serde does not show: a field with `#[serde(skip)]` comes back as its
/// default, what a `with` or a hand-written `Serialize` leaves out comes back without it, and so does a field with
/// `skip_serializing` in a struct with a `flatten` or inside an `untagged` or internally tagged enum. Do not share rows of
/// such types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept in the cache",
    note = "derive `serde::Serialize`, `serde::Deserialize` and `Clone` for it",
    note = "the anonymous record of `query!` has none of them: name a type with `query_as!`, or turn the record into one with `.map(|row| …)` before `.cached(…)`"
)]
pub trait CacheValue: Serialize + DeserializeOwned + Clone + Send + Sync + Unpin + 'static {}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + Unpin + 'static> CacheValue for T {}

/// `.cached(&pool)` for sqlx's queries.
pub trait CacheExt<DB: Backend>: Sized {
    /// Answers this query from the pool's cache, and from its database where the cache may not answer.
    fn cached(self, pool: &CachedPool<DB>) -> CachedRead<'_, DB, Self>;
}

impl<DB: Backend, A> CacheExt<DB> for Query<'_, DB, A> {
    fn cached(self, pool: &CachedPool<DB>) -> CachedRead<'_, DB, Self> {
        CachedRead::new(self, pool)
    }
}

impl<DB: Backend, O, A> CacheExt<DB> for QueryAs<'_, DB, O, A> {
    fn cached(self, pool: &CachedPool<DB>) -> CachedRead<'_, DB, Self> {
        CachedRead::new(self, pool)
    }
}

impl<DB: Backend, O, A> CacheExt<DB> for QueryScalar<'_, DB, O, A> {
    fn cached(self, pool: &CachedPool<DB>) -> CachedRead<'_, DB, Self> {
        CachedRead::new(self, pool)
    }
}

impl<DB: Backend, F: Send, A> CacheExt<DB> for Map<'_, DB, F, A> {
    fn cached(self, pool: &CachedPool<DB>) -> CachedRead<'_, DB, Self> {
        CachedRead::new(self, pool)
    }
}

/// A query with a row mapping: what can be read through the cache. Sealed.
///
/// A plain `query` has none, so its rows would have no type to be kept as:
#[cfg_attr(feature = "sqlite", doc = "```compile_fail,E0277")]
#[cfg_attr(not(feature = "sqlite"), doc = "```ignore")]
/// # async fn example(pool: cachedpool::CachedPool<sqlx::Sqlite>) -> Result<(), sqlx::Error> {
/// use cachedpool::prelude::*;
///
/// let rows = sqlx::query("SELECT id FROM users").cached(&pool).fetch_all().await?;
/// # Ok(())
/// # }
/// ```
/// With a mapping it is one word more:
/// ```
/// # #[cfg(feature = "sqlite")]
/// # async fn example(pool: cachedpool::CachedPool<sqlx::Sqlite>) -> Result<(), sqlx::Error> {
/// use cachedpool::prelude::*;
/// use sqlx::{Row, sqlite::SqliteRow};
///
/// let ids: Vec<i64> = sqlx::query("SELECT id FROM users")
///     .map(|row: SqliteRow| row.get("id"))
///     .cached(&pool)
///     .fetch_all()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "this query has no row mapping, so there is no value to keep in the cache",
    label = "what should its rows become?",
    note = "use `sqlx::query_as` or `sqlx::query_scalar`, or map the rows first: `sqlx::query(…).map(|row| …).cached(&pool)`"
)]
pub trait Mapped<DB: Backend>: Send + Sized {
    /// What a row becomes.
    type Row: CacheValue;

    /// Reads through the cache.
    #[doc(hidden)]
    fn read<V: Gather<Self::Row>>(
        self,
        pool: &CachedPool<DB>,
        policy: Option<Box<CachePolicy>>,
    ) -> impl Future<Output = Result<Cached<V>, Error>> + Send;
}

// The bound stands at each method: at the block, the compiler would call the method missing and not say what to do.
impl<DB: Backend, Q> CachedRead<'_, DB, Q> {
    /// All rows, behind a shared pointer: a hit clones nothing.
    ///
    /// # Errors
    /// As sqlx's `fetch_all`.
    pub async fn fetch_all_shared(self) -> Result<Cached<Vec<Q::Row>>, Error>
    where
        Q: Mapped<DB>,
    {
        self.answer(|query, pool, policy| query.read(pool, policy))
            .await
    }

    /// All rows.
    ///
    /// # Errors
    /// As sqlx's `fetch_all`.
    pub async fn fetch_all(self) -> Result<Vec<Q::Row>, Error>
    where
        Q: Mapped<DB>,
    {
        Ok(self.fetch_all_shared().await?.into_owned())
    }

    /// The first row, if there is one, behind a shared pointer.
    ///
    /// # Errors
    /// As sqlx's `fetch_optional`.
    pub async fn fetch_optional_shared(self) -> Result<Cached<Option<Q::Row>>, Error>
    where
        Q: Mapped<DB>,
    {
        self.answer(|query, pool, policy| query.read(pool, policy))
            .await
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// As sqlx's `fetch_optional`.
    pub async fn fetch_optional(self) -> Result<Option<Q::Row>, Error>
    where
        Q: Mapped<DB>,
    {
        Ok(self.fetch_optional_shared().await?.into_owned())
    }

    /// The first row, behind a shared pointer.
    ///
    /// # Errors
    /// As sqlx's `fetch_one`: `RowNotFound` where there is none.
    pub async fn fetch_one_shared(self) -> Result<Cached<Q::Row>, Error>
    where
        Q: Mapped<DB>,
    {
        self.fetch_optional_shared()
            .await?
            .transpose()
            .ok_or(Error::RowNotFound)
    }

    /// The first row.
    ///
    /// # Errors
    /// As sqlx's `fetch_one`: `RowNotFound` where there is none.
    pub async fn fetch_one(self) -> Result<Q::Row, Error>
    where
        Q: Mapped<DB>,
    {
        self.fetch_optional().await?.ok_or(Error::RowNotFound)
    }
}
