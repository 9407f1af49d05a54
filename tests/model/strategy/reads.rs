//! Random reads, alone and in races with writes.

use proptest::{collection::vec, option, prelude::*};

use super::{id, pace, range, table};
use crate::history::{
    Branch, Builder, Fetch, Form, Hints, IDS, Mode, Pace, Question, Read, Route, Spelling, Table,
    Write,
};

/// Most reads are of few keys, or none would ever be answered from memory.
pub(super) fn read() -> BoxedStrategy<Read> {
    prop_oneof![3 => common_read(), 1 => any_read()].boxed()
}

pub(super) fn common_read() -> BoxedStrategy<Read> {
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

/// What is left to choose of a read in a race.
type Reading = (Form, Hints, Pace);

/// Reads of one key, and writes under them.
pub(super) fn race() -> BoxedStrategy<Vec<Branch>> {
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
            let branch = |(write, reads): (Option<(Route, Pace)>, Vec<Reading>)| Branch {
                write: write.map(|(route, pace)| (disturbing(&question), route, pace)),
                reads: reads
                    .into_iter()
                    .map(|(form, hints, pace)| {
                        let read =
                            reading(question.clone(), guarded, Fetch::All, form, builder, hints);
                        (read, pace)
                    })
                    .collect(),
            };
            branches.into_iter().map(branch).collect()
        })
        .boxed()
}

/// A write that changes the answer.
pub(super) fn disturbing(question: &Question) -> Write {
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
