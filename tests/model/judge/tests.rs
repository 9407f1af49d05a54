//! What the judge must not let pass.

use cachedpool::cache::Tick;

use super::*;
use crate::{
    history::{Builder, Fetch, Form, Hints, Question, Read, Table},
    plain::Line,
    record::Barrier,
};

/// Events happen one a second.
fn at(order: u64) -> Moment {
    Moment {
        order,
        time: Tick::from_nanos(0).plus(Duration::from_secs(order)),
    }
}

fn whole_table(hints: Hints) -> Read {
    Read {
        question: Question::Whole(Table::A),
        guarded: false,
        fetch: Fetch::All,
        form: Form::Owned,
        builder: Builder::QueryAs,
        hints,
    }
}

/// A read from 10 to 12 that gives these versions of the rows 1 and 2.
fn look(hints: Hints, versions: [i64; 2]) -> Look {
    let line = |(id, version)| Line {
        id,
        version,
        other: None,
    };
    Look {
        read: whole_table(hints),
        invoked: at(10),
        returned: at(12),
        result: Ok((1..).zip(versions).map(line).collect()),
        about: None,
    }
}

/// A statement that writes its version to both rows.
fn statement(evidence: &mut Evidence, version: i64, origin: Origin, from: u64, to: u64) {
    let effort = Effort {
        invoked: at(from),
        acknowledged: Some(at(to)),
        origin,
    };
    evidence
        .statements
        .insert(version, (effort, Expected::Committed));
}

/// Both rows change to 1, which is acknowledged at 5, then to 2 from 11 to 20, then to 3 from 30 on.
fn verdict(origin: Origin, looks: Vec<Look>, barriers: Vec<Barrier>) -> usize {
    let mut evidence = Evidence {
        looks,
        barriers,
        ..Evidence::default()
    };
    statement(&mut evidence, 1, origin, 4, 5);
    statement(&mut evidence, 2, origin, 11, 20);
    statement(&mut evidence, 3, origin, 30, 31);
    let journal: Vec<Entry> = (1..=3)
        .flat_map(|version| {
            [1, 2].map(|id| Entry {
                transaction: 0,
                change: Change::Put(Table::A, id, version),
            })
        })
        .collect();
    let start = State {
        rows: [((Table::A, 1), 0), ((Table::A, 2), 0)].into(),
        fault: 0,
    };
    let mut case = Case::new(&evidence, &journal, &start, at(40));
    case.judge();
    case.violations.len()
}

fn plain() -> Hints {
    Hints::default()
}

#[test]
fn what_was_acknowledged_before_and_what_was_on_its_way_are_right() {
    let looks = vec![look(plain(), [1, 1]), look(plain(), [2, 2])];
    assert_eq!(verdict(Origin::Pool, looks, vec![]), 0);
}

#[test]
fn an_answer_from_before_an_acknowledged_write_is_wrong() {
    let looks = vec![look(plain(), [0, 0])];
    assert_eq!(verdict(Origin::Pool, looks, vec![]), 1);
}

#[test]
fn an_answer_that_nobody_had_written_yet_is_wrong() {
    let looks = vec![look(plain(), [3, 3])];
    assert_eq!(verdict(Origin::Pool, looks, vec![]), 1);
}

#[test]
fn an_answer_of_two_states_is_wrong() {
    let looks = vec![look(plain(), [1, 2]), look(plain(), [2, 1])];
    assert_eq!(verdict(Origin::Pool, looks, vec![]), 2);
}

#[test]
fn an_error_that_the_database_does_not_give_is_wrong() {
    let failed = Look {
        result: Err(Failure::Outage),
        ..look(plain(), [1, 1])
    };
    assert_eq!(verdict(Origin::Pool, vec![failed], vec![]), 1);
}

#[test]
fn a_tolerated_answer_is_right_up_to_its_age() {
    let tolerant = |seconds| Hints {
        tolerate_stale: Some(seconds),
        ..plain()
    };
    let young = vec![look(tolerant(5), [0, 0])];
    assert_eq!(verdict(Origin::Pool, young, vec![]), 0);
    let old = vec![look(tolerant(4), [0, 0])];
    assert_eq!(verdict(Origin::Pool, old, vec![]), 1);
}

#[test]
fn a_write_from_outside_is_seen_when_the_time_to_live_is_over_or_the_cache_was_told() {
    let lasting = |seconds| Hints {
        ttl: Some(seconds),
        ..plain()
    };
    let young = || vec![look(lasting(5), [0, 0])];
    assert_eq!(verdict(Origin::Outside, young(), vec![]), 0);
    let old = vec![look(lasting(4), [0, 0])];
    assert_eq!(verdict(Origin::Outside, old, vec![]), 1);
    let told = Barrier {
        what: Invalidation::Tables(vec![Table::A]),
        invoked: at(7),
        returned: at(8),
    };
    assert_eq!(verdict(Origin::Outside, young(), vec![told]), 1);
}

#[test]
fn a_strict_read_never_goes_back_behind_what_another_has_seen() {
    let later = |hints: Hints, versions| Look {
        invoked: at(13),
        returned: at(14),
        ..look(hints, versions)
    };
    let strict = Hints {
        strict: true,
        ..plain()
    };
    let seen = || look(plain(), [2, 2]);
    let looks = vec![seen(), later(plain(), [1, 1])];
    assert_eq!(verdict(Origin::Pool, looks, vec![]), 0);
    let looks = vec![seen(), later(strict, [1, 1])];
    assert_eq!(verdict(Origin::Pool, looks, vec![]), 1);
}

#[test]
fn a_lost_write_and_one_that_should_be_undone_are_wrong() {
    let mut evidence = Evidence::default();
    statement(&mut evidence, 7, Origin::Pool, 1, 2);
    statement(&mut evidence, 8, Origin::Pool, 3, 4);
    if let Some((_, expected)) = evidence.statements.get_mut(&8) {
        *expected = Expected::Undone;
    }
    let journal = [Entry {
        transaction: 0,
        change: Change::Put(Table::A, 1, 8),
    }];
    let mut case = Case::new(&evidence, &journal, &State::default(), at(9));
    case.judge();
    assert_eq!(case.violations.len(), 2, "{:?}", case.violations);
}
