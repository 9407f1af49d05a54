//! What is inside, for tests and benches: what the loaders find in a database, and what a scope finds in a pool.

use sqlx::{Error, Pool};

use super::backend::Backend;
use crate::{
    cache::{Found, Scope},
    driver::Front,
    pool::CachedPool,
    schema::LoadError,
};

/// A scope for what is read through this pool.
pub fn scope<DB: Front>(pool: &CachedPool<DB>) -> Scope {
    Scope::new(&pool.core().engine)
}

/// Whether nothing that was found has changed since it was read.
pub fn holds<DB: Front>(pool: &CachedPool<DB>, found: &Found) -> bool {
    pool.core().engine.still_holds(&found.stamp)
}

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
