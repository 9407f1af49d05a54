//! `&CachedPool`, `&mut *connection` and `&mut *tx` stand in for sqlx's own, method for method.

use cachedpool::{CacheExt as _, Source};
use cachedpool_test_support::wait_until;
use futures_util::TryStreamExt as _;
use sqlx::{
    AssertSqlSafe, Column as _, Either, Executor, SqlSafeStr as _, Statement as _, TypeInfo as _,
    migrate::Migrator, query_builder::QueryBuilder,
};

use crate::kit::{
    LONG, Number, Person, Scene, Setting, TestDatabase, TestRow as _, query, read, run,
};

tests!(sqlite, postgres, mariadb => [
    every_method_works_on_the_pool,
    every_method_works_on_a_connection,
    every_method_works_in_a_transaction,
    several_statements_in_one_text_answer_one_by_one,
    a_prepared_statement_can_be_read_through_the_cache,
    a_query_builder_can_be_run_and_cached,
    the_numbers_of_the_inner_pool_show,
    try_acquire_gives_a_connection_that_is_followed,
    migrations_run_and_invalidate_everything,
    a_closed_pool_says_so,
    what_is_done_unseen_counts_as_everything,
]);
tests!(only postgres => [a_migration_that_changes_the_session_changes_no_cached_read]);

/// As applications write their data layer.
async fn names<'e, DB: TestDatabase>(executor: impl Executor<'e, Database = DB>) -> Vec<Person> {
    read::<DB, Person>("SELECT id, name FROM people ORDER BY id", [])
        .fetch_all(executor)
        .await
        .unwrap()
}

/// Asks every method of an executor for something; the executor is spelled anew for each.
macro_rules! every_method {
    ($DB:ty, $scene:expr, $executor:expr) => {{
        let scene = $scene;
        let sql = |text: &str| AssertSqlSafe(<$DB as TestDatabase>::sql(text));
        let all = "SELECT id, name FROM people ORDER BY id";

        let done = $executor
            .execute(sql("DELETE FROM people WHERE id = 2"))
            .await;
        assert_eq!(<$DB as TestDatabase>::affected(&done.unwrap()), 1);
        let insert = query::<$DB>(
            "INSERT INTO people VALUES ($1, $2)",
            [2.into(), "Eve".into()],
        );
        let done: Vec<_> = ($executor)
            .execute_many(insert)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(
            done.iter()
                .map(<$DB as TestDatabase>::affected)
                .sum::<u64>(),
            1
        );
        let rows: Vec<_> = $executor
            .fetch(query::<$DB>(all, []))
            .try_collect()
            .await
            .unwrap();
        assert_eq!(rows[1].text(1).unwrap().as_deref(), Some("Eve"));
        let items: Vec<_> = $executor
            .fetch_many(query::<$DB>(all, []))
            .try_collect()
            .await
            .unwrap();
        assert_eq!(
            items
                .iter()
                .filter(|item| matches!(item, Either::Right(_)))
                .count(),
            2
        );
        let rows = ($executor).fetch_all(query::<$DB>(all, [])).await.unwrap();
        assert_eq!(rows.len(), 2);
        let row = ($executor).fetch_one(query::<$DB>(all, [])).await.unwrap();
        assert_eq!(row.int(0).unwrap(), 1);
        let none =
            ($executor).fetch_optional(query::<$DB>("SELECT id FROM people WHERE id = 99", []));
        assert!(none.await.unwrap().is_none());
        let error = $executor
            .fetch_one(query::<$DB>("SELECT id FROM people WHERE id = 99", []))
            .await;
        assert!(matches!(error, Err(sqlx::Error::RowNotFound)));

        let find = "SELECT id, name FROM people WHERE id = $1";
        let statement = ($executor).prepare(sql(find).into_sql_str()).await.unwrap();
        assert_eq!(statement.columns()[1].name(), "name");
        let types = [<$DB as TestDatabase>::int_type()];
        let statement = $executor
            .prepare_with(sql(find).into_sql_str(), &types)
            .await
            .unwrap();
        let row = statement
            .query_with(<$DB as TestDatabase>::one_int(2))
            .fetch_one($executor)
            .await;
        assert_eq!(row.unwrap().text(1).unwrap().as_deref(), Some("Eve"));
        let described = ($executor).describe(sql(all).into_sql_str()).await.unwrap();
        assert_eq!(described.columns.len(), 2);
        assert_eq!(
            described.columns[0].type_info().name(),
            <$DB as TestDatabase>::int_type().name()
        );
        assert_eq!(names::<$DB>($executor).await.len(), 2);
        scene
    }};
}

