//! sqlx's checked macros, answered from the cache.
//!
//! `cargo run --no-default-features --features sqlite --example macros`
//!
//! The macros read what they need from `.sqlx`, so neither a server nor an environment variable is asked for. After a
//! change to a query or to `examples/macros.sql`:
//!
//! ```sh
//! rm -f target/macros.db && sqlite3 target/macros.db < examples/macros.sql   # the command-line tool of SQLite
//! SQLX_OFFLINE=false SQLX_OFFLINE_DIR=.sqlx DATABASE_URL=sqlite:target/macros.db \
//!     cargo build --no-default-features --features sqlite --example macros
//! ```

use std::error::Error;

use cachedpool::{CachedPool, Source, prelude::*};
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqlitePoolOptions;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Book {
    id: i64,
    title: String,
    year: Option<i64>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A database in memory lives in its connection, so there must be one and no more.
    let sqlite = SqlitePoolOptions::new().max_connections(1);
    let pool = CachedPool::builder(sqlite.connect("sqlite::memory:").await?)
        .build()
        .await?;
    sqlx::raw_sql(include_str!("macros.sql"))
        .execute(&pool)
        .await?;

    let author = 1_i64;
    for expected in [Source::Database, Source::Local] {
        let books = sqlx::query_as!(
            Book,
            "SELECT id, title, year FROM books WHERE author_id = ? ORDER BY id",
            author
        )
        .cached(&pool)
        .fetch_all_shared()
        .await?;
        assert_eq!((books.source(), books.len()), (expected, 2));
        println!("query_as!      {:?}: {books:?}", books.source());

        let count = sqlx::query_scalar!("SELECT count(*) FROM books WHERE author_id = ?", author)
            .cached(&pool)
            .fetch_one_shared()
            .await?;
        assert_eq!((count.source(), *count), (expected, 2));
        println!("query_scalar!  {:?}: {}", count.source(), *count);

        // The anonymous record of `query!` has no name to keep it under: `map` makes something of it that has.
        let titles =
            sqlx::query!("SELECT title, name FROM books JOIN authors ON authors.id = author_id")
                .map(|row| format!("{} by {}", row.title, row.name))
                .cached(&pool)
                .fetch_all_shared()
                .await?;
        assert_eq!((titles.source(), titles.len()), (expected, 3));
        println!("query!().map() {:?}: {titles:?}", titles.source());
    }

    let title = "The Mill on the Floss";
    sqlx::query!(
        "INSERT INTO books (author_id, title, year) VALUES (?, ?, 1860)",
        author,
        title
    )
    .execute(&pool)
    .await?;
    let count = sqlx::query_scalar!("SELECT count(*) FROM books WHERE author_id = ?", author)
        .cached(&pool)
        .fetch_one()
        .await?;
    assert_eq!(count, 3);
    println!("after an INSERT by query!: {count}");
    Ok(())
}
