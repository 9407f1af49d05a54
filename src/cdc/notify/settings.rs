//! How a pool is told of the writes of others by PostgreSQL's `NOTIFY`.

use std::time::Duration;

use crate::cdc::follow::sealed::Sealed;

/// PostgreSQL's `LISTEN` and `NOTIFY` as the way to hear of writes that bypass the pool, for servers where
/// [`LogicalReplication`](crate::cdc::LogicalReplication) cannot be had.
///
/// A trigger by the name of `cachedpool` on each table tells which table a transaction has changed, so a write from outside
/// invalidates all that reads the table. [`create_triggers`](Self::create_triggers) makes them,
/// [`drop_triggers`](Self::drop_triggers) takes them away.
///
/// Two connections are its own: one listens, the other asks. They go to where the pool's go, with the same settings of TLS; a
/// pooler in between must give each of them a session of its own, and is found out where it does not.
///
/// # Staleness
/// What others commit is seen as soon as the server has told it, and within `max_staleness` where it does not. A table that has lost
/// its trigger, or has none yet, ends the answers from memory within that time. `docs/cdc.md` says what no trigger sees.
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is given to a builder"]
pub struct Notifications {
    pub(crate) creates_triggers: bool,
    pub(crate) max_staleness: Duration,
    pub(crate) serves_when_blind: bool,
}

impl Notifications {
    /// Of triggers that are there already.
    pub fn new() -> Self {
        Self {
            creates_triggers: false,
            max_staleness: Duration::from_secs(1),
            serves_when_blind: false,
        }
    }

    /// Makes the triggers that are missing, at start and whenever one is found to be missing later, such as on a new table. It
    /// takes the owner of the tables, who may also create a schema. Default: a table without a trigger is an error.
    ///
    /// A trigger is made under a lock that waits for those who write to the table, and has them wait, for 2 s at most.
    pub fn create_triggers(mut self) -> Self {
        self.creates_triggers = true;
        self
    }

    /// How long this process may be without proof that it hears until its cache answers nothing. Default: 1 s.
    ///
    /// It sends itself a notification four times in this time.
    pub fn max_staleness(mut self, time: Duration) -> Self {
        self.max_staleness = time;
        self
    }

    /// Lets the cache answer also while nothing is heard of the writes of others.
    ///
    /// # Staleness
    /// What others write while nothing is heard is then unseen until it is again, or the time to live is over.
    pub fn danger_serve_when_blind(mut self) -> Self {
        self.serves_when_blind = true;
        self
    }
}

impl Default for Notifications {
    fn default() -> Self {
        Self::new()
    }
}

impl Sealed for Notifications {}
