//! Histories made by hand, right ones and wrong ones.

use super::*;
use crate::record::Demand;

/// In these histories a moment is a millisecond, and other processes' writes may be missed for 100 of them.
const STALENESS: u64 = 100;

/// What is written past the pools for so many.
const FOLLOWED: u64 = 300;

const ROW: Row = Row { table: 0, id: 1 };

struct History {
    judge: Judge,
}

impl History {
    fn new() -> Self {
        Self {
            judge: Judge::new(STALENESS),
        }
    }

    /// In which the pools follow those who write past them.
    fn followed() -> Self {
        Self {
            judge: Judge::new(STALENESS).following(FOLLOWED),
        }
    }

    fn wrote(mut self, process: Process, begin: u64, end: u64, version: i64) -> Self {
        let left = vec![Seen { row: ROW, version }];
        let write = Write {
            begin,
            end,
            left,
            token: None,
        };
        self.judge.hear(process, Record::Write(write));
        self
    }

    fn saw(
        mut self,
        process: Process,
        begin: u64,
        version: i64,
        change: impl Fn(&mut Read),
    ) -> Self {
        let mut read = Read {
            begin,
            end: begin + 1,
            source: Source::Local,
            demand: Demand::Bounded,
            after: None,
            seen: vec![Seen { row: ROW, version }],
        };
        change(&mut read);
        self.judge.hear(process, Record::Read(read));
        self
    }

    fn violations(self) -> u64 {
        self.judge.verdict().total().violations
    }

    /// The promise that the only violation breaks.
    #[track_caller]
    fn breaks(self, promise: Promise) {
        let verdict = self.judge.verdict();
        assert_eq!(verdict.total().violations, 1, "{:?}", verdict.told);
        let expected = format!("[none] {promise}: ");
        assert!(verdict.told[0].starts_with(&expected), "{:?}", verdict.told);
    }
}

fn plain(_: &mut Read) {}

fn strict(read: &mut Read) {
    read.demand = Demand::Strict;
}

fn truth(read: &mut Read) {
    read.source = Source::Truth;
}

#[test]
fn a_read_that_shows_the_last_write_is_right() {
    let history = History::new()
        .wrote(1, 10, 20, 2)
        .saw(1, 21, 2, plain)
        .saw(2, 500, 2, strict)
        .saw(3, 500, 2, truth);
    assert_eq!(history.violations(), 0);
}

#[test]
fn a_read_older_than_a_write_of_its_own_process_is_found() {
    History::new()
        .wrote(1, 10, 20, 2)
        .saw(1, 21, 1, plain)
        .breaks(Promise::OwnWrites);
}

#[test]
fn a_read_that_began_before_its_own_write_was_acknowledged_may_miss_it() {
    let history = History::new().wrote(1, 10, 20, 2).saw(1, 20, 1, |read| {
        // It does not matter how long it took.
        read.end = 900;
    });
    assert_eq!(history.violations(), 0);
}

#[test]
fn another_process_may_miss_a_write_for_as_long_as_was_promised() {
    let history = History::new().wrote(1, 10, 20, 2).saw(2, 120, 1, plain);
    let verdict = history.judge.verdict();
    assert_eq!(verdict.total().violations, 0);
    assert_eq!(verdict.total().worst, 100);
}

#[test]
fn another_process_that_misses_a_write_for_longer_is_found() {
    let history = History::new().wrote(1, 10, 20, 2).saw(2, 121, 1, plain);
    history.breaks(Promise::Bounded);
}

#[test]
fn staleness_counts_from_the_first_write_that_was_missed() {
    let history = History::new()
        .wrote(1, 10, 20, 2)
        .wrote(1, 110, 120, 3)
        .saw(2, 125, 1, plain);
    let verdict = history.judge.verdict();
    assert_eq!(verdict.total().worst, 105);
    assert_eq!(verdict.total().violations, 1);
}

#[test]
fn what_comes_from_the_database_through_the_cache_is_judged_like_any_answer() {
    let history = History::new()
        .wrote(1, 10, 20, 2)
        .saw(2, 200, 1, |read| read.source = Source::Database);
    history.breaks(Promise::Bounded);
}

#[test]
fn a_strict_read_may_not_miss_what_was_acknowledged_anywhere() {
    History::new()
        .wrote(1, 10, 20, 2)
        .saw(2, 21, 1, strict)
        .breaks(Promise::Strict);
}

