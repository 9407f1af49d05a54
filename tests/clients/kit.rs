//! What the tests stand on: databases, scenes, rows.

mod by_redis;
mod scene;
// One tier in memory for this suite and the core's.
#[allow(dead_code, reason = "each suite has switches of its own")]
#[path = "../behaviour/kit/tier.rs"]
mod tier;

use cachedpool::{
    CachedConnection, TokioPostgres,
    tokio_postgres::{CachedRow, GenericClient as _},
};

pub(crate) use by_redis::{by_redis, own_redis};
pub(crate) use scene::{LONG, Scene, Setting, people_of, pool_of};
pub(crate) use tier::Tier;

/// A row of the table that most tests use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: i64,
    pub(crate) name: Option<String>,
}

impl Person {
    pub(crate) fn new(id: i64, name: &str) -> Self {
        Person {
            id,
            name: Some(name.into()),
        }
    }
}

impl From<&CachedRow> for Person {
    fn from(row: &CachedRow) -> Self {
        Person {
            id: row.get(0),
            name: row.get(1),
        }
    }
}

/// Names of tables without their schema, and other tags as they are; in order.
pub(crate) fn bare(tags: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> = tags
        .iter()
        .map(|tag| tag.rsplit('.').next().unwrap_or(tag))
        .collect();
    names.sort_unstable();
    names
}

/// Runs a statement on a connection or in a transaction.
pub(crate) async fn run(connection: &mut CachedConnection<TokioPostgres>, sql: &str) -> u64 {
    let ran = connection.execute(sql, &[]).await;
    ran.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
}
