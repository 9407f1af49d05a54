//! Every kind of write is noticed, whatever its spelling.

use cachedpool::{
    CacheExt as _,
    cache::{Sabotage, Source},
};
use futures_util::TryStreamExt as _;
use sqlx::Executor as _;

use crate::kit::{LONG, Number, Person, Scene, Server, Setting, TestDatabase, query, read, run};
use cachedpool_test_support::wait_until;

tests!(sqlite, postgres, mariadb => [
    every_kind_of_write_invalidates_what_it_changes,
    definitions_invalidate_what_they_define,
    with_stamps_ignored_a_write_would_go_unnoticed,
    the_row_that_a_write_returns_comes_after_its_invalidation,
    a_stream_that_is_dropped_after_its_first_row_has_written_all,
    a_write_that_fails_leaves_the_cache_true,
]);

tests!(servers => [a_function_or_a_procedure_that_writes_is_noticed]);

/// Statements that change `people` and not `pets`, each of which finds people 1 and 2 and a pet of each.
const EVERYWHERE: &[&str] = &[
    "INSERT INTO people VALUES (10, 'x')",
    "insert into People (id) values (10)",
    "INSERT INTO people SELECT id + 100, name FROM people",
    "INSERT INTO people SELECT id + 100, name FROM pets",
    "UPDATE people SET name = 'x' WHERE id = 1",
    "UPDATE people SET name = (SELECT max(name) FROM pets) WHERE id = 1",
    "DELETE FROM people WHERE id = 1",
    "DELETE FROM people WHERE id IN (SELECT owner FROM pets)",
    "/* a; comment */ UPDATE people -- another\n SET name = 'x;y'",
];

const SQLITE: &[&str] = &[
    "INSERT INTO people VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "INSERT OR REPLACE INTO people VALUES (1, 'x')",
    "REPLACE INTO people VALUES (1, 'x')",
    "UPDATE people SET name = pets.name FROM pets WHERE pets.owner = people.id",
    "WITH one AS (SELECT 1 AS id) DELETE FROM people WHERE id IN (SELECT id FROM one)",
    "WITH one AS (SELECT 10 AS id) INSERT INTO people SELECT id, 'x' FROM one",
    "INSERT INTO main.people VALUES (10, 'x')",
    "INSERT INTO \"people\" VALUES (10, 'x')",
    "INSERT INTO [people] VALUES (10, 'x')",
];

const POSTGRES: &[&str] = &[
    "INSERT INTO people VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "UPDATE people SET name = pets.name FROM pets WHERE pets.owner = people.id",
    "UPDATE ONLY people AS p SET name = 'x'",
    "DELETE FROM people USING pets WHERE pets.owner = people.id",
    "TRUNCATE people",
    "TRUNCATE TABLE ONLY people CASCADE",
    "WITH one AS (SELECT 1 AS id) DELETE FROM people WHERE id IN (SELECT id FROM one)",
    "WITH gone AS (DELETE FROM people WHERE id = 1 RETURNING id) SELECT count(*) FROM gone",
    "MERGE INTO people USING pets ON pets.owner = people.id WHEN MATCHED THEN UPDATE SET name = pets.name",
    "INSERT INTO public.people VALUES (10, 'x')",
    "INSERT INTO \"people\" VALUES (10, 'x')",
    "COPY people FROM PROGRAM 'echo 10,x' (FORMAT csv)",
    "EXPLAIN ANALYZE DELETE FROM people",
    "DO $$ BEGIN DELETE FROM people; END $$",
];

const MARIADB: &[&str] = &[
    "INSERT INTO people VALUES (1, 'x') ON DUPLICATE KEY UPDATE name = VALUES(name)",
    "INSERT INTO people SET id = 10, name = 'x'",
    "INSERT IGNORE INTO people VALUES (1, 'y'), (10, 'x')",
    "REPLACE INTO people VALUES (1, 'x')",
    "UPDATE people JOIN pets ON pets.owner = people.id SET people.name = pets.name",
    "UPDATE pets, people SET people.name = 'x' WHERE pets.owner = people.id",
    "DELETE people FROM people JOIN pets ON pets.owner = people.id",
    "DELETE FROM people USING people JOIN pets ON pets.owner = people.id",
    "TRUNCATE people",
    "TRUNCATE TABLE people",
    "INSERT INTO `people` VALUES (10, 'x')",
    "BEGIN NOT ATOMIC DELETE FROM people; END",
];

