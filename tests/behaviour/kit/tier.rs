//! A shared tier in memory: what pools that are given the same one share, and switches for what may go wrong with it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use cachedpool::cache::shared::{
    Claim, EVERYTHING, Fetched, Held, Hold, HoldReason, Reading, Session, SharedTier, Step,
    TierError, Watcher, Word,
};
use futures_core::future::BoxFuture;
use tokio::time::Instant;

/// A handle on the tier; one for each pool.
#[derive(Clone, Default)]
pub(crate) struct Tier(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    refuses_holds: AtomicBool,
    is_mute: AtomicBool,
    holds: AtomicU64,
}

#[derive(Default)]
struct State {
    epoch: u64,
    versions: HashMap<u16, u64>,
    holds: Vec<(u16, Hold, Instant)>,
    entries: HashMap<String, Vec<u8>>,
    claims: HashMap<String, u64>,
    watchers: Vec<Arc<dyn Watcher>>,
}

impl Tier {
    /// Whether it fails to hold anything from now on.
    pub(crate) fn refuse_holds(&self, refuse: bool) {
        self.0.refuses_holds.store(refuse, Ordering::SeqCst);
    }

    /// Stops telling the pools of each other's steps.
    pub(crate) fn mute(&self) {
        self.0.is_mute.store(true, Ordering::SeqCst);
    }

    /// How often something was held.
    pub(crate) fn holds(&self) -> u64 {
        self.0.holds.load(Ordering::SeqCst)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }
}

impl State {
    fn word(&self, slot: u16) -> Word {
        Word {
            epoch: self.epoch,
            version: self.versions.get(&slot).copied().unwrap_or(0),
        }
    }

    fn reading(&self, slots: &[u16]) -> Reading {
        let now = Instant::now();
        let touched = |(slot, _, until): &&(u16, Hold, Instant)| {
            (*slot == EVERYTHING || slots.contains(slot)) && *until > now
        };
        let held = self
            .holds
            .iter()
            .filter(touched)
            .map(|(_, hold, _)| match hold.reason {
                HoldReason::Write => Held::Write,
                HoldReason::Doubt => Held::Doubt,
            });
        Reading {
            words: slots.iter().map(|&slot| self.word(slot)).collect(),
            held: held.max().unwrap_or(Held::Free),
            at: 0,
        }
    }

    fn step(&mut self, slot: u16) -> Word {
        if slot == EVERYTHING {
            self.epoch += 1;
            self.versions.clear();
        } else {
            *self.versions.entry(slot).or_default() += 1;
        }
        self.word(slot)
    }
}

/// What is done at once.
fn done<'a, T: Send + 'a>(result: T) -> BoxFuture<'a, Result<T, TierError>> {
    Box::pin(std::future::ready(Ok(result)))
}

impl SharedTier for Tier {
    fn attach(&self, watcher: Arc<dyn Watcher>) {
        self.state().watchers.push(watcher);
    }

    fn beat(&self, _: Duration) -> BoxFuture<'_, Result<Session, TierError>> {
        done(Session(1))
    }

    fn fetch<'a>(
        &'a self,
        key: &'a str,
        slots: &'a [u16],
    ) -> BoxFuture<'a, Result<Fetched, TierError>> {
        let state = self.state();
        done(Fetched {
            entry: state.entries.get(key).cloned(),
            reading: state.reading(slots),
        })
    }

    fn read<'a>(&'a self, slots: &'a [u16]) -> BoxFuture<'a, Result<Reading, TierError>> {
        done(self.state().reading(slots))
    }

    fn store<'a>(
        &'a self,
        key: &'a str,
        entry: Vec<u8>,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), TierError>> {
        self.state().entries.insert(key.into(), entry);
        done(())
    }

    fn advance<'a>(
        &'a self,
        steps: &'a [Step],
    ) -> BoxFuture<'a, Result<Vec<(u16, Word)>, TierError>> {
        let mut state = self.state();
        let mut words = Vec::new();
        for step in steps {
            state
                .holds
                .retain(|(slot, hold, _)| (*slot, Some(hold.id)) != (step.slot, step.releases));
            if step.moves {
                words.push((step.slot, state.step(step.slot)));
            }
        }
        if !self.0.is_mute.load(Ordering::SeqCst) {
            state
                .watchers
                .iter()
                .for_each(|watcher| watcher.moved(&words));
        }
        done(words)
    }

    fn hold<'a>(&'a self, slots: &'a [u16], hold: Hold) -> BoxFuture<'a, Result<(), TierError>> {
        if self.0.refuses_holds.load(Ordering::SeqCst) {
            let refused = Err(TierError::passing("it was told to refuse"));
            return Box::pin(std::future::ready(refused));
        }
        self.0.holds.fetch_add(1, Ordering::SeqCst);
        let mut state = self.state();
        let until = Instant::now() + hold.span;
        state.holds.retain(|(_, own, _)| own.id != hold.id);
        state
            .holds
            .extend(slots.iter().map(|&slot| (slot, hold, until)));
        if hold.reason == HoldReason::Doubt {
            for &slot in slots {
                state.step(slot);
            }
            let tell = |watcher: &Arc<dyn Watcher>| watcher.doubtful(slots, hold.span);
            state.watchers.iter().for_each(tell);
        }
        done(())
    }

    fn claim<'a>(
        &'a self,
        key: &'a str,
        owner: u64,
        _: Duration,
    ) -> BoxFuture<'a, Result<Claim, TierError>> {
        let mut state = self.state();
        let holder = *state.claims.entry(key.into()).or_insert(owner);
        done(if holder == owner {
            Claim::Granted
        } else {
            Claim::Taken
        })
    }

    fn release<'a>(&'a self, key: &'a str, owner: u64) -> BoxFuture<'a, Result<(), TierError>> {
        let mut state = self.state();
        if state.claims.get(key) == Some(&owner) {
            state.claims.remove(key);
        }
        done(())
    }
}
