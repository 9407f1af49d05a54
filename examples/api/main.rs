//! A small shop behind HTTP: users, their orders, and a dashboard that takes its time.
//!
//! ```sh
//! docker compose -f docker/compose.yml up -d                                           # PostgreSQL and Redis
//! cargo run --example api --features sqlite,axum                                       # on these
//! cargo run --example api --features sqlite,axum -- --embedded --listen 127.0.0.1:3000 # or without any server
//! ```
//!
//! `DATABASE_URL` and `REDIS_URL` name other servers than those of `docker/compose.yml`. README.md walks through it with
//! `curl`; `http://127.0.0.1:3000/` is a page that does it in a browser. What is worth copying is in `shop.rs`.

mod error;
mod rows;
mod shop;

use std::{env, error::Error, time::Duration};

use axum::Router;
use cachedpool::CachedPool;
use sqlx::{
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use self::shop::Shop;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// What the command line says.
struct Options {
    listen: String,
    storage: Storage,
}

enum Storage {
    /// PostgreSQL, with a tier on Redis that all processes of the API share.
    Servers,
    /// A SQLite file that goes away with the process, and its memory.
    Embedded,
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::read(env::args().skip(1))?;
    match options.storage {
        Storage::Servers => {
            let database = setting("DATABASE_URL", "postgres://app:app@127.0.0.1:5432/app");
            let redis = setting("REDIS_URL", "redis://127.0.0.1:6379");
            let postgres = PgPoolOptions::new()
                // Who waits for a database that is away learns it soon.
                .acquire_timeout(Duration::from_secs(2))
                .connect(&database)
                .await?;
            let pool = CachedPool::builder(postgres).redis(redis).build().await?;
            pool.migrate(&sqlx::migrate!("examples/api/migrations/postgres"))
                .await?;
            serve(&options.listen, Shop::router(&pool)).await?;
            pool.close().await;
        }
        Storage::Embedded => {
            let directory = tempfile::tempdir()?;
            let file = SqliteConnectOptions::new()
                .filename(directory.path().join("shop.db"))
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal);
            let sqlite = SqlitePoolOptions::new().connect_with(file).await?;
            let pool = CachedPool::builder(sqlite).build().await?;
            pool.migrate(&sqlx::migrate!("examples/api/migrations/sqlite"))
                .await?;
            serve(&options.listen, Shop::router(&pool)).await?;
            pool.close().await;
        }
    }
    Ok(())
}

async fn serve(address: &str, router: Router) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let end = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(end)
        .await?;
    Ok(())
}

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Options {
            listen: "127.0.0.1:3000".into(),
            storage: Storage::Servers,
        };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--embedded" => options.storage = Storage::Embedded,
                "--listen" => {
                    options.listen = words.next().ok_or("--listen wants ADDRESS:PORT")?;
                }
                _ => {
                    return Err(format!(
                        "usage: api [--embedded] [--listen ADDRESS:PORT]; what is {word}?"
                    )
                    .into());
                }
            }
        }
        Ok(options)
    }
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}
