//! A shared tier of one's own: a board in memory that two pools share, as two processes share Redis.
//! Try it: `cargo run --no-default-features --features sqlite --example custom_tier`.

use std::{
    collections::HashMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use cachedpool::{CachedPool, cache::shared::*, prelude::*};

/// Entries as bytes, and the clock that all agree on.
struct Board {
    clock: MemoryClock,
    entries: HashMap<String, Vec<u8>>,
    start: Instant,
}

/// One pool's place at the board.
struct Seat(Arc<Mutex<Board>>);

impl Seat {
    fn at<'a, T: Send + 'a>(&self, work: impl FnOnce(&mut Board, u64) -> T) -> Answer<'a, T> {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = board.start.elapsed().as_millis() as u64;
        let answer = work(&mut board, now);
        Box::pin(async { Ok(answer) })
    }
}

impl SharedTier for Seat {
    fn attach(&self, watcher: Arc<dyn Watcher>) {
        drop(self.at(|board, _| board.clock.attach(watcher)));
    }

    fn beat(&self, _: Duration) -> Answer<'_, Session> {
        // Memory never falls silent and never forgets: one session, one epoch.
        self.at(|_, _| Session(1))
    }

    fn fetch<'a>(&'a self, key: &'a str, slots: &'a [u16]) -> Answer<'a, Fetched> {
        self.at(|board, now| Fetched {
            entry: board.entries.get(key).cloned(),
            reading: board.clock.read(slots, now),
        })
    }

    fn read<'a>(&'a self, slots: &'a [u16]) -> Answer<'a, Reading> {
        self.at(|board, now| board.clock.read(slots, now))
    }

    fn store<'a>(&'a self, key: &'a str, entry: Vec<u8>, _: Duration) -> Answer<'a, ()> {
        // A real one would forget it after its time, and bound what it keeps.
        self.at(|board, _| drop(board.entries.insert(key.to_owned(), entry)))
    }

    fn advance<'a>(&'a self, steps: &'a [Step]) -> Answer<'a, Vec<(u16, Word)>> {
        self.at(|board, _| board.clock.advance(steps))
    }

    fn hold<'a>(&'a self, slots: &'a [u16], hold: Hold) -> Answer<'a, ()> {
        self.at(|board, now| board.clock.hold(slots, hold, now))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // In a file: of a database in memory nobody else can have the results.
    let file = tempfile::NamedTempFile::new()?;
    let url = format!("sqlite://{}", file.path().display());
    let sqlite = sqlx::SqlitePool::connect(&url).await?;
    let table = "CREATE TABLE users (id INTEGER PRIMARY KEY)";
    sqlx::query(table).execute(&sqlite).await?;
    let board = Arc::new(Mutex::new(Board {
        clock: MemoryClock::new(1),
        entries: HashMap::new(),
        start: Instant::now(),
    }));
    let pool = || CachedPool::builder(sqlite.clone()).shared_tier(Seat(board.clone()));
    let (one, other) = (pool().build().await?, pool().build().await?);
    for pool in [&one, &other, &other] {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM users").cached(pool);
        let count = count.fetch_one_shared().await?;
        println!("{} users, from {:?}", *count, count.source());
        // Results reach the tier off the reader's path.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let insert = sqlx::query("INSERT INTO users VALUES (1)");
    insert.execute(&one).await?;
    let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM users").cached(&other);
    println!("after a write by the first: {}", count.fetch_one().await?);
    Ok(())
}
