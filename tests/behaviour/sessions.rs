//! Connections that come back in another state than they left in, or not at all.

use std::pin::pin;

use cachedpool::{CacheExt as _, CachedPool, Source};
use cachedpool_test_support::wait_until;
use futures_util::poll;
use std::time::Duration;

use crate::kit::{
    LONG, Number, Person, Scene, Server, Setting, TestDatabase, is_shared, query, read, run,
};

tests!(sqlite, postgres, mariadb => [
    a_connection_that_comes_back_inside_a_transaction_is_rolled_back,
    a_transaction_that_is_begun_on_the_pool_is_rolled_back,
    a_session_that_was_changed_answers_no_cached_read,
    a_temporary_table_hides_nothing_from_others,
]);
tests!(servers => [
    a_connection_that_is_killed_in_a_transaction_loses_no_invalidation,
    a_connection_that_is_cut_in_a_transaction_loses_no_invalidation,
    a_commit_without_an_answer_closes_its_tables_for_a_while,
    a_write_that_lands_after_its_connection_broke_is_not_missed,
    without_a_quarantine_a_late_write_would_be_missed,
]);
tests!(only postgres => [code_on_the_server_costs_its_connection_only_if_it_changed_the_session]);
tests!(only sqlite => [a_pool_in_memory_outlives_an_open_transaction]);

const SQL: &str = "SELECT id, name FROM people ORDER BY id";

async fn a_connection_that_comes_back_inside_a_transaction_is_rolled_back<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    scene.warm().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    run(&mut connection, "BEGIN").await;
    run(&mut connection, "DELETE FROM people").await;
    drop(connection);
    // Would wait for the only connection, and be rolled back with what was left open.
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_eq!(scene.truth("people").await.len(), 2);
    assert_eq!(scene.truth("pets").await.len(), 1);
    scene.assert_true("at the end").await;
}

async fn a_transaction_that_is_begun_on_the_pool_is_rolled_back<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    scene.warm().await;
    for text in ["BEGIN", "BEGIN; DELETE FROM people"] {
        sqlx::raw_sql(text).execute(&scene.pool).await.unwrap();
        scene
            .through("UPDATE people SET name = 'x' WHERE id = 2")
            .await;
        assert_eq!(
            scene.truth("people").await[1].name.as_deref(),
            Some("x"),
            "{text}"
        );
        scene.assert_true(text).await;
        scene
            .through("UPDATE people SET name = 'Bob' WHERE id = 2")
            .await;
    }
}

async fn a_session_that_was_changed_answers_no_cached_read<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    let (before, change, sql) = match DB::SERVER {
        Server::Sqlite => (
            &[][..],
            "PRAGMA case_sensitive_like = ON",
            "SELECT id, name FROM people WHERE name LIKE 'ada'",
        ),
        Server::Postgres => (
            &[
                "CREATE SCHEMA beside",
                "CREATE TABLE beside.people (id BIGINT, name VARCHAR(9))",
            ][..],
            "SET search_path TO beside",
            SQL,
        ),
        Server::MariaDb => (
            &[
                "CREATE DATABASE IF NOT EXISTS beside",
                "CREATE TABLE IF NOT EXISTS beside.people (id BIGINT, name VARCHAR(9))",
            ][..],
            "USE beside",
            SQL,
        ),
    };
    for sql in before {
        scene.behind(sql).await;
    }
    let expected = DB::fetch_people(&scene.aside, read(sql, [])).await.unwrap();
    assert!(!expected.is_empty());
    let raw = |sql: &'static str| sqlx::raw_sql(sql);
    let cached = async || {
        scene.pool.invalidate_all().await.unwrap();
        read::<DB, Person>(sql, [])
            .cached(&scene.pool)
            .fetch_all()
            .await
            .unwrap()
    };
    // On a connection, where it lasts until the connection is returned.
    let mut connection = scene.pool.acquire().await.unwrap();
    raw(change).execute(&mut *connection).await.unwrap();
    let own = read::<DB, Person>(sql, [])
        .fetch_all(&mut *connection)
        .await;
    assert_eq!(own.unwrap(), []);
    drop(connection);
    assert_eq!(cached().await, expected);
    // On the pool, where it never lasts.
    raw(change).execute(&scene.pool).await.unwrap();
    assert_eq!(cached().await, expected);
    // In a transaction.
    let mut tx = scene.pool.begin().await.unwrap();
    raw(change).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(cached().await, expected);
}

