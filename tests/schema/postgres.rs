//! PostgreSQL.

mod fingerprints;
mod hooks;
mod relations;
mod routines;

use cachedpool_test_support::postgres;
use sqlx::PgPool;

use crate::kit::Found;

/// A fresh database with these objects.
async fn database(sql: &'static str) -> PgPool {
    let pool = PgPool::connect(&postgres().await.fresh_database().await)
        .await
        .unwrap();
    execute(&pool, sql).await;
    pool
}

async fn execute(pool: &PgPool, sql: &'static str) {
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

/// What the loader finds in a fresh database with these objects.
async fn found(sql: &'static str) -> Found {
    Found::in_pool(&database(sql).await).await
}
