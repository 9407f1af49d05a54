//! PostgreSQL.

use cachedpool_test_support::postgres;
use sqlx::PgPool;

use crate::kit::Found;

/// A fresh database with these objects.
async fn database(sql: &'static str) -> PgPool {
    let pool = PgPool::connect(&postgres().await.fresh_database().await)
        .await
        .unwrap();
    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    pool
}

async fn found(sql: &'static str) -> Found {
    Found::in_pool(&database(sql).await).await
}

#[tokio::test]
async fn an_empty_database_has_its_search_path() {
    found("").await.holds(&["path public"]);
}
