//! A tour of the pool on a small shop in a SQLite file: no server, no set-up.
//!
//! `cargo run --no-default-features --features sqlite --example quickstart`
//!
//! Every sentence that it prints about the cache is checked: where one is not so, the tour stops with an error.

use std::{
    error::Error,
    future::Future,
    time::{Duration, Instant},
};

use cachedpool::{Cached, CachedPool, Freshness, Source, prelude::*};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use sqlx::{
    FromRow, Sqlite,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

type Pool = CachedPool<Sqlite>;
type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What a row type needs beside sqlx's `FromRow`: `Serialize`, `Deserialize` and `Clone`.
#[derive(Clone, Debug, PartialEq, FromRow, Serialize, Deserialize)]
struct BestSeller {
    product: String,
    orders: i64,
    revenue_cents: i64,
}

/// The products that earned most in one country. A join of all four tables.
const BEST_SELLERS: &str = "
    SELECT p.name AS product, count(DISTINCT o.id) AS orders, sum(l.quantity * l.price_cents) AS revenue_cents
    FROM order_lines l
    JOIN orders o ON o.id = l.order_id
    JOIN customers c ON c.id = o.customer_id
    JOIN products p ON p.id = l.product_id
    WHERE c.country_id = ?
    GROUP BY p.id ORDER BY revenue_cents DESC, p.id LIMIT 5";

const COUNTRY: i64 = 7;

#[tokio::main]
async fn main() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let file = SqliteConnectOptions::new()
        .filename(directory.path().join("shop.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let sqlite = SqlitePoolOptions::new()
        .max_connections(4)
        .connect_with(file)
        .await?;
    // The swap: the pool that the application has, wrapped.
    let pool = CachedPool::builder(sqlite).build().await?;

    heading("A shop");
    fill(&pool).await?;
    heading("Reads");
    reads(&pool).await?;
    heading("A write through the pool");
    write(&pool).await?;
    heading("Transactions");
    transactions(&pool).await?;
    heading("A write from outside, and stale-while-revalidate");
    revalidation(&pool).await?;
    heading("A hint in the SQL text");
    hint(&pool).await?;
    heading("Explain");
    explain(&pool);
    heading("What has been counted");
    println!("{}", pool.stats());
    pool.close().await;
    Ok(())
}

async fn fill(pool: &Pool) -> Result<()> {
    let start = Instant::now();
    let mut tx = pool.begin().await?;
    sqlx::raw_sql(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country_id INTEGER NOT NULL);
         CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price_cents INTEGER NOT NULL);
         CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers);
         CREATE TABLE order_lines (order_id INTEGER NOT NULL REFERENCES orders,
            product_id INTEGER NOT NULL REFERENCES products, quantity INTEGER NOT NULL, price_cents INTEGER NOT NULL);
         CREATE INDEX order_of_line ON order_lines (order_id);
         CREATE INDEX customer_of_order ON orders (customer_id);",
    )
    .execute(&mut *tx)
    .await?;
    let tables = [
        (
            4_000_i64,
            "INSERT INTO customers SELECT i, 'Customer ' || i, i % 23 FROM n",
        ),
        (
            1_000,
            "INSERT INTO products SELECT i, 'Product ' || i, 100 + i * 7919 % 9900 FROM n",
        ),
        (
            25_000,
            "INSERT INTO orders SELECT i, 1 + i * 7907 % 4000 FROM n",
        ),
        (
            75_000,
            "INSERT INTO order_lines SELECT 1 + i % 25000, p.id, 1 + i % 5, p.price_cents
             FROM n JOIN products p ON p.id = 1 + (i * 7901 + i / 997) % 997",
        ),
    ];
    let mut rows = 0;
    for (count, insert) in tables {
        let numbers =
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)";
        let sql = sqlx::AssertSqlSafe(format!("{numbers} {insert}"));
        rows += sqlx::query(sql)
            .bind(count)
            .execute(&mut *tx)
            .await?
            .rows_affected();
    }
    tx.commit().await?;
    assert_eq!(rows, 105_000);
    println!(
        "{rows} rows of customers, products, orders and order lines in {:?}.",
        start.elapsed()
    );
    Ok(())
}

async fn best_sellers(pool: &Pool) -> Result<Cached<Vec<BestSeller>>, sqlx::Error> {
    sqlx::query_as(BEST_SELLERS)
        .bind(COUNTRY)
        .cached(pool)
        .fetch_all_shared()
        .await
}

async fn reads(pool: &Pool) -> Result<()> {
    let (first, miss) = timed(best_sellers(pool)).await?;
    assert_eq!(first.source(), Source::Database);
    for row in first.iter() {
        println!(
            "  {:<14} {:>5} orders {:>12} cents",
            row.product, row.orders, row.revenue_cents
        );
    }
    println!("The first read asks the database: {miss:?}.");

    let hits = 10_000;
    let start = Instant::now();
    for _ in 0..hits {
        assert_eq!(best_sellers(pool).await?.source(), Source::Local);
    }
    let hit = start.elapsed() / hits;
    let faster = miss.as_nanos() / hit.as_nanos().max(1);
    assert!(faster > 10, "a hit is not much faster than the query");
    println!("The next {hits} are answered from memory: {hit:?} each, {faster} times faster.");

    pool.invalidate_all().await?;
    let before = pool.stats().loads;
    try_join_all((0..100).map(|_| best_sellers(pool))).await?;
    assert_eq!(pool.stats().loads, before + 1);
    println!("Emptied by hand, and a hundred readers at once: one query for all of them.");
    Ok(())
}

