//! Steps, holds, entries and claims: what is written.

use std::time::Duration;

use futures_util::future::try_join_all;
use redis::Value;
use smallvec::SmallVec;

use super::{
    fault::Fault,
    holds,
    links::{Links, Pulse, milliseconds, number},
    random,
    reading::Question,
    script::{HOLD, RELEASE, STEP},
};
use crate::cache::shared::{Claim, EVERYTHING, Hold, Step, Word};

/// A new epoch and the versions of the slots that moved, from one shard; `None` if it has no epoch.
type Moved = Option<(u64, std::vec::IntoIter<Value>)>;

impl Links {
    /// Takes steps in all shards that they are about.
    pub(super) async fn step(
        &self,
        origin: u64,
        steps: &[Step],
    ) -> Result<Vec<(u16, Word)>, Fault> {
        let shards = self.by_shard(steps, |step| step.slot);
        let asked = shards
            .iter()
            .map(|(shard, steps)| self.step_shard(*shard, origin, steps));
        let mut moved: SmallVec<[(usize, Moved); 1]> = shards
            .iter()
            .map(|&(shard, _)| shard)
            .zip(try_join_all(asked).await?)
            .collect();
        let mut words = Vec::with_capacity(steps.len());
        for step in steps.iter().filter(|step| step.moves) {
            if step.slot == EVERYTHING {
                // Where a shard has no epoch everything has moved all the same, but there is no one word for it.
                let epochs = moved.iter().map(|(_, moved)| Some(moved.as_ref()?.0));
                if let Some(Some(&epoch)) = epochs
                    .collect::<Option<Vec<_>>>()
                    .as_ref()
                    .map(|all| all.first())
                {
                    words.push((EVERYTHING, Word { epoch, version: 0 }));
                }
                continue;
            }
            let home = self.names().shard_of(step.slot);
            let answer = moved.iter_mut().find(|(shard, _)| *shard == home);
            if let Some((_, Some((epoch, versions)))) = answer {
                let version = versions.next().as_ref().and_then(number);
                let version = version.ok_or_else(|| Fault::nonsense("EVALSHA"))?;
                words.push((
                    step.slot,
                    Word {
                        epoch: *epoch,
                        version,
                    },
                ));
            }
        }
        Ok(words)
    }

    async fn step_shard(&self, shard: usize, origin: u64, steps: &[Step]) -> Result<Moved, Fault> {
        let answer = self
            .run(shard, &STEP, |call| {
                call.arg(origin);
                for step in steps {
                    call.arg(step.slot)
                        .arg(u8::from(step.moves))
                        .arg(step.releases.unwrap_or(0));
                }
            })
            .await?;
        match answer {
            Value::Nil => Ok(None),
            Value::Array(answer) => {
                let mut answer = answer.into_iter();
                let epoch = answer.next().as_ref().and_then(number);
                let epoch = epoch.ok_or_else(|| Fault::nonsense("EVALSHA"))?;
                Ok(Some((epoch, answer)))
            }
            _ => Err(Fault::nonsense("EVALSHA")),
        }
    }

    /// Sets or prolongs a hold.
    pub(super) async fn hold(&self, origin: u64, slots: &[u16], hold: Hold) -> Result<(), Fault> {
        let shards = self.by_shard(slots, |&slot| slot);
        try_join_all(shards.iter().map(async |(shard, slots)| {
            self.run(*shard, &HOLD, |call| {
                call.arg(origin)
                    .arg(hold.id)
                    .arg(milliseconds(hold.span))
                    .arg(holds::kind(hold.reason))
                    .arg(&slots[..]);
            })
            .await
        }))
        .await?;
        Ok(())
    }

    /// What is about each shard, in the order given. What is about everything is about each of them.
    fn by_shard<T: Copy>(
        &self,
        items: &[T],
        slot: impl Fn(&T) -> u16,
    ) -> SmallVec<[(usize, SmallVec<[T; 4]>); 1]> {
        let mut shards = SmallVec::<[(usize, SmallVec<[T; 4]>); 1]>::new();
        for shard in 0..self.names().shards() {
            let of_shard: SmallVec<[T; 4]> = items
                .iter()
                .filter(|item| {
                    let slot = slot(item);
                    slot == EVERYTHING || self.names().shard_of(slot) == shard
                })
                .copied()
                .collect();
            if !of_shard.is_empty() {
                shards.push((shard, of_shard));
            }
        }
        shards
    }

    pub(super) async fn store(&self, key: &str, entry: &[u8], life: Duration) -> Result<(), Fault> {
        let name = self.names().entry(key);
        let mut set = redis::cmd("SET");
        set.arg(&name).arg(entry).arg("PX").arg(milliseconds(life));
        self.link(self.owner(&name)).ask("SET", &set).await?;
        Ok(())
    }

    pub(super) async fn claim(
        &self,
        key: &str,
        owner: u64,
        lease: Duration,
    ) -> Result<Claim, Fault> {
        let name = self.names().claim(key);
        let mut set = redis::cmd("SET");
        set.arg(&name)
            .arg(owner)
            .arg("NX")
            .arg("PX")
            .arg(milliseconds(lease));
        match self.link(self.owner(&name)).ask("SET", &set).await? {
            Value::Okay => Ok(Claim::Granted),
            Value::Nil => Ok(Claim::Taken),
            _ => Err(Fault::nonsense("SET")),
        }
    }

    pub(super) async fn release(&self, key: &str, owner: u64) -> Result<(), Fault> {
        let name = self.names().claim(key);
        let link = self.link(self.owner(&name));
        link.run_script(&RELEASE, &name, |call| {
            call.arg(owner);
        })
        .await?;
        Ok(())
    }

    /// Uses each command once, on a claim that nobody else has and a hold on nothing.
    pub(super) async fn rehearse(&self, pulse: Pulse) -> Result<(), Fault> {
        let owner = random();
        let key = format!("rehearsal-{owner}");
        self.claim(&key, owner, Duration::from_secs(1)).await?;
        self.release(&key, owner).await?;
        let question = Question {
            key: Some(&key),
            slots: &[1],
        };
        self.read(question, pulse).await?;
        Ok(())
    }
}
