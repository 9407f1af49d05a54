//! Every kind of write is noticed, whatever its spelling and whatever the verb.

use cachedpool::{Source, cache::Sabotage, tokio_postgres::GenericClient as _};
use tokio_postgres::types::Type;

use crate::kit::{Scene, Setting, people_of, run};

/// Statements that change `people` and not `pets`, each of which finds people 1 and 2 and a pet of each.
const SPELLINGS: &[&str] = &[
    "INSERT INTO people VALUES (10, 'x')",
    "insert into People (id) values (10)",
    "INSERT INTO people SELECT id + 100, name FROM pets",
    "UPDATE people SET name = 'x' WHERE id = 1",
    "UPDATE people SET name = (SELECT max(name) FROM pets) WHERE id = 1",
    "DELETE FROM people WHERE id IN (SELECT owner FROM pets)",
    "/* a; comment */ UPDATE people -- another\n SET name = 'x;y'",
    "INSERT INTO people VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "UPDATE people SET name = pets.name FROM pets WHERE pets.owner = people.id",
    "DELETE FROM people USING pets WHERE pets.owner = people.id",
    "TRUNCATE people",
    "WITH one AS (SELECT 1 AS id) DELETE FROM people WHERE id IN (SELECT id FROM one)",
    "WITH gone AS (DELETE FROM people WHERE id = 1 RETURNING id) SELECT count(*) FROM gone",
    "MERGE INTO people USING pets ON pets.owner = people.id WHEN MATCHED THEN UPDATE SET name = pets.name",
    "INSERT INTO \"people\" VALUES (10, 'x')",
    "COPY people FROM PROGRAM 'echo 10,x' (FORMAT csv)",
    "EXPLAIN ANALYZE DELETE FROM people",
    "DO $$ BEGIN DELETE FROM people; END $$",
];

/// Both tables as each statement wants to find them.
async fn reset(scene: &Scene) {
    let all = "DELETE FROM people; DELETE FROM pets; INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob'); \
        INSERT INTO pets VALUES (3, 1, 'Rex'), (4, 2, 'Tom')";
    scene.client.batch_execute(all).await.unwrap();
}

#[tokio::test]
async fn every_kind_of_write_invalidates_what_it_changes() {
    let scene = Scene::new().await;
    for sql in SPELLINGS {
        for simple in [true, false] {
            reset(&scene).await;
            // What was run before may have defined something; another connection looks.
            scene.client.reload_schema().await.unwrap();
            let before = scene.truth("people").await;
            scene.warm().await;
            let ran = match simple {
                true => scene.client.batch_execute(sql).await,
                false => scene.client.execute(*sql, &[]).await.map(drop),
            };
            ran.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
            assert_ne!(scene.truth("people").await, before, "no change: {sql}");
            assert_eq!(scene.source("people").await, Source::Database, "{sql}");
            scene.assert_true(sql).await;
        }
    }
}

#[tokio::test]
async fn with_stamps_ignored_a_write_would_go_unnoticed() {
    let scene = Setting::usual()
        .pool(|builder| builder.sabotage(Sabotage::IgnoreStamps))
        .scene()
        .await;
    scene.warm().await;
    scene.through("DELETE FROM people").await;
    assert_eq!(scene.source("people").await, Source::Local);
    assert_ne!(scene.rows("people").await, scene.truth("people").await);
}

#[tokio::test]
async fn the_rows_that_a_write_returns_come_after_its_invalidation() {
    let scene = Scene::new().await;
    scene.warm().await;
    let client = &scene.client;
    let insert = "INSERT INTO people VALUES ($1, 'x') RETURNING id, name";
    let row = client.query_one(insert, &[&10_i64]).await.unwrap();
    assert_eq!(row.get::<_, i64>("id"), 10);
    scene.assert_true("after query_one").await;
    assert!(
        client
            .query_opt(insert, &[&11_i64])
            .await
            .unwrap()
            .is_some()
    );
    scene.assert_true("after query_opt").await;
    assert_eq!(client.query(insert, &[&12_i64]).await.unwrap().len(), 1);
    scene.assert_true("after query").await;
    let typed = client.query_typed(insert, &[(&13_i64, Type::INT8)]).await;
    assert_eq!(people_of(&typed.unwrap())[0].id, 13);
    scene.assert_true("after query_typed").await;
    assert_eq!(client.execute(insert, &[&14_i64]).await.unwrap(), 1);
    scene.assert_true("after execute").await;
    let (rows, _) = client.execute_with_token(insert, &[&15_i64]).await.unwrap();
    assert_eq!(rows, 1);
    scene.assert_true("after execute_with_token").await;
    let prepared = client.prepare(insert).await.unwrap();
    assert_eq!(client.execute(&prepared, &[&16_i64]).await.unwrap(), 1);
    scene.assert_true("after a prepared statement").await;
    // A write that is asked of the cache passes it and is noticed all the same.
    let row = client.cached(insert, &[&17_i64]).query_one().await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 17);
    scene.assert_true("after a cached write").await;
    let mut connection = client.get().await.unwrap();
    assert_eq!(connection.query(insert, &[&18_i64]).await.unwrap().len(), 1);
    scene.assert_true("after a write on a connection").await;
}

