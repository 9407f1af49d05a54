//! What a transaction wrote is invalidated when it is committed: not before, not if it is rolled back, and whether it is
//! controlled by methods or by text.

use cachedpool::{CachedConnection, Source, TokioPostgres, tokio_postgres::GenericClient as _};
use tokio_postgres::IsolationLevel;

use crate::kit::{Person, Scene, Setting, people_of, run};

const RENAME: &str = "UPDATE people SET name = 'Eve' WHERE id = 1";
const PET: &str = "INSERT INTO pets VALUES (1, 1, 'Rex')";
const PEOPLE: &str = "SELECT id, name FROM people ORDER BY id";

#[tokio::test]
async fn a_commit_invalidates_and_nothing_before_it_does() {
    let scene = Scene::new().await;
    scene.warm().await;
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, RENAME).await;
    assert_eq!(scene.source("people").await, Source::Local);
    scene.assert_true("before the commit").await;
    tx.commit().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Database);
    assert_eq!(scene.rows("people").await[0], Person::new(1, "Eve"));
    assert_eq!(scene.source("pets").await, Source::Local);
}

#[tokio::test]
async fn a_rollback_leaves_the_hits() {
    let scene = Scene::new().await;
    scene.warm().await;
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, RENAME).await;
    tx.rollback().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Local);
    scene.assert_true("after the rollback").await;
}

#[tokio::test]
async fn a_dropped_transaction_is_a_rollback() {
    let scene = Setting::usual().connections(1).scene().await;
    scene.warm().await;
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, RENAME).await;
    drop(tx);
    assert_eq!(scene.source("people").await, Source::Local);
    // The only connection serves again, and not inside of the transaction.
    scene.through(PET).await;
    scene.assert_true("after the drop").await;
    assert_eq!(scene.truth("people").await[0], Person::new(1, "Ada"));
    assert_eq!(scene.truth("pets").await.len(), 1);
}

#[tokio::test]
async fn a_released_savepoint_waits_for_the_outer_end() {
    let scene = Scene::new().await;
    for commits in [false, true] {
        scene.warm().await;
        let mut outer = scene.client.transaction().await.unwrap();
        let mut inner = outer.transaction().await.unwrap();
        run(&mut inner, RENAME).await;
        inner.commit().await.unwrap();
        assert_eq!(scene.source("people").await, Source::Local);
        let expected = match commits {
            true => {
                outer.commit().await.unwrap();
                Source::Database
            }
            false => {
                outer.rollback().await.unwrap();
                Source::Local
            }
        };
        assert_eq!(scene.source("people").await, expected);
        scene.assert_true("after the outer end").await;
    }
}

#[tokio::test]
async fn a_savepoint_that_is_rolled_back_drops_what_it_wrote() {
    let scene = Scene::new().await;
    scene.warm().await;
    let mut outer = scene.client.transaction().await.unwrap();
    run(&mut outer, PET).await;
    let mut inner = outer.transaction().await.unwrap();
    run(&mut inner, RENAME).await;
    let mut innermost = inner.transaction().await.unwrap();
    run(&mut innermost, "DELETE FROM people").await;
    innermost.commit().await.unwrap();
    inner.rollback().await.unwrap();
    outer.commit().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.source("pets").await, Source::Database);
    scene.assert_true("after the outer commit").await;
}

#[tokio::test]
async fn a_dropped_savepoint_is_rolled_back_before_anything_else() {
    let scene = Scene::new().await;
    scene.warm().await;
    let mut outer = scene.client.transaction().await.unwrap();
    let mut inner = outer.transaction().await.unwrap();
    run(&mut inner, RENAME).await;
    drop(inner);
    run(&mut outer, PET).await;
    outer.commit().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.truth("people").await[0], Person::new(1, "Ada"));
    scene.assert_true("after the outer commit").await;
}

async fn texts(connection: &mut CachedConnection<TokioPostgres>, texts: &[&str]) {
    for text in texts {
        run(connection, text).await;
    }
}

#[tokio::test]
async fn transactions_in_text_count_like_methods() {
    let scene = Scene::new().await;
    let mut connection = scene.client.get().await.unwrap();
    scene.warm().await;
    texts(&mut connection, &["BEGIN", RENAME]).await;
    assert_eq!(scene.source("people").await, Source::Local);
    texts(&mut connection, &["COMMIT"]).await;
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("after the commit").await;

    scene.warm().await;
    let undone = ["begin /* x */", "DELETE FROM people", "ROLLBACK"];
    texts(&mut connection, &undone).await;
    assert_eq!(scene.source("people").await, Source::Local);
    scene.assert_true("after the rollback").await;

    texts(&mut connection, &["DELETE FROM people"]).await;
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("after a write outside").await;
}

#[tokio::test]
async fn savepoints_in_text_count_like_methods() {
    let scene = Scene::new().await;
    let mut connection = scene.client.get().await.unwrap();
    scene.warm().await;
    let back = [
        "BEGIN",
        PET,
        "SAVEPOINT a",
        RENAME,
        "SAVEPOINT b",
        "ROLLBACK TO SAVEPOINT a",
        "COMMIT",
    ];
    texts(&mut connection, &back).await;
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.source("pets").await, Source::Database);
    scene.assert_true("after a rollback to the savepoint").await;

    scene.warm().await;
    let released = [
        "BEGIN",
        "SAVEPOINT A",
        RENAME,
        "RELEASE SAVEPOINT a",
        "COMMIT",
    ];
    texts(&mut connection, &released).await;
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("after a release").await;
}

