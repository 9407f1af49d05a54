//! What a transaction wrote is invalidated when it is committed: not before, not if it is rolled back, and whether it is
//! controlled by methods or by text.

use cachedpool::{CacheExt as _, CachedPoolConnection, Source};

use crate::kit::{Person, Scene, Server, Setting, TestDatabase, query, read, run};

tests!(sqlite, postgres, mariadb => [
    a_commit_invalidates_and_nothing_before_it_does,
    a_rollback_leaves_the_hits,
    a_dropped_transaction_is_a_rollback,
    a_released_savepoint_waits_for_the_outer_commit,
    a_savepoint_that_is_rolled_back_drops_what_it_wrote,
    a_dropped_savepoint_is_rolled_back_before_anything_else,
    a_released_savepoint_goes_with_the_outer_rollback,
    transactions_in_text_count_like_methods,
    savepoints_in_text_count_like_methods,
    a_whole_transaction_in_one_text_is_followed,
    a_text_may_end_the_transaction_of_a_method,
    statements_that_fail_inside_a_transaction_leave_the_cache_true,
    reads_in_a_transaction_see_its_writes_and_are_not_cached,
    begin_with_takes_a_statement_of_its_own,
    a_begin_statement_that_writes_is_noticed,
]);
const RENAME: &str = "UPDATE people SET name = 'Eve' WHERE id = 1";

async fn a_commit_invalidates_and_nothing_before_it_does<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, RENAME).await;
    assert_eq!(scene.source("people").await, Source::Local);
    scene.assert_true("before the commit").await;
    tx.commit().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Database);
    assert_eq!(scene.rows("people").await[0].name.as_deref(), Some("Eve"));
    assert_eq!(scene.source("pets").await, Source::Local);
}

async fn a_rollback_leaves_the_hits<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, RENAME).await;
    tx.rollback().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Local);
    scene.assert_true("after the rollback").await;
}

async fn a_dropped_transaction_is_a_rollback<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    scene.warm().await;
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, RENAME).await;
    drop(tx);
    assert_eq!(scene.source("people").await, Source::Local);
    // The only connection serves again, and not inside of the transaction.
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    scene.assert_true("after the drop").await;
    assert_eq!(scene.truth("people").await[0].name.as_deref(), Some("Ada"));
    assert_eq!(scene.truth("pets").await.len(), 1);
}

async fn a_released_savepoint_waits_for_the_outer_commit<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut outer = scene.pool.begin().await.unwrap();
    let mut inner = outer.begin().await.unwrap();
    run(&mut inner, RENAME).await;
    inner.commit().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Local);
    outer.commit().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("after the outer commit").await;
}

async fn a_savepoint_that_is_rolled_back_drops_what_it_wrote<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut outer = scene.pool.begin().await.unwrap();
    run(&mut outer, "INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    let mut inner = outer.begin().await.unwrap();
    run(&mut inner, RENAME).await;
    let mut innermost = inner.begin().await.unwrap();
    run(&mut innermost, "DELETE FROM people").await;
    innermost.commit().await.unwrap();
    inner.rollback().await.unwrap();
    outer.commit().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.source("pets").await, Source::Database);
    scene.assert_true("after the outer commit").await;
}

async fn a_dropped_savepoint_is_rolled_back_before_anything_else<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut outer = scene.pool.begin().await.unwrap();
    let mut inner = outer.begin().await.unwrap();
    run(&mut inner, RENAME).await;
    drop(inner);
    run(&mut outer, "INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    outer.commit().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.truth("people").await[0].name.as_deref(), Some("Ada"));
    scene.assert_true("after the outer commit").await;
}

async fn a_released_savepoint_goes_with_the_outer_rollback<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut outer = scene.pool.begin().await.unwrap();
    let mut inner = outer.begin().await.unwrap();
    run(&mut inner, RENAME).await;
    inner.commit().await.unwrap();
    outer.rollback().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Local);
    scene.assert_true("after the outer rollback").await;
}

async fn texts<DB: TestDatabase>(connection: &mut CachedPoolConnection<DB>, texts: &[&str]) {
    for text in texts {
        run(connection, text).await;
    }
}

async fn transactions_in_text_count_like_methods<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    scene.warm().await;
    texts(&mut connection, &["BEGIN", RENAME]).await;
    assert_eq!(scene.source("people").await, Source::Local);
    texts(&mut connection, &["COMMIT"]).await;
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("after the commit").await;

    scene.warm().await;
    texts(
        &mut connection,
        &["begin /* x */", "DELETE FROM people", "ROLLBACK"],
    )
    .await;
    assert_eq!(scene.source("people").await, Source::Local);
    scene.assert_true("after the rollback").await;

    texts(&mut connection, &["DELETE FROM people"]).await;
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("after a write outside").await;
}

