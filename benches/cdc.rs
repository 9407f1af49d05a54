//! How many changes of others a pool follows in a second, from what was recorded and from a server that tells as fast as it can;
//! and how long after a commit was acknowledged the clock has moved for it, at 2,000 commits a second.
//!
//! `cargo bench --no-default-features --features cdc,postgres,testing --bench cdc`. Brings up its own PostgreSQL, which needs the other core.
//!
//! What was recorded is what `pg_logical_slot_peek_binary_changes` says of the same transactions that the server then tells a pool.

use std::{
    hint::black_box,
    sync::Mutex,
    time::{Duration, Instant},
};

use cachedpool::{
    CachedPool,
    cdc::{
        LogicalReplication,
        pgoutput::{Place, decode},
    },
};
use cachedpool_test_support::{logical_postgres, wait_until};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool, Postgres};
use tokio::runtime::Runtime;

/// Rows of the one large transaction.
const ROWS: u64 = 1_000_000;
/// Transactions of one row each.
const SMALL: u64 = 50_000;
const ROUNDS: u32 = 3;
/// Longer than a server on a busy machine says nothing while it reads a large transaction: a stream that began anew would tell
/// nothing of it.
const SILENCE: Duration = Duration::from_secs(60);
/// Connections that write at a steady rate, each so often in a second, for so many seconds.
const WRITERS: u32 = 4;
const WRITES: u32 = 500;
const SECONDS: u32 = 10;
/// How often it is looked how much was followed, which is how exact a lag is.
const LOOK: Duration = Duration::from_millis(1);
/// A round may take so long.
const PATIENCE: Duration = Duration::from_secs(300);

const TABLE: &str = "
    CREATE TABLE items (id bigint PRIMARY KEY, owner int NOT NULL, name text NOT NULL, price numeric(10, 2) NOT NULL,
      changed timestamptz NOT NULL DEFAULT now());
    CREATE INDEX ON items (owner);
    INSERT INTO items SELECT n, n % 100, 'item ' || n, n % 50 + 0.5 FROM generate_series(1, 1000) n;
    CREATE PUBLICATION cachedpool FOR ALL TABLES;
    CREATE PROCEDURE small(many bigint) LANGUAGE plpgsql AS $$ BEGIN
      FOR n IN 1..many LOOP
        UPDATE items SET price = price + 1 WHERE id = 1 + n % 1000;
        COMMIT;
      END LOOP;
    END $$";

fn main() {
    // Cargo runs benches as tests too, without this.
    if std::env::args().any(|argument| argument == "--bench") {
        let runtime = Runtime::new().expect("a runtime starts");
        runtime.block_on(measure());
    }
}

async fn measure() {
    let url = logical_postgres().await.fresh_database().await;
    let inner = PgPool::connect(&url).await.expect("it is there");
    inner.execute(TABLE).await.expect("tables can be made");
    let quiet = CachedPool::builder(inner.clone()).build().await;
    let quiet = quiet.expect("a pool can be built");
    let large = format!(
        "INSERT INTO items SELECT n, n % 100, 'item ' || n, 1 FROM generate_series(1001, {}) n",
        ROWS + 1000
    );
    let small = format!("CALL small({SMALL})");
    let tidy = "DELETE FROM items WHERE id > 1000";

    println!("recorded, one core:");
    for (name, sql, changes) in [("large", &large, ROWS), ("small", &small, SMALL)] {
        let messages = record(&inner, sql).await;
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        say(name, "read", changes, || {
            for bytes in &messages {
                black_box(decode(bytes, Place::Outside).expect("it is a message"));
            }
        });
        say(name, "read, collected, the clock moved", changes, || {
            let followed = quiet.replay_changes(messages.iter().copied());
            black_box(followed.expect("it is a stream"));
        });
        inner.execute(tidy).await.expect("rows can be deleted");
    }

    println!("told by the server, two cores:");
    let pool = CachedPool::builder(inner.clone())
        .follow_changes(LogicalReplication::new().max_staleness(SILENCE))
        .build()
        .await
        .expect("a pool can be built");
    wait_until(PATIENCE, "changes are heard", async || {
        pool.stats().changes_live
    })
    .await;
    for _ in 0..ROUNDS {
        follow(&pool, &inner, "large", &large, (ROWS, 1)).await;
        follow(&pool, &inner, "deleted", tidy, (ROWS, 1)).await;
        follow(&pool, &inner, "small", &small, (SMALL, SMALL)).await;
    }

    println!("at {} commits a second:", WRITERS * WRITES);
    for _ in 0..ROUNDS {
        lag(&pool, &url).await;
    }
}

