//! How long ago something happened on the server, by two clocks that need not agree.
//!
//! Messages carry the time of the server at which they were sent, of which only differences are used: the message that took the
//! shortest gives how far the clocks are apart. It is for the statistics alone: what may be answered does not hang on the
//! server's clock, which may jump.

use std::time::Duration;

use crate::cache::Tick;

/// How far the server's clock is behind ours, in microseconds, at most.
#[derive(Debug, Default)]
pub(super) struct Hearing(Option<i64>);

impl Hearing {
    /// A message that was sent at `server` has come.
    pub(super) fn note(&mut self, server: i64, now: Tick) {
        let apart = micros(now).saturating_sub(server);
        self.0 = Some(self.0.map_or(apart, |least| least.min(apart)));
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
    fn the_shortest_way_of_a_message_tells_how_far_the_clocks_are_apart() {
        let mut hearing = Hearing::default();
        let server = |millis: i64| 5_000_000_000 + millis * 1_000;
        assert_eq!(hearing.since(server(0), at(10)), None);
        hearing.note(server(0), at(10));
        // 300 ms late.
        hearing.note(server(200), at(510));
        let since = |hearing: &Hearing| hearing.since(server(700), at(725));
        assert_eq!(since(&hearing), Some(Duration::from_millis(15)));
        // Faster than any before it.
        hearing.note(server(600), at(605));
        assert_eq!(since(&hearing), Some(Duration::from_millis(20)));
    }
}
