//! For handlers: what their response depends on beside the queries that are seen.

use futures_util::future::Either;

use crate::cache::{Scope, Tag, Tags};

/// Lets the response that the caller makes depend on a tag of the application's choice, for data that is not in the database.
/// `CachedPool::invalidate_tags` with the same word makes it invalid.
///
/// Await it before reading what the tag stands for: what changes in between would go unseen. With a shared tier it asks that
/// once, so that the response can be kept there too. Outside a [`ResponseCacheLayer`](super::ResponseCacheLayer) it does
/// nothing.
///
/// # Cancel safety
/// Dropping the future leaves the response without the tag.
pub async fn depends_on_tag(word: impl AsRef<str>) {
    if let Some(scope) = Scope::current() {
        let tags: Tags = [Tag::user(word.as_ref())].into_iter().collect();
        scope.depends_on(&tags).await;
    }
}

/// Keeps the response that the caller makes from being kept. Outside a
/// [`ResponseCacheLayer`](super::ResponseCacheLayer) it does nothing.
pub fn uncacheable() {
    if let Some(scope) = Scope::current() {
        scope.refuse("uncacheable");
    }
}

/// Runs `work` as a part of the response that the caller makes, wherever it is polled: `tokio::spawn(in_scope(work))`.
///
/// Without it, what a spawned task reads is not seen, and the response would outlive it. The task must end before the
/// response does: what it reads later is too late.
pub fn in_scope<F: Future>(work: F) -> impl Future<Output = F::Output> {
    match Scope::current() {
        Some(scope) => Either::Left(scope.run(work)),
        None => Either::Right(work),
    }
}
