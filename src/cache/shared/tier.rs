//! What the engine asks of a tier that several processes share: a place for entries, and the clock that they agree on.

use std::{fmt, future::ready, sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use smallvec::SmallVec;

/// A tier that several processes share. It keeps entries as bytes, and the authoritative words of the version clock.
///
/// The engine keeps the promises (what may be answered, for how long, what happens when the tier is away); a tier does
/// as it is told or says that it could not. It must not retry and need not bound its time: the engine drops a future
/// that takes too long, and what was asked may then have happened or not.
///
/// # The clock
/// Each slot has a [`Word`]: an epoch and a version. Versions of one epoch only grow. Whenever the tier cannot be sure
/// that it still holds every step that was ever acknowledged (it restarted, was flushed, lost the word to eviction, is a
/// replica that was promoted), it must give the slot an epoch that was never used before.
///
/// A slot can be *held*: for each hold there is an id and a moment at which it expires. What expires without having been
/// released means that a writer died with its outcome unknown: the tier moves the slot's version (and tells the
/// [`Watcher`]s of all processes) before it answers as if the hold were not there.
pub trait SharedTier: Send + Sync + 'static {
    /// Who is to hear of steps of the clock. Called once, before anything else.
    fn attach(&self, watcher: Arc<dyn Watcher>);

    /// Proves that this process hears of every step: writes to the clock by the same road as [`advance`](Self::advance)
    /// does, and returns when everything that was told before that write has reached the watcher. Connects where
    /// there is no connection.
    ///
    /// The answer numbers the unbroken stretches of hearing: when it differs from the last one, steps may have been
    /// missed in between. If the tier finds that no process at all has beaten for longer than `max_silence`, writers may
    /// hold steps that they could not deliver: it gives every slot a new epoch.
    fn beat(&self, max_silence: Duration) -> Answer<'_, Session>;

    /// Asks for the words of `slots`, in that order and none twice, and for the entry under `key`, in one round trip. The
    /// entry must have been read no later than the words.
    fn fetch<'a>(&'a self, key: &'a str, slots: &'a [u16]) -> Answer<'a, Fetched>;

    /// Asks for the words of `slots`, in that order.
    fn read<'a>(&'a self, slots: &'a [u16]) -> Answer<'a, Reading>;

    /// Keeps `entry` under `key` for at most `life`.
    fn store<'a>(&'a self, key: &'a str, entry: Vec<u8>, life: Duration) -> Answer<'a, ()>;

    /// Takes steps of the clock and tells the watchers of all other processes. Returns the new word of each slot that
    /// moved, in the order of `steps`; none where the slots have no epoch just now, so that nothing is valid anyway. When it
    /// returns, this process's watcher has been told of every step of others up to these words.
    fn advance<'a>(&'a self, steps: &'a [Step]) -> Answer<'a, Vec<(u16, Word)>>;

    /// Holds `slots`, or prolongs the hold of this id. [`EVERYTHING`] holds every slot.
    fn hold<'a>(&'a self, slots: &'a [u16], hold: Hold) -> Answer<'a, ()>;

    /// Claims the right to load `key` for the processes together, for at most `lease`. A tier without claims lets each
    /// load for itself.
    fn claim<'a>(&'a self, _key: &'a str, _owner: u64, _lease: Duration) -> Answer<'a, Claim> {
        Box::pin(ready(Ok(Claim::Granted)))
    }

    /// Gives a claim up. That of another owner stays.
    fn release<'a>(&'a self, _key: &'a str, _owner: u64) -> Answer<'a, ()> {
        Box::pin(ready(Ok(())))
    }

    /// Whether it knows [`vouch`](Self::vouch) and [`vouched`](Self::vouched), so that one process can follow something for all.
    fn can_vouch(&self) -> bool {
        false
    }

    /// Names the memory that the clock is in, alike for all processes on it and unlike any other; `None` while it is not known. Those
    /// on one memory can vouch for each other.
    fn memory(&self) -> Option<String> {
        None
    }

    /// Says to all processes up to when the clock has moved for what `topic` is about: until so long ago as `since` tells, which is
    /// asked once the tier's time has been read, or nothing if that is `None`. It replaces what was said of the topic before.
    ///
    /// What is kept is a moment of the tier's own time, so that a call which was held up on its way says nothing that is not true. It must
    /// not outlive the clock's memory: a tier that begins anew, or whose time has jumped, forgets it.
    fn vouch<'a>(&'a self, _topic: &'a str, _since: &'a Since<'a>) -> Answer<'a, ()> {
        Box::pin(ready(Err(TierError::lasting("the tier does not vouch"))))
    }

    /// How long ago, at the most, the moment was for which somebody has [`vouch`](Self::vouch)ed; `None` if nobody does. When it
    /// returns, this process's watcher has been told of every step that was taken before it was said.
    fn vouched<'a>(&'a self, _topic: &'a str) -> Answer<'a, Option<Duration>> {
        Box::pin(ready(Ok(None)))
    }
}

