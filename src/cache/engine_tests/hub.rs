//! A shared tier in memory, with faults, for several engines in one test.

use std::{
    collections::{HashMap, HashSet},
    future::{pending, ready},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use futures_core::future::BoxFuture;

use crate::cache::{
    ManualTime, Tags, Tick, Time,
    shared::{
        Claim, EVERYTHING, Fetched, Held, Hold, HoldReason, Reading, Session, SharedTier, Step,
        TierError, Watcher, Word,
    },
};

/// What several engines share.
pub(super) struct Hub {
    time: Time,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    epoch: u64,
    session: u64,
    versions: HashMap<u16, u64>,
    holds: HashMap<(u16, u64), (Tick, HoldReason)>,
    entries: HashMap<String, Vec<u8>>,
    claims: HashMap<String, u64>,
    watchers: Vec<Arc<dyn Watcher>>,
    /// Calls that never answer.
    silent: HashSet<Call>,
    /// Calls that answer with an error.
    broken: HashSet<Call>,
    calls: HashMap<Call, usize>,
    /// Members whose process was killed.
    dead: HashSet<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Beat,
    Fetch,
    Read,
    Store,
    Advance,
    Hold,
    Claim,
    Release,
}

impl Hub {
    pub(super) fn new() -> (Arc<Self>, Time, ManualTime) {
        let (time, hand) = Time::manual();
        let state = State {
            epoch: 1,
            session: 1,
            ..State::default()
        };
        let hub = Self {
            time: time.clone(),
            state: Mutex::new(state),
        };
        (Arc::new(hub), time, hand)
    }

    pub(super) fn member(self: &Arc<Self>) -> Arc<dyn SharedTier> {
        Arc::new(Member {
            hub: self.clone(),
            index: Mutex::new(None),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn silence(&self, call: Call) {
        self.state().silent.insert(call);
    }

    pub(super) fn break_(&self, call: Call) {
        self.state().broken.insert(call);
    }

    /// Kills the member that joined as the `index`th.
    pub(super) fn kill(&self, index: usize) {
        self.state().dead.insert(index);
    }

    pub(super) fn mend(&self) {
        let mut state = self.state();
        state.silent.clear();
        state.broken.clear();
    }

    pub(super) fn calls(&self, call: Call) -> usize {
        self.state().calls.get(&call).copied().unwrap_or_default()
    }

    pub(super) fn entries(&self) -> usize {
        self.state().entries.len()
    }

    /// Changes each entry.
    pub(super) fn spoil(&self, change: impl Fn(&mut Vec<u8>)) {
        self.state().entries.values_mut().for_each(change);
    }

    /// All is lost but the entries, as in a server that comes back with an old dump.
    pub(super) fn forget_clock(&self) {
        let mut state = self.state();
        state.epoch += 1;
        state.session += 1;
        state.versions.clear();
    }

    /// What depends on `tags` moves, and nobody is told.
    pub(super) fn state_moves(&self, tags: &Tags) {
        let mut state = self.state();
        for &slot in tags.write_slots() {
            state.bump(slot);
        }
    }

    /// Every member hears no more, until its next beat.
    pub(super) fn cut(&self) {
        let (watchers, session) = {
            let mut state = self.state();
            state.session += 1;
            (state.watchers.clone(), state.session - 1)
        };
        for watcher in watchers {
            watcher.lost(Session(session));
        }
    }
}

/// One engine's end of the hub.
struct Member {
    hub: Arc<Hub>,
    index: Mutex<Option<usize>>,
}

impl Member {
    fn call<'a, R: Send + 'a>(
        &'a self,
        call: Call,
        work: impl FnOnce(&mut State, Tick) -> R,
    ) -> BoxFuture<'a, Result<R, TierError>> {
        let now = self.hub.time.now();
        let mut state = self.hub.state();
        *state.calls.entry(call).or_default() += 1;
        let own = *self.index.lock().unwrap();
        if state.silent.contains(&call) || own.is_some_and(|own| state.dead.contains(&own)) {
            return Box::pin(pending());
        }
        let result = if state.broken.contains(&call) {
            Err(TierError::passing("broken by the test"))
        } else {
            Ok(work(&mut state, now))
        };
        Box::pin(ready(result))
    }

    /// Everybody but this one.
    fn others(&self) -> Vec<Arc<dyn Watcher>> {
        let own = *self.index.lock().unwrap();
        let state = self.hub.state();
        let others = state.watchers.iter().enumerate();
        others
            .filter(|(index, _)| Some(*index) != own)
            .map(|(_, watcher)| watcher.clone())
            .collect()
    }
}

impl State {
    fn word(&self, slot: u16) -> Word {
        Word {
            epoch: self.epoch,
            version: self.versions.get(&slot).copied().unwrap_or_default(),
        }
    }

    fn bump(&mut self, slot: u16) -> (u16, Word) {
        if slot == EVERYTHING {
            self.epoch += 1;
        } else {
            *self.versions.entry(slot).or_default() += 1;
        }
        (slot, self.word(slot))
    }

    fn reading(&mut self, slots: &[u16], now: Tick) -> Reading {
        let concerned = |slot: u16| slots.contains(&slot) || slot == EVERYTHING;
        let expired: Vec<(u16, u64)> = self
            .holds
            .iter()
            .filter(|(key, (until, _))| concerned(key.0) && *until <= now)
            .map(|(key, _)| *key)
            .collect();
        for key in expired {
            self.holds.remove(&key);
            self.bump(key.0);
        }
        let held = self
            .holds
            .iter()
            .filter(|(key, _)| concerned(key.0))
            .map(|(_, (_, reason))| match reason {
                HoldReason::Write => Held::Write,
                HoldReason::Doubt => Held::Doubt,
            })
            .max()
            .unwrap_or(Held::Free);
        Reading {
            words: slots.iter().map(|&slot| self.word(slot)).collect(),
            held,
            at: now.as_nanos() / 1_000_000,
        }
    }
}

impl SharedTier for Member {
    fn attach(&self, watcher: Arc<dyn Watcher>) {
        let mut state = self.hub.state();
        *self.index.lock().unwrap() = Some(state.watchers.len());
        state.watchers.push(watcher);
    }

    fn beat(&self, _: Duration) -> BoxFuture<'_, Result<Session, TierError>> {
        self.call(Call::Beat, |state, _| Session(state.session))
    }

    fn fetch<'a>(
        &'a self,
        key: &'a str,
        slots: &'a [u16],
    ) -> BoxFuture<'a, Result<Fetched, TierError>> {
        self.call(Call::Fetch, |state, now| Fetched {
            entry: state.entries.get(key).cloned(),
            reading: state.reading(slots, now),
        })
    }

    fn read<'a>(&'a self, slots: &'a [u16]) -> BoxFuture<'a, Result<Reading, TierError>> {
        self.call(Call::Read, |state, now| state.reading(slots, now))
    }

    fn store<'a>(
        &'a self,
        key: &'a str,
        entry: Vec<u8>,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), TierError>> {
        self.call(Call::Store, |state, _| {
            state.entries.insert(key.to_owned(), entry);
        })
    }

    fn advance<'a>(
        &'a self,
        steps: &'a [Step],
    ) -> BoxFuture<'a, Result<Vec<(u16, Word)>, TierError>> {
        Box::pin(async move {
            let words = self
                .call(Call::Advance, |state, _| {
                    for step in steps {
                        if let Some(id) = step.releases {
                            state.holds.remove(&(step.slot, id));
                        }
                    }
                    let moving = steps.iter().filter(|step| step.moves);
                    moving.map(|step| state.bump(step.slot)).collect::<Vec<_>>()
                })
                .await?;
            for watcher in self.others() {
                watcher.moved(&words);
            }
            Ok(words)
        })
    }

    fn hold<'a>(&'a self, slots: &'a [u16], hold: Hold) -> BoxFuture<'a, Result<(), TierError>> {
        Box::pin(async move {
            let words = self
                .call(Call::Hold, |state, now| {
                    let until = now.plus(hold.span);
                    for &slot in slots {
                        state.holds.insert((slot, hold.id), (until, hold.reason));
                    }
                    let doubted = slots.iter().filter(|_| hold.reason == HoldReason::Doubt);
                    doubted.map(|&slot| state.bump(slot)).collect::<Vec<_>>()
                })
                .await?;
            if hold.reason == HoldReason::Doubt {
                for watcher in self.others() {
                    watcher.moved(&words);
                    watcher.doubtful(slots, hold.span);
                }
            }
            Ok(())
        })
    }

    fn claim<'a>(
        &'a self,
        key: &'a str,
        owner: u64,
        _: Duration,
    ) -> BoxFuture<'a, Result<Claim, TierError>> {
        self.call(Call::Claim, |state, _| {
            if *state.claims.entry(key.to_owned()).or_insert(owner) == owner {
                Claim::Granted
            } else {
                Claim::Taken
            }
        })
    }

    fn release<'a>(&'a self, key: &'a str, owner: u64) -> BoxFuture<'a, Result<(), TierError>> {
        self.call(Call::Release, |state, _| {
            if state.claims.get(key) == Some(&owner) {
                state.claims.remove(key);
            }
        })
    }
}
