//! How long it takes.

use std::time::Instant;

use cachedpool_test_support::{logical_postgres, wait_until};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::kit::{SOON, Scene, USERS, patient};

const WRITERS: u64 = 4;
const WRITES: u64 = 500;

#[tokio::test]
async fn the_lag_of_what_others_write_is_told() {
    let url = logical_postgres().await.fresh_database().await;
    let scene = Scene::at(url.clone(), USERS, patient()).await;
    let before = scene.pool.stats().changes_followed;
    let begun = Instant::now();
    let write = async |writer: u64| {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        for round in 0..WRITES {
            let id = 1 + (writer + round * WRITERS) % 100;
            let update = format!("UPDATE users SET name = '{round}' WHERE id = {id}");
            connection.execute(AssertSqlSafe(update)).await.unwrap();
        }
    };
    tokio::join!(write(0), write(1), write(2), write(3));
    let written = begun.elapsed();
    wait_until(SOON, "all were followed", async || {
        scene.pool.stats().changes_followed - before >= WRITERS * WRITES
    })
    .await;
    let stats = scene.pool.stats();
    println!(
        "{} writes in {written:?}, followed after {:?}: last lag {} µs, worst {} µs",
        WRITERS * WRITES,
        begun.elapsed(),
        stats.change_lag_micros,
        stats.worst_change_lag_micros
    );
    assert!(stats.worst_change_lag_micros >= stats.change_lag_micros);
    assert!(stats.worst_change_lag_micros > 0);
    assert_eq!(stats.changes_followed - before, WRITERS * WRITES);
}
