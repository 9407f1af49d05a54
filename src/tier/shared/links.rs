//! The links of one stretch of hearing, and the commands that go over them.

use std::{
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::try_join_all;
use redis::{Cmd, Value};

use super::{
    fault::{Fault, Then},
    hearing::Hearing,
    link::Link,
    map::Map,
    names::Names,
    place::Servers,
    random,
    script::{BEAT, HEAL, Script},
};
use crate::cache::shared::TierError;

/// Links to all servers that keep a part of the tier. All of them live, or none counts.
pub(super) struct Links {
    pub(super) hearing: Arc<Hearing>,
    names: Arc<Names>,
    /// One for each server of the map.
    links: Vec<Link>,
    /// For each shard of the clock, the link that leads to it. Fixed: a shard that wanders is linked anew.
    homes: Vec<usize>,
    /// Written by a beat. The servers stay the same.
    map: RwLock<Map>,
    /// Whether the map may be out of date. Set by whoever was told so, taken back by a beat.
    stray: AtomicBool,
}

/// What a beat is told.
#[derive(Clone, Copy)]
pub(super) struct Pulse {
    /// After so long without a beat of anybody, epochs are renewed.
    pub(super) max_silence: Duration,
    /// How long a fence lasts; `None` if this process is not strict.
    pub(super) strict: Option<Duration>,
}

impl Links {
    /// Connects to every server, and hears of all steps from before this returns. No shard may be asked before the first
    /// [`beat`](Self::beat) has been answered.
    pub(super) async fn open(
        servers: &Servers,
        attempt: usize,
        names: Arc<Names>,
        hearing: Arc<Hearing>,
    ) -> Result<Self, Fault> {
        let map = servers.find(attempt).await?;
        let kind = servers.kind();
        let opened = map.servers.iter().map(async |server| {
            Link::open(servers.client(server.clone())?, kind, hearing.clone()).await
        });
        let links = try_join_all(opened).await?;
        let this = Self {
            homes: homes(&names, &map),
            hearing,
            names,
            links,
            map: RwLock::new(map),
            stray: AtomicBool::new(false),
        };
        try_join_all((0..this.links.len()).map(|link| this.subscribe(link))).await?;
        Ok(this)
    }

    async fn subscribe(&self, link: usize) -> Result<(), Fault> {
        let channels: Vec<&str> = (0..self.names.shards())
            .filter(|&shard| self.home(shard) == link)
            .map(|shard| self.names.channel(shard))
            .collect();
        if channels.is_empty() {
            return Ok(());
        }
        self.links[link].subscribe(&channels).await
    }

    /// What a failure means for the links.
    pub(super) fn suffer(&self, fault: Fault) -> TierError {
        match fault.then {
            Then::Keep | Then::Wait => {}
            Then::Locate => self.stray.store(true, Ordering::Relaxed),
            Then::Relink => self.hearing.end(),
        }
        fault.error
    }

    /// Asks the cluster where everything is, if something was not where it should be.
    async fn locate(&self) -> Result<(), Fault> {
        if !self.stray.load(Ordering::Relaxed) {
            return Ok(());
        }
        let asked = self.map().servers[0].clone();
        let mut command = redis::cmd("CLUSTER");
        command.arg("SLOTS");
        let answer = self.links[0].ask("CLUSTER SLOTS", &command).await?;
        let map = Map::of_cluster(&answer, &asked)?;
        let same = map.servers == self.map().servers && homes(&self.names, &map) == self.homes;
        if !same {
            return Err(Fault::broken("the Redis Cluster has changed"));
        }
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = map;
        self.stray.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Writes to every shard, and renews the epoch of those that may have lost steps.
    pub(super) async fn beat(&self, pulse: Pulse) -> Result<(), Fault> {
        self.locate().await?;
        try_join_all((0..self.names.shards()).map(|shard| self.attune(shard, pulse))).await?;
        if self.hearing.is_over() {
            return Err(Fault::broken("the link to Redis broke"));
        }
        Ok(())
    }

    /// The same for one shard.
    pub(super) async fn attune(&self, shard: usize, pulse: Pulse) -> Result<(), Fault> {
        let link = &self.links[self.home(shard)];
        let fence = pulse.strict.map_or(0, milliseconds);
        let answer = self
            .run(shard, &BEAT, |call| {
                call.arg(link.run())
                    .arg(milliseconds(pulse.max_silence))
                    .arg(fence)
                    .arg(random());
            })
            .await?;
        let epoch = match answer {
            Value::Array(answer) => answer.first().and_then(number),
            _ => None,
        };
        let epoch = epoch.ok_or_else(|| Fault::nonsense("EVALSHA"))?;
        self.hearing.answered(shard, epoch);
        Ok(())
    }

    /// Moves those of the slots that have an expired hold.
    pub(super) async fn heal(&self, shard: usize, slots: &[u16]) -> Result<(), Fault> {
        self.run(shard, &HEAL, |call| {
            call.arg(slots);
        })
        .await?;
        Ok(())
    }

    /// Runs one of the scripts on a shard of the clock.
    pub(super) async fn run(
        &self,
        shard: usize,
        script: &Script,
        fill: impl Fn(&mut Cmd),
    ) -> Result<Value, Fault> {
        let fresh = random();
        self.links[self.home(shard)]
            .run_script(script, self.names.clock(shard), |call| {
                call.arg(self.names.channel(shard)).arg(fresh);
                fill(call);
            })
            .await
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    pub(super) fn link(&self, link: usize) -> &Link {
        &self.links[link]
    }

    /// Which link leads to the shard.
    pub(super) fn home(&self, shard: usize) -> usize {
        self.homes[shard]
    }

    /// Which link leads to the key.
    pub(super) fn owner(&self, key: &str) -> usize {
        self.map().owner(key)
    }

    fn map(&self) -> RwLockReadGuard<'_, Map> {
        self.map.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn homes(names: &Names, map: &Map) -> Vec<usize> {
    (0..names.shards())
        .map(|shard| map.owner(names.clock(shard)))
        .collect()
}

/// Whole milliseconds, and no hold or entry of none.
pub(super) fn milliseconds(span: Duration) -> u64 {
    // Far below what Lua's numbers hold exactly, and longer than anybody waits.
    const LONGEST: u128 = 1 << 45;
    u64::try_from(span.as_millis().clamp(1, LONGEST)).expect("it was just bounded")
}

/// A number that Redis keeps as text, or counted.
pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::BulkString(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}
