//! `.cached(…)`: a query that is answered from the cache, on whatever driver, and the hints that say how.

use std::{borrow::Cow, fmt, mem};

use super::{CachePolicy, front::Front};
use crate::{
    cache::{Cached, Consistency, Scope, Token},
    pool::CachedPool,
};

/// A query that is answered from the cache; made by `.cached(…)`.
///
/// The hints say how it may be answered. Each can also stand in a comment of the SQL
/// (`/* cachedpool: ttl=30s swr=5m sie=1h tags=a,b off */`) or be kept in a [`CachePolicy`]; a call here wins over both.
///
/// # Staleness
/// An answer out of memory is never older than `ttl`, unless `stale_while_revalidate`, `stale_if_error` or
/// `tolerate_stale` allow it. Ages count from before the load.
/// A result that was loaded before a write through the pool returned is never answered after it, unless `tolerate_stale`
/// allows it. Results of statements that must not be cached come from the database every time:
/// [`CachedPool::explain`] says which and why.
///
/// # Cancel safety
/// Every future can be dropped at any point. If it was loading for others, one of them goes on.
///
/// # Errors
/// Every read fails as the driver's own: with the database's error, unchanged and never cached. The cache adds none,
/// except the one that `only_if_cached` asks for.
#[must_use = "nothing is read until it is awaited"]
pub struct CachedRead<'p, DB: Front, Q> {
    query: Q,
    pool: &'p CachedPool<DB>,
    /// Boxed, since a read is moved several times before it is polled and most have no hints.
    policy: Option<Box<CachePolicy>>,
}

impl<'p, DB: Front, Q> CachedRead<'p, DB, Q> {
    pub(super) fn new(query: Q, pool: &'p CachedPool<DB>) -> Self {
        CachedRead {
            query,
            pool,
            policy: None,
        }
    }

    fn hint(mut self, change: impl FnOnce(CachePolicy) -> CachePolicy) -> Self {
        let policy = self.policy.get_or_insert_default();
        **policy = change(mem::take(policy));
        self
    }

    fn is_scoped(&self) -> bool {
        (self.policy.as_ref()).is_some_and(|policy| policy.scope.is_some())
    }

    /// Reads, and tells the caller's scope of it.
    #[inline]
    pub(super) async fn answer<V, F>(
        self,
        read: impl FnOnce(Q, &'p CachedPool<DB>, Option<Box<CachePolicy>>) -> F,
    ) -> Result<Cached<V>, DB::Error>
    where
        F: Future<Output = Result<Cached<V>, DB::Error>>,
    {
        let (pool, scoped) = (self.pool, self.is_scoped());
        let answer = read(self.query, pool, self.policy).await;
        tell(pool, scoped, &answer);
        answer
    }

    /// Applies a policy, under the hints that were called before.
    pub fn policy(self, policy: &CachePolicy) -> Self {
        self.hint(|own| own.over(policy))
    }
}

/// The hints, word for word those of [`CachePolicy`].
macro_rules! hints {
    ($($name:ident($($argument:ident: $Type:ty),*) $([$($generics:tt)*])?;)+) => {
        impl<DB: Front, Q> CachedRead<'_, DB, Q> {
            $(
                #[doc = concat!("[`CachePolicy::", stringify!($name), "`].")]
                pub fn $name$(<$($generics)*>)?(self, $($argument: $Type),*) -> Self {
                    self.hint(|policy| policy.$name($($argument),*))
                }
            )+
        }
    };
}

hints! {
    ttl(ttl: std::time::Duration);
    stale_while_revalidate(window: std::time::Duration);
    stale_if_error(window: std::time::Duration);
    tolerate_stale(age: std::time::Duration);
    consistency(consistency: Consistency);
    max_rows(rows: usize);
    max_bytes(bytes: usize);
    tag(tag: impl Into<Cow<'static, str>>);
    tags(tags: impl IntoIterator<Item = T>) [T: Into<Cow<'static, str>>];
    depends_on(tables: impl IntoIterator<Item = T>) [T: Into<Cow<'static, str>>];
    scope(scope: impl fmt::Display);
    after(token: &Token);
    refresh();
    bypass();
    local_only();
    only_if_cached();
}

/// Tells the caller's scope of a read. `scoped` is one for a scope of the user's.
#[inline]
fn tell<DB: Front, V>(pool: &CachedPool<DB>, scoped: bool, answer: &Result<Cached<V>, DB::Error>) {
    if let Some(scope) = Scope::current() {
        match answer {
            Ok(cached) => scope.answer(&pool.core().engine, cached),
            Err(_) => scope.refuse("failed read"),
        }
        if scoped {
            scope.limit_to_some();
        }
    }
}

impl<DB: Front, Q> fmt::Debug for CachedRead<'_, DB, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedRead")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
