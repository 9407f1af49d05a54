//! The builder's ways to Redis.

use std::sync::Arc;

use super::Builder;
use crate::{
    cache::{SharedSettings, shared::SharedTier},
    driver::sqlx::Backend,
    tier::{Redis, RedisTier},
};

impl<DB: Backend> Builder<DB> {
    /// Shares results and invalidations with other processes through the Redis or Valkey of this URL:
    /// `redis://user:password@host:port/database`, `rediss://…` with TLS (feature `redis-tls`).
    ///
    /// See [`redis_with`](Self::redis_with) for clusters, Sentinel and namespaces, and
    /// [`shared_tier`](Self::shared_tier) for what is shared with whom. A URL that cannot be read is an error of
    /// [`build`](Self::build); a Redis that is away is none.
    pub fn redis(self, url: impl Into<String>) -> Self {
        self.redis_with(Redis::new(url))
    }

    /// Shares through the Redis, cluster or Sentinel group of these settings.
    pub fn redis_with(self, settings: Redis) -> Self {
        self.open_tier(move |shared: &SharedSettings| {
            let tier = RedisTier::new(settings, shared.fences.then_some(shared.fence));
            Box::pin(async move { Ok(Arc::new(tier?) as Arc<dyn SharedTier>) })
        })
    }
}