fn spellings<DB: TestDatabase>() -> impl Iterator<Item = &'static str> {
    let own = match DB::SERVER {
        Server::Sqlite => SQLITE,
        Server::Postgres => POSTGRES,
        Server::MariaDb => MARIADB,
    };
    EVERYWHERE.iter().chain(own).copied()
}

async fn every_kind_of_write_invalidates_what_it_changes<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    for sql in spellings::<DB>() {
        if DB::SERVER == Server::MariaDb && sql.contains("People") {
            // Another table, there.
            continue;
        }
        reset(&scene).await;
        let before = scene.truth("people").await;
        scene.warm().await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&scene.pool)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert_ne!(scene.truth("people").await, before, "no change: {sql}");
        assert_eq!(scene.source("people").await, Source::Database, "{sql}");
        scene.assert_true(sql).await;
    }
}

/// Both tables as each statement wants to find them.
async fn reset<DB: TestDatabase>(scene: &Scene<DB>) {
    for sql in [
        "DELETE FROM people",
        "DELETE FROM pets",
        "INSERT INTO people VALUES (1, 'Ada'), (2, 'Bob')",
        "INSERT INTO pets VALUES (3, 1, 'Rex'), (4, 2, 'Tom')",
    ] {
        scene.through(sql).await;
    }
}

async fn definitions_invalidate_what_they_define<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let exists = async || {
        let read = read::<DB, Number>("SELECT count(*) FROM extra", []);
        read.cached(&scene.pool).fetch_one().await.ok().map(|n| n.0)
    };
    scene
        .through("CREATE TABLE extra AS SELECT id, name FROM people")
        .await;
    assert_eq!(exists().await, Some(2));
    scene.through("DROP TABLE extra").await;
    assert_eq!(exists().await, None);
    scene
        .through("CREATE TABLE extra AS SELECT id, name FROM people WHERE id = 1")
        .await;
    assert_eq!(exists().await, Some(1));
    scene.through("ALTER TABLE extra RENAME TO other").await;
    assert_eq!(exists().await, None);
    scene
        .through("ALTER TABLE people ADD COLUMN age BIGINT DEFAULT 7")
        .await;
    scene.warm().await;
    let ages = || {
        read::<DB, Number>("SELECT age FROM people", [])
            .cached(&scene.pool)
            .fetch_all()
    };
    assert_eq!(ages().await.unwrap(), [Number(7), Number(7)]);
    let mut connection = scene.pool.acquire().await.unwrap();
    // A connection of SQLite that has not heard of the column would not find it; reading it makes it look.
    run(&mut connection, "SELECT age FROM people").await;
    run(&mut connection, "ALTER TABLE people DROP COLUMN age").await;
    drop(connection);
    assert!(ages().await.is_err());
    scene.assert_true("after all").await;
}

async fn with_stamps_ignored_a_write_would_go_unnoticed<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .pool(|builder| builder.sabotage(Sabotage::IgnoreStamps))
        .scene()
        .await;
    scene.warm().await;
    scene.through("DELETE FROM people").await;
    assert_eq!(scene.source("people").await, Source::Local);
    assert_ne!(scene.rows("people").await, scene.truth("people").await);
}

async fn the_row_that_a_write_returns_comes_after_its_invalidation<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let insert = |id: i64| {
        read::<DB, Person>(
            "INSERT INTO people VALUES ($1, 'x') RETURNING id, name",
            [id.into()],
        )
    };
    assert_eq!(insert(10).fetch_one(&scene.pool).await.unwrap().id, 10);
    scene.assert_true("after fetch_one").await;
    assert!(
        insert(11)
            .fetch_optional(&scene.pool)
            .await
            .unwrap()
            .is_some()
    );
    scene.assert_true("after fetch_optional").await;
    assert_eq!(insert(12).fetch_all(&scene.pool).await.unwrap().len(), 1);
    scene.assert_true("after fetch_all").await;
    let rows: Vec<Person> = insert(13).fetch(&scene.pool).try_collect().await.unwrap();
    assert_eq!(rows.len(), 1);
    scene.assert_true("after a stream's end").await;
    // A write that is asked of the cache passes it and is noticed all the same.
    assert_eq!(
        insert(14).cached(&scene.pool).fetch_one().await.unwrap().id,
        14
    );
    scene.assert_true("after a cached write").await;
    let mut connection = scene.pool.acquire().await.unwrap();
    assert_eq!(insert(15).fetch_one(&mut *connection).await.unwrap().id, 15);
    scene.assert_true("after fetch_one on a connection").await;
}

