//! The builder's way to the tier on Redis.

use std::sync::Arc;

use super::{Builder, shared::Opened};
use crate::{
    driver::Front,
    tier::{Redis, RedisTier},
};

impl<DB: Front> Builder<DB> {
    /// Shares results and invalidations with other processes through the Redis or Valkey of this URL:
    /// `redis://user:password@host:port/database`, `rediss://…` with TLS (feature `redis-tls`). Default: none, each process
    /// has a cache of its own.
    ///
    /// As [`redis_with`](Self::redis_with) with one server and the namespace `cachedpool`. Rows travel by serde:
    /// [`shared_tier`](Self::shared_tier) tells which do not. A URL that cannot be read is an
    /// error of [`build`](Self::build).
    pub fn redis(self, url: impl Into<String>) -> Self {
        self.redis_with(Redis::new(url))
    }

    /// As [`redis`](Self::redis), with all that can be said of a Redis: namespace, cluster, Sentinel.
    /// [`shared_tier`](Self::shared_tier) tells who shares with whom, and which rows are shared;
    /// [`generation`](Self::generation) what to do when a row type comes to mean something else.
    ///
    /// [`build`](Self::build) waits up to 2 s for it to answer. A Redis that is away is no error unless it is
    /// [required](Self::require_shared); a wrong password, a missing permission or a version that is too old always is.
    pub fn redis_with(self, redis: Redis) -> Self {
        self.open_with(|settings| {
            let strict = settings.fences.then_some(settings.fence);
            let tier = Arc::new(RedisTier::new(redis, strict)?);
            let (trial, max_silence) = (tier.clone(), settings.max_staleness);
            Ok(Opened {
                tier,
                trial: Box::pin(async move { trial.check(max_silence).await }),
            })
        })
    }
}
