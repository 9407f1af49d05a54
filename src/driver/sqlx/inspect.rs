//! What the loaders find in a database, for tests and benches of them.

use sqlx::{Error, Pool};

use super::backend::Backend;
use crate::schema::LoadError;

/// The catalog of a pool's database, a fact a line.
///
/// # Errors
/// What could not be read: the query, what helps, and what the database said, a line each.
///
/// # Cancel safety
/// Changes nothing.
pub async fn catalog<DB: Backend>(pool: &Pool<DB>) -> Result<Vec<String>, String> {
    let mut connection = pool.acquire().await.map_err(|error| error.to_string())?;
    let catalog = DB::catalog(&mut connection).await.map_err(told)?;
    Ok(catalog.lines())
}

/// A text that is another one if that catalog has changed in a way that matters.
///
/// # Errors
/// As for [`catalog`].
///
/// # Cancel safety
/// Changes nothing.
pub async fn fingerprint<DB: Backend>(pool: &Pool<DB>) -> Result<String, String> {
    let mut connection = pool.acquire().await.map_err(|error| error.to_string())?;
    DB::fingerprint(&mut connection).await.map_err(told)
}

fn told(error: LoadError<Error>) -> String {
    let LoadError {
        query,
        remedy,
        source,
    } = error;
    let source = source.map(|source| source.to_string());
    [Some(query), remedy, source]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n")
}
