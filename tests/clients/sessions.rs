//! Connections that come back in another state than they left in, or not at all.

use std::{pin::pin, time::Duration};

use cachedpool::{Source, tokio_postgres::GenericClient as _};
use cachedpool_test_support::wait_until;
use futures_util::poll;

use crate::kit::{LONG, Scene, Setting, people_of, run};

const SQL: &str = "SELECT id, name FROM people ORDER BY id";

/// Which server process the only connection has.
async fn pid(scene: &Scene) -> i32 {
    let row = scene.client.query_one("SELECT pg_backend_pid()", &[]).await;
    row.unwrap().get(0)
}

#[tokio::test]
async fn a_connection_that_comes_back_inside_a_transaction_is_rolled_back() {
    let scene = Setting::usual().connections(1).scene().await;
    scene.warm().await;
    let mut connection = scene.client.get().await.unwrap();
    run(&mut connection, "BEGIN").await;
    run(&mut connection, "DELETE FROM people").await;
    drop(connection);
    // Would wait for the only connection, and be rolled back with what was left open.
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_eq!(scene.truth("people").await.len(), 2);
    assert_eq!(scene.truth("pets").await.len(), 1);
    scene.assert_true("at the end").await;
}

#[tokio::test]
async fn a_transaction_that_is_begun_on_the_client_is_rolled_back() {
    let scene = Setting::usual().connections(1).scene().await;
    scene.warm().await;
    let update = async |name: &str| {
        let sql = format!("UPDATE people SET name = '{name}' WHERE id = 2");
        scene.through(&sql).await;
    };
    for text in ["BEGIN", "BEGIN; DELETE FROM people"] {
        scene.client.batch_execute(text).await.unwrap();
        update("x").await;
        let name = scene.truth("people").await[1].name.clone();
        assert_eq!(name.as_deref(), Some("x"), "{text}");
        scene.assert_true(text).await;
        update("Bob").await;
    }
}

#[tokio::test]
async fn a_session_that_was_changed_answers_no_cached_read() {
    let scene = Setting::usual()
        .connections(1)
        .with([
            "CREATE SCHEMA beside",
            "CREATE TABLE beside.people (id BIGINT, name VARCHAR(9))",
        ])
        .scene()
        .await;
    let change = "SET search_path TO beside";
    let cached = async || {
        scene.client.invalidate_all().await.unwrap();
        scene.rows("people").await
    };
    let expected = scene.truth("people").await;
    assert_eq!(expected.len(), 2);
    // On a connection, where it lasts until the connection is returned.
    let mut connection = scene.client.get().await.unwrap();
    run(&mut connection, change).await;
    assert_eq!(connection.query(SQL, &[]).await.unwrap(), []);
    drop(connection);
    assert_eq!(cached().await, expected);
    // On the client, where it never lasts.
    scene.through(change).await;
    assert_eq!(cached().await, expected);
    scene.client.batch_execute(change).await.unwrap();
    assert_eq!(cached().await, expected);
    // In a transaction, for it alone, and for longer.
    for change in ["SET LOCAL search_path TO beside", change] {
        let mut tx = scene.client.transaction().await.unwrap();
        run(&mut tx, change).await;
        assert_eq!(tx.query(SQL, &[]).await.unwrap(), []);
        run(&mut tx, "INSERT INTO people VALUES (7, 'x')").await;
        tx.commit().await.unwrap();
        assert_eq!(cached().await, expected);
        scene.behind("DELETE FROM beside.people").await;
    }
}

