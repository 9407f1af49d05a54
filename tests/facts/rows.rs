//! The pins are true: on SQLite, random queries over random rows answer the same whatever becomes of the rows that their pins
//! say do not matter, and random changes touch no row but those that their pins name.
//!
//! What is shown for one database holds for the others, since nothing but the parsing of names and literals differs.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod grammar;
mod tape;
mod world;

use std::{cell::RefCell, collections::BTreeSet};

use cachedpool::sql::{Dialect, Functions, Operand, Pin, PinnedWrite, Pins, analyse};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

use grammar::Text;
use tape::Tape;
use world::{Row, TABLES, World};

/// How many texts are tried, unless `CACHEDPOOL_FACTS_CASES` says otherwise.
const CASES: usize = 2_000;

fn cases() -> usize {
    std::env::var("CACHEDPOOL_FACTS_CASES").map_or(CASES, |cases| cases.parse().unwrap())
}

fn run(mut check: impl FnMut(&mut World, &mut Tape) -> Result<(), TestCaseError>) {
    let world = RefCell::new(World::new());
    let check = RefCell::new(&mut check);
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(u32::try_from(cases()).unwrap())
    };
    let result = TestRunner::new(config).run(&vec(any::<u8>(), 400), |choices| {
        check.borrow_mut()(&mut world.borrow_mut(), &mut Tape::new(choices))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn pins(text: &Text) -> Pins {
    analyse(Dialect::Sqlite, &text.sql, &Functions::new()).pins
}

/// Whether a row has one of the values of a pin. NULL is none.
fn has(row: &Row, pin: &Pin, text: &Text) -> bool {
    let column = world::COLUMNS.iter().position(|name| **name == *pin.column);
    let cell = row[column.expect("all columns are known")];
    pin.values
        .iter()
        .any(|value| Some(read(value, text)) == cell)
}

fn read(value: &Operand, text: &Text) -> i64 {
    match value {
        Operand::Parameter(index) => text.values[*index],
        Operand::Integer(integer) => *integer,
        other => panic!("there are integers alone, and not {other:?}"),
    }
}

/// The values that a text gives for a row.
type Given = Vec<Option<Operand>>;

/// Whether a row has what was given for it.
fn holds(row: &Row, columns: Option<&[Box<str>]>, given: &Given, text: &Text) -> bool {
    given.iter().enumerate().all(|(at, value)| {
        let named = |columns: &[Box<str>]| {
            let column = world::COLUMNS
                .iter()
                .position(|name| **name == *columns[at]);
            column.expect("all columns are known")
        };
        let at = columns.map_or(at, named);
        value
            .as_ref()
            .is_none_or(|value| row[at] == Some(read(value, text)))
    })
}

fn some_rows(tape: &mut Tape, of: &[Row]) -> Vec<Row> {
    (0..tape.below(4))
        .filter_map(|_| of.get(tape.below(of.len().max(1))).copied())
        .collect()
}

#[test]
fn rows_that_fail_the_pins_of_a_read_do_not_change_its_result() {
    let (mut asked, mut refused, mut swapped) = (0, 0, 0);
    run(|world, tape| {
        let text = grammar::query(tape);
        for table in TABLES {
            let rows = some_rows(tape, &world::rows());
            world.fill(table, &rows);
        }
        // Not all that the grammar makes is SQL.
        let Ok(expected) = world.ask(&text) else {
            refused += 1;
            return Ok(());
        };
        asked += 1;
        let occurrences = pins(&text).reads;
        for table in TABLES {
            let of_table: Vec<_> = occurrences
                .iter()
                .filter(|occurrence| *occurrence.relation.name == *table)
                .collect();
            if of_table.is_empty() || of_table.iter().any(|occurrence| occurrence.pins.is_empty()) {
                continue;
            }
            let before = world.rows(table);
            for _ in 0..3 {
                // Each pin holds by itself: take any for each occurrence.
                let chosen: Vec<&Pin> = of_table
                    .iter()
                    .map(|occurrence| &occurrence.pins[tape.below(occurrence.pins.len())])
                    .collect();
                let matters = |row: &Row| chosen.iter().any(|pin| has(row, pin, &text));
                let idle: Vec<Row> = world::rows()
                    .into_iter()
                    .filter(|row| !matters(row))
                    .collect();
                let mut rows: Vec<Row> = before.iter().copied().filter(matters).collect();
                rows.extend(some_rows(tape, &idle));
                world.fill(table, &rows);
                let found = world.ask(&text).expect("it could be asked before");
                prop_assert_eq!(
                    &found,
                    &expected,
                    "{} with {:?}\npins {:?}\n{} had {:?}, then {:?}",
                    text.sql,
                    text.values,
                    chosen,
                    table,
                    before,
                    rows
                );
                swapped += 1;
            }
            world.fill(table, &before);
        }
        Ok(())
    });
    figure!(
        "queries asked {asked}, not SQL {refused}; rows that do not matter exchanged {swapped} times"
    );
    assert!(asked > cases() / 3, "the grammar makes too little SQL");
    assert!(swapped > cases() / 3, "hardly anything is pinned");
}

#[test]
fn a_change_touches_no_row_that_fails_its_pins_and_no_column_that_it_does_not_name() {
    let (mut asked, mut pinned) = (0, 0);
    run(|world, tape| {
        let text = grammar::change(tape);
        for table in TABLES {
            let rows = some_rows(tape, &world::rows());
            world.fill(table, &rows);
        }
        let Some(write) = pins(&text).write else {
            return Ok(());
        };
        let numbered = TABLES.map(|table| (table, world.numbered(table)));
        if world.ask(&text).is_err() {
            return Ok(());
        }
        asked += 1;
        for (table, before) in numbered {
            let after = world.numbered(table);
            let numbers: BTreeSet<i64> = before.keys().chain(after.keys()).copied().collect();
            let changes: Vec<(Option<&Row>, Option<&Row>)> = numbers
                .iter()
                .map(|number| (before.get(number), after.get(number)))
                .filter(|(old, new)| old != new)
                .collect();
            let explained = match &write {
                PinnedWrite::Existing { target, assigned } if *target.relation.name == *table => {
                    pinned += usize::from(!target.pins.is_empty());
                    changes.iter().all(|(old, new)| {
                        let touched = old
                            .is_some_and(|old| target.pins.iter().all(|pin| has(old, pin, &text)));
                        let kept = (0..world::COLUMNS.len())
                            .filter(|at| {
                                !assigned.iter().any(|name| **name == *world::COLUMNS[*at])
                            })
                            .all(|at| {
                                new.is_none_or(|new| old.map(|old| old[at]) == Some(new[at]))
                            });
                        touched && kept && (new.is_some() || assigned.is_empty())
                    })
                }
                PinnedWrite::New {
                    relation,
                    columns,
                    rows,
                } if *relation.name == *table => {
                    pinned += 1;
                    let stored =
                        |(change, given): (&(Option<&Row>, Option<&Row>), &Given)| match change {
                            (None, Some(new)) => holds(new, columns.as_deref(), given, &text),
                            _ => false,
                        };
                    changes.len() == rows.len() && changes.iter().zip(rows).all(stored)
                }
                _ => changes.is_empty(),
            };
            prop_assert!(
                explained,
                "{} with {:?}\n{:?}\nchanged {} like this: {:?}",
                text.sql,
                text.values,
                write,
                table,
                changes
            );
        }
        Ok(())
    });
    figure!("changes made {asked}, of them pinned {pinned}");
    assert!(asked > cases() / 3, "the grammar makes too little SQL");
    assert!(pinned > cases() / 4, "hardly anything is pinned");
}
