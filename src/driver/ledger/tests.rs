//! The ledger against a model of each server's transactions: whatever others see changed by a text, the ledger has named.

mod model;

use proptest::prelude::*;

use self::model::{Op, Refusal, Server, TABLES};
use super::*;
use crate::{cache::Tag, driver::touched::MOST_TAGS};

fn tag(table: usize) -> Touched {
    Touched::Tags(vec![Tag::table(table.to_string())])
}

fn names(touched: &Touched, table: usize) -> bool {
    match touched {
        Touched::Nothing => false,
        Touched::Tags(tags) => tags.contains(&Tag::table(table.to_string())),
        Touched::Everything | Touched::Definitions => true,
    }
}

fn effect(dialect: Dialect, op: &Op) -> Effect {
    let name = |name: usize| format!("s{name}").into_boxed_str();
    match *op {
        Op::Write(table) | Op::Refused(table, _) => Effect::Write(tag(table)),
        Op::Define(table) if dialect == Dialect::MySql => Effect::CommittingWrite(tag(table)),
        Op::Define(table) => Effect::Write(tag(table)),
        Op::Begin => Effect::Begin,
        Op::Commit(chain) => Effect::Commit { chain },
        Op::Rollback(chain) => Effect::Rollback { chain },
        Op::Savepoint(at) => Effect::Savepoint(name(at)),
        Op::RollbackTo(at) => Effect::RollbackTo(name(at)),
        Op::Release(at) => Effect::Release(name(at)),
    }
}

fn effects(dialect: Dialect, text: &[Op]) -> Vec<Effect> {
    text.iter().map(|op| effect(dialect, op)).collect()
}

/// What the connection tells the clock of a text, as `Checkout` does.
fn told(ledger: &mut Ledger, effects: &[Effect], succeeded: bool) -> Touched {
    let mut after = ledger.clone();
    let mut told = after.apply_text(effects);
    if succeeded {
        *ledger = after;
    } else {
        told.add(&ledger.failed(effects));
    }
    told
}

fn written() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..TABLES).prop_map(Op::Write),
        1 => (0..TABLES).prop_map(Op::Define),
        2 => Just(Op::Begin),
        2 => any::<bool>().prop_map(Op::Commit),
        1 => any::<bool>().prop_map(Op::Rollback),
        2 => (0..2_usize).prop_map(Op::Savepoint),
        1 => (0..2_usize).prop_map(Op::RollbackTo),
        1 => (0..2_usize).prop_map(Op::Release),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    let refusal = prop_oneof![
        Just(Refusal::Whole),
        Just(Refusal::Partial),
        Just(Refusal::EndsTransaction)
    ];
    prop_oneof![
        8 => written(),
        1 => (0..TABLES, refusal).prop_map(|(table, refusal)| Op::Refused(table, refusal)),
    ]
}

