//! Random histories.

use std::time::Duration;

use proptest::{collection::vec, option, prelude::*};

use crate::history::{
    Branch, Builder, Deed, End, Fetch, Form, Hints, History, IDS, Invalidation, Mode, Pace,
    Question, Read, Route, Settings, Speech, Spelling, Step, Table, Transaction, Turn, Write,
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

/// Most reads are of few keys, or none would ever be answered from memory.
fn read() -> BoxedStrategy<Read> {
    prop_oneof![3 => common_read(), 1 => any_read()].boxed()
}

fn common_read() -> BoxedStrategy<Read> {
    (
        common_question(),
        prop::bool::weighted(0.4),
        form(),
        builder(),
        terms(),
    )
        .prop_map(|(question, guarded, form, builder, hints)| {
            reading(question, guarded, Fetch::All, form, builder, hints)
        })
        .boxed()
}

fn common_question() -> impl Strategy<Value = Question> {
    prop_oneof![
        3 => Just(Question::Point(Table::A, 1)),
        2 => Just(Question::Whole(Table::A)),
        1 => Just(Question::Join(Table::A, Table::B)),
        1 => Just(Question::Sum(Table::B, 1, IDS)),
        1 => Just(Question::Point(Table::C, 1)),
        1 => Just(Question::Point(Table::Wide, 1)),
    ]
}

/// Reads of one key, and writes under them.
fn race() -> BoxedStrategy<Vec<Branch>> {
    // Some of them leave the cache aside, to see what it must not hide.
    let mode = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Mode::Refresh)),
        1 => Just(Some(Mode::Direct)),
    ];
    let hints = (terms(), mode).prop_map(|(terms, mode)| Hints {
        mode: mode.unwrap_or(terms.mode),
        ..terms
    });
    let reads = vec((form(), hints, pace()), 1..3);
    let route = prop_oneof![2 => Just(Route::Pool), 1 => Just(Route::Outside)];
    let branch = (option::weighted(0.5, (route, pace())), reads);
    (
        common_question(),
        prop::bool::weighted(0.2),
        builder(),
        vec(branch, 2..5),
    )
        .prop_map(|(question, guarded, builder, branches)| {
            let branch =
                |(write, reads): (Option<(Route, Pace)>, Vec<(Form, Hints, Pace)>)| Branch {
                    write: write.map(|(route, pace)| (disturbing(&question), route, pace)),
                    reads: reads
                        .into_iter()
                        .map(|(form, hints, pace)| {
                            let read = reading(
                                question.clone(),
                                guarded,
                                Fetch::All,
                                form,
                                builder,
                                hints,
                            );
                            (read, pace)
                        })
                        .collect(),
                };
            branches.into_iter().map(branch).collect()
        })
        .boxed()
}

/// A write that changes the answer.
fn disturbing(question: &Question) -> Write {
    match *question {
        Question::Point(Table::Wide, _) => Write::SweepWide,
        Question::Point(table, id) | Question::Literal(table, id) => Write::Upsert(table, id),
        Question::Range(table, low, high) | Question::Sum(table, low, high) => {
            Write::Sweep(table, low, high)
        }
        Question::Whole(table) | Question::Join(table, _) => Write::Sweep(table, 1, IDS),
    }
}

fn any_read() -> BoxedStrategy<Read> {
    let question = prop_oneof![
        5 => (table(), id()).prop_map(|(table, id)| Question::Point(table, id)),
        1 => (table(), id()).prop_map(|(table, id)| Question::Literal(table, id)),
        2 => (table(), range()).prop_map(|(table, (low, high))| Question::Range(table, low, high)),
        3 => table().prop_map(Question::Whole),
        2 => (table(), table()).prop_map(|(left, right)| Question::Join(left, right)),
        2 => (table(), range()).prop_map(|(table, (low, high))| Question::Sum(table, low, high)),
    ];
    let fetch =
        prop_oneof![1 => Just(Fetch::One), 1 => Just(Fetch::Optional), 2 => Just(Fetch::All)];
    (
        question,
        prop::bool::weighted(0.3),
        fetch,
        form(),
        builder(),
        hints(),
    )
        .prop_map(|(question, guarded, fetch, form, builder, hints)| {
            reading(question, guarded, fetch, form, builder, hints)
        })
        .boxed()
}

fn reading(
    question: Question,
    guarded: bool,
    fetch: Fetch,
    form: Form,
    builder: Builder,
    hints: Hints,
) -> Read {
    Read {
        // A scalar has no second column.
        guarded: guarded && !matches!(question, Question::Sum(..)),
        question,
        fetch,
        form,
        builder,
        hints,
    }
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![Just(Form::Owned), Just(Form::Shared)]
}

fn builder() -> impl Strategy<Value = Builder> {
    prop_oneof![3 => Just(Builder::QueryAs), 1 => Just(Builder::Map)]
}

/// Hints of which only the tag is part of the key.
fn terms() -> BoxedStrategy<Hints> {
    let mode = prop_oneof![
        16 => Just(Mode::Normal),
        2 => Just(Mode::Refresh),
        1 => Just(Mode::Bypass),
        1 => Just(Mode::OnlyIfCached),
        2 => Just(Mode::Direct),
    ];
    let spelling = prop_oneof![
        Just(Spelling::Calls),
        Just(Spelling::Comment),
        Just(Spelling::Policy)
    ];
    (
        option::weighted(0.5, prop_oneof![1 => Just(2), 2 => Just(5), 1 => Just(60)]),
        option::weighted(0.4, Just(10)),
        option::weighted(0.5, Just(20)),
        option::weighted(0.2, prop_oneof![Just(3), Just(30)]),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.25),
        mode,
        spelling,
    )
        .prop_map(
            |(ttl, swr, sie, tolerate_stale, strict, tagged, mode, spelling)| Hints {
                ttl,
                stale_while_revalidate: swr,
                stale_if_error: sie,
                tolerate_stale,
                strict,
                scope: None,
                tagged,
                mode,
                spelling,
            },
        )
        .boxed()
}

fn hints() -> BoxedStrategy<Hints> {
    (terms(), option::weighted(0.3, 0..2_u8))
        .prop_map(|(terms, scope)| Hints { scope, ..terms })
        .boxed()
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