/// How long ago something was, at the moment of the call.
pub type Since<'a> = dyn Fn() -> Option<Duration> + Send + Sync + 'a;

/// How a tier answers.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, TierError>>;

/// Hears of steps of the clock that other processes took. Its methods neither wait nor fail.
///
/// A tier may tell too much (a step twice, one of this process, everything), never too little.
pub trait Watcher: Send + Sync {
    /// Slots have moved to these words. What moves together with [`EVERYTHING`] is to be told with it: [`DEFINITIONS`] is not
    /// among "every slot".
    fn moved(&self, words: &[(u16, Word)]);

    /// Every slot may have moved.
    fn moved_everything(&self);

    /// For `span` from now on a write of unknown outcome may still change what depends on these slots.
    fn doubtful(&self, slots: &[u16], span: Duration);

    /// The stretch of hearing with this number is over.
    fn lost(&self, session: Session);
}

/// The slot that stands for every slot, in [`Step`]s and holds.
pub const EVERYTHING: u16 = 0;

pub use crate::cache::tag::DEFINITIONS;

/// An unbroken stretch of hearing. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session(pub u64);

/// One step of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which slot; [`EVERYTHING`] gives every slot a new epoch when it moves.
    pub slot: u16,
    /// Whether it moves: `false` for a write that was undone.
    pub moves: bool,
    /// The hold that ends with it, in the same step.
    pub releases: Option<u64>,
}

/// A hold on slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Tells it from others; never zero.
    pub id: u64,
    /// After this time it expires.
    pub span: Duration,
    /// Why.
    pub reason: HoldReason,
}

/// Why slots are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldReason {
    /// A strict write is on its way.
    Write,
    /// A write's outcome is unknown. Taking such a hold also moves the slots and calls
    /// [`Watcher::doubtful`] in all other processes.
    Doubt,
}

/// The state of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Word {
    /// Random; another one each time that the slot's past may have been lost.
    pub epoch: u64,
    /// How often it has moved.
    pub version: u64,
}

/// Slots at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Their words, in the order asked for.
    pub words: Words,
    /// Whether one of them, or everything, is held.
    pub held: Held,
    /// The tier's time in milliseconds: ages of entries are differences of it, so processes need not agree on theirs.
    pub at: u64,
}

/// The words of a few slots.
pub type Words = SmallVec<[Word; 4]>;

/// Whether slots are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Held {
    /// Nobody holds them.
    Free,
    /// A strict write is on its way, or the tier cannot tell whether one was when it lost its memory.
    Write,
    /// A write of unknown outcome may still change them.
    Doubt,
}

/// An answer to [`SharedTier::fetch`].
#[derive(Clone, Debug)]
pub struct Fetched {
    /// What is kept under the key.
    pub entry: Option<Vec<u8>>,
    /// The words, read no earlier than the entry.
    pub reading: Reading,
}

/// An answer to [`SharedTier::claim`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The caller loads.
    Granted,
    /// Somebody else does.
    Taken,
}

/// The tier could not do what it was asked. Says what it was and why, without keys or values.
#[derive(Clone, Debug)]
pub struct TierError {
    problem: Arc<str>,
    lasting: bool,
}

impl TierError {
    /// What may be better the next time: the tier is away, slow or full.
    pub fn passing(problem: impl Into<Arc<str>>) -> Self {
        Self {
            problem: problem.into(),
            lasting: false,
        }
    }

    /// What somebody must mend: a wrong password, a missing permission, a server that is too old.
    pub fn lasting(problem: impl Into<Arc<str>>) -> Self {
        Self {
            problem: problem.into(),
            lasting: true,
        }
    }

    /// Whether somebody must mend it.
    pub fn is_lasting(&self) -> bool {
        self.lasting
    }
}

impl fmt::Display for TierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for TierError {}
