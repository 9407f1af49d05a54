//! A future is dropped after every number of polls that it can take: nothing is lost, nothing leaks, nobody hangs.
//!
//! Each test has a pool of one connection, so a connection that leaked, or was given back inside a transaction, would
//! show at the next step.

use cachedpool::CacheExt as _;
use cachedpool_test_support::{poll_at_most, wait_until};
use futures_util::TryStreamExt as _;
use sqlx::Executor as _;

use crate::kit::{LONG, Person, Scene, Server, Setting, TestDatabase, query, read, run};

tests!(sqlite, postgres, mariadb => [
    a_write_that_is_dropped_is_noticed,
    a_stream_of_a_write_that_is_dropped_is_noticed,
    a_commit_that_is_dropped_is_noticed,
    a_rollback_that_is_dropped_rolls_back,
    a_begin_that_is_dropped_leaves_nothing_open,
    a_savepoint_that_is_dropped_leaves_nothing_open,
    a_write_that_is_dropped_in_a_transaction_belongs_to_it,
    a_cached_read_that_is_dropped_leaves_nothing_behind,
    a_dropped_write_on_a_connection_goes_before_its_next_statement,
]);

tests!(only postgres => [
    what_is_on_its_way_unseen_when_its_connection_is_dropped_is_noticed,
]);

/// More polls than any of these futures takes.
const MOST: usize = 60;

/// Drops a step after 0, 1, 2… polls until it ends by itself.
async fn at_every_await<DB: TestDatabase>(
    mut step: impl AsyncFnMut(&Scene<DB>, usize) -> Option<()>,
) {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    for polls in 0..MOST {
        scene.warm().await;
        let ended = step(&scene, polls).await.is_some();
        // Whoever has seen the end reads what was written (P1); whoever has not, when it has ended.
        if !ended {
            settled(&scene).await;
        }
        scene.assert_true(&format!("after {polls} polls")).await;
        assert_eq!(scene.pool.stats().in_flight, 0, "{polls}");
        assert_eq!(scene.pool.stats().quarantined, 0, "{polls}");
        // The connection serves again, outside of any transaction.
        let name = format!("UPDATE people SET name = 'after {polls}' WHERE id = 2");
        assert_eq!(scene.through(&name).await, 1, "{polls}");
        scene
            .assert_true(&format!("after a write after {polls} polls"))
            .await;
        if ended {
            assert!(polls > 0, "a future that never waits proves nothing");
            return;
        }
    }
    panic!("still not done after {MOST} polls");
}

/// Nobody has a connection any more.
async fn settled<DB: TestDatabase>(scene: &Scene<DB>) {
    let idle = async || scene.pool.num_idle() == scene.pool.size() as usize;
    wait_until(LONG, "the connection comes back", idle).await;
}

async fn a_write_that_is_dropped_is_noticed<DB: TestDatabase>() {
    at_every_await::<DB>(async |scene, polls| {
        let sql = format!("UPDATE people SET name = 'polled {polls}' WHERE id = 1");
        let write = query::<DB>(&sql, []).execute(&scene.pool);
        poll_at_most(polls, write)
            .await
            .map(|result| drop(result.unwrap()))
    })
    .await;
}

async fn a_stream_of_a_write_that_is_dropped_is_noticed<DB: TestDatabase>() {
    at_every_await::<DB>(async |scene, polls| {
        let id = 100 + polls;
        let sql = format!("INSERT INTO people VALUES ({id}, 'x'), ({id}000, 'y') RETURNING id");
        let rows = scene
            .pool
            .fetch(query::<DB>(&sql, []))
            .try_collect::<Vec<_>>();
        poll_at_most(polls, rows)
            .await
            .map(|rows| assert_eq!(rows.unwrap().len(), 2))
    })
    .await;
}

async fn a_commit_that_is_dropped_is_noticed<DB: TestDatabase>() {
    at_every_await::<DB>(async |scene, polls| {
        let mut tx = scene.pool.begin().await.unwrap();
        run(
            &mut tx,
            &format!("UPDATE people SET name = 'polled {polls}' WHERE id = 1"),
        )
        .await;
        poll_at_most(polls, tx.commit()).await.map(Result::unwrap)
    })
    .await;
}

async fn a_rollback_that_is_dropped_rolls_back<DB: TestDatabase>() {
    at_every_await::<DB>(async |scene, polls| {
        let before = scene.truth("people").await;
        let mut tx = scene.pool.begin().await.unwrap();
        run(&mut tx, "DELETE FROM people").await;
        let ended = poll_at_most(polls, tx.rollback()).await.map(Result::unwrap);
        settled(scene).await;
        assert_eq!(scene.truth("people").await, before);
        ended
    })
    .await;
}

