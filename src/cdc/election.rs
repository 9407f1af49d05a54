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

/// The most looks that a process lets go by between two attempts: whoever has the slot and says nothing may be in need of the server,
/// and each attempt is a connection or two.
const MOST_SPARED: u32 = 8;

/// How long a leader must tell nobody before it makes way.
const VAIN: Duration = Duration::from_secs(2);

/// What is followed: all that must be equal where processes can follow for each other, but for the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Topic(Arc<str>);

impl Topic {
    /// Of the database, and how its changes are selected.
    pub(crate) fn new<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        Topic(digest(parts).into())
    }

    /// The name of the slot by which it is followed, for all who share this memory of the clock.
    pub(super) fn slot(&self, memory: &str) -> String {
        format!("cachedpool_{}", digest([&*self.0, memory]))
    }
}

fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Hasher::new();
    for part in parts {
        // No two lists of parts are the same bytes.
        hasher.write(&(part.len() as u64).to_le_bytes());
        hasher.write(part.as_bytes());
    }
    format!("{:032x}", hasher.finish_128())
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

    /// How long a leader may be of no use to the others.
    fn patience(&self) -> Duration {
        VAIN.max(self.max_staleness * 2)
    }

    async fn lead(&self, session: S::Session) -> Trouble {
        let memory = match self.engine.upgrade() {
            Some(engine) => {
                engine.lead_changes();
                engine.common_memory()
            }
            None => return Trouble::gone(),
        };
        tokio::select! {
            biased;
            trouble = self.source.run(session, self.engine.clone()) => trouble,
            trouble = self.leads_in_vain(memory) => trouble,
        }
    }

    /// Ends when another process may be better at it: what this one hears does not come to the others.
    async fn leads_in_vain(&self, mut memory: Option<String>) -> Trouble {
        let mut since = None;
        loop {
            self.pause().await;
            let Some(engine) = self.engine.upgrade() else {
                return Trouble::gone();
            };
            // The name that it has is that of another memory, for which somebody else may lead.
            if let Some(now) = engine.common_memory()
                && *memory.get_or_insert_with(|| now.clone()) != now
            {
                return Trouble::passing("the shared clock has begun anew");
            }
            let now = engine.now();
            if !engine.leads_in_vain() {
                since = None;
            } else if now.since(*since.get_or_insert(now)) > self.patience() {
                return Trouble::passing("the shared clock does not take what is heard");
            }
        }
    }

    /// Follows another process, or none, until this one leads or what was heard is heard no more.
    async fn follow(&self) -> Trouble {
        let mut heard = Heard::NotYet;
        let (begun, mut told) = (self.time.now(), false);
        let (mut spared, mut to_spare) = (0, 1);
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
                (Heard::NotYet, false) => {
                    if !told && self.time.now().since(begun) > self.patience() {
                        let problem = "another process has their slot, and says nothing".into();
                        engine.emit(Event::ChangesLost { problem });
                        told = true;
                    }
                    drop(engine);
                    if spared > 0 {
                        spared -= 1;
                        continue;
                    }
                    match self.source.open().await {
                        Ok(session) => return self.lead(session).await,
                        Err(trouble) if trouble.kind == Kind::Taken => {
                            spared = to_spare;
                            to_spare = (to_spare * 2).min(MOST_SPARED);
                        }
                        Err(trouble) => return trouble,
                    }
                }
                (Heard::Yes, true) => {}
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
        match self.source.open().await {
            Ok(session) => Ok(Office::Leader(session)),
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

#[cfg(all(test, not(shuttle)))]
mod tests;
