//! The files of the schemas hold what they say: a statement that the server always refuses tests nothing.

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use sqlx::{MySql, Postgres, Sqlite};
use tokio::runtime::Builder;

use crate::{
    answer::Answer,
    area::{Area, areas},
    database::{Prepared, Subject, Tenant},
    statement::{Statement, Template},
};

/// How often a statement is tried with other values.
const TRIES: usize = 60;

/// Tries the templates in any order, and gives the last error of each that never ran.
async fn refused<DB: Subject>(
    pool: &sqlx::Pool<DB>,
    templates: &[&Template],
    refill: &[Template],
    runner: &mut TestRunner,
) -> Vec<String> {
    let mut order: Vec<usize> = (0..templates.len()).collect();
    let mut refused = vec![Some(String::new()); templates.len()];
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..TRIES {
        // Also those that ran already: many a statement needs what another one has made.
        random.shuffle(&mut order);
        for (at, &which) in order.iter().enumerate() {
            if at % 16 == 0 {
                for template in refill {
                    answer(pool, template, runner).await;
                }
            }
            let (statement, answer) = answer(pool, templates[which], runner).await;
            match answer {
                Answer::Error(error) if !is_about_rows(&error) => {
                    refused[which] = refused[which]
                        .take()
                        .map(|_| format!("{statement} => {error}"));
                }
                _ => refused[which] = None,
            }
        }
        if refused.iter().all(Option::is_none) {
            break;
        }
    }
    refused.into_iter().flatten().collect()
}

/// Whether a constraint was in the way, as it is for many an INSERT.
fn is_about_rows(error: &str) -> bool {
    // SQLSTATE class 23, and SQLite's extended codes for unique, primary and foreign keys, CHECK and NOT NULL.
    error.starts_with("23")
        || ["2067", "1555", "787", "275", "1299"]
            .iter()
            .any(|code| error.starts_with(code))
}

async fn answer<DB: Subject>(
    pool: &sqlx::Pool<DB>,
    template: &Template,
    runner: &mut TestRunner,
) -> (Statement, Answer) {
    let pieces = template
        .filled(DB::SERVER)
        .new_tree(runner)
        .expect("nothing is rejected")
        .current();
    let statement = Statement::new(DB::SERVER, pieces);
    // Several statements at once go without arguments only.
    let result = if statement.arguments.is_empty() {
        DB::run(pool, &statement.sql).await.map(|()| Vec::new())
    } else {
        DB::fetch(pool, &statement, Prepared::Once).await
    };
    let answer = Answer::new(&statement.sql, result);
    (statement, answer)
}

async fn refused_anywhere<DB: Subject>() -> Vec<String> {
    let place = DB::place().await.unwrap();
    let tenant = Tenant::first();
    let pool = DB::open(&place, &tenant).await.unwrap();
    let mut runner = TestRunner::deterministic();
    let mut found = Vec::new();
    for area in areas(DB::SERVER, place.second_name(DB::SERVER)) {
        DB::run(&pool, &area.schema)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", area.name));
        let Area {
            reads,
            writes,
            calls,
            refill,
            ddl,
            outside,
            ..
        } = &area;
        let templates: Vec<&Template> = reads
            .iter()
            .chain(writes.iter().map(|(template, _)| template))
            .chain([calls, refill, ddl, outside].into_iter().flatten())
            .collect();
        let refused = refused(&pool, &templates, refill, &mut runner).await;
        found.extend(
            refused
                .into_iter()
                .map(|line| format!("{}: {line}", area.name)),
        );
    }
    found
}

#[track_caller]
fn none_is_refused<DB: Subject>() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let refused = runtime.block_on(refused_anywhere::<DB>());
    assert!(
        refused.is_empty(),
        "{} statements:\n{}",
        refused.len(),
        refused.join("\n")
    );
}

#[test]
fn every_statement_for_postgres_runs_with_some_values() {
    none_is_refused::<Postgres>();
}

#[test]
fn every_statement_for_mariadb_runs_with_some_values() {
    none_is_refused::<MySql>();
}

#[test]
fn every_statement_for_sqlite_runs_with_some_values() {
    none_is_refused::<Sqlite>();
}
