//! Reads from the shared tier: entries that other processes stored, and the words to store under.
//!
//! # No stale fill in any process (P2)
//! The words that an entry is stored under were read from the shared clock before the database was asked. Every write
//! moves them there after its COMMIT has returned. So the argument of [`clock`](crate::cache::clock) holds with the
//! shared words in the place of the local ones: an entry whose words equal those of now shows every write that was
//! delivered. For memory, such an entry is stored under the *local* words that were noted before the tier was
//! asked: a step that was delivered after the tier answered is heard later than that, and moves them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use smallvec::SmallVec;

use super::{
    Claim, Fetched, Held, Reading, Shared, TierError, Words,
    envelope::{Note, Sealer},
    fidelity::Stay,
    uploads::Claimed,
};
use crate::{
    cache::{
        Codec, Consistency, Entry, Key, Meta, Source, Stamp, Tags, Terms, Tick, Value, WholeKey,
        stamp::Outside,
    },
    observe::Event,
};

/// The slots of some tags as the tier is asked for them.
type Slots = SmallVec<[u16; 8]>;

/// One read's dealings with the tier: they share one budget.
pub(in crate::cache) struct Visit<'a> {
    shared: &'a Shared,
    whole: &'a WholeKey,
    name: String,
    slots: Slots,
    deadline: Tick,
}

/// Who loads a key for all processes.
pub(in crate::cache) enum Loader {
    This(Claimed),
    Another,
    /// The tier did not answer: each for itself.
    Each,
}

/// What the words alone are good for.
pub(in crate::cache) enum Look {
    /// To store under, and to confirm what was stored.
    Free(Outside),
    /// Nothing, or there was no answer.
    Held,
    /// As [`Seen::Doubtful`].
    Doubtful,
}

/// What the tier has for a read.
pub(in crate::cache) enum Seen<T> {
    /// An entry that is valid now, not yet judged by age; and the words to store a newer one under.
    Entry(Arc<Entry<T>>, Option<Outside>),
    /// No such entry; these are the words to store under, if the slots are free.
    Nothing(Option<Outside>),
    /// A write of unknown outcome may still change the answer: it belongs to its reader alone.
    Doubtful,
    /// The tier did not answer.
    Silent,
}

impl Shared {
    /// Begins a read's dealings with the tier. `None` if it must not be asked or is not worth it. To be called after
    /// the local words were noted.
    pub(in crate::cache) fn visit<'a>(
        &'a self,
        whole: Option<&'a WholeKey>,
        tags: &Tags,
    ) -> Option<Visit<'a>> {
        self.revive();
        let (whole, now) = (whole?, self.time.now());
        let slots: Slots = tags.write_slots().into();
        // Without a tag there is no word that could tell that it changed.
        let askable = !tags.is_everything() && !slots.is_empty();
        if !askable || !self.lease.is_usable(now) || self.delivery.concerns(&slots) {
            return None;
        }
        Some(Visit {
            shared: self,
            whole,
            name: self.sealer.name(&whole.0),
            slots,
            deadline: now.plus(self.settings.budget),
        })
    }
}

