//! Clients that share a tier on Redis.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use cachedpool::{Builder, Front, tier::Redis};
use cachedpool_test_support::redis;

use super::LONG;

/// A part of the tests' Redis of which nobody else knows.
pub(crate) async fn own_redis() -> Redis {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Redis::new(redis().await.url()).namespace(format!("clients_{number}"))
}

/// On this Redis, however slowly it answers, and whoever was not heard for however long.
pub(crate) fn by_redis<D: Front>(builder: Builder<D>, redis: Redis) -> Builder<D> {
    builder
        .redis_with(redis)
        .shared_budget(LONG)
        .fence(2 * LONG)
        .max_staleness(Duration::from_secs(60 * 60))
}
