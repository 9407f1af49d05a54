//! As of when the clock is known to have moved for all that anybody can have seen.
//!
//! The server is asked at which position its log ends. What was seen before the question was committed before that position.
//! Once the stream has passed it, and the clock has moved for what came, nothing that was seen before the question is
//! missing. A stream that lives and is slow, or carries a large transaction, does not pass it: signs of life prove nothing.

use std::{collections::VecDeque, time::Duration};

use crate::cache::Tick;

#[derive(Debug)]
pub(super) struct Proof {
    max_staleness: Duration,
    /// The position before which the stream has told all.
    reached: u64,
    /// What it has not passed yet: when the server was asked, and what it said. The latest is last.
    questions: VecDeque<(Tick, u64)>,
    last: Option<Tick>,
}

impl Proof {
    pub(super) fn new(max_staleness: Duration) -> Self {
        Self {
            max_staleness,
            reached: 0,
            questions: VecDeque::new(),
            last: None,
        }
    }

    /// The position before which the stream has told all.
    pub(super) fn reached(&self) -> u64 {
        self.reached
    }

    /// The stream has told all before this position.
    pub(super) fn reach(&mut self, position: u64) {
        // A server that begins again at what was confirmed may tell of earlier ones.
        self.reached = self.reached.max(position);
    }

    /// How long the next question can wait.
    pub(super) fn rest(&self, now: Tick) -> Duration {
        let interval = self.max_staleness / 4;
        self.last.map_or(Duration::ZERO, |last| {
            interval.saturating_sub(now.since(last))
        })
    }

    /// The server was asked at `now` or later, and all that is in its log is before `written`.
    pub(super) fn ask(&mut self, now: Tick, written: u64) {
        let newest = self.questions.back().map(|(asked, _)| *asked);
        self.last = Some(now);
        // Few are enough, and the oldest are worth nothing any more.
        if newest.is_some_and(|newest| now.since(newest) < self.max_staleness / 4) {
            return;
        }
        let worth = |(asked, _): &(Tick, u64)| now.since(*asked) <= self.max_staleness;
        self.questions.retain(worth);
        self.questions.push_back((now, written));
    }

    /// The latest moment for which that is proven, if it is a new one. The clock must have moved for all that the stream has told.
    pub(super) fn proven(&mut self) -> Option<Tick> {
        let passed = |question: &mut (Tick, u64)| question.1 <= self.reached;
        let mut proven = None;
        while let Some((asked, _)) = self.questions.pop_front_if(passed) {
            proven = Some(asked);
        }
        proven
    }

    /// Whether a question has waited for long, and not because the stream is slow: the server has flushed its log only
    /// up to `flushed`, which may stay so for as long as nobody commits.
    pub(super) fn waits_for_the_disk(&self, now: Tick, flushed: u64) -> bool {
        let oldest = self.questions.front();
        oldest.is_some_and(|(asked, written)| {
            *written > flushed && now.since(*asked) >= self.max_staleness / 2
        })
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> Tick {
        Tick::BEGIN.plus(Duration::from_millis(millis))
    }

    #[test]
    fn only_a_position_that_was_passed_proves_and_only_as_of_its_question() {
        let mut proof = Proof::new(SECOND);
        proof.ask(at(0), 100);
        proof.reach(99);
        assert_eq!(proof.proven(), None);
        proof.ask(at(300), 200);
        proof.ask(at(600), 300);
        proof.reach(250);
        assert_eq!(proof.proven(), Some(at(300)));
        assert_eq!(proof.proven(), None);
        // An earlier one takes nothing back.
        proof.reach(0);
        assert_eq!(proof.reached(), 250);
        proof.reach(300);
        assert_eq!(proof.proven(), Some(at(600)));
    }

    #[test]
    fn questions_are_few_however_often_the_server_is_asked() {
        let mut proof = Proof::new(SECOND);
        for millis in 0..10_000 {
            proof.ask(at(millis), millis + 1);
            assert!(proof.questions.len() <= 5);
        }
        proof.reach(9_000);
        assert_eq!(proof.proven(), Some(at(8_750)));
        proof.reach(10_000);
        assert_eq!(proof.proven(), Some(at(9_750)));
    }

    #[test]
    fn the_next_question_is_due_after_a_quarter_of_the_time() {
        let mut proof = Proof::new(SECOND);
        assert_eq!(proof.rest(at(7)), Duration::ZERO);
        proof.ask(at(7), 0);
        assert_eq!(proof.rest(at(107)), Duration::from_millis(150));
        assert_eq!(proof.rest(at(900)), Duration::ZERO);
    }

    #[test]
    fn a_log_that_is_not_flushed_is_told_from_a_stream_that_is_slow() {
        let mut proof = Proof::new(SECOND);
        proof.ask(at(0), 100);
        assert!(!proof.waits_for_the_disk(at(499), 50));
        assert!(proof.waits_for_the_disk(at(500), 50));
        assert!(!proof.waits_for_the_disk(at(500), 100));
    }
}