#[test]
fn a_strict_read_may_not_go_back_behind_what_the_database_had_answered() {
    // Nobody was told of the write: its process was killed.
    let seen = || History::new().saw(2, 10, 2, truth);
    seen().saw(3, 50, 1, strict).breaks(Promise::Strict);
    assert_eq!(seen().saw(3, 50, 1, plain).violations(), 0);
    assert_eq!(seen().saw(3, 11, 1, strict).violations(), 0);
}

#[test]
fn a_strict_read_may_not_go_back_behind_another_one() {
    History::new()
        .saw(2, 10, 2, strict)
        .saw(3, 50, 1, strict)
        .breaks(Promise::Strict);
}

#[test]
fn a_strict_read_may_not_go_back_behind_what_a_bounded_one_has_seen() {
    History::new()
        .saw(2, 10, 2, plain)
        .saw(3, 50, 1, strict)
        .breaks(Promise::Strict);
}

#[test]
fn another_process_may_miss_a_write_for_longer_while_one_of_the_two_does_not_run() {
    let delayed = |process, from, to| {
        let mut history = History::new().wrote(1, 10, 20, 2);
        let delay = Record::Delayed(Delay { from, to });
        history.judge.hear(process, delay);
        history.saw(2, 150, 1, plain)
    };
    for process in [CHECKER, 1, 2] {
        assert_eq!(delayed(process, 110, 140).violations(), 0);
        delayed(process, 110, 139).breaks(Promise::Bounded);
        // What was before the write, and what came later, explains nothing.
        delayed(process, 0, 40).breaks(Promise::Bounded);
        delayed(process, 140, 900).breaks(Promise::Bounded);
    }
    delayed(3, 110, 140).breaks(Promise::Bounded);
}

#[test]
fn what_a_killed_process_had_not_delivered_may_be_missed_by_bounded_reads_only() {
    let killed = |delivered| {
        let mut history = History::new().wrote(1, 10, 20, 2);
        history.judge.hear(1, Record::Delivered(delivered));
        history.judge.doom(1);
        history
    };
    assert_eq!(killed(20).saw(2, 500, 1, plain).violations(), 0);
    killed(21).saw(2, 500, 1, plain).breaks(Promise::Bounded);
    killed(20).saw(2, 500, 1, strict).breaks(Promise::Strict);
}

#[test]
fn what_a_living_process_does_not_deliver_is_found() {
    let mut history = History::new().wrote(1, 10, 20, 2);
    history.judge.hear(1, Record::Delivered(20));
    history.saw(2, 500, 1, plain).breaks(Promise::Bounded);
}

#[test]
fn a_read_after_a_token_may_not_miss_its_write() {
    let after = |version| {
        move |read: &mut Read| {
            read.after = Some(Seen { row: ROW, version });
        }
    };
    let token = || History::new().wrote(1, 10, 20, 2);
    token().saw(2, 21, 1, after(2)).breaks(Promise::Session);
    assert_eq!(token().saw(2, 21, 2, after(2)).violations(), 0);
    assert_eq!(token().saw(2, 21, 3, after(2)).violations(), 0);
}

#[test]
fn one_old_row_among_several_is_found() {
    let history = History::new().wrote(1, 10, 20, 2).saw(2, 300, 1, |read| {
        let other = Row { table: 4, id: 9 };
        read.seen.insert(
            0,
            Seen {
                row: other,
                version: 7,
            },
        );
    });
    history.breaks(Promise::Bounded);
}

#[test]
fn two_rows_do_not_bind_one_another() {
    let history = History::new().wrote(1, 10, 20, 2).saw(1, 300, 1, |read| {
        read.seen[0].row.id = 2;
    });
    assert_eq!(history.violations(), 0);
}

#[test]
fn a_database_that_goes_back_is_found() {
    History::new()
        .wrote(1, 10, 20, 2)
        .saw(2, 21, 1, truth)
        .breaks(Promise::Database);
    History::new()
        .wrote(1, 10, 20, 3)
        .wrote(2, 21, 30, 2)
        .breaks(Promise::Database);
}

#[test]
fn two_writes_that_leave_the_same_version_are_found() {
    let history = History::new().wrote(1, 10, 20, 2).wrote(2, 15, 25, 2);
    assert_eq!(history.violations(), 1);
}

#[test]
fn writes_at_the_same_time_may_be_acknowledged_in_any_order() {
    let history = History::new().wrote(1, 10, 20, 3).wrote(2, 15, 25, 2);
    assert_eq!(history.violations(), 0);
}