#[tokio::test]
async fn a_whole_transaction_in_one_text_is_followed() {
    let scene = Scene::new().await;
    scene.warm().await;
    let batch = format!("BEGIN; {RENAME}; COMMIT");
    scene.client.batch_execute(&batch).await.unwrap();
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("after the commit").await;

    scene.warm().await;
    let batch = format!("BEGIN; DELETE FROM people; ROLLBACK; {PET}");
    scene.client.batch_execute(&batch).await.unwrap();
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.source("pets").await, Source::Database);
    scene.assert_true("after the rollback").await;
}

#[tokio::test]
async fn a_text_may_end_the_transaction_of_a_method() {
    let scene = Setting::usual().connections(1).scene().await;
    scene.warm().await;
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, RENAME).await;
    run(&mut tx, "COMMIT").await;
    assert_eq!(scene.truth("people").await[0], Person::new(1, "Eve"));
    run(&mut tx, "DELETE FROM people WHERE id = 2").await;
    assert_eq!(scene.truth("people").await.len(), 1);
    tx.rollback().await.unwrap();
    scene.assert_true("at the end").await;
}

#[tokio::test]
async fn statements_that_fail_inside_a_transaction_leave_the_cache_true() {
    let scene = Scene::new().await;
    // Refused when it is prepared, and when it runs.
    for refused in [
        "DELETE FROM nobody",
        "INSERT INTO people VALUES (7, 'x'), (1, 'taken')",
    ] {
        for commit in [true, false] {
            for savepoint in [true, false] {
                scene.warm().await;
                let mut tx = scene.client.transaction().await.unwrap();
                run(&mut tx, RENAME).await;
                if savepoint {
                    let mut inner = tx.transaction().await.unwrap();
                    assert!(inner.execute(refused, &[]).await.is_err());
                    inner.rollback().await.unwrap();
                } else {
                    assert!(tx.execute(refused, &[]).await.is_err());
                }
                // Refused where the transaction has failed.
                let zoe = "UPDATE people SET name = 'Zoe' WHERE id = 2";
                assert_eq!(tx.execute(zoe, &[]).await.is_ok(), savepoint);
                scene.assert_true("inside").await;
                if commit {
                    // The driver does not say that it was a rollback.
                    tx.commit().await.unwrap();
                } else {
                    tx.rollback().await.unwrap();
                }
                scene.assert_true("after the end").await;
                scene.through("UPDATE people SET name = 'new'").await;
                scene.assert_true("after a write behind it").await;
            }
        }
    }
}

#[tokio::test]
async fn reads_in_a_transaction_see_its_writes_and_are_not_cached() {
    let scene = Scene::new().await;
    scene.warm().await;
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, RENAME).await;
    let entries = scene.client.stats().entries;
    let own = tx.query(PEOPLE, &[]).await.unwrap();
    assert_eq!(people_of(&own)[0], Person::new(1, "Eve"));
    assert_eq!(scene.rows("people").await[0], Person::new(1, "Ada"));
    assert_eq!(scene.client.stats().entries, entries);
    tx.rollback().await.unwrap();
    scene.assert_true("after the rollback").await;
}

#[tokio::test]
async fn a_transaction_has_the_settings_that_it_was_built_with() {
    let scene = Setting::usual().connections(1).scene().await;
    for (level, name) in [
        (IsolationLevel::ReadCommitted, "read committed"),
        (IsolationLevel::RepeatableRead, "repeatable read"),
        (IsolationLevel::Serializable, "serializable"),
    ] {
        for read_only in [true, false] {
            let builder = scene.client.build_transaction();
            let builder = builder.isolation_level(level).read_only(read_only);
            let mut tx = builder.deferrable(true).start().await.unwrap();
            let told = tx.query_one("SELECT current_setting('transaction_isolation'), \
                current_setting('transaction_read_only'), current_setting('transaction_deferrable')", &[]);
            let told = told.await.unwrap();
            assert_eq!(told.get::<_, &str>(0), name);
            assert_eq!(told.get::<_, &str>(1) == "on", read_only);
            assert_eq!(told.get::<_, &str>(2), "on");
            assert_eq!(tx.execute(RENAME, &[]).await.is_err(), read_only);
            tx.commit().await.unwrap();
        }
    }
    let mut tx = scene.client.build_transaction().start().await.unwrap();
    run(&mut tx, PET).await;
    drop(tx);
    assert_eq!(scene.truth("pets").await, []);
    assert_eq!(scene.truth("people").await[0], Person::new(1, "Eve"));
    scene.assert_true("at the end").await;
}

#[tokio::test]
async fn a_commit_that_the_server_refuses_is_a_rollback_and_costs_no_connection() {
    let later =
        "ALTER TABLE pets ADD FOREIGN KEY (owner) REFERENCES people DEFERRABLE INITIALLY DEFERRED";
    let scene = Setting::usual().connections(1).with([later]).scene().await;
    let pid = async || {
        let row = scene.client.query_one("SELECT pg_backend_pid()", &[]).await;
        row.unwrap().get::<_, i32>(0)
    };
    let before = pid().await;
    scene.warm().await;
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, "INSERT INTO pets VALUES (1, 99, 'Rex')").await;
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "23503");
    scene.assert_true("after the commit").await;
    scene.through(PET).await;
    assert_eq!(scene.truth("pets").await.len(), 1);
    scene.assert_true("after a write").await;
    assert_eq!(pid().await, before);
}
