//! Reads an entry and words of the clock in one round trip.

use std::time::Duration;

use futures_util::future::try_join_all;
use redis::{Pipeline, Value};
use smallvec::SmallVec;

use super::{
    fault::{Fault, Then},
    holds,
    links::{Links, Pulse, number},
};
use crate::cache::shared::{EVERYTHING, Fetched, Held, Reading, Word};

/// What is asked: an entry, if there is a key, and the words of slots.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) key: Option<&'a str>,
    pub(super) slots: &'a [u16],
}

/// How often a reading is tried that found something to mend first.
const ATTEMPTS: usize = 4;

impl Links {
    /// Reads, and mends what stands in the way: a shard without an epoch gets one, a hold that has expired ends with a move.
    pub(super) async fn read(
        &self,
        question: Question<'_>,
        pulse: Pulse,
    ) -> Result<Fetched, Fault> {
        for _ in 0..ATTEMPTS {
            let look = self.look(question, pulse.strict).await?;
            if look.mend.is_empty() {
                return Ok(look.fetched);
            }
            try_join_all(look.mend.iter().map(async |mend| match mend {
                Mend::Epoch(shard) => self.attune(*shard, pulse).await,
                Mend::Holds(shard, slots) => self.heal(*shard, slots).await,
            }))
            .await?;
        }
        Err(Fault::unsettled())
    }

    async fn look(&self, question: Question<'_>, strict: Option<Duration>) -> Result<Look, Fault> {
        let parts = self.parts(question);
        // Parts go to their servers side by side, so the entry may be read a moment after the words. That is right as well:
        // its stamp is compared with words read within this call, so no step that was taken before the call is missed.
        let answers = try_join_all(
            parts
                .iter()
                .map(|part| self.link(part.link).ask_all(&part.commands)),
        )
        .await?;
        let mut look = Look {
            fetched: Fetched {
                entry: None,
                reading: Reading {
                    words: SmallVec::from_elem(NOWHERE, question.slots.len()),
                    held: Held::Free,
                    at: 0,
                },
            },
            mend: Vec::new(),
        };
        for (part, answers) in parts.iter().zip(answers) {
            look.take(part, answers, question.slots, strict)?;
        }
        Ok(look)
    }

    fn parts(&self, question: Question<'_>) -> SmallVec<[Part; 1]> {
        let mut parts = SmallVec::<[Part; 1]>::new();
        if let Some(key) = question.key {
            let name = self.names().entry(key);
            let part = part_of(&mut parts, self.owner(&name));
            part.entry = true;
            part.commands.cmd("GET").arg(name);
        }
        for (place, &slot) in question.slots.iter().enumerate() {
            let shard = self.names().shard_of(slot);
            part_of(&mut parts, self.home(shard)).place(shard, place);
        }
        // Servers of a cluster may differ in their time. Ages are differences of that of one of them.
        part_of(&mut parts, self.home(0)).tells_time = true;
        for part in &mut parts {
            for (shard, places) in &part.shards {
                // Takes nothing away, and is refused where a step would be: by a primary that was made a replica, that has
                // lost its replicas (`min-replicas-to-write`), or that takes no writes. What it says must not be trusted.
                let refusable = part.commands.cmd("HDEL");
                refusable.arg(self.names().clock(*shard)).arg("-");
                let command = part.commands.cmd("HMGET");
                command
                    .arg(self.names().clock(*shard))
                    .arg(&["e", "s", "f0"]);
                for &place in places {
                    let slot = question.slots[place];
                    command.arg(slot).arg(format!("f{slot}"));
                }
            }
            part.commands.cmd("TIME");
        }
        parts
    }
}

/// In the place of a word that was not read yet.
const NOWHERE: Word = Word {
    epoch: 0,
    version: 0,
};

/// What one server is asked.
struct Part {
    link: usize,
    commands: Pipeline,
    entry: bool,
    /// Whether its time is that of the reading.
    tells_time: bool,
    /// Shards, and for each the places of its slots in the question.
    shards: SmallVec<[(usize, SmallVec<[usize; 4]>); 1]>,
}

impl Part {
    fn place(&mut self, shard: usize, place: usize) {
        match self.shards.iter_mut().find(|(other, _)| *other == shard) {
            Some((_, places)) => places.push(place),
            None => self.shards.push((shard, SmallVec::from_slice(&[place]))),
        }
    }
}