/// Writes at a steady rate, whether the pool keeps up or not, and tells how long after each acknowledgement the clock had moved.
async fn lag(pool: &CachedPool<Postgres>, url: &str) {
    let acknowledged = Mutex::new(Vec::new());
    let write = async |writer: u32| {
        let mut connection = PgConnection::connect(url).await.expect("it is there");
        let mut beat = tokio::time::interval(Duration::from_secs(1) / WRITES);
        for round in 0..WRITES * SECONDS {
            beat.tick().await;
            let id = 1 + (writer + round * WRITERS) % 1000;
            let update = sqlx::query("UPDATE items SET price = price + 1 WHERE id = $1");
            let written = update.bind(i64::from(id)).execute(&mut connection).await;
            written.expect("it can be written");
            let mut acknowledged = acknowledged.lock().expect("nobody panicked");
            acknowledged.push(Instant::now());
        }
    };
    let before = pool.stats().changes_followed;
    let all = (WRITERS * WRITES * SECONDS) as usize;
    // They are followed in the order of their commits, which is that of their acknowledgements but for neighbours.
    let follow = async {
        let mut moved = Vec::with_capacity(all);
        while moved.len() < all {
            let followed = usize::try_from(pool.stats().changes_followed - before);
            moved.resize(followed.expect("they are few"), Instant::now());
            tokio::time::sleep(LOOK).await;
        }
        moved
    };
    let begun = Instant::now();
    let (.., moved) = tokio::join!(write(0), write(1), write(2), write(3), follow);
    let acknowledged = acknowledged.into_inner().expect("nobody panicked");
    let written = acknowledged
        .last()
        .expect("there were some")
        .duration_since(begun);
    let mut lags: Vec<Duration> = moved
        .iter()
        .zip(&acknowledged)
        .map(|(moved, acknowledged)| moved.saturating_duration_since(*acknowledged))
        .collect();
    lags.sort_unstable();
    println!(
        "  {:>5.0} commits/s reached: lag p50 {:.2?}, p99 {:.2?}, worst {:.2?}",
        rate(all as u64, written),
        lags[all / 2],
        lags[all * 99 / 100],
        lags[all - 1]
    );
}

/// What the server tells of a statement.
async fn record(inner: &PgPool, sql: &str) -> Vec<Vec<u8>> {
    inner
        .execute("SELECT pg_create_logical_replication_slot('record', 'pgoutput')")
        .await
        .expect("there is a free slot");
    inner
        .execute(AssertSqlSafe(sql.to_owned()))
        .await
        .expect("it can be written");
    let peek = "SELECT data FROM pg_logical_slot_peek_binary_changes('record', NULL, NULL, \
                'proto_version', '1', 'publication_names', 'cachedpool')";
    let messages = sqlx::query_scalar(peek).fetch_all(inner).await;
    inner
        .execute("SELECT pg_drop_replication_slot('record')")
        .await
        .expect("the slot is there");
    messages.expect("the server tells it")
}

fn say(name: &str, what: &str, changes: u64, act: impl Fn()) {
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        act();
        println!(
            "  {name:<8}{what:<36}{:>12.0} changes/s",
            rate(changes, begun.elapsed())
        );
    }
}

/// Follows what `sql` writes: so many changes in so many transactions.
async fn follow(
    pool: &CachedPool<Postgres>,
    inner: &PgPool,
    name: &str,
    sql: &str,
    (changes, transactions): (u64, u64),
) {
    let before = pool.stats().changes_followed;
    let begun = Instant::now();
    inner
        .execute(AssertSqlSafe(sql.to_owned()))
        .await
        .expect("it can be written");
    let written = begun.elapsed();
    wait_until(PATIENCE, "all were followed", async || {
        pool.stats().changes_followed - before >= transactions
    })
    .await;
    let all = begun.elapsed();
    println!(
        "  {name:<8}written in {written:>8.2?}, followed {:>8.2?} later: {:>9.0} changes/s in all, {:>9.0} changes/s since it was written",
        all.checked_sub(written).unwrap_or_default(),
        rate(changes, all),
        rate(changes, all.saturating_sub(written))
    );
}

#[expect(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
