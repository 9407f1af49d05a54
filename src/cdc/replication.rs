//! Logical replication as a source: a slot and a session of its stream.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::timeout;

use super::{
    LogicalReplication, Target, Topic,
    changes::Changes,
    feed::Source,
    follow::sealed::Sealed,
    session::Session,
    slots::Origin,
    trouble::Trouble,
    wire::{Line as _, Slot},
};
use crate::{
    cache::{Engine, shared::random},
    observe::Event,
};

/// How long the server may take to tell how it is set up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server's log, and who says what its changes move.
pub(crate) struct Replication {
    changes: Arc<dyn Changes>,
    target: Target,
    settings: LogicalReplication,
    slot: SlotName,
}

/// What a slot is called.
pub(crate) enum SlotName {
    /// As no other: each process has one of its own.
    Own,
    /// As that of all processes of which one follows for all.
    Common(Topic, Weak<Engine>),
    /// As the user says.
    Durable(Box<str>),
}

impl SlotName {
    fn now(&self) -> Result<String, Trouble> {
        match self {
            Self::Own => Ok(format!("cachedpool_{:016x}", random())),
            Self::Durable(name) => Ok(name.to_string()),
            Self::Common(topic, engine) => {
                let engine = engine.upgrade().ok_or_else(Trouble::gone)?;
                // Who cannot reach the clock could not tell anybody.
                let memory = engine.common_memory();
                let memory = memory.ok_or_else(|| Trouble::passing("no shared clock in reach"))?;
                Ok(topic.slot(&memory))
            }
        }
    }
}

impl Replication {
    pub(crate) fn new(
        changes: Arc<dyn Changes>,
        target: Target,
        settings: LogicalReplication,
        slot: SlotName,
    ) -> Self {
        Self {
            changes,
            target,
            settings,
            slot,
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
        Slot::open(&self.target, &self.settings, &self.slot.now()?).await
    }

    async fn run(&self, slot: Slot, engine: Weak<Engine>) -> Trouble {
        let Some(engine) = engine.upgrade() else {
            return Trouble::gone();
        };
        if slot.origin() == Origin::Replacement {
            let slot = slot.name().into();
            engine.emit(Event::ChangesSlotLost { slot });
        }
        let changes = self.changes.clone();
        let session = Session::new(slot, &engine, changes, &self.settings);
        drop(engine);
        session.run().await
    }
}