async fn a_stream_that_is_dropped_after_its_first_row_has_written_all<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    // More rows than wait for a slow reader.
    for id in 10..100 {
        scene
            .behind(&format!("INSERT INTO people VALUES ({id}, 'x')"))
            .await;
    }
    scene.warm().await;
    let sql = match DB::SERVER {
        // MariaDB has no RETURNING on UPDATE.
        Server::MariaDb => "DELETE FROM people RETURNING id, name",
        _ => "UPDATE people SET name = 'seen' RETURNING id, name",
    };
    {
        let write = query::<DB>(sql, []);
        let mut rows = scene.pool.fetch(write);
        assert!(rows.try_next().await.unwrap().is_some());
    }
    // With one connection, this waits until the write has given it back.
    let live = "SELECT count(*) FROM people WHERE name IS NULL OR name <> 'seen'";
    let left = read::<DB, Number>(live, []).fetch_one(&scene.pool).await;
    assert_eq!(left.unwrap(), Number(0));
    scene.assert_true("when the write has ended").await;
    wait_until(LONG, "the connection comes back", async || {
        scene.pool.num_idle() == 1
    })
    .await;
}

async fn a_write_that_fails_leaves_the_cache_true<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    for sql in [
        "INSERT INTO people VALUES (10, 'x'), (1, 'taken')",
        "UPDATE people SET id = 1",
        "DELETE FROM nobody",
        "DELETE FROM people WHERE nothing = 1",
        "DELETE FROM people WHERE",
    ] {
        assert!(
            query::<DB>(sql, []).execute(&scene.pool).await.is_err(),
            "{sql}"
        );
        scene.assert_true(sql).await;
    }
}

async fn a_function_or_a_procedure_that_writes_is_noticed<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let (definitions, calls): (&[&str], &[&str]) = match DB::SERVER {
        Server::Postgres => (
            &[
                "CREATE FUNCTION add_person(id BIGINT) RETURNS BIGINT LANGUAGE sql \
                    AS 'INSERT INTO people VALUES (id, $$x$$) RETURNING id'",
                "CREATE PROCEDURE add_two(id BIGINT) LANGUAGE plpgsql AS \
                    'BEGIN INSERT INTO people VALUES (id); COMMIT; INSERT INTO people VALUES (id + 1); END'",
            ],
            &[
                "SELECT add_person(10)",
                "SELECT count(*) FROM pets WHERE add_person(11) > 0 OR id IS NULL",
                "SELECT id FROM people, add_person(12) LIMIT 1",
                "CALL add_two(20)",
                "DO 'BEGIN PERFORM add_person(13); END'",
                "WITH one AS (SELECT add_person(14)) SELECT * FROM one",
            ],
        ),
        _ => (
            &[
                "CREATE FUNCTION add_person(id BIGINT) RETURNS BIGINT DETERMINISTIC \
                    BEGIN INSERT INTO people VALUES (id, 'x'); RETURN id; END",
                "CREATE PROCEDURE add_two(id BIGINT) \
                    BEGIN START TRANSACTION; INSERT INTO people VALUES (id, 'x'); COMMIT; \
                    INSERT INTO people VALUES (id + 1, 'x'); END",
            ],
            &[
                "SELECT add_person(10)",
                "CALL add_two(20)",
                "DO add_person(13)",
                "SET @x = add_person(14)",
                "WITH one AS (SELECT add_person(15)) SELECT * FROM one",
            ],
        ),
    };
    for sql in definitions {
        sqlx::raw_sql(*sql).execute(&scene.pool).await.unwrap();
    }
    for sql in calls {
        // What was called may have defined something; another connection looks.
        scene.pool.reload_schema().await.unwrap();
        scene.warm().await;
        sqlx::raw_sql(*sql).execute(&scene.pool).await.unwrap();
        scene.assert_true(sql).await;
        let mut tx = scene.pool.begin().await.unwrap();
        run(&mut tx, "DELETE FROM people WHERE id > 9").await;
        // What was called may have defined something; another connection looks.
        scene.pool.reload_schema().await.unwrap();
        scene.warm().await;
        if !sql.contains("add_two") {
            sqlx::raw_sql(*sql).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        scene.assert_true(sql).await;
        scene.through("DELETE FROM people WHERE id > 9").await;
    }
}