async fn write(pool: &Pool) -> Result<()> {
    let names = || sqlx::query_scalar::<_, String>("SELECT name FROM products WHERE id < 10");
    names().cached(pool).fetch_all().await?;
    let before = best_sellers(pool).await?;

    // sqlx as ever: the pool is an executor.
    sqlx::query("UPDATE order_lines SET quantity = quantity + ? WHERE product_id = ?")
        .bind(1000)
        .bind(42)
        .execute(pool)
        .await?;

    let after = best_sellers(pool).await?;
    assert_eq!(after.source(), Source::Database);
    assert_eq!(after[0].product, "Product 42");
    assert_ne!(after[0], before[0]);
    println!(
        "UPDATE order_lines: the next read asks the database again and sees it: {} leads now.",
        after[0].product
    );
    let products = names().cached(pool).fetch_all_shared().await?;
    assert_eq!(products.source(), Source::Local);
    println!("What was read from `products` alone is still in memory.");
    Ok(())
}

async fn transactions(pool: &Pool) -> Result<()> {
    let before = best_sellers(pool).await?;
    let mut tx = pool.begin().await?;
    sqlx::query("DELETE FROM order_lines")
        .execute(&mut *tx)
        .await?;
    let inside: i64 = sqlx::query_scalar("SELECT count(*) FROM order_lines")
        .fetch_one(&mut *tx)
        .await?;
    assert_eq!(inside, 0);
    assert_eq!(best_sellers(pool).await?.source(), Source::Local);
    tx.rollback().await?;
    let after = best_sellers(pool).await?;
    assert_eq!((after.source(), &*after), (Source::Local, &*before));
    println!(
        "All order lines deleted, then rolled back: nothing was invalidated, before or after."
    );

    let mut tx = pool.begin().await?;
    sqlx::query("DELETE FROM order_lines WHERE product_id = ?")
        .bind(42)
        .execute(&mut *tx)
        .await?;
    assert_eq!(best_sellers(pool).await?.source(), Source::Local);
    tx.commit().await?;
    let after = best_sellers(pool).await?;
    assert_eq!(after.source(), Source::Database);
    assert!(after.iter().all(|row| row.product != "Product 42"));
    println!(
        "Product 42 deleted and committed: invalidated by the commit, and gone from the next read."
    );
    Ok(())
}

async fn revalidation(pool: &Pool) -> Result<()> {
    let ttl = Duration::from_millis(200);
    let price = || async move {
        sqlx::query_scalar::<_, i64>("SELECT price_cents FROM products WHERE id = ?")
            .bind(1)
            .cached(pool)
            .ttl(ttl)
            .stale_while_revalidate(Duration::from_secs(60))
            .fetch_one_shared()
            .await
    };
    let old = price().await?;
    // Past the cache, as another program would.
    sqlx::query("UPDATE products SET price_cents = price_cents + 1 WHERE id = 1")
        .execute(pool.inner())
        .await?;

    let stale = until(&price, |price| price.freshness() != Freshness::Fresh).await?;
    assert_eq!((*stale, stale.source()), (*old, Source::Local));
    println!(
        "The pool did not see this one, so the old price stays for its time to live of {ttl:?}. The first read after \
         that gets it at once ({:?} old) and starts a refresh in the background,",
        stale.age()
    );
    let new = until(&price, |price| price.freshness() == Freshness::Fresh).await?;
    assert_eq!(*new, *old + 1);
    println!(
        "which the next reads profit from: the price is {} now, not {}.",
        *new, *old
    );
    Ok(())
}

async fn hint(pool: &Pool) -> Result<()> {
    let count = || async move {
        sqlx::query_scalar::<_, i64>(
            "/* cachedpool: ttl=5m tags=catalogue */ SELECT count(*) FROM products",
        )
        .cached(pool)
        .fetch_one_shared()
        .await
    };
    count().await?;
    assert_eq!(count().await?.source(), Source::Local);
    pool.invalidate_tags(["catalogue"]).await?;
    let again = count().await?;
    assert_eq!(again.source(), Source::Database);
    println!("`/* cachedpool: ttl=5m tags=catalogue */` gave the result a time to live and a tag;");
    println!(
        "`invalidate_tags([\"catalogue\"])` made it a miss. It hangs on: {}.",
        again.tags().collect::<Vec<_>>().join(", ")
    );
    Ok(())
}

fn explain(pool: &Pool) {
    let cacheable = pool.explain("SELECT name FROM products WHERE price_cents < ?");
    assert!(cacheable.statement.cacheable);
    println!("{cacheable}\n");
    let refused = pool.explain("SELECT name FROM products ORDER BY random() LIMIT 1");
    assert!(!refused.statement.cacheable);
    println!("{refused}");
}

/// Reads until the answer is as wanted, for ten seconds at most.
async fn until<T, F: Future<Output = Result<T, sqlx::Error>>>(
    read: impl Fn() -> F,
    wanted: impl Fn(&T) -> bool,
) -> Result<T> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        let answer = read().await?;
        if wanted(&answer) {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err("the answer did not come".into())
}

async fn timed<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<(T, Duration), E> {
    let start = Instant::now();
    let done = work.await?;
    Ok((done, start.elapsed()))
}

fn heading(title: &str) {
    println!("\n== {title}");
}