fn dialects() -> impl Strategy<Value = Dialect> {
    prop_oneof![
        Just(Dialect::Postgres),
        Just(Dialect::MySql),
        Just(Dialect::Sqlite)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn whatever_others_see_changed_is_named(
        dialect in dialects(),
        unbound in prop::option::of(0..TABLES),
        texts in prop::collection::vec(
            prop_oneof![3 => prop::collection::vec(any_op(), 1), 1 => prop::collection::vec(any_op(), 2..5)],
            1..25,
        ),
    ) {
        // Only MySQL has tables without transactions.
        let unbound = unbound.filter(|_| dialect == Dialect::MySql);
        let mut server = Server::new(dialect, unbound);
        let mut ledger = Ledger::new(dialect, unbound.is_some());
        for text in &texts {
            let before = server.committed;
            let succeeded = server.run(text);
            let told = told(&mut ledger, &effects(dialect, text), succeeded);
            for (table, changed) in server.changed_since(&before).into_iter().enumerate() {
                prop_assert!(
                    !changed || names(&told, table),
                    "{dialect:?}: {text:?} changed {table}, and only {told:?} was told"
                );
            }
            prop_assert!(
                !ledger.is_settled() || server.open.is_none(),
                "{dialect:?}: a transaction is open after {text:?}"
            );
        }
        // The connection is closed with whatever is open: nothing more becomes visible.
        ledger.close();
        prop_assert!(ledger.is_settled());
    }

    #[test]
    fn nothing_else_is_named_as_long_as_nothing_fails(
        dialect in dialects(),
        ops in prop::collection::vec(written(), 1..25),
    ) {
        let mut server = Server::new(dialect, None);
        let mut ledger = Ledger::new(dialect, false);
        for op in &ops {
            let before = server.committed;
            let text = std::slice::from_ref(op);
            if !server.run(text) {
                break;
            }
            let told = told(&mut ledger, &effects(dialect, text), true);
            for (table, changed) in server.changed_since(&before).into_iter().enumerate() {
                prop_assert_eq!(
                    changed,
                    names(&told, table),
                    "{:?}: {:?} of {:?}", dialect, op, table
                );
            }
        }
    }
}

/// A ledger after some effects, and what the last of them made visible.
fn after(dialect: Dialect, effects: &[Effect]) -> (Ledger, Touched) {
    let mut ledger = Ledger::new(dialect, false);
    let mut visible = Touched::Nothing;
    for effect in effects {
        visible = ledger.apply(effect);
    }
    (ledger, visible)
}

fn write(table: usize) -> Effect {
    Effect::Write(tag(table))
}

#[test]
fn a_commit_names_what_its_transaction_wrote_once() {
    let commit = Effect::Commit { chain: false };
    let effects = [Effect::Begin, write(0), write(1), write(0), commit.clone()];
    let (mut ledger, visible) = after(Dialect::Postgres, &effects);
    let mut both = tag(0);
    both.add(&tag(1));
    assert_eq!(visible, both);
    assert!(ledger.is_settled());
    assert_eq!(ledger.apply(&commit), Touched::Nothing);
}

#[test]
fn a_chained_commit_leaves_the_next_transaction_open() {
    let chain = Effect::Commit { chain: true };
    let (mut ledger, visible) = after(Dialect::MySql, &[Effect::Begin, write(0), chain, write(1)]);
    assert_eq!(visible, Touched::Nothing);
    assert!(!ledger.is_settled());
    assert_eq!(ledger.apply(&Effect::Begin), tag(1));
}

#[test]
fn writes_before_a_begin_in_one_postgres_text_wait_for_its_commit() {
    let mut ledger = Ledger::new(Dialect::Postgres, false);
    ledger.apply_text(&[write(0), Effect::Begin, write(1)]);
    let visible = ledger.apply(&Effect::Commit { chain: false });
    assert!(names(&visible, 0) && names(&visible, 1));
}

#[test]
fn in_doubt_a_write_is_named_at_once_and_again_until_the_doubt_is_over() {
    let (mut ledger, _) = after(Dialect::MySql, &[Effect::Begin, write(0)]);
    assert!(names(&ledger.failed(&[write(1)]), 0));
    assert!(names(&ledger.apply(&write(2)), 2));
    let rollback = ledger.apply(&Effect::Rollback { chain: false });
    assert!((0..3).all(|table| names(&rollback, table)));
    assert_eq!(
        ledger.apply(&Effect::Rollback { chain: false }),
        Touched::Nothing
    );
    assert!(ledger.is_settled());
}

#[test]
fn a_savepoint_after_sqlite_rolled_back_by_itself_commits_when_it_is_released() {
    let savepoint = |name: &str| Effect::Savepoint(name.into());
    let (mut ledger, _) = after(Dialect::Sqlite, &[savepoint("a")]);
    ledger.failed(&[write(0)]);
    ledger.apply(&savepoint("b"));
    ledger.apply(&write(1));
    assert!(names(&ledger.apply(&Effect::Release("b".into())), 1));
}

#[test]
fn after_control_that_cannot_be_followed_everything_written_is_named_every_time() {
    let (mut ledger, _) = after(Dialect::Postgres, &[Effect::UnknownTransaction, write(0)]);
    assert!(names(&ledger.apply(&write(1)), 0));
    assert!(!ledger.is_settled());
    assert!(names(&ledger.close(), 1));
    assert!(ledger.is_settled());
}

#[test]
fn where_mysql_may_open_transactions_by_itself_a_commit_settles_nothing() {
    let commit = Effect::Commit { chain: false };
    let (mut ledger, visible) = after(
        Dialect::MySql,
        &[Effect::UnknownTransaction, write(0), commit.clone()],
    );
    assert_eq!(visible, tag(0));
    assert!(!ledger.is_settled());
    ledger.apply(&write(1));
    assert_eq!(ledger.apply(&commit), tag(1));
    let (ledger, _) = after(
        Dialect::Postgres,
        &[Effect::UnknownTransaction, write(0), commit],
    );
    assert!(ledger.is_settled());
}

#[test]
fn savepoint_names_are_compared_as_the_database_compares_them() {
    for (dialect, kept) in [
        (Dialect::Postgres, true),
        (Dialect::MySql, false),
        (Dialect::Sqlite, false),
    ] {
        let effects = [
            Effect::Begin,
            Effect::Savepoint("A".into()),
            write(0),
            Effect::RollbackTo("a".into()),
            Effect::Commit { chain: false },
        ];
        let (_, visible) = after(dialect, &effects);
        assert_eq!(names(&visible, 0), kept, "{dialect:?}");
    }
}

#[test]
fn more_tags_than_are_remembered_are_everything() {
    let mut ledger = Ledger::new(Dialect::Postgres, false);
    ledger.apply(&Effect::Begin);
    for table in 0..=MOST_TAGS {
        ledger.apply(&write(table));
    }
    assert_eq!(
        ledger.apply(&Effect::Commit { chain: false }),
        Touched::Everything
    );
}

#[test]
fn a_read_that_fails_in_a_transaction_leaves_it_in_doubt_where_it_may_have_ended_it() {
    for (dialect, doubt) in [
        (Dialect::Postgres, false),
        (Dialect::MySql, true),
        (Dialect::Sqlite, true),
    ] {
        let mut ledger = Ledger::new(dialect, false);
        ledger.apply(&Effect::Begin);
        ledger.failed(&[]);
        // It may commit by itself now, and the rollback after it may come too late.
        assert_eq!(names(&ledger.apply(&Effect::Write(tag(1))), 1), doubt);
        assert_eq!(
            names(&ledger.apply(&Effect::Rollback { chain: false }), 1),
            doubt
        );
    }
}

#[test]
fn a_savepoint_that_mysql_makes_again_takes_the_place_of_the_older() {
    let mut ledger = Ledger::new(Dialect::MySql, false);
    ledger.apply(&Effect::Begin);
    for table in 0..1000 {
        ledger.apply(&Effect::Savepoint("s".into()));
        ledger.apply(&Effect::Write(tag(table)));
    }
    ledger.apply(&Effect::RollbackTo("s".into()));
    let visible = ledger.apply(&Effect::Commit { chain: false });
    assert!((0..999).all(|table| names(&visible, table)));
    assert!(!names(&visible, 999));
}

#[test]
fn more_savepoints_than_are_followed_leave_everything_in_doubt() {
    let mut ledger = Ledger::new(Dialect::Postgres, false);
    ledger.apply(&Effect::Begin);
    ledger.apply(&Effect::Write(tag(1)));
    for at in 0..2000 {
        ledger.apply(&Effect::Savepoint(at.to_string().into()));
    }
    assert!(names(&ledger.apply(&Effect::RollbackTo("7".into())), 1));
    assert!(names(&ledger.apply(&Effect::Rollback { chain: false }), 1));
}