async fn a_begin_that_is_dropped_leaves_nothing_open<DB: TestDatabase>() {
    at_every_await::<DB>(async |scene, polls| {
        poll_at_most(polls, scene.pool.begin())
            .await
            .map(|tx| drop(tx.unwrap()))
    })
    .await;
}

async fn a_savepoint_that_is_dropped_leaves_nothing_open<DB: TestDatabase>() {
    at_every_await::<DB>(async |scene, polls| {
        let mut outer = scene.pool.begin().await.unwrap();
        let ended = poll_at_most(polls, outer.begin())
            .await
            .map(|tx| drop(tx.unwrap()));
        let sql = format!("UPDATE people SET name = 'polled {polls}' WHERE id = 1");
        run(&mut outer, &sql).await;
        outer.commit().await.unwrap();
        let name = scene.truth("people").await[0].name.clone();
        assert_eq!(name, Some(format!("polled {polls}")));
        ended
    })
    .await;
}

async fn a_write_that_is_dropped_in_a_transaction_belongs_to_it<DB: TestDatabase>() {
    for commits in [true, false] {
        at_every_await::<DB>(async |scene, polls| {
            let before = scene.truth("people").await;
            let mut tx = scene.pool.begin().await.unwrap();
            let sql = format!("INSERT INTO people VALUES ({}, 'x')", 1000 + polls);
            let write = query::<DB>(&sql, []).execute(&mut *tx);
            let ended = poll_at_most(polls, write)
                .await
                .map(|result| drop(result.unwrap()));
            if commits {
                tx.commit().await.unwrap();
                let sent = usize::from(polls > 0);
                assert_eq!(scene.truth("people").await.len(), before.len() + sent);
            } else {
                drop(tx);
                settled(scene).await;
                assert_eq!(scene.truth("people").await, before);
            }
            ended
        })
        .await;
    }
}

async fn a_cached_read_that_is_dropped_leaves_nothing_behind<DB: TestDatabase>() {
    at_every_await::<DB>(async |scene, polls| {
        let id = polls as i64;
        let one = || {
            read::<DB, Person>("SELECT id, name FROM people WHERE id <> $1", [id.into()])
                .cached(&scene.pool)
                .fetch_all()
        };
        let ended = poll_at_most(polls, one())
            .await
            .map(|rows| drop(rows.unwrap()));
        // It neither waits for the one that was dropped nor shares its fate.
        let next = tokio::time::timeout(LONG, one()).await;
        assert!(!next.unwrap().unwrap().is_empty());
        ended
    })
    .await;
}

async fn a_dropped_write_on_a_connection_goes_before_its_next_statement<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    let slow = match DB::SERVER {
        Server::Sqlite => {
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) \
             INSERT INTO pets SELECT 1, count(*), 'x' FROM n"
        }
        Server::Postgres => "INSERT INTO pets SELECT 1, 1, 'x' FROM pg_sleep(0.1)",
        Server::MariaDb => "INSERT INTO pets SELECT 1, SLEEP(0.1), 'x'",
    };
    let write = query::<DB>(slow, []).execute(&mut *connection);
    assert!(poll_at_most(1, write).await.is_none());
    let pets = read::<DB, Person>("SELECT id, name FROM pets", []);
    assert_eq!(pets.fetch_all(&mut *connection).await.unwrap().len(), 1);
    drop(connection);
    tokio::time::timeout(LONG, settled(&scene)).await.unwrap();
    scene.assert_true("at the end").await;
}

async fn what_is_on_its_way_unseen_when_its_connection_is_dropped_is_noticed<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(2).scene().await;
    let mut holder = scene.aside.begin().await.unwrap();
    DB::execute_raw(&mut holder, "UPDATE people SET name = name WHERE id = 1").await;
    let mut connection = scene.pool.acquire().await.unwrap();
    let update = "UPDATE people SET name = 'late' WHERE id = 1";
    let waits = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    tokio::select! {
        () = DB::execute_raw(connection.unseen().await.unwrap(), update) => panic!("the row is held"),
        () = wait_until(LONG, "it waits for the row", async || scene.behind(waits).await == 1) => {}
    }
    drop(connection);
    // Reads what it has not changed yet, and may keep it for as long as that is so.
    scene.pool.reload_schema().await.unwrap();
    scene.rows("people").await;
    holder.rollback().await.unwrap();
    let done = "SELECT 1 FROM people WHERE name = 'late'";
    wait_until(LONG, "it has ended", async || scene.behind(done).await == 1).await;
    settled(&scene).await;
    scene.assert_true("when it has ended").await;
}
