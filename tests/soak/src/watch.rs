//! What the checker itself sees of the database: every row, now and then.
//!
//! So the writes are found that nobody was told of because their process was killed.

use std::{convert::Infallible, time::Duration};

use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use tokio::time::sleep;

use crate::{
    clock,
    crew::{Crew, News},
    judge::CHECKER,
    record::{Demand, Read, Record, Row, Seen, Source},
    world,
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// PostgreSQL may be away.
const PATIENCE: Duration = Duration::from_secs(1);

/// Looks for as long as it is polled.
pub(crate) async fn watch(crew: &Crew, postgres: &str) -> Result<Infallible, sqlx::Error> {
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .connect_lazy(postgres)?;
    loop {
        // Not now, then the next time.
        if let Ok(read) = look(&pool).await {
            crew.report(News::Told(CHECKER, Record::Read(read))).await;
        }
        sleep(PAUSE).await;
    }
}

async fn look(pool: &PgPool) -> Result<Read, sqlx::Error> {
    let begin = clock::now();
    let rows: Vec<(i32, i32, i64)> = sqlx::query_as(AssertSqlSafe(world::select_versions()))
        .fetch_all(pool)
        .await?;
    let end = clock::now();
    let seen = |(table, id, version)| {
        let table = u8::try_from(table).expect("it was put into the statement");
        let row = Row { table, id };
        Seen { row, version }
    };
    Ok(Read {
        begin,
        end,
        source: Source::Truth,
        demand: Demand::Bounded,
        after: None,
        seen: rows.into_iter().map(seen).collect(),
    })
}
