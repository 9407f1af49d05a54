//! A shared tier in memory, with faults, for several engines in one test.

use std::{
    collections::{HashMap, HashSet},
    future::{pending, ready},
    sync::Arc,
    time::Duration,
};

use crate::cache::{
    ManualTime, Tags, Tick, Time,
    shared::{
        Answer, Claim, Fetched, Hold, MemoryClock, Reading, Session, SharedTier, Since, Step,
        TierError, Watcher, Word,
    },
    sync::{Mutex, MutexGuard, lock},
};

/// What several engines share.
pub(crate) struct Hub {
    time: Time,
    state: Mutex<State>,
}

struct State {
    clock: MemoryClock,
    session: u64,
    entries: HashMap<String, Vec<u8>>,
    claims: HashMap<String, u64>,
    vouched: HashMap<String, Tick>,
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
pub(crate) enum Call {
    Beat,
    Fetch,
    Read,
    Store,
    Advance,
    Hold,
    Claim,
    Release,
    Vouch,
    Vouched,
}

impl Hub {
    pub(crate) fn new() -> (Arc<Self>, Time, ManualTime) {
        let (time, hand) = Time::manual();
        let state = State {
            clock: MemoryClock::new(1),
            session: 1,
            entries: HashMap::new(),
            claims: HashMap::new(),
            vouched: HashMap::new(),
            watchers: Vec::new(),
            silent: HashSet::new(),
            broken: HashSet::new(),
            calls: HashMap::new(),
            dead: HashSet::new(),
        };
        let hub = Self {
            time: time.clone(),
            state: Mutex::new(state),
        };
        (Arc::new(hub), time, hand)
    }

    pub(crate) fn member(self: &Arc<Self>) -> Arc<dyn SharedTier> {
        Arc::new(Member {
            hub: self.clone(),
            index: Mutex::new(None),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(crate) fn silence(&self, call: Call) {
        self.state().silent.insert(call);
    }

    pub(super) fn break_(&self, call: Call) {
        self.state().broken.insert(call);
    }

    /// Kills the member that joined as the `index`th.
    pub(super) fn kill(&self, index: usize) {
        self.state().dead.insert(index);
    }

    pub(crate) fn mend(&self) {
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
    pub(crate) fn forget_clock(&self) {
        let mut state = self.state();
        state.session += 1;
        state.vouched.clear();
        state.clock = MemoryClock::new(state.session);
        for watcher in state.watchers.clone() {
            state.clock.attach(watcher);
        }
    }

    /// What depends on `tags` moves, and nobody is told.
    pub(super) fn state_moves(&self, tags: &Tags) {
        let steps: Vec<Step> = tags
            .write_slots()
            .iter()
            .map(|&slot| Step {
                slot,
                moves: true,
                releases: None,
            })
            .collect();
        let mut state = self.state();
        state.clock = MemoryClock::new(1);
        state.clock.advance(&steps);
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
        work: impl FnOnce(&mut State, u64) -> R,
    ) -> Answer<'a, R> {
        let now = self.hub.time.now().as_nanos() / 1_000_000;
        let mut state = self.hub.state();
        *state.calls.entry(call).or_default() += 1;
        let own = *lock(&self.index);
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
}

impl SharedTier for Member {
    fn attach(&self, watcher: Arc<dyn Watcher>) {
        let mut state = self.hub.state();
        *lock(&self.index) = Some(state.watchers.len());
        state.clock.attach(watcher.clone());
        state.watchers.push(watcher);
    }

    fn beat(&self, _: Duration) -> Answer<'_, Session> {
        self.call(Call::Beat, |state, _| Session(state.session))
    }

    fn fetch<'a>(&'a self, key: &'a str, slots: &'a [u16]) -> Answer<'a, Fetched> {
        self.call(Call::Fetch, |state, now| Fetched {
            entry: state.entries.get(key).cloned(),
            reading: state.clock.read(slots, now),
        })
    }

    fn read<'a>(&'a self, slots: &'a [u16]) -> Answer<'a, Reading> {
        self.call(Call::Read, |state, now| state.clock.read(slots, now))
    }

    fn store<'a>(&'a self, key: &'a str, entry: Vec<u8>, _: Duration) -> Answer<'a, ()> {
        self.call(Call::Store, |state, _| {
            state.entries.insert(key.to_owned(), entry);
        })
    }

    fn advance<'a>(&'a self, steps: &'a [Step]) -> Answer<'a, Vec<(u16, Word)>> {
        self.call(Call::Advance, |state, _| state.clock.advance(steps))
    }

    fn hold<'a>(&'a self, slots: &'a [u16], hold: Hold) -> Answer<'a, ()> {
        self.call(Call::Hold, |state, now| state.clock.hold(slots, hold, now))
    }

    fn claim<'a>(&'a self, key: &'a str, owner: u64, _: Duration) -> Answer<'a, Claim> {
        self.call(Call::Claim, |state, _| {
            if *state.claims.entry(key.to_owned()).or_insert(owner) == owner {
                Claim::Granted
            } else {
                Claim::Taken
            }
        })
    }

    fn release<'a>(&'a self, key: &'a str, owner: u64) -> Answer<'a, ()> {
        self.call(Call::Release, |state, _| {
            if state.claims.get(key) == Some(&owner) {
                state.claims.remove(key);
            }
        })
    }

    fn can_vouch(&self) -> bool {
        true
    }

    fn memory(&self) -> Option<String> {
        Some(self.hub.state().session.to_string())
    }

    fn vouch<'a>(&'a self, topic: &'a str, since: &'a Since<'a>) -> Answer<'a, ()> {
        let moment = since().map(|since| self.hub.time.now().minus(since));
        self.call(Call::Vouch, |state, _| match moment {
            Some(moment) => drop(state.vouched.insert(topic.to_owned(), moment)),
            None => drop(state.vouched.remove(topic)),
        })
    }

    fn vouched<'a>(&'a self, topic: &'a str) -> Answer<'a, Option<Duration>> {
        let now = self.hub.time.now();
        self.call(Call::Vouched, |state, _| {
            Some(now.since(*state.vouched.get(topic)?))
        })
    }
}
