//! What the response cache costs and saves under load: one axum application on PostgreSQL, asked by `wrk` on loopback in every
//! way in one run. `scripts/load` gets both and runs this.
//!
//! `CACHEDPOOL_BENCH_PG` names an empty database, `CACHEDPOOL_LOAD_SECONDS` how long a turn is. The server has one thread, so
//! that `wrk` has a core of its own on a machine with two.

use std::{env, error::Error, process::Command, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    routing::get,
};
use cachedpool::{
    CachedPool,
    http::{Policy, ResponseCacheLayer},
    prelude::*,
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool, Postgres};
use tokio::{net::TcpListener, runtime};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;
type Pool = CachedPool<Postgres>;

/// Makes a response of about a kilobyte.
const READ: &str = "SELECT id, name, email FROM people ORDER BY id";
const FILL: &str = "CREATE TABLE people (id BIGINT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL);
    INSERT INTO people SELECT i, 'Person ' || i, 'person.' || i || '@example.org' FROM generate_series(1, 16) AS i";

/// Longer than a run: nothing expires in it.
const A_WHILE: Duration = Duration::from_secs(3600);

/// Each way is asked this often, in turns, so that what else the machine does meets all of them.
const ROUNDS: usize = 3;
const CONNECTIONS: &str = "--connections=32";

/// The first one is what the others are held against.
const WAYS: [(&str, &str, Asking); 5] = [
    ("a constant body", "/constant", Asking::Plainly),
    ("the layer: hits", "/layer", Asking::Plainly),
    ("the layer: 304s", "/layer", Asking::WithTag),
    ("no layer, a cached query", "/query", Asking::Plainly),
    ("no layer, the database", "/database", Asking::Plainly),
];

/// What a client has already.
#[derive(Clone, Copy)]
enum Asking {
    Plainly,
    WithTag,
}

#[derive(Clone, FromRow, Serialize, Deserialize)]
struct Person {
    id: i64,
    name: String,
    email: String,
}

/// What `wrk` tells of a turn.
#[derive(Clone, Copy)]
struct Turn {
    requests_per_second: f64,
    p99_ms: f64,
}

fn main() -> Result<()> {
    let Ok(database) = env::var("CACHEDPOOL_BENCH_PG") else {
        println!("CACHEDPOOL_BENCH_PG names no database: scripts/load brings one up, and wrk.");
        return Ok(());
    };
    let seconds = env::var("CACHEDPOOL_LOAD_SECONDS").unwrap_or_else(|_| "5".into());
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let (url, etag) = runtime.block_on(serve(&database))?;

    let mut turns = [const { Vec::new() }; WAYS.len()];
    for _ in 0..ROUNDS {
        for ((_, path, asking), turns) in WAYS.iter().zip(&mut turns) {
            let mut wrk = Command::new("wrk");
            wrk.args(["--threads=1", CONNECTIONS, "--latency"]);
            wrk.arg(format!("--duration={seconds}s"));
            if let Asking::WithTag = asking {
                wrk.arg(format!("--header=If-None-Match: {etag}"));
            }
            turns.push(Turn::of(wrk.arg(format!("{url}{path}")))?);
        }
    }

    println!("\n| {:<24} | requests/s | of constant | p99, ms |", "way");
    println!("|{:-<26}|-----------:|------------:|--------:|", "");
    let turns = turns.map(middle);
    for ((name, ..), turn) in WAYS.iter().zip(&turns) {
        let part = 100.0 * turn.requests_per_second / turns[0].requests_per_second;
        println!(
            "| {name:<24} | {:>10.0} | {part:>9.1} % | {:>7.2} |",
            turn.requests_per_second, turn.p99_ms
        );
    }
    Ok(())
}

/// Starts the application, and tells where it is and the tag of what its layer keeps.
async fn serve(database: &str) -> Result<(String, String)> {
    let pool = CachedPool::builder(PgPool::connect(database).await?)
        .build()
        .await?;
    sqlx::raw_sql(FILL).execute(&pool).await?;
    let constant = Bytes::from(serde_json::to_vec(&people(&pool).await?)?);
    let json = [(header::CONTENT_TYPE, "application/json")];
    let layer = ResponseCacheLayer::new(&pool, Policy::new().s_maxage(A_WHILE));
    let router = Router::new()
        .route("/constant", get(async move || (json, constant)))
        .route("/layer", get(query).layer(layer))
        .route("/query", get(query))
        .route("/database", get(past_the_cache))
        .with_state(pool);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async { axum::serve(listener, router).await });

    let kept = reqwest::get(format!("{url}/layer")).await?;
    let etag = kept.headers().get(header::ETAG).ok_or("no ETag")?;
    Ok((url, etag.to_str()?.to_owned()))
}

async fn query(State(pool): State<Pool>) -> Result<Json<Vec<Person>>, StatusCode> {
    people(&pool).await.map(Json).map_err(failed)
}

async fn past_the_cache(State(pool): State<Pool>) -> Result<Json<Vec<Person>>, StatusCode> {
    let people = sqlx::query_as(READ).fetch_all(pool.inner()).await;
    people.map(Json).map_err(failed)
}

async fn people(pool: &Pool) -> sqlx::Result<Vec<Person>> {
    sqlx::query_as(READ)
        .cached(pool)
        .ttl(A_WHILE)
        .fetch_all()
        .await
}

fn failed(error: sqlx::Error) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}

impl Turn {
    fn of(wrk: &mut Command) -> Result<Self> {
        let output = wrk.output()?;
        let told = String::from_utf8(output.stdout)?;
        let word = |label: &str| {
            let line = told
                .lines()
                .find_map(|line| line.trim().strip_prefix(label));
            line.map(str::trim)
                .ok_or_else(|| format!("wrk does not tell {label}: {told}"))
        };
        // wrk counts what is neither 2xx nor 3xx.
        if told.contains("Non-2xx") || told.contains("Socket errors") {
            return Err(told.into());
        }
        Ok(Self {
            requests_per_second: word("Requests/sec:")?.parse()?,
            p99_ms: milliseconds(word("99%")?)?,
        })
    }
}

/// The turn in the middle, by requests per second.
fn middle(mut turns: Vec<Turn>) -> Turn {
    turns.sort_by(|one, other| {
        one.requests_per_second
            .total_cmp(&other.requests_per_second)
    });
    turns[turns.len() / 2]
}

/// `wrk` writes times as `712.00us`, `1.20ms` or `1.05s`.
fn milliseconds(text: &str) -> Result<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return Ok(number.parse::<f64>()? * factor);
        }
    }
    Err(format!("not a time: {text}").into())
}