#[test]
fn what_must_never_be_is_a_violation_at_any_time() {
    let mut history = History::new();
    history
        .judge
        .hear(1, Record::Wrong("a torn value".to_owned()));
    assert_eq!(history.violations(), 1);
}

#[test]
fn a_read_is_judged_by_a_write_that_is_told_after_it() {
    let mut history = History::new().saw(2, 200, 1, plain);
    history.judge.settle(150);
    let mut history = history.wrote(1, 10, 20, 2);
    history.judge.settle(202);
    assert_eq!(history.judge.so_far().total().violations, 1);
    history.breaks(Promise::Bounded);
}

#[test]
fn hits_violations_and_staleness_stand_at_the_time_of_the_fault() {
    let mut history = History::new();
    history.judge.period(100, "flushall");
    history.judge.period(300, "redis-pause");
    let history = history
        .wrote(1, 10, 20, 2)
        .saw(2, 50, 1, plain)
        .saw(2, 250, 1, plain)
        .saw(2, 350, 2, |read| read.source = Source::Shared);
    let verdict = history.judge.verdict();
    let of = |name: &str| verdict.periods[name].clone();
    assert_eq!((of("none").local, of("none").writes), (1, 1));
    assert_eq!((of("none").violations, of("none").worst), (0, 30));
    assert_eq!((of("flushall").violations, of("flushall").worst), (1, 230));
    assert_eq!((of("redis-pause").shared, of("redis-pause").worst), (1, 0));
    assert!((verdict.total().hit_rate() - 1.0).abs() < 1e-9);
    assert_eq!(verdict.total().operations(), 4);
}

#[test]
fn a_write_past_the_pools_may_be_missed_for_longer_and_not_for_ever() {
    let outside = || History::followed().wrote(OUTSIDERS, 10, 20, 2);
    assert_eq!(outside().saw(1, 320, 1, plain).violations(), 0);
    assert_eq!(outside().saw(1, 30, 1, strict).violations(), 0);
    outside().saw(1, 321, 1, plain).breaks(Promise::Outside);
    outside().saw(1, 321, 1, strict).breaks(Promise::Outside);
}

#[test]
fn writes_of_pools_are_judged_as_ever_where_others_write_too() {
    let history = || History::followed().wrote(OUTSIDERS, 1, 2, 2);
    let both = || history().wrote(1, 10, 20, 3);
    both().saw(1, 21, 2, plain).breaks(Promise::OwnWrites);
    both().saw(2, 121, 2, plain).breaks(Promise::Bounded);
    both().saw(2, 21, 2, strict).breaks(Promise::Strict);
}

#[test]
fn what_a_killed_process_had_not_delivered_is_told_to_those_who_follow() {
    let killed = || {
        let mut history = History::followed().wrote(1, 10, 20, 2);
        history.judge.doom(1);
        history
    };
    assert_eq!(killed().saw(2, 320, 1, plain).violations(), 0);
    killed().saw(2, 321, 1, plain).breaks(Promise::Outside);
}

#[test]
fn a_strict_read_may_go_back_behind_what_nobody_was_told_of_where_others_write() {
    let history = History::followed()
        .saw(2, 10, 2, plain)
        .saw(3, 50, 1, strict);
    assert_eq!(history.violations(), 0);
    let told = || History::followed().wrote(1, 5, 60, 2).saw(2, 10, 2, plain);
    told().saw(3, 50, 1, strict).breaks(Promise::Strict);
}

#[test]
fn the_lag_is_from_the_acknowledgement_to_the_first_read_of_a_process_that_shows_it() {
    let beacon = |read: &mut Read| read.seen[0].row.table = BEACON;
    let mut history = History::followed();
    for (end, version) in [(20, 2), (40, 3)] {
        let row = Row {
            table: BEACON,
            ..ROW
        };
        let left = vec![Seen { row, version }];
        let (begin, token) = (end - 5, None);
        let write = Write {
            begin,
            end,
            left,
            token,
        };
        history.judge.hear(OUTSIDERS, Record::Write(write));
    }
    let verdict = history
        .saw(1, 10, 1, beacon)
        .saw(1, 24, 2, beacon)
        .saw(1, 30, 2, beacon)
        // Committed, and its writer does not know it yet.
        .saw(1, 36, 3, beacon)
        .saw(2, 12, 1, beacon)
        .saw(2, 49, 3, beacon)
        // Began to look after it.
        .saw(3, 60, 3, beacon)
        .judge
        .verdict();
    // A read takes one millisecond.
    assert_eq!(verdict.total().lags, [5, 0, 30, 10]);
}
