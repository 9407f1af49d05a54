//! Clients that share a tier on Redis.

use std::time::Duration;

use cachedpool::{Builder, Front};

use super::LONG;

/// On the Redis of this address, however slowly it answers, and whoever was not heard for however long.
pub(crate) fn by_redis<D: Front>(builder: Builder<D>, url: String) -> Builder<D> {
    builder
        .redis(url)
        .shared_budget(LONG)
        .fence(2 * LONG)
        .max_staleness(Duration::from_secs(60 * 60))
}
