//! What a cached read costs through each of the two drivers for PostgreSQL, in one run.
//!
//! `cargo bench --no-default-features --features postgres,tokio-postgres,testing --bench clients`
//!
//! `testing` brings the server, in a container. Both pools are on one database and share a cache. Hits are ready when they are
//! polled first, so no runtime is in the figures, except in those of `c_plain`, which go to the database. sqlx keeps rows as the
//! user's type, tokio-postgres as the bytes that the server sent: what `get` costs is paid by each reader, and shown by `…_read`.

use std::{hint::black_box, sync::OnceLock};

use cachedpool::{CacheExt as _, CachedClient, CachedPool, tokio_postgres::GenericClient as _};
use cachedpool_test_support::postgres;
use deadpool_postgres::{Manager, Pool};
use divan::Bencher;
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, Postgres, postgres::PgArguments, query::QueryAs};
use tokio::runtime::Runtime;
use tokio_postgres::NoTls;

fn main() {
    divan::main();
}

#[derive(Clone, Debug, sqlx::FromRow, Serialize, Deserialize)]
struct User {
    id: i64,
    name: String,
    org: i64,
}

const ONE: &str = "SELECT id, name, org FROM users WHERE id = $1";
const TEN: &str = "SELECT id, name, org FROM users WHERE org = $1";

struct Both {
    pool: CachedPool<Postgres>,
    client: CachedClient,
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime starts"))
}

fn both() -> &'static Both {
    static BOTH: OnceLock<Both> = OnceLock::new();
    BOTH.get_or_init(|| runtime().block_on(connect()))
}

async fn connect() -> Both {
    let url = postgres().await.fresh_database().await;
    let manager = Manager::new(url.parse().expect("an address"), NoTls);
    let inner = Pool::builder(manager).build().expect("a pool is built");
    for sql in [
        "CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, org bigint NOT NULL)",
        "INSERT INTO users SELECT i, 'user number ' || i, i % 100 FROM generate_series(1, 1000) i",
    ] {
        let connection = inner.get().await.expect("the server answers");
        connection
            .execute(sql, &[])
            .await
            .expect("the table is made");
    }
    let client = CachedPool::builder(inner).build().await;
    let client = client.expect("a client is built");
    let inner = PgPool::connect(&url).await.expect("the server answers");
    let pool = CachedPool::builder(inner).beside(&client).build().await;
    let pool = pool.expect("a pool is built");
    Both { pool, client }
}

fn users(sql: &'static str, value: i64) -> QueryAs<'static, Postgres, User, PgArguments> {
    sqlx::query_as(sql).bind(black_box(value))
}

/// Loads, then measures a future that is ready at once.
macro_rules! hit {
    ($bencher:expr, $read:expr) => {{
        let read = $read;
        // Connected before a runtime is entered, which cannot be entered twice.
        both();
        runtime().block_on(read()).expect("the server answers");
        $bencher.bench_local(|| read().now_or_never().expect("a hit waits for nothing"));
    }};
}

macro_rules! wait {
    ($bencher:expr, $read:expr) => {{
        let read = $read;
        both();
        $bencher.bench_local(|| runtime().block_on(read()).expect("the server answers"));
    }};
}

#[divan::bench(sample_size = 1000)]
fn a_one_sqlx(bencher: Bencher<'_, '_>) {
    hit!(bencher, || users(ONE, 7).cached(&both().pool).fetch_one());
}

#[divan::bench(sample_size = 1000)]
fn a_one_client(bencher: Bencher<'_, '_>) {
    hit!(bencher, async || both()
        .client
        .cached(ONE, &[black_box(&7_i64)])
        .query_one()
        .await);
}

#[divan::bench(sample_size = 1000)]
fn a_one_client_prepared(bencher: Bencher<'_, '_>) {
    let client = &both().client;
    let one = runtime().block_on(client.prepare(ONE));
    let one = one.expect("the server answers");
    hit!(bencher, async || client
        .cached(&one, &[black_box(&7_i64)])
        .query_one()
        .await);
}

#[divan::bench(sample_size = 1000)]
fn a_one_shared_sqlx(bencher: Bencher<'_, '_>) {
    hit!(bencher, || users(ONE, 7)
        .cached(&both().pool)
        .fetch_one_shared());
}

#[divan::bench(sample_size = 1000)]
fn a_one_shared_client(bencher: Bencher<'_, '_>) {
    hit!(bencher, async || both()
        .client
        .cached(ONE, &[black_box(&7_i64)])
        .query_shared()
        .await);
}

#[divan::bench(sample_size = 1000)]
fn b_ten_sqlx(bencher: Bencher<'_, '_>) {
    hit!(bencher, || users(TEN, 7).cached(&both().pool).fetch_all());
}

#[divan::bench(sample_size = 1000)]
fn b_ten_client(bencher: Bencher<'_, '_>) {
    hit!(bencher, async || both()
        .client
        .cached(TEN, &[black_box(&7_i64)])
        .query()
        .await);
}

#[divan::bench(sample_size = 1000)]
fn b_ten_shared_sqlx(bencher: Bencher<'_, '_>) {
    hit!(bencher, || users(TEN, 7)
        .cached(&both().pool)
        .fetch_all_shared());
}

#[divan::bench(sample_size = 1000)]
fn b_ten_shared_client(bencher: Bencher<'_, '_>) {
    hit!(bencher, async || both()
        .client
        .cached(TEN, &[black_box(&7_i64)])
        .query_shared()
        .await);
}

#[divan::bench(sample_size = 1000)]
fn b_ten_shared_read_sqlx(bencher: Bencher<'_, '_>) {
    let read = async || {
        let read = users(TEN, 7).cached(&both().pool);
        let users = read.fetch_all_shared().await?;
        let bytes = users
            .iter()
            .map(|user| user.id + user.org + user.name.len() as i64);
        Ok::<i64, sqlx::Error>(bytes.sum())
    };
    hit!(bencher, read);
}

#[divan::bench(sample_size = 1000)]
fn b_ten_shared_read_client(bencher: Bencher<'_, '_>) {
    let read = async || {
        let params = &[black_box(&7_i64) as _];
        let rows = both().client.cached(TEN, params).query_shared().await?;
        let bytes = rows.iter().map(|row| {
            let (id, name, org): (i64, &str, i64) = (row.get(0), row.get(1), row.get(2));
            id + org + name.len() as i64
        });
        Ok::<i64, cachedpool::tokio_postgres::Error>(bytes.sum())
    };
    hit!(bencher, read);
}

#[divan::bench]
fn c_plain_sqlx(bencher: Bencher<'_, '_>) {
    wait!(bencher, || users(ONE, 7).fetch_one(both().pool.inner()));
}

#[divan::bench]
fn c_plain_client(bencher: Bencher<'_, '_>) {
    wait!(bencher, || both().client.query_one(ONE, &[&7_i64]));
}
