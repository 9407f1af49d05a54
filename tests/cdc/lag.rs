//! How long it takes.

use std::time::Instant;

use cachedpool_test_support::wait_until;

use super::kit::{SOON, Scene, USERS};

#[tokio::test]
async fn the_lag_of_what_others_write_is_told() {
    let mut scene = Scene::new(USERS).await;
    let begun = Instant::now();
    for id in 0..200 {
        let write = format!("UPDATE users SET name = 'n{id}' WHERE id = {}", id % 100);
        scene.write(&write).await;
    }
    wait_until(SOON, "all were followed", async || {
        scene.pool.stats().changes_followed >= 198
    })
    .await;
    let stats = scene.pool.stats();
    println!(
        "200 writes in {:?}: last lag {} µs, worst {} µs",
        begun.elapsed(),
        stats.change_lag_micros,
        stats.worst_change_lag_micros
    );
    assert!(stats.worst_change_lag_micros >= stats.change_lag_micros);
    assert!(stats.worst_change_lag_micros > 0);
}
