//! A CDN that is told what a write has changed: the tags of each response travel in `Cache-Tag`, and the pool's hook hands the
//! tags of each invalidation to it. Try it: `cargo run --no-default-features --features sqlite,axum --example purge`.
//!
//! The CDN is a small server of this process that keeps responses by their path.

use std::{
    collections::{HashMap, HashSet},
    error::Error,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use cachedpool::{
    CachedPool, Invalidation,
    http::{Policy, ResponseCacheLayer, Tagging},
    prelude::*,
};
use sqlx::{Sqlite, sqlite::SqlitePoolOptions};
use tokio::{net::TcpListener, sync::mpsc};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;
type Pool = CachedPool<Sqlite>;

#[tokio::main]
async fn main() -> Result<()> {
    let (purges, mut due) = mpsc::unbounded_channel();
    // A database in memory lives in its connection, so there must be one and no more.
    let sqlite = SqlitePoolOptions::new().max_connections(1);
    let pool = CachedPool::builder(sqlite.connect("sqlite::memory:").await?)
        // Called within the write: it only hands the tags on.
        .on_invalidation(move |invalidation| drop(purges.send(invalidation.clone())))
        .build()
        .await?;
    sqlx::raw_sql(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
         INSERT INTO users VALUES (1, 'Ada'), (2, 'Grace')",
    )
    .execute(&pool)
    .await?;

    // The CDN may keep a response for an hour, since it will be told when it is no longer true.
    let policy = Policy::new()
        .s_maxage(Duration::from_secs(3600))
        .cache_tags(Tagging::CacheTag);
    let origin = Router::new()
        .route("/users/{id}", get(user))
        .layer(ResponseCacheLayer::new(&pool, policy))
        .with_state(pool.clone());
    let cdn = Arc::new(Cdn {
        origin: format!("http://{}", start(origin).await?),
        shelf: Mutex::default(),
    });
    let edge = Router::new().fallback(Cdn::answer).with_state(cdn.clone());
    let edge = format!("http://{}", start(edge).await?);

    // Its own task, so that no write waits for the CDN. A real one sends the tags to the CDN's API, and again if that fails.
    tokio::spawn(async move {
        while let Some(invalidation) = due.recv().await {
            cdn.purge(&invalidation);
        }
    });

    for path in ["/users/1", "/users/1", "/users/2"] {
        println!("{}", ask(&edge, path).await?);
    }
    let rename = sqlx::query("UPDATE users SET name = 'Ada Lovelace' WHERE id = 1");
    rename.execute(&pool).await?;
    println!("UPDATE users … WHERE id = 1");
    // A purge takes a moment; until then the CDN has the old name.
    let end = Instant::now() + Duration::from_secs(10);
    let renamed = loop {
        let answer = ask(&edge, "/users/1").await?;
        if answer.contains("Lovelace") {
            break answer;
        }
        if Instant::now() > end {
            return Err("the CDN was not purged".into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    println!("{renamed}");
    let other = ask(&edge, "/users/2").await?;
    println!("{other}");
    if !other.contains("CDN: hit") {
        return Err("the other user's response was purged too".into());
    }
    Ok(())
}

async fn user(State(pool): State<Pool>, Path(id): Path<i64>) -> Result<Json<String>, StatusCode> {
    sqlx::query_scalar("SELECT name FROM users WHERE id = $1")
        .bind(id)
        .cached(&pool)
        .fetch_optional()
        .await
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
        .map(Json)
        .ok_or(StatusCode::NOT_FOUND)
}

struct Cdn {
    origin: String,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    kept: HashMap<String, Kept>,
    purges: u64,
}

struct Kept {
    tags: HashSet<String>,
    body: String,
}

impl Cdn {
    async fn answer(State(cdn): State<Arc<Self>>, request: Request) -> Response {
        let path = request.uri().path().to_owned();
        let kept = cdn.shelf().kept.get(&path).map(|kept| kept.body.clone());
        if let Some(body) = kept {
            return ([("x-cdn", "hit")], body).into_response();
        }
        match cdn.fetch(&path).await {
            Ok(body) => ([("x-cdn", "miss")], body).into_response(),
            Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
        }
    }

    async fn fetch(&self, path: &str) -> reqwest::Result<String> {
        let purges = self.shelf().purges;
        let response = reqwest::get(format!("{}{path}", self.origin)).await?;
        let (status, tags) = (response.status(), tags(response.headers()));
        let body = response.text().await?;
        let mut shelf = self.shelf();
        // What a purge was for may be on its way here, from before the write.
        if status.is_success() && shelf.purges == purges {
            let body = body.clone();
            shelf.kept.insert(path.to_owned(), Kept { tags, body });
        }
        Ok(body)
    }

    fn purge(&self, invalidation: &Invalidation) {
        let mut shelf = self.shelf();
        shelf.purges += 1;
        match invalidation {
            Invalidation::Tags(tags) => shelf
                .kept
                .retain(|_, kept| !tags.iter().any(|tag| kept.tags.contains(tag))),
            // Everything, and whatever a later version may say.
            _ => shelf.kept.clear(),
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // Each change is made in one step, so a panic elsewhere leaves nothing half done.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tags(headers: &HeaderMap) -> HashSet<String> {
    let lines = headers.get_all("cache-tag").iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(|tag| tag.trim().to_owned())
        .collect()
}

async fn start(router: Router) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(address)
}

async fn ask(edge: &str, path: &str) -> Result<String> {
    let response = reqwest::get(format!("{edge}{path}")).await?;
    let cdn = response.headers()["x-cdn"].to_str()?.to_owned();
    Ok(format!(
        "GET {path}: {} (CDN: {cdn})",
        response.text().await?
    ))
}
