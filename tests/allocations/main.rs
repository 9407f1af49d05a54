//! How much a hit allocates, beside sqlx's own builder.
//!
//! A binary of its own, because counting replaces the allocator.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use allocation_counter::measure;
use cachedpool::{CachedPool, prelude::*};
use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use sqlx::{Row as _, Sqlite, sqlite::SqlitePoolOptions, sqlite::SqliteRow};

#[derive(Clone, Debug, sqlx::FromRow, Serialize, Deserialize)]
struct User {
    id: i64,
    name: String,
}

async fn pool() -> CachedPool<Sqlite> {
    let sqlite = SqlitePoolOptions::new().max_connections(1);
    let pool = CachedPool::builder(sqlite.connect("sqlite::memory:").await.unwrap())
        .build()
        .await
        .unwrap();
    sqlx::raw_sql(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
         INSERT INTO users SELECT i, 'user ' || i FROM n",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool
}

/// The fewest allocations of several runs: the store does some of its own work now and then in whoever calls it.
fn fewest(mut run: impl FnMut()) -> u64 {
    let count = |_| measure(&mut run).count_total;
    (0..100).map(count).min().unwrap()
}

const SELECT: &str = "SELECT id, name FROM users WHERE id <= ?";

#[tokio::test]
async fn a_hit_allocates_nothing_beyond_sqlxs_builder_whatever_its_rows() {
    let pool = pool().await;
    for rows in [1_i64, 1000] {
        let query = || sqlx::query_as::<Sqlite, User>(SELECT).bind(rows);
        let loaded = query().cached(&pool).fetch_all_shared().await.unwrap();
        assert_eq!(loaded.len(), usize::try_from(rows).unwrap());
        let built = fewest(|| drop(query()));
        let hit = fewest(|| {
            let read = query().cached(&pool).fetch_all_shared();
            read.now_or_never()
                .expect("a hit waits for nothing")
                .unwrap();
        });
        assert_eq!(hit, built, "{rows} rows");
    }
}

#[tokio::test]
async fn a_hit_for_one_row_allocates_nothing_beyond_sqlxs_builder() {
    let pool = pool().await;
    let query = || sqlx::query_as::<Sqlite, User>(SELECT).bind(1);
    query().cached(&pool).fetch_one_shared().await.unwrap();
    let built = fewest(|| drop(query()));
    let hit = fewest(|| {
        let read = query().cached(&pool).fetch_one_shared();
        read.now_or_never()
            .expect("a hit waits for nothing")
            .unwrap();
    });
    assert_eq!(hit, built);
}

/// The closure of a `map` runs only inside sqlx, whose stream and future are boxed.
#[tokio::test]
async fn a_mapped_hit_allocates_only_for_sqlxs_machinery_whatever_its_rows() {
    let pool = pool().await;
    let beyond = async |rows: i64| {
        let query = || {
            sqlx::query::<Sqlite>(SELECT)
                .bind(rows)
                .map(|row: SqliteRow| row.get::<i64, _>(0))
        };
        query().cached(&pool).fetch_all_shared().await.unwrap();
        let built = fewest(|| drop(query()));
        let hit = fewest(|| {
            let read = query().cached(&pool).fetch_all_shared();
            read.now_or_never()
                .expect("a hit waits for nothing")
                .unwrap();
        });
        hit - built
    };
    let few = beyond(1).await;
    assert!(few <= 5, "{few}");
    assert_eq!(few, beyond(1000).await);
}