async fn a_temporary_table_hides_nothing_from_others<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(2).scene().await;
    scene.warm().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    run(
        &mut connection,
        "CREATE TEMPORARY TABLE people (id BIGINT, name VARCHAR(9))",
    )
    .await;
    run(&mut connection, "INSERT INTO people VALUES (9, 'temp')").await;
    // Another text than before, of which PostgreSQL may have a plan for the other table.
    let own = read::<DB, Person>("SELECT id, name FROM people", [])
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    assert_eq!(own[0].id, 9);
    scene.assert_true("beside it").await;
    scene.behind("DELETE FROM people WHERE id = 1").await;
    scene.assert_true("from the database every time").await;
    drop(connection);
    scene.assert_true("when it is gone").await;
    assert_eq!(scene.truth("people").await.len(), 1);
}

async fn a_connection_that_is_killed_in_a_transaction_loses_no_invalidation<DB: TestDatabase>() {
    let own = match DB::SERVER {
        Server::Postgres => "SELECT pg_backend_pid()::bigint",
        _ => "SELECT CAST(CONNECTION_ID() AS SIGNED)",
    };
    let kill = |id: i64| match DB::SERVER {
        Server::Postgres => format!("SELECT pg_terminate_backend({id})"),
        _ => format!("KILL {id}"),
    };
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    for commits in [true, false] {
        // Past the quarantine of the first one.
        scene.hand.advance(Duration::from_secs(60));
        scene.warm().await;
        let mut tx = scene.pool.begin().await.unwrap();
        run(&mut tx, "DELETE FROM people WHERE id = 1").await;
        let Number(id) = read::<DB, Number>(own, [])
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        scene.behind(&kill(id)).await;
        if commits {
            tx.commit().await.unwrap_err();
        } else {
            let more = query::<DB>("DELETE FROM people", [])
                .execute(&mut *tx)
                .await;
            more.unwrap_err();
            drop(tx);
        }
        scene.assert_true("after the kill").await;
        assert_eq!(scene.truth("people").await.len(), 2);
        // The pool has another connection by now.
        scene
            .through("UPDATE people SET name = 'x' WHERE id = 2")
            .await;
        scene.assert_true("after a write").await;
    }
}

async fn a_connection_that_is_cut_in_a_transaction_loses_no_invalidation<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(2).wired().scene().await;
    scene.warm().await;
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, "DELETE FROM people").await;
    scene.wire().cut();
    assert!(
        query::<DB>("DELETE FROM pets", [])
            .execute(&mut *tx)
            .await
            .is_err()
    );
    drop(tx);
    scene.wire().mend();
    // No COMMIT was ever sent.
    assert_eq!(scene.pool.stats().quarantined, 0);
    scene.assert_true("after the cut").await;
    scene.through("DELETE FROM people WHERE id = 1").await;
    scene.assert_true("after a write").await;
    assert_eq!(scene.truth("people").await.len(), 1);
}

async fn a_commit_without_an_answer_closes_its_tables_for_a_while<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .wired()
        .pool(|builder| builder.quarantine(Duration::from_secs(30)))
        .scene()
        .await;
    scene.warm().await;
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, "DELETE FROM people WHERE id = 1").await;
    scene.wire().cut();
    assert!(tx.commit().await.is_err());
    scene.wire().mend();
    assert_ne!(scene.pool.stats().quarantined, 0);
    for _ in 0..2 {
        assert_eq!(scene.source("people").await, Source::Database);
        assert_eq!(scene.source("pets").await, Source::Local);
    }
    scene.assert_true("during the quarantine").await;
    scene.hand.advance(Duration::from_secs(30));
    scene.warm().await;
    assert_eq!(scene.pool.stats().quarantined, 0);
}