async fn every_method_works_on_the_pool<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let scene = every_method!(DB, &scene, &scene.pool);
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("at the end").await;
}

async fn every_method_works_on_a_connection<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    connection.ping().await.unwrap();
    let scene = every_method!(DB, &scene, &mut *connection);
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("at the end").await;
}

async fn every_method_works_in_a_transaction<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut tx = scene.pool.begin().await.unwrap();
    let scene = every_method!(DB, &scene, &mut *tx);
    assert_eq!(scene.source("people").await, Source::Local);
    tx.commit().await.unwrap();
    assert_eq!(scene.source("people").await, Source::Database);
    scene.assert_true("at the end").await;
}

async fn several_statements_in_one_text_answer_one_by_one<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let text = "INSERT INTO people VALUES (3, 'Eve'); INSERT INTO pets VALUES (1, 1, 'Rex'); \
        UPDATE people SET name = 'x' WHERE id < 3; SELECT id, name FROM people ORDER BY id";
    let items: Vec<_> = sqlx::raw_sql(text)
        .fetch_many(&scene.pool)
        .try_collect()
        .await
        .unwrap();
    let affected: Vec<u64> = items
        .iter()
        .filter_map(|item| item.as_ref().left().map(DB::affected))
        .collect();
    assert_eq!(affected[..3], [1, 1, 2]);
    let rows = items.iter().filter_map(|item| item.as_ref().right());
    assert_eq!(
        rows.map(|row| row.int(0).unwrap()).collect::<Vec<_>>(),
        [1, 2, 3]
    );
    scene.assert_true("at the end").await;

    scene.warm().await;
    let broken = "INSERT INTO people VALUES (4, 'Zoe'); INSERT INTO people VALUES (1, 'taken')";
    assert!(sqlx::raw_sql(broken).execute(&scene.pool).await.is_err());
    scene.assert_true("after a failure half way").await;
}

async fn a_prepared_statement_can_be_read_through_the_cache<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let sql = AssertSqlSafe(DB::sql("SELECT id, name FROM people WHERE id = $1"));
    let statement = (&scene.pool).prepare(sql.into_sql_str()).await.unwrap();
    let find = || {
        statement
            .query_as_with::<Person, _>(DB::one_int(2))
            .cached(&scene.pool)
            .fetch_one_shared()
    };
    assert_eq!(find().await.unwrap().name.as_deref(), Some("Bob"));
    assert_eq!(find().await.unwrap().source(), Source::Local);
}

async fn a_query_builder_can_be_run_and_cached<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let mut insert = QueryBuilder::<DB>::new("INSERT INTO people (id, name) ");
    insert.push("VALUES (7, 'Eve')");
    scene.warm().await;
    insert.build().execute(&scene.pool).await.unwrap();
    scene.assert_true("after the insert").await;
    let source = async || {
        let mut select = QueryBuilder::<DB>::new("SELECT id, name FROM people WHERE ");
        select.push("id > 5");
        let read = select.build_query_as::<Person>().cached(&scene.pool);
        let rows = read.fetch_all_shared().await.unwrap();
        assert_eq!(rows.len(), 1);
        rows.source()
    };
    assert_eq!(source().await, Source::Database);
    assert_eq!(source().await, Source::Local);
}

async fn the_numbers_of_the_inner_pool_show<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(2).scene().await;
    let one = scene.pool.acquire().await.unwrap();
    let other = scene.pool.acquire().await.unwrap();
    assert_eq!((scene.pool.size(), scene.pool.num_idle()), (2, 0));
    assert!(scene.pool.try_acquire().is_none());
    drop((one, other));
    let both = scene.pool.inner().acquire().await.unwrap();
    drop(both);
    assert_eq!(scene.pool.size(), 2);
}

