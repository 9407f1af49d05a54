//! The links of one stretch of hearing, and the commands that go over them.

use std::{sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use redis::{Cmd, Value};

use super::{
    fault::Fault,
    hearing::Hearing,
    link::Link,
    names::Names,
    place::{Map, Servers},
    random,
    script::{BEAT, HEAL},
};

/// Links to all servers that keep a part of the tier. All of them live, or none counts.
pub(super) struct Links {
    pub(super) hearing: Arc<Hearing>,
    names: Arc<Names>,
    links: Vec<Link>,
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
        names: Arc<Names>,
        hearing: Arc<Hearing>,
    ) -> Result<Self, Fault> {
        let Map { servers: found } = servers.find().await?;
        let kind = servers.kind();
        let opened = found
            .into_iter()
            .map(|server| Link::open(server, kind, hearing.clone()));
        let links = try_join_all(opened).await?;
        let this = Self {
            hearing,
            names,
            links,
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

    /// Writes to every shard, and renews the epoch of those that may have lost steps.
    pub(super) async fn beat(&self, pulse: Pulse) -> Result<(), Fault> {
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
        script: &super::script::Script,
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
    pub(super) fn home(&self, _shard: usize) -> usize {
        0
    }

    /// Which link leads to the key.
    pub(super) fn owner(&self, _key: &str) -> usize {
        0
    }
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
