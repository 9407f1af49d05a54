//! Logical replication as a source: a temporary slot and a session of its stream.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::timeout;

use super::{
    LogicalReplication, Target, changes::Changes, feed::Source, follow::sealed::Sealed,
    session::Session, trouble::Trouble, wire::Slot,
};
use crate::cache::{Engine, shared::random};

/// How long the server may take to tell how it is set up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server's log, and who says what its changes move.
pub(crate) struct Replication {
    changes: Arc<dyn Changes>,
    target: Target,
    settings: LogicalReplication,
}

impl Replication {
    pub(crate) fn new(
        changes: Arc<dyn Changes>,
        target: Target,
        settings: LogicalReplication,
    ) -> Self {
        Self {
            changes,
            target,
            settings,
        }
    }
}

impl Sealed for LogicalReplication {}

impl Source for Replication {
    type Session = Slot;

    fn serves_when_blind(&self) -> bool {
        self.settings.serves_when_blind
    }

    fn is_closed(&self) -> bool {
        self.changes.is_closed()
    }

    async fn open(&self) -> Result<Slot, Trouble> {
        // A server that has accepted the connection may still never answer.
        let checked = timeout(PATIENCE, self.changes.check()).await;
        checked.unwrap_or_else(|_| Err(Trouble::passing("no answer from the server")))?;
        let name = format!("cachedpool_{:016x}", random());
        Slot::open(&self.target, &self.settings, &name).await
    }

    async fn run(&self, slot: Slot, engine: Weak<Engine>) -> Trouble {
        let Some(engine) = engine.upgrade() else {
            return Trouble::gone();
        };
        let changes = self.changes.clone();
        let session = Session::new(slot, &engine, changes, self.settings.max_staleness);
        drop(engine);
        session.run().await
    }
}
