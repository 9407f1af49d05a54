//! Short runs of the suite: no answer differs, and one does as soon as a kind of expansion is switched off.

use cachedpool_differential::{Expansion, Options, Server, Tally, run};
use tokio::runtime::Builder;

/// What every change of the crate has to pass. The long form is `scripts/differential`.
const PAIRS: u64 = 5_000;
/// The most that it may take until something wrong is found.
const PAIRS_UNTIL_FOUND: u64 = 20_000;

fn play(options: &Options) -> Tally {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be started");
    runtime.block_on(run(options)).expect("the run is made")
}

#[track_caller]
fn every_pair_is_equal(server: Server) {
    let tally = play(&Options {
        server,
        pairs: PAIRS,
        seed: 1,
        area: None,
        switched_off: None,
    });
    assert_eq!(tally.mismatches, 0, "{tally:?}: see above");
    assert!(tally.pairs >= PAIRS, "{tally:?}");
    // It would be easy to be right by caching nothing.
    assert!(tally.hits * 5 > tally.pairs, "{tally:?}");
}

#[track_caller]
fn is_noticed(switched_off: Expansion, server: Server, area: &str) {
    let tally = play(&Options {
        server,
        pairs: PAIRS_UNTIL_FOUND,
        seed: 1,
        area: Some(area.to_owned()),
        switched_off: Some(switched_off),
    });
    assert!(tally.mismatches > 0, "{tally:?}");
}

#[test]
fn what_the_cache_answers_on_postgres_is_what_the_database_says() {
    every_pair_is_equal(Server::Postgres);
}

#[test]
fn what_the_cache_answers_on_mariadb_is_what_the_database_says() {
    every_pair_is_equal(Server::MariaDb);
}

#[test]
fn what_the_cache_answers_on_sqlite_is_what_the_database_says() {
    every_pair_is_equal(Server::Sqlite);
}

macro_rules! noticed {
    ($($name:ident: $Expansion:ident, $Server:ident, $area:literal;)+) => {
        $(#[test]
        fn $name() {
            is_noticed(Expansion::$Expansion, Server::$Server, $area);
        })+
    };
}

noticed! {
    without_cascades_a_wrong_answer_is_found_on_postgres: Cascades, Postgres, "cascades";
    without_cascades_a_wrong_answer_is_found_on_mariadb: Cascades, MariaDb, "cascades";
    without_cascades_a_wrong_answer_is_found_on_sqlite: Cascades, Sqlite, "cascades";
    without_triggers_a_wrong_answer_is_found_on_postgres: Triggers, Postgres, "triggers";
    without_triggers_a_wrong_answer_is_found_on_mariadb: Triggers, MariaDb, "triggers";
    without_triggers_a_wrong_answer_is_found_on_sqlite: Triggers, Sqlite, "triggers";
    without_rules_a_wrong_answer_is_found: Rules, Postgres, "rules";
    without_what_columns_call_a_wrong_answer_is_found: Columns, Postgres, "columns";
    without_views_a_wrong_answer_is_found_on_postgres: Views, Postgres, "views";
    without_views_a_wrong_answer_is_found_on_mariadb: Views, MariaDb, "views";
    without_views_a_wrong_answer_is_found_on_sqlite: Views, Sqlite, "views";
    without_partitions_and_inheritance_a_wrong_answer_is_found: Inheritance, Postgres, "partitions";
    without_functions_a_wrong_answer_is_found_on_postgres: Functions, Postgres, "functions";
    without_functions_a_wrong_answer_is_found_on_mariadb: Functions, MariaDb, "functions";
    without_the_search_path_a_wrong_answer_is_found: Resolution, Postgres, "names";
    without_row_security_a_wrong_answer_is_found: RowSecurity, Postgres, "tenants";
    without_temporary_tables_a_wrong_answer_is_found_on_postgres: Temporary, Postgres, "temporary";
    without_temporary_tables_a_wrong_answer_is_found_on_mariadb: Temporary, MariaDb, "temporary";
    without_temporary_tables_a_wrong_answer_is_found_on_sqlite: Temporary, Sqlite, "temporary";
    with_every_write_confined_to_rows_a_wrong_answer_is_found_on_postgres: Rows, Postgres, "plain";
    with_every_write_confined_to_rows_a_wrong_answer_is_found_on_mariadb: Rows, MariaDb, "plain";
    with_every_write_confined_to_rows_a_wrong_answer_is_found_on_sqlite: Rows, Sqlite, "plain";
}
