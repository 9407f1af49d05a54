//! Reading the catalog of a PostgreSQL with 1,000 tables of 10 columns, 1,000 foreign keys and 1,000 indexes.
//!
//! `cargo bench --no-default-features --features postgres,testing --bench schema`, with the address of an empty database in
//! `CACHEDPOOL_BENCH_POSTGRES`. The tables are made once and stay.

use std::{env, sync::LazyLock};

use cachedpool::inspect;
use divan::{Bencher, black_box};
use sqlx::PgPool;
use tokio::runtime::Runtime;

fn main() {
    if env::var_os("CACHEDPOOL_BENCH_POSTGRES").is_some() {
        divan::main();
    } else {
        println!("CACHEDPOOL_BENCH_POSTGRES names no database: nothing is measured.");
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime starts"));

/// As an application has it after some years: each table refers to the one before.
const TABLES: &str = "DO $$ BEGIN \
    IF to_regclass('table_1') IS NULL THEN \
        FOR i IN 1..1000 LOOP \
            EXECUTE format('CREATE TABLE table_%s (id bigint PRIMARY KEY, parent bigint REFERENCES table_%s, \
                name text NOT NULL, email varchar(80), born date, active bool DEFAULT true, code uuid, \
                amount numeric(10, 2), note text, made timestamptz DEFAULT now())', i, greatest(i - 1, 1)); \
            EXECUTE format('CREATE INDEX ON table_%s (email)', i); \
        END LOOP; \
    END IF; \
    END $$; ANALYZE";

fn pool() -> PgPool {
    let url = env::var("CACHEDPOOL_BENCH_POSTGRES").expect("main has looked");
    RUNTIME.block_on(async {
        let pool = PgPool::connect(&url).await.expect("PostgreSQL is there");
        let made = sqlx::raw_sql(TABLES).execute(&pool).await;
        made.expect("the tables can be made");
        pool
    })
}

#[divan::bench(sample_count = 50, sample_size = 1)]
fn load(bencher: Bencher) {
    let pool = pool();
    bencher.bench_local(|| {
        let lines = RUNTIME.block_on(inspect::catalog(&pool));
        black_box(lines.expect("the catalog can be read"))
    });
}

#[divan::bench(sample_count = 200, sample_size = 1)]
fn fingerprint(bencher: Bencher) {
    let pool = pool();
    bencher.bench_local(|| {
        let fingerprint = RUNTIME.block_on(inspect::fingerprint(&pool));
        black_box(fingerprint.expect("the catalog can be read"))
    });
}

/// What a question costs at all.
#[divan::bench(sample_count = 200, sample_size = 1)]
fn nothing(bencher: Bencher) {
    let pool = pool();
    bencher.bench_local(|| {
        let answer = RUNTIME.block_on(sqlx::raw_sql("SELECT 1").execute(&pool));
        black_box(answer.expect("PostgreSQL answers"))
    });
}