/// Cuts the connection of a write that waits for a lock, then lets the lock go: the server carries the write out, and
/// nobody is told. Returns the scene, with a cached read made in between.
async fn late_write<DB: TestDatabase>(setting: Setting<DB>) -> Scene<DB> {
    let scene = setting.connections(2).wired().scene().await;
    scene.warm().await;
    let lock = DB::hold(
        &scene.aside,
        "UPDATE people SET name = 'locked' WHERE id = 1",
    )
    .await;
    {
        let write = query::<DB>("UPDATE people SET name = 'late' WHERE id = 1", []);
        let mut write = pin!(write.execute(&scene.pool));
        wait_until(LONG, "the server has the write, which waits for the lock", async || {
            assert!(poll!(&mut write).is_pending());
            let waiting = match DB::SERVER {
                Server::Postgres => "SELECT count(*) FROM pg_locks WHERE NOT granted \
                    AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())",
                _ => "SELECT count(*) FROM information_schema.processlist \
                    WHERE db = DATABASE() AND command = 'Execute' AND info LIKE 'UPDATE%late%'",
            };
            let waiting = read::<DB, Number>(waiting, []).fetch_one(&scene.pool).await;
            waiting.unwrap().0 > 0
        })
        .await;
        scene.wire().cut();
        assert!(write.await.is_err());
    }
    scene.wire().mend();
    scene.hand.advance(Duration::from_millis(1));
    // The row as it was before both.
    assert_eq!(scene.rows("people").await[0].name.as_deref(), Some("Ada"));
    lock.commit().await.unwrap();
    wait_until(LONG, "the server carries the write out", async || {
        scene.truth("people").await[0].name.as_deref() == Some("late")
    })
    .await;
    scene
}

async fn a_write_that_lands_after_its_connection_broke_is_not_missed<DB: TestDatabase>() {
    let scene = late_write::<DB>(Setting::usual()).await;
    assert_ne!(scene.pool.stats().quarantined, 0);
    scene.assert_true("after the late write").await;
    scene.hand.advance(Duration::from_secs(60));
    scene.warm().await;
    scene.assert_true("after the quarantine").await;
}

async fn without_a_quarantine_a_late_write_would_be_missed<DB: TestDatabase>() {
    if is_shared() {
        // The tier keeps the doubt in its own time, and moves the slots at its end.
        return;
    }
    let short = |builder: cachedpool::Builder<DB>| builder.quarantine(Duration::from_nanos(1));
    let scene = late_write::<DB>(Setting::usual().pool(short)).await;
    assert_ne!(scene.rows("people").await, scene.truth("people").await);
}

async fn a_pool_in_memory_outlives_an_open_transaction<DB: TestDatabase>() {
    let inner = sqlx::pool::PoolOptions::<DB>::new()
        .max_connections(1)
        .connect("sqlite::memory:")
        .await
        .unwrap();
    let pool = CachedPool::builder(inner).build().await.unwrap();
    let execute = async |sql: &str| {
        query::<DB>(sql, []).execute(&pool).await.unwrap();
    };
    execute("CREATE TABLE people (id BIGINT, name TEXT)").await;
    execute("INSERT INTO people VALUES (1, 'Ada')").await;
    let mut connection = pool.acquire().await.unwrap();
    run(&mut connection, "BEGIN").await;
    run(&mut connection, "DELETE FROM people").await;
    drop(connection);
    execute("INSERT INTO people VALUES (2, 'Bob')").await;
    let people = read::<DB, Person>(SQL, [])
        .cached(&pool)
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(
        people.iter().map(|person| person.id).collect::<Vec<_>>(),
        [1, 2]
    );
}

async fn code_on_the_server_costs_its_connection_only_if_it_changed_the_session<DB>()
where
    DB: TestDatabase,
    i32: sqlx::Type<DB> + for<'r> sqlx::Decode<'r, DB>,
    usize: sqlx::ColumnIndex<DB::Row>,
{
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    for text in [
        "CREATE FUNCTION harmless() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE FUNCTION harmful() RETURNS text LANGUAGE sql AS \
         $$SELECT set_config('search_path', 'pg_catalog', false)$$",
        "CREATE FUNCTION hiding() RETURNS int LANGUAGE plpgsql AS \
         $$BEGIN CREATE TEMP TABLE people (id bigint, name varchar(100)); RETURN 1; END$$",
    ] {
        scene.behind(text).await;
    }
    let pid = async || {
        let mut connection = scene.pool.acquire().await.unwrap();
        let row =
            sqlx::Executor::fetch_one(&mut *connection, query::<DB>("SELECT pg_backend_pid()", []));
        sqlx::Row::get::<i32, _>(&row.await.unwrap(), 0)
    };
    for (call, keeps) in [
        ("SELECT harmless()", true),
        ("DO $$BEGIN PERFORM 1; END$$", true),
        ("SELECT harmful()", false),
        ("SELECT hiding()", false),
    ] {
        let before = pid().await;
        scene.through(call).await;
        // The only connection: whoever comes next waits until it is looked at.
        assert_eq!(pid().await == before, keeps, "{call}");
        scene.warm().await;
        scene.assert_true(call).await;
    }
}
