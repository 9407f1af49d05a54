//! What an engine can be told once, when it is made.

use std::time::Duration;

use super::Sabotage;
use crate::observe::Hook;

/// The settings of one engine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineSettings {
    /// The most of its time to live that an entry gives up, as a fraction. Each gives up its own part.
    pub ttl_jitter: f64,
    /// The fraction of its time to live after which a fresh entry is refreshed in the background on a hit.
    pub early_refresh: Option<f64>,
    /// How long a load may take while a stale answer is at hand (`stale_if_error`) before that is given. The load is
    /// then dropped; whoever gets [`Cause::LoadSlow`](super::Cause::LoadSlow) should start a [`refresh`](super::Engine::refresh), or
    /// a query that is always slower than this is never seen through.
    pub soft_timeout: Option<Duration>,
    /// How long a reader waits for another's load before it loads for itself. The other may have stopped polling.
    pub patience: Duration,
    /// For how long after a write of unknown outcome its tags answer nothing.
    pub quarantine: Duration,
    /// How many keys can be loaded with single flight at once; loads beyond go alone.
    pub max_in_flight: usize,
    /// How many background refreshes run at once; what goes beyond is skipped.
    pub max_refreshes: usize,
    /// How many events wait for a slow subscriber before it loses the oldest.
    pub max_events: usize,
    /// Called at each invalidation.
    pub(crate) hook: Option<Hook>,
    /// What is broken on purpose.
    #[doc(hidden)]
    pub sabotage: Sabotage,
}

impl Default for EngineSettings {
    /// 10 % jitter, no early refresh, no soft timeout, a quarantine of 60 s, 65,536 flights, 64 refreshes,
    /// 1,024 events.
    fn default() -> Self {
        Self {
            ttl_jitter: 0.1,
            early_refresh: None,
            soft_timeout: None,
            patience: Duration::from_secs(5),
            quarantine: Duration::from_secs(60),
            max_in_flight: 65_536,
            max_refreshes: 64,
            max_events: 1_024,
            hook: None,
            sabotage: Sabotage::None,
        }
    }
}