impl Visit<'_> {
    /// Asks for the entry and the words.
    pub(in crate::cache) async fn fetch<T: Value>(
        &self,
        key: &Key,
        stamp: &Stamp,
        terms: &Terms,
    ) -> Seen<T> {
        let asked = self.shared.time.now();
        let work = async {
            if self.shared.travels::<T>() {
                return self.shared.tier.fetch(&self.name, &self.slots).await;
            }
            // There is no entry, but somebody may hold the slots.
            let reading = self.shared.tier.read(&self.slots).await?;
            Ok(Fetched {
                entry: None,
                reading,
            })
        };
        let Some(Fetched { entry, reading }) = self.within_budget(work).await else {
            return Seen::Silent;
        };
        match (reading.held, terms.consistency) {
            (Held::Doubt, _) => return Seen::Doubtful,
            (Held::Write, Consistency::Strict) => return Seen::Nothing(None),
            (Held::Write, Consistency::Bounded) | (Held::Free, _) => {}
        }
        let outside = outside(&reading);
        match entry.and_then(|bytes| self.open(&bytes, &reading, key, stamp, terms, asked)) {
            Some(entry) => Seen::Entry(Arc::new(entry), outside),
            None => Seen::Nothing(outside),
        }
    }

    /// Asks for the words alone.
    pub(in crate::cache) async fn read(&self) -> Look {
        let work = self.shared.tier.read(&self.slots);
        match self.within_budget(work).await {
            Some(reading) if reading.held == Held::Doubt => Look::Doubtful,
            Some(reading) => outside(&reading).map_or(Look::Held, Look::Free),
            None => Look::Held,
        }
    }

    /// Claims the right to load for all processes.
    pub(in crate::cache) async fn claim(&self, lease: Duration) -> Loader {
        let owner = self.shared.delivery.id();
        let work = self.shared.tier.claim(&self.name, owner, lease);
        match self.within_budget(work).await {
            Some(Claim::Granted) => {
                Loader::This(self.shared.uploads.claimed(self.name.clone(), owner))
            }
            Some(Claim::Taken) => Loader::Another,
            None => Loader::Each,
        }
    }

    /// Waits on purpose, which is not charged to the budget.
    pub(in crate::cache) async fn pause(&mut self, span: Duration) {
        self.shared.time.sleep(span).await;
        self.deadline = self.shared.time.now().plus(self.shared.settings.budget);
    }

    async fn within_budget<R>(
        &self,
        work: impl Future<Output = Result<R, TierError>>,
    ) -> Option<R> {
        let Shared {
            time,
            lease,
            observer,
            ..
        } = self.shared;
        let left = self.deadline.since(time.now());
        let problem = tokio::select! {
            biased;
            answer = work => match answer {
                Ok(answer) => return Some(answer),
                Err(error) => error.to_string(),
            },
            () = time.sleep(left) => "the budget is spent".to_owned(),
        };
        // Whatever it was, the next reader need not find it out: the beats will.
        lease.trip(time.now());
        observer.counters.shared_failures.add(1);
        observer.emit(Event::SharedTierSkipped {
            problem: problem.into(),
        });
        None
    }

    /// The entry in an envelope, if it is valid by the reading.
    fn open<T: Value>(
        &self,
        bytes: &[u8],
        reading: &Reading,
        key: &Key,
        stamp: &Stamp,
        terms: &Terms,
        asked: Tick,
    ) -> Option<Entry<T>> {
        let codec = T::codec()?;
        let refuse = |why: &'static str| {
            self.shared.observer.counters.refusals.add(why);
            self.shared.observer.emit(Event::SharedEntryRefused { why });
        };
        let fingerprint = (codec.fingerprint)();
        let opened = match self
            .shared
            .sealer
            .open(bytes, &self.whole.0, fingerprint, &self.slots)
        {
            Ok(opened) => opened,
            Err(flaw) => {
                refuse(flaw.label());
                return None;
            }
        };
        if !self.shared.same_words(&opened.words, &reading.words) {
            // A write came since: an ordinary end for an entry.
            return None;
        }
        // A `Deserialize` that panics must not reach the reader: what it leaves half done is its own value.
        let value = catch_unwind(AssertUnwindSafe(|| (codec.unpack)(opened.payload())));
        let Ok(Ok(value)) = value else {
            refuse("undecodable");
            return None;
        };
        if value.rows() as u64 != opened.rows {
            refuse("other rows");
            return None;
        }
        let weight = (codec.weight)(opened.payload());
        // Both ends of the age are the tier's. A millisecond on top, for what is cut off at either end.
        let age = Duration::from_millis(reading.at.saturating_sub(opened.created) + 1);
        let mut stamp = stamp.clone();
        stamp.noted = asked.minus(age);
        stamp.outside = Some(Outside {
            words: opened.words.clone(),
            at: opened.created,
        });
        let meta = Meta {
            rows: value.rows(),
            jitter: self.shared.jitter.of_entry(key, &stamp),
            fresh_at_most: value.fresh_at_most(),
            life: terms.life().saturating_sub(age),
            bytes: Meta::bytes_of::<T>(key, weight.bytes),
            digest: Some(weight.digest),
            origin: Source::Shared,
            stamp,
        };
        Some(Entry { meta, value })
    }
}

