//! Transactions as one database alone has them.

use cachedpool::{CacheExt as _, CachedPool, ErrorKind, Source};
use sqlx::Executor as _;

use crate::kit::{Person, SERVERS, Scene, Setting, TestDatabase, read, run};

tests!(only mariadb => [
    definitions_commit_the_open_transaction,
    settings_that_open_transactions_by_themselves_are_followed,
    distributed_transactions_are_followed,
    rows_that_no_rollback_takes_back_are_seen_at_once,
    pools_that_read_or_keep_what_is_not_committed_are_refused,
]);
tests!(only postgres => [
    a_commit_that_fails_keeps_its_error_and_the_cache_true,
    writes_before_a_begin_in_one_text_belong_to_its_transaction,
]);

const RENAME: &str = "UPDATE people SET name = 'Eve' WHERE id = 1";

async fn definitions_commit_the_open_transaction<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, RENAME).await;
    run(&mut tx, "CREATE TABLE extra (id BIGINT)").await;
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("after the definition").await;
    scene.warm().await;
    // The transaction is over: this commits by itself.
    run(&mut tx, "DELETE FROM people WHERE id = 2").await;
    scene
        .assert_true("after a write behind the definition")
        .await;
    tx.rollback().await.unwrap();
    assert_eq!(scene.truth("people").await.len(), 1);
    scene.assert_true("after the rollback").await;
}

async fn a_commit_that_fails_keeps_its_error_and_the_cache_true<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    scene
        .behind(
            "ALTER TABLE pets ADD FOREIGN KEY (owner) REFERENCES people DEFERRABLE INITIALLY DEFERRED",
        )
        .await;
    scene.warm().await;
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, "INSERT INTO pets VALUES (1, 99, 'Rex')").await;
    let error = tx.commit().await.unwrap_err();
    let code = error.as_database_error().unwrap().code().unwrap();
    assert_eq!(code, "23503");
    assert_eq!(scene.truth("pets").await, []);
    scene.assert_true("after the failure").await;
    // The only connection serves again.
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_eq!(scene.truth("pets").await.len(), 1);
    scene.assert_true("after a write").await;
}

/// PostgreSQL manual, "Multiple Statements in a Simple Query": a BEGIN takes what stands before it in.
async fn writes_before_a_begin_in_one_text_belong_to_its_transaction<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    scene.warm().await;
    let text = "DELETE FROM people; BEGIN; INSERT INTO pets VALUES (1, 1, 'Rex')";
    (&mut *connection)
        .execute(sqlx::raw_sql(text))
        .await
        .unwrap();
    scene.warm().await;
    scene.assert_true("before the commit").await;
    run(&mut connection, "COMMIT").await;
    assert_eq!(scene.truth("people").await, []);
    scene.assert_true("after the commit").await;
}

/// Runs texts on one connection, with both tables in the cache before each.
async fn one_by_one<DB: TestDatabase>(scene: &Scene<DB>, texts: &[&'static str]) {
    let mut connection = scene.pool.acquire().await.unwrap();
    for text in texts {
        scene.rows("people").await;
        scene.rows("pets").await;
        sqlx::raw_sql(*text)
            .execute(&mut *connection)
            .await
            .unwrap();
        scene.assert_true(text).await;
    }
    drop(connection);
    scene.assert_true("at the end").await;
}

async fn settings_that_open_transactions_by_themselves_are_followed<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    one_by_one(
        &scene,
        &[
            "SET autocommit = 0",
            "UPDATE people SET name = 'a'",
            "COMMIT",
            "UPDATE people SET name = 'b'",
            "SET autocommit = 1",
            "UPDATE people SET name = 'c'",
            "SET SESSION completion_type = 'CHAIN'",
            "BEGIN",
            "UPDATE people SET name = 'd'",
            "COMMIT",
            "UPDATE people SET name = 'e'",
            "COMMIT",
            "UPDATE people SET name = 'f'",
            "ROLLBACK",
            "UPDATE people SET name = 'g'",
            "SET @@session.completion_type = 0",
            "COMMIT",
        ],
    )
    .await;
    one_by_one(
        &scene,
        &[
            "SET @x = 1, @@autocommit = OFF",
            "DELETE FROM people WHERE id = 1",
            "LOCK TABLES people READ",
            "UNLOCK TABLES",
        ],
    )
    .await;
}

async fn distributed_transactions_are_followed<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let texts = [
        "XA START 'one'",
        "UPDATE people SET name = 'a'",
        "XA END 'one'",
        "XA COMMIT 'one' ONE PHASE",
        "XA START 'two'",
        "UPDATE people SET name = 'b'",
        "XA END 'two'",
        "XA PREPARE 'two'",
        "XA COMMIT 'two'",
    ];
    one_by_one(&scene, &texts).await;
    assert_eq!(scene.truth("people").await[0].name.as_deref(), Some("b"));
}

async fn rows_that_no_rollback_takes_back_are_seen_at_once<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let _alone = SERVERS.write().await;
    scene.behind("ALTER TABLE people ENGINE = MyISAM").await;
    let pool = CachedPool::builder(scene.pool.inner().clone())
        .build()
        .await
        .unwrap();
    let cached = async || {
        let read = read::<DB, Person>("SELECT id, name FROM people ORDER BY id", []);
        read.cached(&pool).fetch_all().await.unwrap()
    };
    for commits in [true, false] {
        cached().await;
        let mut tx = pool.begin().await.unwrap();
        run(&mut tx, &format!("UPDATE people SET name = '{commits}'")).await;
        assert_eq!(cached().await, scene.truth("people").await);
        let mut inner = tx.begin().await.unwrap();
        run(&mut inner, "DELETE FROM people WHERE id = 2").await;
        drop(inner);
        if commits {
            tx.commit().await.unwrap();
        } else {
            tx.rollback().await.unwrap();
        }
        assert_eq!(cached().await, scene.truth("people").await);
    }
    assert_eq!(scene.truth("people").await.len(), 1);
    scene.behind("DROP TABLE people").await;
}

async fn pools_that_read_or_keep_what_is_not_committed_are_refused<DB: TestDatabase>() {
    let (url, _) = DB::place().await;
    for setting in [
        "SET autocommit = 0",
        "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
    ] {
        let inner = DB::connect_with(&url, setting).await;
        let error = CachedPool::builder(inner).build().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::UnfitPool { .. }),
            "{setting}: {error}"
        );
    }
}
