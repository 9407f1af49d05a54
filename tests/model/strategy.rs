//! Random histories.

mod reads;

use std::time::Duration;

use proptest::{collection::vec, option, prelude::*};

use self::reads::{common_read, disturbing, race, read};
use crate::history::{
    Deed, End, History, IDS, Invalidation, Pace, Route, Settings, Speech, Step, Table, Transaction,
    Turn, Write,
};

pub(crate) fn histories() -> impl Strategy<Value = History> {
    (settings(), vec(vec(turn(), 4..20), 2..5))
        .prop_map(|(settings, tasks)| History { settings, tasks })
}

fn settings() -> impl Strategy<Value = Settings> {
    (
        prop_oneof![2 => Just(6_000), 1 => Just(20_000), 3 => Just(1 << 20)],
        prop_oneof![1 => Just(4), 3 => Just(1_000)],
        prop_oneof![1 => Just(2), 3 => Just(1_000)],
        prop_oneof![1 => Just(1), 3 => Just(1_000)],
        1..4_usize,
        prop_oneof![Just(0.0), Just(0.1)],
        option::weighted(0.3, Just(0.5)),
        option::weighted(0.3, Just(Duration::from_secs(2))),
    )
        .prop_map(
            |(
                capacity,
                statements,
                max_rows,
                max_in_flight,
                max_refreshes,
                jitter,
                early,
                soft,
            )| {
                Settings {
                    capacity,
                    statements,
                    max_rows,
                    max_in_flight,
                    max_refreshes,
                    jitter,
                    early_refresh: early,
                    soft_timeout: soft,
                }
            },
        )
}

fn turn() -> BoxedStrategy<Turn> {
    let deed = prop_oneof![
        16 => (read(), pace()).prop_map(|(read, pace)| Deed::Read(read, pace)),
        3 => race().prop_map(Deed::Race),
        4 => (write(), route(), pace()).prop_map(|(write, route, pace)| Deed::Write(write, route, pace)),
        2 => transaction().prop_map(Deed::Transaction),
        2 => (invalidation(), pace()).prop_map(|(what, pace)| Deed::Invalidate(what, pace)),
        1 => (common_read(), invalidation()).prop_map(|(read, what)| {
            let write = disturbing(&read.question);
            Deed::Tell(read, write, what)
        }),
        3 => span().prop_map(Deed::Pass),
    ];
    (0..4_u8, deed)
        .prop_map(|(yields, deed)| Turn { yields, deed })
        .boxed()
}

fn pace() -> impl Strategy<Value = Pace> {
    prop_oneof![
        5 => Just(Pace::Through),
        2 => polls().prop_map(Pace::Cut),
        3 => (polls(), 1..6_u64).prop_map(|(polls, turns)| Pace::Hold { polls, turns }),
    ]
}

/// After the first poll the database has usually been asked; later ones fall between its answers.
fn polls() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(1), 2 => 0..6_usize]
}

fn cut() -> impl Strategy<Value = Option<usize>> {
    option::weighted(0.15, polls())
}

fn route() -> impl Strategy<Value = Route> {
    prop_oneof![6 => Just(Route::Pool), 2 => Just(Route::Connection), 2 => Just(Route::Outside)]
}

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(1), Just(3), Just(8), Just(25)].prop_map(Duration::from_secs)
}

/// Few tables and ids, so that tasks meet.
fn table() -> impl Strategy<Value = Table> {
    prop_oneof![3 => Just(Table::A), 2 => Just(Table::B), 2 => Just(Table::C)]
}

fn id() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(1), 2 => Just(2), 1 => 1..=IDS]
}

fn range() -> impl Strategy<Value = (i64, i64)> {
    prop_oneof![Just((1, 2)), Just((1, IDS)), Just((2, 3))]
}

/// Writes that may commit by themselves.
fn write() -> BoxedStrategy<Write> {
    prop_oneof![
        2 => (table(), id()).prop_map(|(table, id)| Write::Insert(table, id)),
        3 => (table(), id()).prop_map(|(table, id)| Write::Upsert(table, id)),
        1 => (table(), id()).prop_map(|(table, id)| Write::Replace(table, id)),
        3 => (table(), id()).prop_map(|(table, id)| Write::Update(table, id)),
        2 => (table(), id()).prop_map(|(table, id)| Write::UpdateReturning(table, id)),
        3 => (table(), range()).prop_map(|(table, (low, high))| Write::Sweep(table, low, high)),
        1 => table().prop_map(|table| Write::Copy(table, table.next())),
        1 => table().prop_map(|table| Write::Follow(table, table.next())),
        1 => Just(Write::SweepWide),
        2 => (table(), id()).prop_map(|(table, id)| Write::Delete(table, id)),
        1 => (table(), id()).prop_map(|(table, id)| Write::Refused(table, id)),
        1 => prop_oneof![2 => Just(0), 1 => Just(1), 1 => Just(2)].prop_map(Write::Fault),
    ]
    .boxed()
}

fn transaction() -> BoxedStrategy<Transaction> {
    let speech = prop_oneof![
        Just(Speech::Methods),
        Just(Speech::Immediate),
        Just(Speech::Text)
    ];
    (speech, steps(2), end())
        .prop_map(|(speech, body, end)| Transaction { speech, body, end })
        .boxed()
}

fn steps(depth: u8) -> BoxedStrategy<Vec<Step>> {
    let write = prop_oneof![
        12 => write(),
        1 => table().prop_map(Write::Clear),
        1 => (table(), id()).prop_map(|(table, id)| Write::InsertOrRollback(table, id)),
    ];
    let plain = prop_oneof![
        8 => (write, cut()).prop_map(|(write, cut)| Step::Write(write, cut)),
        2 => (table(), id()).prop_map(|(table, id)| Step::Look(table, id)),
        3 => read().prop_map(Step::Read),
        1 => span().prop_map(Step::Pass),
    ];
    if depth == 0 {
        return vec(plain, 0..3).boxed();
    }
    let speech = prop_oneof![Just(Speech::Methods), Just(Speech::Text)];
    let savepoint = (speech, steps(depth - 1), end())
        .prop_map(|(speech, body, end)| Step::Savepoint(speech, body, end));
    vec(prop_oneof![4 => plain, 1 => savepoint], 1..6).boxed()
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        5 => cut().prop_map(End::Commit),
        1 => cut().prop_map(End::Rollback),
        1 => Just(End::Drop),
    ]
}

fn invalidation() -> impl Strategy<Value = Invalidation> {
    prop_oneof![
        2 => vec(table(), 1..3).prop_map(Invalidation::Tables),
        2 => Just(Invalidation::Tag),
        1 => Just(Invalidation::All),
    ]
}
