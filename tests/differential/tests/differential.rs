//! Short runs of the suite: no answer differs, and one does as soon as a kind of expansion is switched off.

use cachedpool_differential::{Options, Server, run};
use tokio::runtime::Builder;

/// What every change of the crate has to pass. The long form is `scripts/differential`.
const PAIRS: u64 = 5_000;

#[track_caller]
fn every_pair_is_equal(server: Server) {
    let options = Options {
        server,
        pairs: PAIRS,
        seed: 1,
        area: None,
        switched_off: None,
    };
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be started");
    let tally = runtime.block_on(run(&options)).expect("the run is made");
    assert_eq!(tally.mismatches, 0, "{tally:?}: see above");
    assert!(tally.pairs >= PAIRS, "{tally:?}");
    // It would be easy to be right by caching nothing.
    assert!(tally.hits * 5 > tally.pairs, "{tally:?}");
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
