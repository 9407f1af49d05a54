//! The end of a durable slot.

use sqlx::PgPool;

use crate::error::Error;

/// Drops the replication slot of this name, for which the server keeps its log until somebody does; see
/// [`durable_slot`](super::LogicalReplication::durable_slot). One that is not there is none of anybody's concern.
///
/// For when a service is retired, or changes the name: no pool does it by itself. It takes the right to replicate.
///
/// # Cancel safety
/// Dropping the future leaves it open whether the slot is gone.
///
/// # Errors
/// While a session uses the slot, or where the server refuses.
///
/// # Example
/// ```no_run
/// # async fn retire(pool: sqlx::PgPool) -> Result<(), cachedpool::Error> {
/// cachedpool::cdc::drop_slot(&pool, "orders_cache").await?;
/// # Ok(())
/// # }
/// ```
pub async fn drop_slot(pool: &PgPool, name: &str) -> Result<(), Error> {
    let dropped = sqlx::query("SELECT pg_catalog.pg_drop_replication_slot($1)")
        .bind(name)
        .execute(pool)
        .await;
    let error = match dropped {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    let code = error.as_database_error().and_then(|error| error.code());
    let remedy = match code.as_deref() {
        // Undefined object.
        Some("42704") => return Ok(()),
        // Object in use.
        Some("55006") => Some("the end of the pools that use it"),
        // Insufficient privilege.
        Some("42501") => Some("a role with REPLICATION"),
        _ => None,
    };
    Err(Error::changes(error.to_string(), remedy.map(Into::into)))
}
