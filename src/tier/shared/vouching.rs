//! What one process says to all: up to when the clock has moved for something.
//!
//! Moments are of one server's time, that of the first shard. What is said stands in every shard, behind the steps of each: a
//! process that reads it there has heard of them on the same connection.

use std::time::Duration;

use futures_util::future::try_join_all;
use redis::Value;

use super::{
    fault::Fault,
    links::{Links, milliseconds, number},
    script::{VOUCH, VOUCHED},
};
use crate::cache::shared::Since;

/// Moments are noted in whole ones, and never later than they were.
const TICK: Duration = Duration::from_millis(1);

impl Links {
    /// Says that the clock has moved for all of the topic up to so long ago.
    pub(super) async fn vouch(&self, topic: &str, since: &Since<'_>) -> Result<(), Fault> {
        let (now, _) = self.vouched_in(0, topic).await?;
        // Only now: whatever time the question took makes the moment earlier.
        let moment = since().map_or(0, |since| {
            now.saturating_sub(milliseconds(since.saturating_add(TICK)))
        });
        try_join_all((0..self.names().shards()).map(async |shard| {
            let fill = |call: &mut redis::Cmd| {
                call.arg(topic).arg(moment);
            };
            self.run(shard, &VOUCH, fill).await
        }))
        .await?;
        Ok(())
    }

    /// How long ago the moment was for which somebody vouches in every shard. One that is yet to come, by a time that has jumped, is none.
    pub(super) async fn vouched(&self, topic: &str) -> Result<Option<Duration>, Fault> {
        let shards = (0..self.names().shards()).map(|shard| self.vouched_in(shard, topic));
        let said = try_join_all(shards).await?;
        let now = said.first().map_or(0, |&(now, _)| now);
        let least = said.iter().map(|&(_, moment)| moment).min().unwrap_or(0);
        if least == 0 || least > now {
            return Ok(None);
        }
        Ok(Some(Duration::from_millis(now - least) + TICK))
    }

    /// The time of a shard's server, and the moment; 0 for none.
    async fn vouched_in(&self, shard: usize, topic: &str) -> Result<(u64, u64), Fault> {
        let fill = |call: &mut redis::Cmd| {
            call.arg(topic);
        };
        let answer = self.run(shard, &VOUCHED, fill).await?;
        let Value::Array(answer) = answer else {
            return Err(Fault::nonsense("EVALSHA"));
        };
        let mut numbers = answer.iter().map(number);
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(now), Some(moment)) => Ok((now, moment)),
            _ => Err(Fault::nonsense("EVALSHA")),
        }
    }
}
