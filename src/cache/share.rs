//! A miss in memory, and a shared tier that may have the answer.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use super::{
    Cached, Engine, Entry, Loaded, Lookup, Question, Source, Stamp, Tags, Value, WholeKey,
    clock::Validity,
    entry::downcast,
    shared::{Claimed, Loader, Look, Seen, Visit},
    stamp::{Outside, Standing},
};

/// How soon one looks again for what another process loads, at first and at most.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(50));

/// How a leader goes to the database.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// It asks the shared tier first.
    ByTheTier,
    /// It has asked already.
    Straight,
}

/// What a leader goes on to load with.
type NotThere = (Stamp, Option<Claimed>);

impl Engine {
    /// Answers from the shared tier alone.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn recall<T: Value>(&self, question: &Question) -> Option<Cached<T>> {
        let stamp = self.clock.stamp(&question.tags);
        let visit = self.visit(question)?;
        let Seen::Entry(entry, _) = visit
            .fetch::<T>(&question.key, &stamp, &question.terms)
            .await
        else {
            return None;
        };
        self.found(question, entry).map(Loaded::into_cached)
    }

    /// Asks the shared tier for the answer, and where it has none, for what a load is stored under.
    pub(super) async fn ask_the_tier<T: Value>(
        &self,
        question: &Question,
        mut stamp: Stamp,
    ) -> Result<(Arc<Entry<T>>, Loaded<T>), NotThere> {
        let Some((shared, mut visit)) = self.shared.as_ref().zip(self.visit(question)) else {
            return Err((stamp, None));
        };
        match self.take_from(&visit, question, &mut stamp).await {
            Some(found) => return Ok(found),
            None if stamp.outside.is_none() => return Err((stamp, None)),
            None => {}
        }
        let Some(lease) = shared.settings.claim.filter(|_| shared.travels::<T>()) else {
            return Err((stamp, None));
        };
        let (end, mut pause) = (self.now().plus(lease), LOOK_AGAIN.0);
        loop {
            match visit.claim(lease).await {
                Loader::This(claim) => return Err((stamp, Some(claim))),
                Loader::Each => return Err((stamp, None)),
                Loader::Another if self.now() >= end => return Err((stamp, None)),
                Loader::Another => {}
            }
            visit.pause(pause).await;
            pause = (pause * 2).min(LOOK_AGAIN.1);
            // The words that a load is stored under are those of the last look.
            match self.take_from(&visit, question, &mut stamp).await {
                Some(found) => return Ok(found),
                None if stamp.outside.is_none() => return Err((stamp, None)),
                None => {}
            }
        }
    }

    /// One look. Where there is no answer, the stamp gets the words that were seen.
    async fn take_from<T: Value>(
        &self,
        visit: &Visit<'_>,
        question: &Question,
        stamp: &mut Stamp,
    ) -> Option<(Arc<Entry<T>>, Loaded<T>)> {
        match visit.fetch(&question.key, stamp, &question.terms).await {
            Seen::Entry(entry, outside) => {
                stamp.outside = outside;
                self.adopt(question.key.clone(), &question.terms, entry.clone());
                let answer = self.found(question, entry.clone())?;
                Some((entry, answer))
            }
            Seen::Nothing(outside) => {
                stamp.outside = outside;
                None
            }
            Seen::Doubtful => {
                stamp.outside = None;
                stamp.standing = Standing::Quarantined;
                None
            }
            Seen::Silent => {
                stamp.outside = None;
                None
            }
        }
    }

    /// What an entry of the shared tier is to a reader.
    fn found<T: Value>(&self, question: &Question, entry: Arc<Entry<T>>) -> Option<Loaded<T>> {
        let now = self.now();
        // It was valid when the tier answered, which is within this read.
        let found = self.judged(
            entry,
            Validity::Current,
            now,
            &question.terms,
            Source::Shared,
        );
        if let Lookup::Fresh(_) = &found {
            self.observer.counters.hits_shared.add(1);
        }
        self.answer_of(found)
    }

    /// A strict read: whatever the cache has must be confirmed by the shared tier, within this read (P4). The words that it
    /// gives choose the flight, so that one may join a load that began earlier: its entry has these very words.
    pub(super) async fn answer_strictly<T: Value, E>(
        &self,
        question: &Question,
        mut stamp: Stamp,
        load: Pin<&mut (impl Future<Output = Result<T, E>> + Send)>,
    ) -> Result<Loaded<T>, E> {
        let Some(visit) = self.visit(question) else {
            return self.load_alone(question, stamp, load).await;
        };
        if let Some(answer) = self.confirmed(&visit, question).await {
            return Ok(answer);
        }
        if let Some((_, answer)) = self.take_from(&visit, question, &mut stamp).await {
            return Ok(answer);
        }
        if stamp.outside.is_none() {
            return self.load_alone(question, stamp, load).await;
        }
        self.fly(question, stamp, Way::Straight, load).await
    }

    /// An entry in memory that the shared tier has confirmed.
    pub(super) async fn confirmed<T: Value>(
        &self,
        visit: &Visit<'_>,
        question: &Question,
    ) -> Option<Loaded<T>> {
        let entry = self.store.get(&question.key).and_then(downcast::<T>)?;
        let noted = entry.meta.stamp().outside.as_ref()?;
        let Look::Free(Outside { words, .. }) = visit.read().await else {
            return None;
        };
        let shared = self.shared.as_ref()?;
        if !shared.same_words(&noted.words, &words) {
            return None;
        }
        let now = self.now();
        // The local words as well: a strict write of this process may be on its way.
        let validity = self.validity(entry.meta.stamp(), now);
        match self.judged(entry, validity, now, &question.terms, Source::Local) {
            found @ (Lookup::Fresh(_) | Lookup::Stale(..)) => {
                self.observer.counters.hits_shared.add(1);
                self.answer_of(found)
            }
            Lookup::Miss(_) => None,
        }
    }

    /// The stamp with the words of the shared clock, for a load that does not look for an entry.
    pub(super) async fn with_words(&self, question: &Question, stamp: Stamp) -> Stamp {
        self.with_words_of(self.visit(question), stamp).await
    }

    /// Notes the words of `tags`, also those of the shared clock where there is one that answers: for what is read past the
    /// cache, and is no reason to keep what is made of it in this process.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn stamp_by_the_tier(&self, tags: &Tags) -> Stamp {
        let stamp = self.clock.stamp(tags);
        let Some(shared) = &self.shared else {
            return stamp;
        };
        // The words are asked for and no entry, so it needs no name among processes.
        let nameless = WholeKey(Box::default());
        let visit = shared.visit(Some(&nameless), tags);
        self.with_words_of(visit, stamp).await
    }

    async fn with_words_of(&self, visit: Option<Visit<'_>>, mut stamp: Stamp) -> Stamp {
        if stamp.standing == Standing::Clear
            && let Some(visit) = visit
        {
            match visit.read().await {
                Look::Free(outside) => stamp.outside = Some(outside),
                Look::Held => {}
                Look::Doubtful => stamp.standing = Standing::Quarantined,
            }
        }
        stamp
    }

    fn visit<'a>(&'a self, question: &'a Question) -> Option<Visit<'a>> {
        let shared = self.trusted_tier()?;
        shared.visit(question.whole.as_ref(), &question.tags)
    }
}
