//! The way of a connection back to the pool when it may not be as the others are. Runs in tasks that nobody waits for.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection as _, SqlSafeStr as _, SqlStr, pool::PoolConnection};
use sqlx_core::transaction::TransactionManager as _;

use super::{
    super::{Backend, owned::OwnedQuery},
    savepoint,
};
use crate::pool::Core;

/// Closes a connection that is not as the pool's connections are.
pub(super) async fn inspect<DB: Backend>(core: Arc<Core<DB>>, mut connection: PoolConnection<DB>) {
    // Behind the rollbacks that are queued.
    let alive = connection.ping().await.is_ok();
    // The database may have ended the transaction by itself, and the rollback was of something else. Whatever is open
    // now would hide later commits from all who read on this connection.
    let idle = DB::TransactionManager::get_transaction_depth(&connection) == 0;
    if !(alive && idle && core.session.is_that_of::<DB>(&mut connection).await) {
        connection.close_on_drop();
    }
}

/// Ends whatever transaction is open on a connection that cannot be closed, and sqlx's count of it.
pub(super) async fn roll_back_by_text<DB: Backend>(mut connection: PoolConnection<DB>) {
    // None of these errors is anybody's: they say that no transaction was open, or that the connection is lost, which
    // the pool finds out by itself.
    let _ = connection.ping().await;
    let _ = DB::fetch_optional(
        &mut connection,
        OwnedQuery::text(SqlStr::from_static("ROLLBACK")),
    )
    .await;
    // SQLite may have ended a transaction that sqlx still counts, and sqlx counts down only by a rollback that succeeds.
    // So it is given one to roll back.
    let counted = DB::TransactionManager::get_transaction_depth(&connection);
    for level in 0..counted {
        let opening = match level {
            0 => SqlStr::from_static("BEGIN"),
            _ => AssertSqlSafe(format!("SAVEPOINT {}", savepoint(level))).into_sql_str(),
        };
        let _ = DB::fetch_optional(&mut connection, OwnedQuery::text(opening)).await;
    }
    for _ in 0..counted {
        let _ = DB::TransactionManager::rollback(&mut connection).await;
    }
}