async fn savepoints_in_text_count_like_methods<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    scene.warm().await;
    let pet = "INSERT INTO pets VALUES (1, 1, 'Rex')";
    texts(
        &mut connection,
        &[
            "BEGIN",
            pet,
            "SAVEPOINT a",
            RENAME,
            "SAVEPOINT b",
            "ROLLBACK TO SAVEPOINT a",
            "COMMIT",
        ],
    )
    .await;
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.source("pets").await, Source::Database);
    scene.assert_true("after a rollback to the savepoint").await;

    scene.warm().await;
    texts(
        &mut connection,
        &[
            "BEGIN",
            "SAVEPOINT A",
            RENAME,
            "RELEASE SAVEPOINT a",
            "COMMIT",
        ],
    )
    .await;
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("after a release").await;
}

async fn a_whole_transaction_in_one_text_is_followed<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let raw = async |sql: String| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&scene.pool)
            .await
            .unwrap();
    };
    scene.warm().await;
    raw(format!("BEGIN; {RENAME}; COMMIT")).await;
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("after the commit").await;

    scene.warm().await;
    raw("BEGIN; DELETE FROM people; ROLLBACK; INSERT INTO pets VALUES (1, 1, 'Rex')".into()).await;
    assert_eq!(scene.source("people").await, Source::Local);
    assert_eq!(scene.source("pets").await, Source::Database);
    scene.assert_true("after the rollback").await;
}

async fn a_text_may_end_the_transaction_of_a_method<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, RENAME).await;
    run(&mut tx, "COMMIT").await;
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("after the commit in text").await;
    scene.warm().await;
    run(&mut tx, "DELETE FROM people WHERE id = 2").await;
    scene.assert_true("after a write outside").await;
    // There is nothing to roll back any more, which some databases call an error.
    let _ = tx.rollback().await;
    scene.assert_true("at the end").await;
}

async fn statements_that_fail_inside_a_transaction_leave_the_cache_true<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    for commit in [true, false] {
        for savepoint in [true, false] {
            scene.warm().await;
            let mut tx = scene.pool.begin().await.unwrap();
            run(&mut tx, RENAME).await;
            if savepoint {
                let mut inner = tx.begin().await.unwrap();
                let taken = "INSERT INTO people VALUES (7, 'x'), (1, 'taken')";
                assert!(query::<DB>(taken, []).execute(&mut *inner).await.is_err());
                inner.rollback().await.unwrap();
            } else {
                let nothing = query::<DB>("DELETE FROM nobody", []);
                assert!(nothing.execute(&mut *tx).await.is_err());
            }
            // Refused by PostgreSQL where the transaction has failed.
            let last = query::<DB>("UPDATE people SET name = 'Zoe' WHERE id = 2", []);
            let _ = last.execute(&mut *tx).await;
            scene.assert_true("inside").await;
            if commit {
                let _ = tx.commit().await;
            } else {
                tx.rollback().await.unwrap();
            }
            scene.assert_true("after the end").await;
            scene.through("UPDATE people SET name = 'new'").await;
            scene.assert_true("after a write behind it").await;
        }
    }
}

async fn reads_in_a_transaction_see_its_writes_and_are_not_cached<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, RENAME).await;
    let ada = || read::<DB, Person>("SELECT id, name FROM people ORDER BY id", []);
    let entries = scene.pool.stats().entries;
    let own = ada().fetch_one(&mut *tx).await.unwrap();
    assert_eq!(own.name.as_deref(), Some("Eve"));
    let others = ada().cached(&scene.pool).fetch_one().await.unwrap();
    assert_eq!(others.name.as_deref(), Some("Ada"));
    assert_eq!(scene.pool.stats().entries, entries + 1);
    tx.rollback().await.unwrap();
    scene.assert_true("after the rollback").await;
}

async fn begin_with_takes_a_statement_of_its_own<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let statement = match DB::SERVER {
        Server::Sqlite => "BEGIN IMMEDIATE",
        Server::Postgres => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        Server::MariaDb => "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    };
    scene.warm().await;
    let mut tx = scene.pool.begin_with(statement).await.unwrap();
    run(&mut tx, RENAME).await;
    assert_eq!(scene.source("people").await, Source::Local);
    tx.commit().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Database);

    let mut connection = scene.pool.acquire().await.unwrap();
    scene.warm().await;
    let mut tx = connection.begin_with(statement).await.unwrap();
    run(&mut tx, "DELETE FROM people").await;
    drop(tx);
    run(&mut connection, "INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_eq!(scene.source("people").await, Source::Local);
    scene.assert_true("after the drop").await;
}

async fn a_begin_statement_that_writes_is_noticed<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let tx = scene
        .pool
        .begin_with("DELETE FROM people WHERE id = 2; BEGIN; DELETE FROM people WHERE id = 1")
        .await;
    if let Ok(tx) = tx {
        tx.commit().await.unwrap();
    }
    scene.assert_true("after the commit").await;

    scene.warm().await;
    let error = scene
        .pool
        .begin_with("INSERT INTO people VALUES (9, 'x')")
        .await;
    assert!(matches!(error.unwrap_err(), sqlx::Error::BeginFailed));
    assert_eq!(scene.truth("people").await.last().unwrap().id, 9);
    scene
        .assert_true("after a statement that begins nothing")
        .await;
}
