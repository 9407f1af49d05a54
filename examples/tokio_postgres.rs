//! Cached reads for an application on tokio-postgres and deadpool, without sqlx.
//!
//! `DATABASE_URL=postgres://… cargo run --no-default-features --features tokio-postgres --example tokio_postgres`
//!
//! It makes a table `cachedpool_books` in that database and drops it in the end. Every sentence that it prints about the cache is
//! checked.

use std::{env, error::Error};

use cachedpool::{
    CachedClient, CachedPool, Source,
    tokio_postgres::{CachedRow, GenericClient},
};
use deadpool_postgres::{Manager, Pool};
use tokio_postgres::NoTls;

const TITLE: &str = "SELECT title FROM cachedpool_books WHERE id = $1";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("DATABASE_URL").map_err(|_| "DATABASE_URL names no database")?;
    let inner = Pool::builder(Manager::new(url.parse()?, NoTls)).build()?;
    // The swap: the pool that the application has, wrapped.
    let client: CachedClient = CachedPool::builder(inner).build().await?;

    client
        .batch_execute(
            "DROP TABLE IF EXISTS cachedpool_books;
             CREATE TABLE cachedpool_books (id bigint PRIMARY KEY, title text NOT NULL);
             INSERT INTO cachedpool_books VALUES (1, 'Dracula'), (2, 'Emma')",
        )
        .await?;
    client.reload_schema().await?;

    let (source, title) = read(&client).await?;
    println!("`{title}`, from the database");
    assert_eq!(source, Source::Database);
    let (source, title) = read(&client).await?;
    println!("`{title}`, from memory");
    assert_eq!(source, Source::Local);

    rename(&client, 2, "Persuasion").await?;
    assert_eq!(read(&client).await?.0, Source::Local);
    println!("another book has a new title: this one is still in memory");

    let mut tx = client.transaction().await?;
    rename(&mut *tx, 1, "The Un-Dead").await?;
    assert_eq!(read(&client).await?.1, "Dracula");
    println!("this one has a new title in a transaction, which nobody else sees");
    tx.commit().await?;
    let (source, title) = read(&client).await?;
    println!("`{title}`, after its COMMIT, from the database");
    assert_eq!((source, &*title), (Source::Database, "The Un-Dead"));

    client.batch_execute("DROP TABLE cachedpool_books").await?;
    println!("\n{}", client.stats());
    Ok(())
}

/// The title of the first book, and where it came from.
async fn read(client: &CachedClient) -> Result<(Source, String), Box<dyn Error>> {
    let rows = client.cached(TITLE, &[&1_i64]).query_shared().await?;
    let row: CachedRow = rows.one()?;
    Ok((rows.source(), row.get("title")))
}

/// A pool, a connection or a transaction: each has the driver's verbs.
async fn rename(
    client: impl GenericClient,
    id: i64,
    title: &str,
) -> Result<(), cachedpool::tokio_postgres::Error> {
    let sql = "UPDATE cachedpool_books SET title = $2 WHERE id = $1";
    client.execute(sql, &[&id, &title]).await.map(drop)
}