async fn try_acquire_gives_a_connection_that_is_followed<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    // sqlx puts a connection back a moment after it was dropped.
    wait_until(LONG, "an idle connection", async || {
        scene.pool.num_idle() == 1
    })
    .await;
    let mut connection = scene.pool.try_acquire().unwrap();
    run(&mut connection, "DELETE FROM people WHERE id = 1").await;
    drop(connection);
    scene.warm().await;
    scene.behind("DELETE FROM people").await;
    assert_eq!(scene.rows("people").await.len(), 1);
}

async fn migrations_run_and_invalidate_everything<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, sql: &str| std::fs::write(directory.path().join(name), sql).unwrap();
    write(
        "1_extra.sql",
        "CREATE TABLE extra (id BIGINT); INSERT INTO extra VALUES (7);",
    );
    write("2_people.sql", "DELETE FROM people WHERE id = 1;");
    let extra = || {
        read::<DB, Number>("SELECT id FROM extra", [])
            .cached(&scene.pool)
            .fetch_all()
    };
    assert!(extra().await.is_err());
    scene.warm().await;
    let migrator = Migrator::new(directory.path()).await.unwrap();
    scene.pool.migrate(&migrator).await.unwrap();
    assert_eq!(scene.source("pets").await, Source::Database);
    assert_eq!(extra().await.unwrap(), [Number(7)]);
    scene.assert_true("after the migrations").await;
    // Once is enough.
    scene.pool.migrate(&migrator).await.unwrap();
    assert_eq!(extra().await.unwrap(), [Number(7)]);

    scene.warm().await;
    write("3_pets.sql", "INSERT INTO pets VALUES (1, 1, 'Rex');");
    write("4_broken.sql", "DELETE FROM nobody;");
    let migrator = Migrator::new(directory.path()).await.unwrap();
    scene.pool.migrate(&migrator).await.unwrap_err();
    scene
        .assert_true("after a migration that failed behind another")
        .await;
}

async fn a_closed_pool_says_so<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let other = scene.pool.clone();
    assert!(!scene.pool.is_closed());
    scene.pool.close().await;
    assert!(other.is_closed());
    let closed = |error| matches!(error, sqlx::Error::PoolClosed);
    assert!(closed(scene.pool.begin().await.unwrap_err()));
    assert!(closed(
        query::<DB>("DELETE FROM people", [])
            .execute(&scene.pool)
            .await
            .unwrap_err()
    ));
    // What is in memory needs no connection.
    assert_eq!(scene.source("people").await, Source::Local);
    scene.pool.invalidate_all().await.unwrap();
    let read = read::<DB, Person>("SELECT id, name FROM people", []).cached(&scene.pool);
    assert!(closed(read.fetch_all().await.unwrap_err()));
}

async fn what_is_done_unseen_counts_as_everything<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(2).scene().await;
    scene.warm().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    DB::execute_raw(connection.unseen().await.unwrap(), "DELETE FROM people").await;
    scene.assert_true("after the write").await;
    DB::execute_raw(connection.unseen().await.unwrap(), "BEGIN").await;
    DB::execute_raw(
        connection.unseen().await.unwrap(),
        "INSERT INTO pets VALUES (1, 1, 'Rex')",
    )
    .await;
    scene.pool.reload_schema().await.unwrap();
    scene.warm().await;
    DB::execute_raw(connection.unseen().await.unwrap(), "COMMIT").await;
    drop(connection);
    scene.assert_true("when the connection is back").await;
}

/// What `pg_dump` writes empties the search path.
async fn a_migration_that_changes_the_session_changes_no_cached_read<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    let directory = tempfile::tempdir().unwrap();
    let sql =
        "CREATE TABLE extra (id BIGINT); SELECT pg_catalog.set_config('search_path', '', false);";
    std::fs::write(directory.path().join("1_dump.sql"), sql).unwrap();
    let migrator = Migrator::new(directory.path()).await.unwrap();
    // sqlx books a migration by its table's bare name, in a session that finds none: the migration's own loss.
    let _ = scene.pool.migrate(&migrator).await;
    scene.assert_true("after the migration").await;
}
