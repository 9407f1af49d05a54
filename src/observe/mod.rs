//! What can be seen from outside: counters, events, traces.
//!
//! Promises: nothing in here carries a bound value or a literal of a SQL text; a hit costs one relaxed increment and
//! makes no event; what nobody listens to is not sent. It must not know what it observes: the rooms tell it.

mod counters;
mod event;
mod hook;
#[cfg(feature = "metrics")]
pub mod metrics;
pub(crate) mod span;
mod stats;

pub use event::{Cause, Event, EventStream, Events, Skip};
pub use hook::Invalidation;
pub use stats::Stats;

pub(crate) use counters::Counters;
pub(crate) use hook::Hook;

/// The counters and events of one pool.
#[derive(Debug)]
pub(crate) struct Observer {
    pub(crate) counters: Counters,
    pub(crate) events: Events,
    /// Called at each invalidation.
    pub(crate) hook: Option<Hook>,
}

impl Observer {
    /// `max_events` is how many events wait for a slow subscriber.
    pub(crate) fn new(max_events: usize, hook: Option<Hook>) -> Self {
        Self {
            counters: Counters::default(),
            events: Events::new(max_events),
            hook,
        }
    }

    /// Tells the trace and the subscribers.
    pub(crate) fn emit(&self, event: Event) {
        self.events.emit(event);
    }

    /// The counters. What the engine alone knows is still zero.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.counters.stats();
        stats.events_lost = self.events.lost();
        stats
    }
}
