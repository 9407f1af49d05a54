//! What histories brought to light, each as a test of its own.

use cachedpool::{CacheExt, CachedPool};
use cachedpool_test_support::SqliteFile;
use sqlx::{Executor, Sqlite, SqlitePool, sqlite::SqlitePoolOptions};

/// A pool of one connection, and a table that holds the row 1.
async fn pool_of_one(file: &SqliteFile) -> CachedPool<Sqlite> {
    let inner = SqlitePoolOptions::new()
        .max_connections(1)
        .connect(&file.url())
        .await
        .unwrap();
    inner
        .execute("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    CachedPool::builder(inner).build().await.unwrap()
}

/// The database rolls the whole transaction back, and sqlx goes on counting it.
async fn ended_by_the_database(pool: &CachedPool<Sqlite>) {
    let mut transaction = pool.begin().await.unwrap();
    transaction
        .execute("INSERT OR ROLLBACK INTO t VALUES (1)")
        .await
        .unwrap_err();
}

#[tokio::test]
async fn a_transaction_that_the_database_ended_is_not_counted_by_the_next() {
    let file = SqliteFile::new();
    let pool = pool_of_one(&file).await;
    ended_by_the_database(&pool).await;
    // sqlx refuses a statement of one's own where it believes that a transaction is open.
    let next = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    next.rollback().await.unwrap();
}

#[tokio::test]
async fn after_a_transaction_that_the_database_ended_a_rollback_leaves_none_open() {
    let file = SqliteFile::new();
    let pool = pool_of_one(&file).await;
    ended_by_the_database(&pool).await;
    // Taken for a savepoint, this one would be open for ever, and what follows would be part of it.
    pool.begin().await.unwrap().rollback().await.unwrap();
    pool.execute("INSERT INTO t VALUES (2)").await.unwrap();
    let from_outside = SqlitePool::connect(&file.url()).await.unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM t")
        .fetch_one(&from_outside)
        .await
        .unwrap();
    assert_eq!(count, 2);
    let cached: i64 = sqlx::query_scalar("SELECT count(*) FROM t")
        .cached(&pool)
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(cached, 2);
}

#[tokio::test]
async fn nor_on_a_database_in_memory_whose_connection_cannot_be_closed() {
    let inner = SqlitePoolOptions::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await
        .unwrap();
    inner
        .execute("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)")
        .await
        .unwrap();
    let pool = CachedPool::builder(inner).build().await.unwrap();
    ended_by_the_database(&pool).await;
    let next = pool.begin_with("BEGIN IMMEDIATE").await.unwrap();
    next.rollback().await.unwrap();
    let mut outer = pool.begin().await.unwrap();
    let mut inner = outer.begin().await.unwrap();
    inner
        .execute("INSERT OR ROLLBACK INTO t VALUES (1)")
        .await
        .unwrap_err();
    drop(inner);
    drop(outer);
    pool.begin().await.unwrap().rollback().await.unwrap();
    pool.execute("INSERT INTO t VALUES (2)").await.unwrap();
    // Refused if the insert were part of a transaction that nobody knows of.
    pool.begin_with("BEGIN EXCLUSIVE")
        .await
        .unwrap()
        .rollback()
        .await
        .unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM t")
        .cached(&pool)
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(count, 2);
}
