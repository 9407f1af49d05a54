//! When what arrives was sent.
//!
//! What arrives is proof of hearing as of when it was *sent*: it may have waited on the way. The server tells when that was
//! by its own clock, of which only differences are used: the message that took the shortest gives how far the clocks are
//! apart. Should the server's clock jump back, its messages seem late from then on, and memory stops answering until the next
//! session begins with another difference. A jump forward does so when it ends.

use std::time::Duration;

use crate::cache::Tick;

/// How far the server's clock is behind ours, in microseconds, at most.
#[derive(Debug, Default)]
pub(super) struct Hearing(Option<i64>);

impl Hearing {
    /// When a message was sent, at the latest, by our clock.
    pub(super) fn sent(&mut self, server: i64, now: Tick) -> Tick {
        let apart = micros(now).saturating_sub(server);
        let least = self.0.map_or(apart, |least| least.min(apart));
        self.0 = Some(least);
        now.minus(span(apart.saturating_sub(least)))
    }

    /// How long ago something happened on the server, at least; `None` before the first message.
    pub(super) fn since(&self, server: i64, now: Tick) -> Option<Duration> {
        let least = self.0?;
        Some(span(
            micros(now).saturating_sub(least).saturating_sub(server),
        ))
    }
}

fn micros(tick: Tick) -> i64 {
    // Half of all microseconds of a tick fit.
    i64::try_from(tick.as_nanos() / 1_000).unwrap_or(i64::MAX)
}

fn span(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    fn at(millis: u64) -> Tick {
        Tick::BEGIN.plus(Duration::from_millis(millis))
    }

    #[test]
    fn a_message_that_waited_is_proof_as_of_when_it_was_sent() {
        let mut hearing = Hearing::default();
        let server = |millis: i64| 5_000_000_000 + millis * 1_000;
        assert_eq!(hearing.sent(server(0), at(10)), at(10));
        assert_eq!(hearing.sent(server(100), at(110)), at(110));
        // 300 ms late.
        assert_eq!(hearing.sent(server(200), at(510)), at(210));
        // Faster than any before it.
        assert_eq!(hearing.sent(server(600), at(605)), at(605));
        assert_eq!(hearing.sent(server(700), at(710)), at(705));
        assert_eq!(
            hearing.since(server(700), at(725)),
            Some(Duration::from_millis(20))
        );
    }

    #[test]
    fn a_server_whose_clock_jumps_back_is_not_believed() {
        let mut hearing = Hearing::default();
        hearing.sent(10_000_000, at(0));
        let sent = hearing.sent(5_000_000, at(1));
        assert_eq!(at(0).since(sent), Duration::from_secs(5));
    }
}