#[tokio::test]
async fn a_temporary_table_hides_nothing_from_others() {
    let scene = Setting::usual().connections(2).scene().await;
    scene.warm().await;
    let mut connection = scene.client.get().await.unwrap();
    // Of another type than the other table's.
    run(
        &mut connection,
        "CREATE TEMPORARY TABLE people (id INT, name TEXT)",
    )
    .await;
    run(&mut connection, "INSERT INTO people VALUES (9, 'temp')").await;
    let own = connection.query(SQL, &[]).await.unwrap();
    assert_eq!(own[0].get::<_, i32>("id"), 9);
    let one = "SELECT name FROM people WHERE id = $1";
    let own = connection.query_one(one, &[&9_i32]).await.unwrap();
    assert_eq!(own.get::<_, &str>(0), "temp");
    // The types of the one are not those of the other.
    let other = scene.client.query_one(one, &[&1_i64]).await.unwrap();
    assert_eq!(other.get::<_, &str>(0), "Ada");
    let own = connection.query_one(one, &[&9_i32]).await.unwrap();
    assert_eq!(own.get::<_, &str>(0), "temp");
    scene.assert_true("beside it").await;
    scene.behind("DELETE FROM people WHERE id = 1").await;
    scene.assert_true("from the database every time").await;
    drop(connection);
    scene.assert_true("when it is gone").await;
    assert_eq!(scene.truth("people").await.len(), 1);
}

#[tokio::test]
async fn a_connection_that_is_killed_in_a_transaction_loses_no_invalidation() {
    let scene = Setting::usual().connections(1).scene().await;
    for commits in [true, false] {
        // Past the quarantine of the first one.
        scene.hand.advance(Duration::from_secs(60));
        scene.warm().await;
        let mut tx = scene.client.transaction().await.unwrap();
        run(&mut tx, "DELETE FROM people WHERE id = 1").await;
        let pid = tx.query_one("SELECT pg_backend_pid()", &[]).await.unwrap();
        let kill = format!("SELECT pg_terminate_backend({})", pid.get::<_, i32>(0));
        scene.behind(&kill).await;
        if commits {
            tx.commit().await.unwrap_err();
        } else {
            tx.execute("DELETE FROM people", &[]).await.unwrap_err();
            drop(tx);
        }
        scene.assert_true("after the kill").await;
        assert_eq!(scene.truth("people").await.len(), 2);
        // The pool has another connection as soon as the driver has noticed, which may be after its error.
        wait_until(LONG, "another connection", async || {
            scene.client.query("SELECT 1", &[]).await.is_ok()
        })
        .await;
        scene
            .through("UPDATE people SET name = 'x' WHERE id = 2")
            .await;
        scene.assert_true("after a write").await;
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_in_a_transaction_loses_no_invalidation() {
    let scene = Setting::usual().connections(2).proxied().scene().await;
    scene.warm().await;
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, "DELETE FROM people").await;
    scene.proxy().cut();
    assert!(tx.execute("DELETE FROM pets", &[]).await.is_err());
    drop(tx);
    scene.proxy().pass();
    // No COMMIT was ever sent.
    assert_eq!(scene.client.stats().quarantined, 0);
    scene.assert_true("after the cut").await;
    scene.through("DELETE FROM people WHERE id = 1").await;
    scene.assert_true("after a write").await;
    assert_eq!(scene.truth("people").await.len(), 1);
}

#[tokio::test]
async fn a_commit_without_an_answer_closes_its_tables_for_a_while() {
    let scene = Setting::usual()
        .proxied()
        .pool(|builder| builder.quarantine(Duration::from_secs(30)))
        .scene()
        .await;
    scene.warm().await;
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, "DELETE FROM people WHERE id = 1").await;
    scene.proxy().cut();
    assert!(tx.commit().await.is_err());
    scene.proxy().pass();
    assert_ne!(scene.client.stats().quarantined, 0);
    for _ in 0..2 {
        assert_eq!(scene.source("people").await, Source::Database);
        assert_eq!(scene.source("pets").await, Source::Local);
    }
    scene.assert_true("during the quarantine").await;
    scene.hand.advance(Duration::from_secs(30));
    scene.warm().await;
    assert_eq!(scene.client.stats().quarantined, 0);
}