impl Shared {
    /// Queues an entry that was loaded under words of the shared clock.
    pub(in crate::cache) fn upload<T: Value>(
        &self,
        whole: WholeKey,
        entry: Arc<Entry<T>>,
        claim: Option<Claimed>,
    ) {
        let (Some(codec), Some(outside)) = (T::codec(), entry.meta.stamp.outside.clone()) else {
            return;
        };
        if self.homebound.holds::<T>() {
            return;
        }
        let sealer = self.sealer.clone();
        let bytes = entry.meta.bytes;
        let name = self.sealer.name(&whole.0);
        let (homebound, observer) = (self.homebound.clone(), self.observer.clone());
        let encode = move || {
            let life = entry.meta.life;
            // One task encodes everything: a panic of one type must not be its end. What the panic left half done was
            // its own; the entry is only read.
            let work = AssertUnwindSafe(move || envelop(&sealer, &codec, &whole, &entry, &outside));
            match catch_unwind(work).unwrap_or(Err(Stay::Panicked)) {
                Ok(envelope) => Some((envelope, life)),
                Err(why) => {
                    homebound.add::<T>(why, &observer);
                    None
                }
            }
        };
        self.uploads.add(name, bytes, Box::new(encode), claim);
    }

    /// The slots that the entry under this key depends on, if there is one.
    pub(in crate::cache) async fn slots_of<T: Value>(
        &self,
        whole: Option<&WholeKey>,
    ) -> Option<Vec<u16>> {
        if !self.travels::<T>() {
            return None;
        }
        // A fetch comes with the words of some slot.
        let visit = self.visit(whole, &Tags::definitions())?;
        let work = self.tier.fetch(&visit.name, &visit.slots);
        let fetched = visit.within_budget(work).await?;
        self.sealer.slots(&fetched.entry?).ok()
    }

    /// Whether results of this type are shared at all.
    pub(in crate::cache) fn travels<T: Value>(&self) -> bool {
        T::codec().is_some() && !self.homebound.holds::<T>()
    }

    /// Whether nothing has moved between two readings of the same slots.
    pub(in crate::cache) fn same_words(&self, noted: &Words, now: &Words) -> bool {
        if self.sabotage.ignores_stamps() {
            return true;
        }
        if self.sabotage.ignores_epochs() {
            let versions =
                |words: &Words| words.iter().map(|word| word.version).collect::<Vec<_>>();
            return versions(noted) == versions(now);
        }
        noted == now
    }
}

/// The words to store under, unless somebody holds the slots: what is loaded meanwhile may lack a write that never moves
/// them, because its writer dies.
fn outside(reading: &Reading) -> Option<Outside> {
    (reading.held == Held::Free).then(|| Outside {
        words: reading.words.clone(),
        at: reading.at,
    })
}

/// Puts an entry into an envelope, if it will come out as it is.
fn envelop<T: Value>(
    sealer: &Sealer,
    codec: &Codec<T>,
    whole: &WholeKey,
    entry: &Entry<T>,
    outside: &Outside,
) -> Result<Vec<u8>, Stay> {
    let payload = (codec.pack)(&entry.value)?;
    let note = Note {
        key: &whole.0,
        fingerprint: (codec.fingerprint)(),
        slots: entry.meta.stamp.tags().write_slots(),
        words: &outside.words,
        created: outside.at,
        rows: entry.meta.rows as u64,
    };
    sealer.seal(&note, &payload).map_err(|_| Stay::Unsealable)
}
