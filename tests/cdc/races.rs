//! Readers that fill the cache while others write and the stream is ended: whatever the order, nothing older stays.

use cachedpool_test_support::logical_postgres;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::kit::{Scene, USERS, patient};

const ROUNDS: i64 = 5;
const WRITES: i64 = 100;
/// The rows that are written and read.
const ROWS: i64 = 10;

fn row(id: i64) -> String {
    format!("SELECT org::int8 FROM users WHERE id = {id}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_race_of_readers_writers_and_lost_streams_the_last_write_is_seen() {
    let url = logical_postgres().await.fresh_database().await;
    let mut scene = Scene::at(url.clone(), USERS, patient()).await;
    for round in 1..=ROUNDS {
        let write = async {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            for number in 0..WRITES {
                let (id, org) = (1 + number % ROWS, round * 1_000 + number);
                let update = format!("UPDATE users SET org = {org} WHERE id = {id}");
                connection.execute(AssertSqlSafe(update)).await.unwrap();
            }
            let end = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots \
                       WHERE database = current_database()";
            if round % 2 == 0 {
                connection.execute(end).await.unwrap();
            }
        };
        let mut order = 0;
        let read = async {
            for number in 0..WRITES * 5 {
                // No row is before its last value but by the time that news take, and none goes back.
                let (read, _) = scene.read(&row(1)).await;
                assert!(read >= order, "{read} after {order}");
                order = read;
                scene.read(&row(1 + number % ROWS)).await;
            }
        };
        tokio::join!(write, read);
        for id in 1..=ROWS {
            let last = round * 1_000 + WRITES - ROWS + id - 1;
            scene.sees(&row(id), last).await;
            assert_eq!(scene.warm(&row(id)).await, last);
        }
        let sum = "SELECT sum(org)::int8 FROM users";
        let before = scene.warm(sum).await;
        let update = format!("UPDATE users SET org = org + 1 WHERE id = {}", 90 + round);
        scene.write(&update).await;
        scene.sees(sum, before + 1).await;
    }
}