/// Cuts the connection of a write that waits for a lock, then lets the lock go: the server carries the write out, and
/// nobody is told. Returns the scene, with a cached read made in between.
async fn late_write(setting: Setting) -> Scene {
    let scene = setting.connections(2).proxied().scene().await;
    scene.warm().await;
    let mut aside = scene.aside.get().await.unwrap();
    let lock = aside.transaction().await.unwrap();
    let held = "UPDATE people SET name = 'locked' WHERE id = 1";
    lock.batch_execute(held).await.unwrap();
    {
        let write = "UPDATE people SET name = 'late' WHERE id = 1";
        let mut write = pin!(scene.client.execute(write, &[]));
        let has_it = "the server has the write, which waits for the lock";
        wait_until(LONG, has_it, async || {
            assert!(poll!(&mut write).is_pending());
            let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted \
                AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
            let connection = scene.aside.get().await.unwrap();
            let waiting = connection.query_one(waiting, &[]).await.unwrap();
            waiting.get::<_, i64>(0) > 0
        })
        .await;
        scene.proxy().cut();
        assert!(write.await.is_err());
    }
    scene.proxy().pass();
    scene.hand.advance(Duration::from_millis(1));
    // The row as it was before both.
    assert_eq!(scene.rows("people").await[0].name.as_deref(), Some("Ada"));
    lock.commit().await.unwrap();
    wait_until(LONG, "the server carries the write out", async || {
        scene.truth("people").await[0].name.as_deref() == Some("late")
    })
    .await;
    drop(aside);
    scene
}

#[tokio::test]
async fn a_write_that_lands_after_its_connection_broke_is_not_missed() {
    let scene = late_write(Setting::usual()).await;
    assert_ne!(scene.client.stats().quarantined, 0);
    scene.assert_true("after the late write").await;
    scene.hand.advance(Duration::from_secs(60));
    scene.warm().await;
    scene.assert_true("after the quarantine").await;
}

#[tokio::test]
async fn without_a_quarantine_a_late_write_would_be_missed() {
    let short = |builder: cachedpool::Builder<_>| builder.quarantine(Duration::from_nanos(1));
    let scene = late_write(Setting::usual().pool(short)).await;
    assert_ne!(scene.rows("people").await, scene.truth("people").await);
}

#[tokio::test]
async fn code_on_the_server_costs_its_connection_only_if_it_changed_the_session() {
    let scene = Setting::usual()
        .connections(1)
        .with([
            "CREATE FUNCTION harmless() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE FUNCTION harmful() RETURNS text LANGUAGE sql AS \
             $$SELECT set_config('search_path', 'pg_catalog', false)$$",
            "CREATE FUNCTION hiding() RETURNS int LANGUAGE plpgsql AS \
             $$BEGIN CREATE TEMP TABLE people (id bigint, name varchar(100)); RETURN 1; END$$",
        ])
        .scene()
        .await;
    for (call, keeps) in [
        ("SELECT harmless()", true),
        ("DO $$BEGIN PERFORM 1; END$$", true),
        ("SELECT harmful()", false),
        ("SELECT hiding()", false),
    ] {
        let before = pid(&scene).await;
        scene.through(call).await;
        // The only connection: whoever comes next waits until it is looked at.
        assert_eq!(pid(&scene).await == before, keeps, "{call}");
        scene.warm().await;
        scene.assert_true(call).await;
    }
}

#[tokio::test]
async fn what_a_server_tells_unasked_disturbs_nobody() {
    let scene = Setting::usual().connections(1).scene().await;
    scene.warm().await;
    let mut connection = scene.client.get().await.unwrap();
    let tell = "DO $$ BEGIN RAISE NOTICE 'x'; RAISE WARNING 'y'; END $$";
    connection.batch_execute(tell).await.unwrap();
    run(&mut connection, "LISTEN news").await;
    scene.behind("NOTIFY news, 'one'").await;
    run(&mut connection, "NOTIFY news, 'two'").await;
    let people = connection.query(SQL, &[]).await.unwrap();
    assert_eq!(people_of(&people), scene.truth("people").await);
    drop(connection);
    scene.assert_true("after all that was told").await;
}
