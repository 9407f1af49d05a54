//! What outsiders do once in a while: a very large transaction, and changes of definitions.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::voice::Voice;
use crate::{
    clock,
    crew::Crew,
    record::{Row, Seen},
    world::{
        SINGLES,
        outside::{self, BULK, FAMILIES},
    },
};

/// Writes a million rows in one transaction, those first that are looked at.
pub(crate) async fn write_large(url: &str, crew: &Crew) -> Result<(), sqlx::Error> {
    let mut voice = Voice::new(crew, 1.0).await;
    let begin = clock::now();
    let written = large(url).await;
    match &written {
        Ok(left) => voice.wrote(begin, left.clone()).await,
        Err(_) => voice.failed().await,
    }
    voice.end().await;
    written?;
    let mut connection = PgConnection::connect(url).await?;
    connection.execute(outside::EMPTY_BULK).await?;
    connection.close().await
}

async fn large(url: &str) -> Result<Vec<Seen>, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    let mut transaction = connection.begin().await?;
    let rows: Vec<(i32, i64)> = sqlx::query_as(AssertSqlSafe(outside::update_bulk()))
        .fetch_all(&mut *transaction)
        .await?;
    transaction
        .execute(AssertSqlSafe(outside::fill_bulk()))
        .await?;
    transaction.commit().await?;
    let left = |(id, version)| Seen {
        row: Row { table: BULK, id },
        version,
    };
    Ok(rows.into_iter().map(left).collect())
}

/// Changes the definitions of a table, and makes another one anew.
pub(crate) async fn alter(url: &str, random: &mut fastrand::Rng) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    for statement in outside::alter(random.u8(..SINGLES)) {
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    for family in 0..FAMILIES {
        connection
            .execute(AssertSqlSafe(outside::grow_again(family)))
            .await?;
    }
    connection.close().await
}
