//! The pool that is checked: the only file that knows how one is built.

use std::{str::FromStr, time::Duration};

use cachedpool::{CachedPool, Consistency, cache, cdc::LogicalReplication, tier};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::record::{Demand, Source};

/// The longest that another process's write may be missed, as the pools are told.
pub(crate) const MAX_STALENESS: Duration = Duration::from_secs(1);
/// What may come on top: a delivery that waits for its next attempt (250 ms at most), and processes that do not run because
/// others do.
pub(crate) const SLACK: Duration = Duration::from_millis(500);
/// The longest that memory answers without a sign of life from those who tell of others' writes, as the pools are told.
pub(crate) const CHANGES_STALENESS: Duration = Duration::from_secs(1);
/// After a strict writer's death its rows are not answered from caches for so long.
const FENCE: Duration = Duration::from_secs(2);
/// After a write of unknown outcome likewise. The servers here never apply a COMMIT that late.
const QUARANTINE: Duration = Duration::from_secs(2);
/// Longer than a run may take to find what is never invalidated.
const TTL: Duration = Duration::from_secs(3600);

/// More than the tasks of a process.
const CONNECTIONS: u32 = 8;

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sabotage {
    None,
    Stamps,
    Lease,
    Fence,
    Epoch,
    Feed,
    Beginning,
    Silence,
}

impl Sabotage {
    /// All that break something.
    pub(crate) const ALL: [Self; 7] = [
        Self::Stamps,
        Self::Lease,
        Self::Fence,
        Self::Epoch,
        Self::Feed,
        Self::Beginning,
        Self::Silence,
    ];

    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Stamps => "stamps",
            Self::Lease => "lease",
            Self::Fence => "fence",
            Self::Epoch => "epoch",
            Self::Feed => "feed",
            Self::Beginning => "beginning",
            Self::Silence => "silence",
        }
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .chain([Self::None])
            .find(|sabotage| sabotage.name() == name)
    }

    fn switch(self) -> cache::Sabotage {
        match self {
            Self::None => cache::Sabotage::None,
            Self::Stamps => cache::Sabotage::IgnoreStamps,
            Self::Lease => cache::Sabotage::IgnoreLease,
            Self::Fence => cache::Sabotage::SkipFence,
            Self::Epoch => cache::Sabotage::IgnoreEpoch,
            Self::Feed => cache::Sabotage::IgnoreChanges,
            Self::Beginning => cache::Sabotage::SkipBeginning,
            Self::Silence => cache::Sabotage::IgnoreOutsiders,
        }
    }
}

/// Whose writes a pool hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// Those of pools.
    Nothing,
    /// Everybody's.
    Changes,
}

impl Follows {
    /// Its name on the command line of a worker.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Changes => "changes",
        }
    }

    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Nothing, Self::Changes]
            .into_iter()
            .find(|one| one.name() == name)
    }
}

/// Where the servers are, and what kind of pool is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) postgres: String,
    pub(crate) redis: String,
    pub(crate) demand: Demand,
    pub(crate) sabotage: Sabotage,
    pub(crate) follows: Follows,
}

/// Builds the pool of one process.
pub(crate) async fn open(settings: &Settings) -> Result<CachedPool, Box<dyn std::error::Error>> {
    let options = PgConnectOptions::from_str(&settings.postgres)?;
    let inner = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(3))
        // A process to which PostgreSQL does not answer must be able to write all the same, to die with the outcome unknown.
        .min_connections(CONNECTIONS)
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    let builder = CachedPool::builder(inner)
        .redis_with(tier::Redis::new(&settings.redis).namespace("soak"))
        .max_staleness(MAX_STALENESS)
        .fence(FENCE)
        .quarantine(QUARANTINE)
        .default_ttl(TTL)
        .consistency(consistency(settings.demand))
        .sabotage(settings.sabotage.switch());
    let builder = match settings.follows {
        Follows::Nothing => builder,
        Follows::Changes => {
            builder.follow_changes(LogicalReplication::new().max_staleness(CHANGES_STALENESS))
        }
    };
    Ok(builder.build().await?)
}

/// The pool's word for it.
pub(crate) fn consistency(demand: Demand) -> Consistency {
    match demand {
        Demand::Bounded => Consistency::Bounded,
        Demand::Strict => Consistency::Strict,
    }
}

/// Ours for where an answer of the cache came from.
pub(crate) fn source(source: cachedpool::Source) -> Source {
    match source {
        cachedpool::Source::Local => Source::Local,
        cachedpool::Source::Shared => Source::Shared,
        // Whatever else there may be one day is no hit.
        _ => Source::Database,
    }
}
