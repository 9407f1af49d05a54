//! How often the cache answers when rows have tags of their own, and when only tables have.
//!
//! `cargo bench --no-default-features --features sqlite --bench precision`
//!
//! One run of each on SQLite, with the same statements in the same order: 80 % reads of one row, 10 % reads of ten rows in a
//! row, 10 % updates of one row. Rows are chosen by Zipf's law (the n-th one with weight 1 / n^0.99, as in YCSB), once so that the rows
//! that are read most are also written most, and once so that they are others. In the first case eight reads of a row stand against one
//! write of it, so no cache that is right can answer more than eight of nine. Counted after a warm-up, since nothing can answer what was
//! never asked before. Rates, no times: nothing here depends on the machine.

use std::{error::Error, fmt};

use cachedpool::{CachedPool, RowTags, Source, prelude::*};
use serde::{Deserialize, Serialize};
use sqlx::{
    Sqlite, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

const ROWS: usize = 10_000;
const WARM_UP: usize = 50_000;
const OPERATIONS: usize = 200_000;
/// Rows of a read of several.
const RANGE: i64 = 10;
const EXPONENT: f64 = 0.99;

#[derive(Clone, Debug, sqlx::FromRow, Serialize, Deserialize)]
struct Item {
    id: i64,
    n: i64,
    name: String,
}

/// What has tags.
#[derive(Clone, Copy, Debug)]
enum Level {
    Tables,
    Rows,
}

/// Which rows are written most.
#[derive(Clone, Copy, Debug)]
enum Written {
    /// Those that are read most.
    Same,
    /// Others, by the same law.
    Others,
}

/// Reads of one kind, and how many of them the cache answered.
#[derive(Clone, Copy, Debug, Default)]
struct Reads {
    all: usize,
    hits: usize,
}

impl Reads {
    fn count(&mut self, source: Source) {
        self.all += 1;
        self.hits += usize::from(source != Source::Database);
    }

    fn and(self, other: Reads) -> Reads {
        Reads {
            all: self.all + other.all,
            hits: self.hits + other.hits,
        }
    }
}

impl fmt::Display for Reads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = 100.0 * self.hits as f64 / self.all.max(1) as f64;
        write!(f, "{rate:6.1} %")
    }
}

/// A generator of numbers that need not be good, only the same each time: xorshift64* (Marsaglia 2003, Vigna 2014).
struct Random(u64);

impl Random {
    /// At least zero and below one.
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}

/// Ids by their popularity.
struct Zipf {
    /// The sum of the weights up to each rank.
    sums: Vec<f64>,
}

impl Zipf {
    fn new() -> Self {
        let mut sum = 0.0;
        let sums = (1..=ROWS)
            .map(|rank| {
                sum += (rank as f64).powf(-EXPONENT);
                sum
            })
            .collect();
        Zipf { sums }
    }

    /// An id from 1. The popular ones do not lie side by side: a step that has no factor in common with the number of rows
    /// visits each of them.
    fn choose(&self, random: &mut Random, step: usize) -> i64 {
        let point = random.next() * self.sums[ROWS - 1];
        let rank = self.sums.partition_point(|&sum| sum <= point).min(ROWS - 1);
        1 + (rank * step % ROWS) as i64
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{OPERATIONS} operations on {ROWS} rows after {WARM_UP} to warm up");
    println!("tags of   rows written most   one row   ten rows   all reads");
    for written in [Written::Same, Written::Others] {
        for level in [Level::Tables, Level::Rows] {
            let [one, ten] = play(level, written).await?;
            println!(
                "{:<10}{:<19}{one}   {ten}   {}",
                format!("{level:?}"),
                match written {
                    Written::Same => "those read most",
                    Written::Others => "others",
                },
                one.and(ten)
            );
        }
    }
    Ok(())
}

/// The reads of one row and those of several.
async fn play(level: Level, written: Written) -> Result<[Reads; 2], Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let inner = fill(&directory.path().join("precision.db")).await?;
    let pool = open(inner, level).await?;
    let (zipf, mut random) = (Zipf::new(), Random(0x5eed));
    let (read_step, write_step) = match written {
        Written::Same => (7919, 7919),
        Written::Others => (7919, 4733),
    };
    let [mut one, mut ten] = [Reads::default(); 2];
    for operation in 0..WARM_UP + OPERATIONS {
        if operation == WARM_UP {
            [one, ten] = [Reads::default(); 2];
        }
        match random.next() {
            kind if kind < 0.8 => {
                let id = zipf.choose(&mut random, read_step);
                let read = sqlx::query_as::<_, Item>("SELECT id, n, name FROM items WHERE id = ?")
                    .bind(id)
                    .cached(&pool);
                one.count(read.fetch_one_shared().await?.source());
            }
            kind if kind < 0.9 => {
                let id = zipf.choose(&mut random, read_step);
                let sql = "SELECT id, n, name FROM items WHERE id BETWEEN ? AND ?";
                let read = sqlx::query_as::<_, Item>(sql)
                    .bind(id)
                    .bind(id + RANGE - 1)
                    .cached(&pool);
                ten.count(read.fetch_all_shared().await?.source());
            }
            _ => {
                let id = zipf.choose(&mut random, write_step);
                sqlx::query("UPDATE items SET n = n + 1 WHERE id = ?")
                    .bind(id)
                    .execute(&pool)
                    .await?;
            }
        }
    }
    Ok([one, ten])
}

async fn open(inner: SqlitePool, level: Level) -> Result<CachedPool<Sqlite>, cachedpool::Error> {
    let row_tags = match level {
        Level::Tables => RowTags::Off,
        Level::Rows => RowTags::On,
    };
    CachedPool::builder(inner).row_tags(row_tags).build().await
}

async fn fill(path: &std::path::Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Off);
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await?;
    sqlx::raw_sql(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, name TEXT NOT NULL);
         WITH RECURSIVE all_ids (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM all_ids WHERE id < 10000)
         INSERT INTO items SELECT id, 0, 'item ' || id FROM all_ids",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}