fn part_of(parts: &mut SmallVec<[Part; 1]>, link: usize) -> &mut Part {
    let found = parts.iter().position(|part| part.link == link);
    let index = found.unwrap_or_else(|| {
        parts.push(Part {
            link,
            commands: Pipeline::new(),
            entry: false,
            tells_time: false,
            shards: SmallVec::new(),
        });
        parts.len() - 1
    });
    &mut parts[index]
}

/// What was seen at one look.
struct Look {
    fetched: Fetched,
    mend: Vec<Mend>,
}

/// What must be done before the look counts.
enum Mend {
    /// A shard has no epoch.
    Epoch(usize),
    /// Slots of a shard have holds that have expired.
    Holds(usize, SmallVec<[u16; 4]>),
}

impl Look {
    fn take(
        &mut self,
        part: &Part,
        answers: Vec<Value>,
        slots: &[u16],
        strict: Option<Duration>,
    ) -> Result<(), Fault> {
        let mut answers = answers.into_iter();
        let mut next = |command: &str| {
            answers
                .next()
                .ok_or_else(|| Fault::nonsense(command))?
                .extract_error()
                .map_err(|error| Fault::of(command, &error))
        };
        if part.entry {
            self.fetched.entry = match next("GET") {
                Ok(Value::BulkString(entry)) => Some(entry),
                Ok(Value::Nil) => None,
                Ok(_) => return Err(Fault::nonsense("GET")),
                // It is on its way to another server of the cluster: a miss.
                Err(fault) if fault.then == Then::Wait => None,
                Err(fault) => return Err(fault),
            };
        }
        let mut shards = SmallVec::<[Value; 1]>::new();
        for _ in &part.shards {
            next("HDEL")?;
            shards.push(next("HMGET")?);
        }
        let Some(now) = milliseconds_of(&next("TIME")?) else {
            return Err(Fault::nonsense("TIME"));
        };
        if part.tells_time {
            self.fetched.reading.at = now;
        }
        for ((shard, places), answer) in part.shards.iter().zip(shards) {
            let Value::Array(fields) = answer else {
                return Err(Fault::nonsense("HMGET"));
            };
            self.shard(*shard, places, &fields, slots, now, strict)
                .ok_or_else(|| Fault::nonsense("HMGET"))?;
        }
        Ok(())
    }

    /// `None` if the fields are not what was asked for.
    fn shard(
        &mut self,
        shard: usize,
        places: &[usize],
        fields: &[Value],
        slots: &[u16],
        now: u64,
        strict: Option<Duration>,
    ) -> Option<()> {
        let [epoch, adopted, everything, fields @ ..] = fields else {
            return None;
        };
        if *epoch == Value::Nil {
            self.mend.push(Mend::Epoch(shard));
            return Some(());
        }
        let mut expired = SmallVec::new();
        let mut hold = |slot, field: &Value| {
            let (held, is_expired) = holds::read(field, now)?;
            self.fetched.reading.held = self.fetched.reading.held.max(held);
            if is_expired {
                expired.push(slot);
            }
            Some(())
        };
        hold(EVERYTHING, everything)?;
        for (&place, pair) in places.iter().zip(fields.chunks_exact(2)) {
            hold(slots[place], &pair[1])?;
        }
        if !expired.is_empty() {
            self.mend.push(Mend::Holds(shard, expired));
        }
        // Fences may have been lost with the epoch before this one.
        if strict.is_some() && adopted != epoch {
            self.fetched.reading.held = self.fetched.reading.held.max(Held::Write);
        }
        let epoch = number(epoch)?;
        let words = &mut self.fetched.reading.words;
        for (&place, pair) in places.iter().zip(fields.chunks_exact(2)) {
            let version = match &pair[0] {
                Value::Nil => 0,
                version => number(version)?,
            };
            words[place] = Word { epoch, version };
        }
        (fields.len() == 2 * places.len()).then_some(())
    }
}

/// What TIME answers.
fn milliseconds_of(time: &Value) -> Option<u64> {
    let Value::Array(time) = time else {
        return None;
    };
    let [seconds, microseconds] = &time[..] else {
        return None;
    };
    Some(number(seconds)? * 1000 + number(microseconds)? / 1000)
}
