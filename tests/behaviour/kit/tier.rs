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
#[derive(Clone)]
pub(crate) struct Tier(Arc<Inner>);

struct Inner {
    state: Mutex<(MemoryClock, HashMap<String, Vec<u8>>)>,
    start: Instant,
    refuses_holds: AtomicBool,
    is_mute: Arc<AtomicBool>,
    holds: AtomicU64,
}

impl Tier {
    /// One that nobody shares yet.
    pub(crate) fn new() -> Self {
        Tier(Arc::new(Inner {
            state: Mutex::new((MemoryClock::new(1), HashMap::new())),
            start: Instant::now(),
            refuses_holds: AtomicBool::new(false),
            is_mute: Arc::default(),
            holds: AtomicU64::new(0),
        }))
    }

    /// Whether it fails to hold anything from now on.
    pub(crate) fn refuse_holds(&self, refuse: bool) {
        self.0.refuses_holds.store(refuse, Ordering::SeqCst);
    }

    /// Stops telling the pools of each other's steps.
    pub(crate) fn mute(&self) {
        self.0.is_mute.store(true, Ordering::SeqCst);
    }

    /// How many results it has.
    pub(crate) fn entries(&self) -> usize {
        self.0.state.lock().unwrap().1.len()
    }

    /// How often something was held.
    pub(crate) fn holds(&self) -> u64 {
        self.0.holds.load(Ordering::SeqCst)
    }

    fn at<'a, T: Send + 'a>(
        &self,
        work: impl FnOnce(&mut MemoryClock, &mut HashMap<String, Vec<u8>>, u64) -> T,
    ) -> Answer<'a, T> {
        let now = u64::try_from(self.0.start.elapsed().as_millis()).unwrap();
        let (clock, entries) = &mut *self.0.state.lock().unwrap();
        let answer = work(clock, entries, now);
        Box::pin(async { Ok(answer) })
    }
}

/// Hears of steps while the tier is not mute.
struct Hearing(Arc<AtomicBool>, Arc<dyn Watcher>);

impl Watcher for Hearing {
    fn moved(&self, words: &[(u16, Word)]) {
        if !self.0.load(Ordering::SeqCst) {
            self.1.moved(words);
        }
    }

    fn moved_everything(&self) {
        self.1.moved_everything();
    }

    fn doubtful(&self, slots: &[u16], span: Duration) {
        self.1.doubtful(slots, span);
    }

    fn lost(&self, session: Session) {
        self.1.lost(session);
    }
}

impl SharedTier for Tier {
    fn attach(&self, watcher: Arc<dyn Watcher>) {
        let hearing = Arc::new(Hearing(self.0.is_mute.clone(), watcher));
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
        self.at(|clock, _, _| clock.advance(steps))
    }

    fn hold<'a>(&'a self, slots: &'a [u16], hold: Hold) -> Answer<'a, ()> {
        if self.0.refuses_holds.load(Ordering::SeqCst) {
            let refused = TierError::passing("it was told to refuse");
            return Box::pin(async { Err(refused) });
        }
        self.0.holds.fetch_add(1, Ordering::SeqCst);
        self.at(|clock, _, now| clock.hold(slots, hold, now))
    }
}
