//! A future is dropped after every number of polls that it can take: nothing is lost, nothing leaks, nobody hangs.
//!
//! Each test has a pool of one connection, so a connection that leaked, or was given back inside a transaction, would
//! show at the next step.

use cachedpool::tokio_postgres::GenericClient as _;
use cachedpool_test_support::poll_at_most;

use crate::kit::{LONG, Scene, Setting, run};

/// More polls than any of these futures takes.
const MOST: usize = 60;

/// Drops a step after 0, 1, 2… polls until it ends by itself.
async fn at_every_await(mut step: impl AsyncFnMut(&Scene, usize) -> Option<()>) {
    let scene = Setting::usual().connections(1).scene().await;
    for polls in 0..MOST {
        scene.warm().await;
        let ended = step(&scene, polls).await.is_some();
        // Whoever has seen the end reads what was written; whoever has not, when it has ended.
        if !ended {
            scene.settled().await;
        }
        scene.assert_true(&format!("after {polls} polls")).await;
        let stats = scene.client.stats();
        assert_eq!((stats.in_flight, stats.quarantined), (0, 0), "{polls}");
        // The connection serves again, outside of any transaction.
        let name = format!("UPDATE people SET name = 'after {polls}' WHERE id = 2");
        assert_eq!(scene.through(&name).await, 1, "{polls}");
        let what = format!("after a write after {polls} polls");
        scene.assert_true(&what).await;
        if ended {
            assert!(polls > 0, "a future that never waits proves nothing");
            return;
        }
    }
    panic!("still not done after {MOST} polls");
}

fn polled(polls: usize) -> String {
    format!("UPDATE people SET name = 'polled {polls}' WHERE id = 1")
}

#[tokio::test]
async fn a_write_that_is_dropped_is_noticed() {
    at_every_await(async |scene, polls| {
        let sql = polled(polls);
        let write = poll_at_most(polls, scene.client.execute(&sql, &[])).await;
        write.map(|rows| assert_eq!(rows.unwrap(), 1))
    })
    .await;
}

#[tokio::test]
async fn a_write_with_arguments_that_is_dropped_is_noticed() {
    let sql = "UPDATE people SET name = $1 WHERE id = 1";
    at_every_await(async |scene, polls| {
        let name = format!("polled {polls}");
        let write = poll_at_most(polls, scene.client.execute(sql, &[&name])).await;
        write.map(|rows| assert_eq!(rows.unwrap(), 1))
    })
    .await;
}