#[tokio::test]
async fn a_write_that_fails_leaves_the_cache_true() {
    let scene = Scene::new().await;
    scene.warm().await;
    for sql in [
        "INSERT INTO people VALUES (10, 'x'), (1, 'taken')",
        "UPDATE people SET id = 1",
        "DELETE FROM nobody",
        "DELETE FROM people WHERE nothing = 1",
        "DELETE FROM people WHERE",
    ] {
        assert!(scene.client.execute(sql, &[]).await.is_err(), "{sql}");
        scene.assert_true(sql).await;
        assert!(scene.client.batch_execute(sql).await.is_err(), "{sql}");
        scene.assert_true(sql).await;
    }
}

#[tokio::test]
async fn of_a_batch_that_fails_half_way_what_was_committed_is_noticed() {
    let scene = Setting::usual().connections(1).scene().await;
    for (batch, people) in [
        // One transaction, by the manual ("Multiple Statements in a Simple Query").
        ("DELETE FROM people; SELECT 1 / 0; DELETE FROM pets", 2),
        (
            "BEGIN; DELETE FROM people WHERE id = 1; COMMIT; SELECT 1 / 0",
            1,
        ),
        (
            "DELETE FROM people WHERE id = 2; COMMIT; DELETE FROM nobody",
            0,
        ),
        ("INSERT INTO people VALUES (5, 'x'); BEGIN; SELECT 1 / 0", 0),
        (
            "INSERT INTO people VALUES (5, 'x'); COMMIT; BEGIN; DELETE FROM people; SELECT 1 / 0",
            1,
        ),
    ] {
        scene.client.invalidate_all().await.unwrap();
        scene.warm().await;
        scene.client.batch_execute(batch).await.unwrap_err();
        assert_eq!(scene.truth("people").await.len(), people, "{batch}");
        scene.assert_true(batch).await;
        // On the only connection nothing is left open.
        scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
        assert_eq!(scene.truth("pets").await.len(), 1, "{batch}");
        scene.through("DELETE FROM pets").await;
        scene.assert_true(batch).await;
    }
}

#[tokio::test]
async fn a_function_or_a_procedure_that_writes_is_noticed() {
    let scene = Scene::new().await;
    let define = "CREATE FUNCTION add_person(id BIGINT) RETURNS BIGINT LANGUAGE sql \
            AS 'INSERT INTO people VALUES (id, $$x$$) RETURNING id'; \
        CREATE PROCEDURE add_two(id BIGINT) LANGUAGE plpgsql AS \
            'BEGIN INSERT INTO people VALUES (id); COMMIT; INSERT INTO people VALUES (id + 1); END'";
    scene.client.batch_execute(define).await.unwrap();
    for sql in [
        "SELECT add_person(10)",
        "SELECT count(*) FROM pets WHERE add_person(11) > 0 OR id IS NULL",
        "SELECT id FROM people, add_person(12) LIMIT 1",
        "CALL add_two(20)",
        "DO 'BEGIN PERFORM add_person(13); END'",
        "WITH one AS (SELECT add_person(14)) SELECT * FROM one",
    ] {
        // What was called may have defined something; another connection looks.
        scene.client.reload_schema().await.unwrap();
        scene.warm().await;
        scene.client.query(sql, &[]).await.unwrap();
        scene.assert_true(sql).await;
        let mut tx = scene.client.transaction().await.unwrap();
        run(&mut tx, "DELETE FROM people WHERE id > 9").await;
        scene.client.reload_schema().await.unwrap();
        scene.warm().await;
        if !sql.contains("add_two") {
            tx.query(sql, &[]).await.unwrap();
        }
        tx.commit().await.unwrap();
        scene.assert_true(sql).await;
        scene.through("DELETE FROM people WHERE id > 9").await;
    }
}

#[tokio::test]
async fn a_copy_by_a_verb_that_cannot_feed_it_fails_and_costs_nobody_anything() {
    let scene = Setting::usual().connections(1).scene().await;
    scene.warm().await;
    for sql in ["COPY people FROM STDIN", "COPY people TO STDOUT"] {
        assert!(scene.client.execute(sql, &[]).await.is_err(), "{sql}");
        scene.assert_true(sql).await;
        assert!(scene.client.batch_execute(sql).await.is_err(), "{sql}");
        scene.assert_true(sql).await;
        let mut tx = scene.client.transaction().await.unwrap();
        run(&mut tx, "DELETE FROM people WHERE id = 1").await;
        assert!(tx.batch_execute(sql).await.is_err(), "{sql}");
        drop(tx);
        scene.assert_true(sql).await;
        assert_eq!(scene.truth("people").await.len(), 2, "{sql}");
    }
    assert_eq!(scene.through("UPDATE people SET name = 'x'").await, 2);
    scene.assert_true("at the end").await;
}
