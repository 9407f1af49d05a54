//! What is done on a connection past the cache.

use cachedpool_test_support::wait_until;

use crate::kit::{LONG, Setting};

#[tokio::test]
async fn what_is_on_its_way_unseen_when_its_connection_is_dropped_is_noticed() {
    let scene = Setting::usual().connections(2).scene().await;
    let holder = scene.aside.get().await.unwrap();
    let hold = "BEGIN; UPDATE people SET name = name WHERE id = 1";
    holder.batch_execute(hold).await.unwrap();
    let mut connection = scene.client.get().await.unwrap();
    let raw = connection.unseen().await.unwrap();
    let waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    tokio::select! {
        _ = raw.batch_execute("UPDATE people SET name = 'late' WHERE id = 1") => panic!("the row is held"),
        () = wait_until(LONG, "it waits for the row", async || scene.behind(waits).await == 1) => {}
    }
    drop(connection);
    // Reads what it has not changed yet, and may keep it for as long as that is so.
    scene.client.reload_schema().await.unwrap();
    scene.rows("people").await;
    holder.batch_execute("ROLLBACK").await.unwrap();
    let done = "SELECT 1 FROM people WHERE name = 'late'";
    wait_until(LONG, "it has ended", async || scene.behind(done).await == 1).await;
    scene.settled().await;
    scene.assert_true("when it has ended").await;
}
