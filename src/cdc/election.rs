//! One process follows for all that share a clock: the name of what it follows by is the same for all, and the server gives
//! it to one session at a time.
//!
//! Whoever has it leads: it moves the shared clock, and vouches for that (`cache/shared/vouch.rs`). The others hear of changes by the
//! clock, and try to take its place when nobody vouches. The server lets go of the name when the leader's connection ends, so
//! nobody has to find out whether a leader is dead; and as what each says is true by itself, two of them, or none for a while, do no
//! harm. A session of a new leader begins with everything, like any other.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use twox_hash::xxhash3_128::Hasher;

use super::{
    feed::Source,
    trouble::{Kind, Trouble},
};
use crate::{
    cache::{Engine, Time, shared::random},
    observe::Event,
};

/// So often a process looks whether it should lead, at least, in the time for which a word of the leader is good.
const LOOKS: u32 = 4;

/// How long a leader tells nobody before another may try.
const VAIN: Duration = Duration::from_secs(2);

/// What all processes have in common that can follow for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topic(Arc<str>);

impl Topic {
    /// Of the clock, the database, and all else that must be equal.
    pub(crate) fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = Hasher::new();
        for part in parts {
            // No two lists of parts are the same bytes.
            hasher.write(&(part.len() as u64).to_le_bytes());
            hasher.write(part.as_bytes());
        }
        Topic(format!("{:032x}", hasher.finish_128()).into())
    }

    /// The name of the slot by which it is followed.
    pub(crate) fn slot(&self) -> String {
        format!("cachedpool_{}", &self.0[..16])
    }
}

/// A source that one process at a time can open.
pub(crate) struct Elected<S> {
    source: S,
    engine: Weak<Engine>,
    max_staleness: Duration,
    time: Time,
}

/// What a process is in a session.
pub(crate) enum Office<T> {
    Leader(T),
    Follower,
}

impl<S: Source> Elected<S> {
    /// From now on what another process says of the topic counts for this one.
    pub(crate) fn new(
        source: S,
        engine: &Arc<Engine>,
        topic: &Topic,
        max_staleness: Duration,
    ) -> Self {
        engine.share_changes(&topic.0, max_staleness);
        Self {
            source,
            engine: Arc::downgrade(engine),
            max_staleness,
            time: engine.time().clone(),
        }
    }

    /// Waits until it is time to look again. Not all at once: they would all want to lead.
    async fn pause(&self) {
        let longest = self.max_staleness / LOOKS;
        let share = u32::try_from(random() % 64).unwrap_or_default();
        self.time.sleep(longest / 2 + longest / 128 * share).await;
    }

    async fn lead(&self, session: S::Session) -> Trouble {
        match self.engine.upgrade() {
            Some(engine) => engine.lead_changes(),
            None => return Trouble::gone(),
        }
        tokio::select! {
            biased;
            trouble = self.source.run(session, self.engine.clone()) => trouble,
            trouble = self.leads_in_vain() => trouble,
        }
    }

    /// Ends when another process may be better at it: what this one hears does not come to the others.
    async fn leads_in_vain(&self) -> Trouble {
        let mut since = None;
        loop {
            self.pause().await;
            let Some(engine) = self.engine.upgrade() else {
                return Trouble::gone();
            };
            let now = engine.now();
            if !engine.leads_in_vain() {
                since = None;
                continue;
            }
            if now.since(*since.get_or_insert(now)) > VAIN.max(self.max_staleness * 2) {
                return Trouble::passing("the shared clock does not take what is heard");
            }
        }
    }

    /// Follows another process, or none, until this one leads or what was heard is heard no more.
    async fn follow(&self) -> Trouble {
        let mut heard = Heard::NotYet;
        loop {
            self.pause().await;
            let Some(engine) = self.engine.upgrade() else {
                return Trouble::gone();
            };
            if self.source.is_closed() {
                return Trouble::gone();
            }
            match (heard, engine.changes_are_vouched()) {
                (Heard::NotYet, true) => {
                    heard = Heard::Yes;
                    engine.emit(Event::ChangesHeard);
                }
                (Heard::Yes, false) => {
                    return Trouble::passing("nobody follows them for all processes any more");
                }
                // Who cannot reach the clock could not tell anybody.
                (Heard::NotYet, false) if engine.clock_is_in_reach() => {
                    drop(engine);
                    match self.source.open().await {
                        Ok(session) => return self.lead(session).await,
                        Err(trouble) if trouble.kind == Kind::Taken => {}
                        Err(trouble) => return trouble,
                    }
                }
                (Heard::NotYet, false) | (Heard::Yes, true) => {}
            }
        }
    }
}

/// Whether a follower has heard of a leader.
#[derive(Clone, Copy)]
enum Heard {
    NotYet,
    Yes,
}

impl<S: Source> Source for Elected<S> {
    type Session = Office<S::Session>;

    fn serves_when_blind(&self) -> bool {
        self.source.serves_when_blind()
    }

    fn is_closed(&self) -> bool {
        self.source.is_closed()
    }

    async fn open(&self) -> Result<Self::Session, Trouble> {
        let opened = self.source.open().await;
        let engine = self.engine.upgrade().ok_or_else(Trouble::gone)?;
        match opened {
            Ok(session) if engine.clock_is_in_reach() => Ok(Office::Leader(session)),
            // It was asked all the same: what somebody must mend is told at once.
            Ok(_) => Ok(Office::Follower),
            Err(trouble) if trouble.kind == Kind::Taken => Ok(Office::Follower),
            Err(trouble) => Err(trouble),
        }
    }

    async fn run(&self, office: Self::Session, _: Weak<Engine>) -> Trouble {
        match office {
            Office::Leader(session) => self.lead(session).await,
            Office::Follower => self.follow().await,
        }
    }
}