#[tokio::test]
async fn a_prepared_write_that_is_dropped_is_noticed() {
    at_every_await(async |scene, polls| {
        let statement = scene.client.prepare(&polled(polls)).await.unwrap();
        let write = poll_at_most(polls, scene.client.execute(&statement, &[])).await;
        write.map(|rows| assert_eq!(rows.unwrap(), 1))
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_is_dropped_is_noticed() {
    at_every_await(async |scene, polls| {
        let sql = format!(
            "{}; INSERT INTO pets VALUES ({polls}, 1, 'x')",
            polled(polls)
        );
        let write = poll_at_most(polls, scene.client.batch_execute(&sql)).await;
        write.map(Result::unwrap)
    })
    .await;
}

#[tokio::test]
async fn a_write_with_a_token_that_is_dropped_is_noticed() {
    at_every_await(async |scene, polls| {
        let sql = polled(polls);
        let write = scene.client.execute_with_token(&sql, &[]);
        poll_at_most(polls, write)
            .await
            .map(|ran| drop(ran.unwrap()))
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_is_dropped_is_noticed() {
    at_every_await(async |scene, polls| {
        let mut tx = scene.client.transaction().await.unwrap();
        run(&mut tx, &polled(polls)).await;
        poll_at_most(polls, tx.commit()).await.map(Result::unwrap)
    })
    .await;
}

#[tokio::test]
async fn a_rollback_that_is_dropped_rolls_back() {
    at_every_await(async |scene, polls| {
        let before = scene.truth("people").await;
        let mut tx = scene.client.transaction().await.unwrap();
        run(&mut tx, "DELETE FROM people").await;
        let ended = poll_at_most(polls, tx.rollback()).await.map(Result::unwrap);
        scene.settled().await;
        assert_eq!(scene.truth("people").await, before);
        ended
    })
    .await;
}

#[tokio::test]
async fn a_begin_that_is_dropped_leaves_nothing_open() {
    at_every_await(async |scene, polls| {
        let begin = scene.client.build_transaction().start();
        poll_at_most(polls, begin).await.map(|tx| drop(tx.unwrap()))
    })
    .await;
}

#[tokio::test]
async fn a_savepoint_that_is_dropped_leaves_nothing_open() {
    at_every_await(async |scene, polls| {
        let mut outer = scene.client.transaction().await.unwrap();
        let ended = poll_at_most(polls, outer.transaction()).await;
        let ended = ended.map(|tx| drop(tx.unwrap()));
        run(&mut outer, &polled(polls)).await;
        outer.commit().await.unwrap();
        let name = scene.truth("people").await[0].name.clone();
        assert_eq!(name, Some(format!("polled {polls}")));
        ended
    })
    .await;
}

#[tokio::test]
async fn a_write_that_is_dropped_in_a_transaction_belongs_to_it() {
    for commits in [true, false] {
        at_every_await(async |scene, polls| {
            let before = scene.truth("people").await;
            let mut tx = scene.client.transaction().await.unwrap();
            let sql = format!("INSERT INTO people VALUES ({}, 'x')", 1000 + polls);
            let ended = poll_at_most(polls, tx.execute(&sql, &[])).await;
            let ended = ended.map(|rows| assert_eq!(rows.unwrap(), 1));
            if commits {
                tx.commit().await.unwrap();
                // Whether it was sent: its types are asked for first.
                let more = scene.truth("people").await.len() - before.len();
                assert!(more == 1 || ended.is_none(), "{polls}");
            } else {
                drop(tx);
                scene.settled().await;
                assert_eq!(scene.truth("people").await, before);
            }
            ended
        })
        .await;
    }
}

#[tokio::test]
async fn a_read_that_is_dropped_on_a_connection_leaves_its_answer_to_nobody() {
    at_every_await(async |scene, polls| {
        let mut connection = scene.client.get().await.unwrap();
        let sql =
            format!("SELECT id, name FROM people, generate_series(1, 1000) WHERE id <> {polls}");
        let read = poll_at_most(polls, connection.query(&sql, &[])).await;
        let ended = read.map(|rows| assert!(!rows.unwrap().is_empty()));
        let next = connection.query_one("SELECT 7 AS seven", &[]).await;
        assert_eq!(next.unwrap().get::<_, i32>("seven"), 7);
        ended
    })
    .await;
}

#[tokio::test]
async fn a_cached_read_that_is_dropped_leaves_nothing_behind() {
    at_every_await(async |scene, polls| {
        let id = polls as i64;
        let one = async || {
            let sql = "SELECT id, name FROM people WHERE id <> $1";
            scene.client.cached(sql, &[&id]).query().await
        };
        let ended = poll_at_most(polls, one()).await;
        let ended = ended.map(|rows| drop(rows.unwrap()));
        // It neither waits for the one that was dropped nor shares its fate.
        let next = tokio::time::timeout(LONG, one()).await;
        assert!(!next.unwrap().unwrap().is_empty());
        ended
    })
    .await;
}

#[tokio::test]
async fn a_dropped_write_on_a_connection_goes_before_its_next_statement() {
    let scene = Setting::usual().connections(1).scene().await;
    let mut connection = scene.client.get().await.unwrap();
    let slow = "INSERT INTO pets SELECT 1, 1, 'x' FROM pg_sleep(0.1)";
    let slow = connection.prepare(slow).await.unwrap();
    assert!(
        poll_at_most(1, connection.execute(&slow, &[]))
            .await
            .is_none()
    );
    let pets = connection.query("SELECT id, name FROM pets", &[]).await;
    assert_eq!(pets.unwrap().len(), 1);
    drop(connection);
    scene.settled().await;
    scene.assert_true("at the end").await;
}
