//! A shared tier in memory: what pools that are given the same one share, and switches for what may go wrong with it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cachedpool::cache::shared::{
    Answer, Fetched, Hold, MemoryClock, Reading, Session, SharedTier, Step, TierError, Watcher,
    Word,
};

/// A handle on the tier; one for each pool.
pub(crate) struct Tier {
    inner: Arc<Inner>,
    /// What this one's pool has not been told yet, while the tier is slow.
    untold: Arc<Mutex<Vec<(u16, Word)>>>,
    watcher: Arc<Mutex<Option<Arc<dyn Watcher>>>>,
}

impl Clone for Tier {
    /// Another handle, for another pool.
    fn clone(&self) -> Self {
        Self::handle(self.inner.clone())
    }
}

struct Inner {
    state: Mutex<(MemoryClock, HashMap<String, Vec<u8>>)>,
    start: Instant,
    refuses_holds: AtomicBool,
    is_mute: Arc<AtomicBool>,
    is_slow: Arc<AtomicBool>,
    holds: AtomicU64,
}

impl Tier {
    /// One that nobody shares yet.
    pub(crate) fn new() -> Self {
        Self::handle(Arc::new(Inner {
            state: Mutex::new((MemoryClock::new(1), HashMap::new())),
            start: Instant::now(),
            refuses_holds: AtomicBool::new(false),
            is_mute: Arc::default(),
            is_slow: Arc::default(),
            holds: AtomicU64::new(0),
        }))
    }

    fn handle(inner: Arc<Inner>) -> Self {
        Tier {
            inner,
            untold: Arc::default(),
            watcher: Arc::default(),
        }
    }

    /// Whether it fails to hold anything from now on.
    pub(crate) fn refuse_holds(&self, refuse: bool) {
        self.inner.refuses_holds.store(refuse, Ordering::SeqCst);
    }

    /// Stops telling the pools of each other's steps.
    pub(crate) fn mute(&self) {
        self.inner.is_mute.store(true, Ordering::SeqCst);
    }

    /// Tells a pool of the others' steps only with the answer to its own, from now on: as late as a tier may.
    pub(crate) fn dawdle(&self) {
        self.inner.is_slow.store(true, Ordering::SeqCst);
    }

    /// How many results it has.
    pub(crate) fn entries(&self) -> usize {
        self.inner.state.lock().unwrap().1.len()
    }

    /// How often something was held.
    pub(crate) fn holds(&self) -> u64 {
        self.inner.holds.load(Ordering::SeqCst)
    }

    fn at<'a, T: Send + 'a>(
        &self,
        work: impl FnOnce(&mut MemoryClock, &mut HashMap<String, Vec<u8>>, u64) -> T,
    ) -> Answer<'a, T> {
        let now = u64::try_from(self.inner.start.elapsed().as_millis()).unwrap();
        let (clock, entries) = &mut *self.inner.state.lock().unwrap();
        let answer = work(clock, entries, now);
        Box::pin(async { Ok(answer) })
    }
}

/// Hears of steps while the tier is not mute; later, if it is slow.
struct Hearing {
    is_mute: Arc<AtomicBool>,
    is_slow: Arc<AtomicBool>,
    untold: Arc<Mutex<Vec<(u16, Word)>>>,
    watcher: Arc<dyn Watcher>,
}

impl Watcher for Hearing {
    fn moved(&self, words: &[(u16, Word)]) {
        match self.is_mute.load(Ordering::SeqCst) {
            true => {}
            false if self.is_slow.load(Ordering::SeqCst) => {
                self.untold.lock().unwrap().extend_from_slice(words);
            }
            false => self.watcher.moved(words),
        }
    }

    fn moved_everything(&self) {
        self.watcher.moved_everything();
    }

    fn doubtful(&self, slots: &[u16], span: Duration) {
        self.watcher.doubtful(slots, span);
    }

    fn lost(&self, session: Session) {
        self.watcher.lost(session);
    }
}

impl SharedTier for Tier {
    fn attach(&self, watcher: Arc<dyn Watcher>) {
        *self.watcher.lock().unwrap() = Some(watcher.clone());
        let hearing = Arc::new(Hearing {
            is_mute: self.inner.is_mute.clone(),
            is_slow: self.inner.is_slow.clone(),
            untold: self.untold.clone(),
            watcher,
        });
        drop(self.at(|clock, _, _| clock.attach(hearing)));
    }

    fn beat(&self, _: Duration) -> Answer<'_, Session> {
        self.at(|_, _, _| Session(1))
    }

    fn fetch<'a>(&'a self, key: &'a str, slots: &'a [u16]) -> Answer<'a, Fetched> {
        self.at(|clock, entries, now| Fetched {
            entry: entries.get(key).cloned(),
            reading: clock.read(slots, now),
        })
    }

    fn read<'a>(&'a self, slots: &'a [u16]) -> Answer<'a, Reading> {
        self.at(|clock, _, now| clock.read(slots, now))
    }

    fn store<'a>(&'a self, key: &'a str, entry: Vec<u8>, _: Duration) -> Answer<'a, ()> {
        self.at(|_, entries, _| drop(entries.insert(key.to_owned(), entry)))
    }

    fn advance<'a>(&'a self, steps: &'a [Step]) -> Answer<'a, Vec<(u16, Word)>> {
        let answer = self.at(|clock, _, _| clock.advance(steps));
        let untold = std::mem::take(&mut *self.untold.lock().unwrap());
        if let Some(watcher) = &*self.watcher.lock().unwrap() {
            watcher.moved(&untold);
        }
        answer
    }

    fn hold<'a>(&'a self, slots: &'a [u16], hold: Hold) -> Answer<'a, ()> {
        if self.inner.refuses_holds.load(Ordering::SeqCst) {
            let refused = TierError::passing("it was told to refuse");
            return Box::pin(async { Err(refused) });
        }
        self.inner.holds.fetch_add(1, Ordering::SeqCst);
        self.at(|clock, _, now| clock.hold(slots, hold, now))
    }
}
