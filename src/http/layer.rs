//! The layer: a policy and a pool, put around any service.

use std::{any::type_name, fmt, sync::Arc};

use tower_layer::Layer;

use super::{
    original,
    place::Place,
    policy::{Policy, Storing},
    service::ResponseCache,
    store::ResponseStore,
};

/// Keeps the responses of a service for as long as what they were made of is true.
///
/// While a handler runs inside, each read through the pool is noted. Its response is answered again until the policy's time is
/// over or a write changes something that was read, whichever comes first. A handler that writes, reads what cannot be
/// followed, or reads through another pool has its response passed on and not kept.
///
/// Each layer that is made keeps its own responses; its clones share them. So where one URI means different things in different
/// places, each place needs a layer of its own. axum's nested routers are told apart all the same, with the feature
/// `axum`; without it, a layer around a service of axum's passes everything.
///
/// Nothing but the request's URI and headers is in the key. What outer layers tell a handler in another way (extensions: the
/// user that they found, the client's address) must be told apart by [`Policy::key`] if the handler uses it.
///
/// # Example
/// ```
/// # #[cfg(feature = "sqlite")]
/// # fn example(pool: cachedpool::CachedPool<sqlx::Sqlite>) {
/// use cachedpool::http::{Policy, ResponseCacheLayer};
/// use std::time::Duration;
///
/// let policy = Policy::new().s_maxage(Duration::from_secs(60));
/// let layer = ResponseCacheLayer::new(&pool, policy);
/// // axum: Router::new().route("/users/{id}", get(user)).layer(layer)
/// # let _ = layer;
/// # }
/// ```
#[derive(Clone)]
pub struct ResponseCacheLayer {
    place: Arc<Place>,
}

impl ResponseCacheLayer {
    /// A layer that keeps responses in the cache of `pool`.
    pub fn new(pool: &(impl ResponseStore + Clone), policy: Policy) -> Self {
        Self {
            place: Arc::new(Place::new(Arc::new(pool.clone()), policy)),
        }
    }
}

impl<S> Layer<S> for ResponseCacheLayer {
    type Service = ResponseCache<S>;

    fn layer(&self, inner: S) -> ResponseCache<S> {
        let storing = if original::is_hidden_from(type_name::<S>()) {
            tracing::warn!("responses of an axum router are kept with the feature `axum` only");
            Storing::Off
        } else {
            self.place.policy.storing
        };
        ResponseCache::new(inner, self.place.clone(), storing)
    }
}

impl fmt::Debug for ResponseCacheLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCacheLayer")
            .field("policy", &self.place.policy)
            .finish_non_exhaustive()
    }
}
