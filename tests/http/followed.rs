//! What handlers read through the pool, in whatever way, is seen.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::Request,
    routing::get,
};
use cachedpool::{
    CachedPool,
    http::{Policy, ResponseCacheLayer},
    prelude::*,
};
use cachedpool_test_support::SqliteFile;
use http_body_util::BodyExt as _;
use sqlx::Sqlite;
use tower_service::Service as _;

#[derive(Clone)]
struct App {
    pool: CachedPool<Sqlite>,
    calls: Arc<AtomicU64>,
}

impl App {
    async fn new(file: &SqliteFile) -> Self {
        let inner = sqlx::SqlitePool::connect(&file.url()).await.unwrap();
        sqlx::raw_sql(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
             CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL);
             INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob');",
        )
        .execute(&inner)
        .await
        .unwrap();
        Self {
            pool: CachedPool::builder(inner).build().await.unwrap(),
            calls: Arc::default(),
        }
    }

    fn router(&self, policy: Policy) -> Router {
        Router::new()
            .route("/cached/{id}", get(cached))
            .route("/plain/{id}", get(plain))
            .route("/transaction/{id}", get(transaction))
            .route("/written/{id}", get(written))
            .route("/random/{id}", get(random))
            .layer(ResponseCacheLayer::new(&self.pool, policy))
            .with_state(self.clone())
    }

    async fn write(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.pool).await.unwrap();
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

async fn cached(State(app): State<App>, Path(id): Path<i64>) -> String {
    app.calls.fetch_add(1, Ordering::Relaxed);
    sqlx::query_scalar("SELECT name FROM users WHERE id = ?")
        .bind(id)
        .cached(&app.pool)
        .fetch_one()
        .await
        .unwrap()
}

async fn plain(State(app): State<App>, Path(id): Path<i64>) -> String {
    app.calls.fetch_add(1, Ordering::Relaxed);
    sqlx::query_scalar("SELECT name FROM users WHERE id = ?")
        .bind(id)
        .fetch_one(&app.pool)
        .await
        .unwrap()
}

async fn transaction(State(app): State<App>, Path(id): Path<i64>) -> String {
    app.calls.fetch_add(1, Ordering::Relaxed);
    let mut transaction = app.pool.begin().await.unwrap();
    sqlx::query_scalar("SELECT name FROM users WHERE id = ?")
        .bind(id)
        .fetch_one(&mut *transaction)
        .await
        .unwrap()
}

async fn written(State(app): State<App>, Path(id): Path<i64>) -> String {
    app.calls.fetch_add(1, Ordering::Relaxed);
    let insert = sqlx::query("INSERT INTO orders (user_id) VALUES (?)");
    insert.bind(id).execute(&app.pool).await.unwrap();
    id.to_string()
}

async fn random(State(app): State<App>) -> String {
    app.calls.fetch_add(1, Ordering::Relaxed);
    let random: i64 = sqlx::query_scalar("SELECT random()")
        .fetch_one(&app.pool)
        .await
        .unwrap();
    random.to_string()
}

/// The body, and what the layer says of it.
async fn fetch(router: &Router, path: &str) -> (String, String) {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let response = router.clone().call(request).await.unwrap();
    let status = response.headers()["cache-status"].to_str().unwrap();
    let status = status.to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (String::from_utf8(body.to_vec()).unwrap(), status)
}

#[tokio::test]
async fn a_response_lives_until_what_its_handler_read_is_written() {
    let file = SqliteFile::new();
    let app = App::new(&file).await;
    let router = app.router(Policy::new());
    for (path, calls) in [("/cached/1", 0), ("/plain/1", 2), ("/transaction/1", 4)] {
        app.write("UPDATE users SET name = 'Ada' WHERE id = 1")
            .await;
        assert_eq!(fetch(&router, path).await.0, "Ada", "{path}");
        assert!(fetch(&router, path).await.1.contains("; hit"), "{path}");
        // Of another row, and of another table.
        app.write("UPDATE users SET name = 'Bo' WHERE id = 2").await;
        app.write("INSERT INTO orders (user_id) VALUES (1)").await;
        assert!(fetch(&router, path).await.1.contains("; hit"), "{path}");
        app.write("UPDATE users SET name = 'Eve' WHERE id = 1")
            .await;
        assert_eq!(fetch(&router, path).await.0, "Eve", "{path}");
        assert_eq!(app.calls(), calls + 2, "{path}");
    }
}

#[tokio::test]
async fn what_writes_or_cannot_be_followed_is_not_kept() {
    let file = SqliteFile::new();
    let app = App::new(&file).await;
    let router = app.router(Policy::new());
    for (path, why) in [("/written/1", "detail=write"), ("/random/1", "detail=")] {
        for _ in 0..2 {
            let (_, status) = fetch(&router, path).await;
            assert!(status.contains(why), "{path}: {status}");
        }
    }
    assert_eq!(app.calls(), 4);
}

#[tokio::test]
async fn a_rollback_leaves_responses_alone() {
    let file = SqliteFile::new();
    let app = App::new(&file).await;
    let router = app.router(Policy::new().s_maxage(Duration::from_secs(30)));
    fetch(&router, "/cached/1").await;
    let mut transaction = app.pool.begin().await.unwrap();
    sqlx::query("UPDATE users SET name = 'Eve'")
        .execute(&mut *transaction)
        .await
        .unwrap();
    assert!(fetch(&router, "/cached/1").await.1.contains("; hit"));
    transaction.rollback().await.unwrap();
    assert!(fetch(&router, "/cached/1").await.1.contains("; hit"));
}

/// A transaction that middleware began and wrote in, handed on to the handler.
type Handed = axum::Extension<Arc<tokio::sync::Mutex<cachedpool::Transaction<'static, Sqlite>>>>;

async fn handed(State(app): State<App>, handed: Option<Handed>) -> String {
    app.calls.fetch_add(1, Ordering::Relaxed);
    let read = sqlx::query_scalar("SELECT name FROM users WHERE id = 1");
    match handed {
        Some(axum::Extension(transaction)) => read
            .fetch_one(&mut **transaction.lock().await)
            .await
            .unwrap(),
        None => read.fetch_one(&app.pool).await.unwrap(),
    }
}

#[tokio::test]
async fn what_a_transaction_has_not_committed_is_kept_for_nobody() {
    let file = SqliteFile::new();
    let app = App::new(&file).await;
    let inner = Router::new()
        .route("/handed", get(handed))
        .layer(ResponseCacheLayer::new(&app.pool, Policy::new()))
        .with_state(app.clone());
    let (called, pool) = (inner.clone(), app.pool.clone());
    let middleware = move || async move {
        let mut transaction = pool.begin().await.unwrap();
        sqlx::query("UPDATE users SET name = 'Eve'")
            .execute(&mut *transaction)
            .await
            .unwrap();
        let transaction = Arc::new(tokio::sync::Mutex::new(transaction));
        let mut request = Request::builder()
            .uri("/handed")
            .body(Body::empty())
            .unwrap();
        request.extensions_mut().insert(transaction.clone());
        called
            .clone()
            .call(request)
            .await
            .unwrap()
            .into_body()
            .collect()
            .await
            .unwrap();
        Arc::into_inner(transaction)
            .unwrap()
            .into_inner()
            .rollback()
            .await
            .unwrap();
        "rolled back"
    };
    let outer = Router::new()
        .route("/outer", get(middleware))
        .layer(ResponseCacheLayer::new(&app.pool, Policy::new()));
    fetch(&outer, "/outer").await;
    assert_eq!(fetch(&inner, "/handed").await.0, "Ada");
}
