//! What a write can reach that its text and the catalog do not show.

use std::pin::pin;

use cachedpool::Source;
use cachedpool_test_support::wait_until;
use futures_util::poll;

use crate::kit::{LONG, Number, Person, Scene, Setting, TestDatabase, query, read, run};

tests!(only sqlite => [
    a_temporary_trigger_changes_what_its_statement_does_not_name,
]);
tests!(only postgres => [
    reading_a_view_runs_the_functions_in_it,
    reading_a_table_runs_the_functions_of_its_policies,
    a_write_through_a_temporary_view_changes_the_table_behind_it,
    a_trigger_of_a_temporary_table_changes_other_tables,
    a_text_that_moves_the_path_first_writes_where_the_path_leads,
    a_function_that_moves_the_path_moves_it_for_the_rest_of_its_text,
    by_text_alone_a_session_that_was_changed_can_write_anything,
    a_begin_of_ones_own_writes_where_the_path_leads,
    a_late_definition_is_met,
    a_policy_that_calls_a_function_is_cached_in_a_scope,
    only_a_policy_may_ask_who_is_there,
    a_view_is_written_with_the_functions_in_its_condition,
    a_row_is_gone_from_every_parent_of_its_table,
    a_stable_function_that_cannot_be_read_can_call_others_that_write,
]);

const LOG: &str = "CREATE FUNCTION log(id bigint) RETURNS boolean LANGUAGE sql VOLATILE AS \
    'INSERT INTO pets VALUES ((SELECT coalesce(max(id), 0) + 1 FROM pets), 1, ''Rex'') RETURNING true'";

async fn a_temporary_trigger_changes_what_its_statement_does_not_name<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    run(
        &mut connection,
        "CREATE TEMP TRIGGER t AFTER INSERT ON main.people BEGIN INSERT INTO pets VALUES (new.id, 1, 'Rex'); END",
    )
    .await;
    // A transaction that begins and ends shows where the connection stands.
    run(&mut connection, "BEGIN").await;
    run(&mut connection, "COMMIT").await;
    // Until the catalog has been looked at again, reads go to the database.
    scene.pool.reload_schema().await.unwrap();
    scene.warm().await;
    run(&mut connection, "INSERT INTO people VALUES (3, 'Eve')").await;
    assert_eq!(scene.truth("pets").await.len(), 1);
    scene.assert_true("after the insert").await;
}

async fn reading_a_view_runs_the_functions_in_it<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with([
            LOG,
            "CREATE VIEW seen AS SELECT id, log(id) AS logged FROM people",
        ])
        .scene()
        .await;
    scene.warm().await;
    scene.through("SELECT * FROM seen").await;
    assert_ne!(scene.truth("pets").await.len(), 0);
    scene.assert_true("after the read").await;
}

async fn a_view_is_written_with_the_functions_in_its_condition<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with([
            LOG,
            "CREATE VIEW seen AS SELECT id, name FROM people WHERE log(id)",
        ])
        .scene()
        .await;
    scene.warm().await;
    scene.through("UPDATE seen SET name = 'x'").await;
    assert_ne!(scene.truth("pets").await.len(), 0);
    scene.assert_true("after the write").await;
}

async fn a_stable_function_that_cannot_be_read_can_call_others_that_write<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with([
            LOG,
            "CREATE FUNCTION quiet(text, boolean, boolean, text) RETURNS xml STABLE LANGUAGE internal AS 'query_to_xml'",
        ])
        .scene()
        .await;
    scene.warm().await;
    scene
        .through("SELECT quiet('SELECT public.log(1::bigint)', true, true, '') IS NULL")
        .await;
    assert_ne!(scene.truth("pets").await.len(), 0);
    scene.assert_true("after the read").await;
}

async fn a_row_is_gone_from_every_parent_of_its_table<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with([
            "CREATE TABLE strays (home TEXT)",
            "CREATE TABLE cats () INHERITS (pets, strays)",
            "INSERT INTO cats VALUES (9, 1, 'Tom')",
        ])
        .scene()
        .await;
    scene.warm().await;
    let before = scene.truth("pets").await;
    scene.through("DELETE FROM strays").await;
    assert_ne!(scene.truth("pets").await, before);
    scene.assert_true("after the delete").await;
}

async fn reading_a_table_runs_the_functions_of_its_policies<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with([
            LOG,
            "CREATE TABLE secrets (id BIGINT, name TEXT)",
            "INSERT INTO secrets VALUES (1, 'a')",
            "CREATE POLICY audited ON secrets USING (log(id))",
            "ALTER TABLE secrets ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE secrets FORCE ROW LEVEL SECURITY",
            "DO $$ BEGIN CREATE ROLE plain; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO plain",
        ])
        .scene()
        .await;
    scene.warm().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    run(&mut connection, "SET ROLE plain").await;
    run(&mut connection, "SELECT * FROM secrets").await;
    assert_ne!(scene.truth("pets").await.len(), 0);
    scene.assert_true("after the read").await;
}

async fn a_write_through_a_temporary_view_changes_the_table_behind_it<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    run(
        &mut connection,
        "CREATE TEMP VIEW folk AS SELECT * FROM people",
    )
    .await;
    scene.warm().await;
    run(&mut connection, "UPDATE folk SET name = 'x'").await;
    scene.assert_true("after the write").await;
}

async fn a_trigger_of_a_temporary_table_changes_other_tables<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with([
            "CREATE FUNCTION rename() RETURNS trigger LANGUAGE plpgsql AS \
            'BEGIN UPDATE people SET name = ''x''; RETURN NULL; END'",
        ])
        .scene()
        .await;
    let mut connection = scene.pool.acquire().await.unwrap();
    run(&mut connection, "CREATE TEMP TABLE inbox (id BIGINT)").await;
    run(
        &mut connection,
        "CREATE TRIGGER t AFTER INSERT ON inbox EXECUTE FUNCTION rename()",
    )
    .await;
    scene.pool.reload_schema().await.unwrap();
    scene.warm().await;
    run(&mut connection, "INSERT INTO inbox VALUES (1)").await;
    scene.assert_true("after the write").await;
}

fn beside<DB: TestDatabase>() -> Setting<DB> {
    Setting::<DB>::usual().with([
        "CREATE SCHEMA beside",
        "CREATE TABLE beside.people (id BIGINT, name VARCHAR(9))",
        "INSERT INTO beside.people VALUES (1, 'Ada')",
    ])
}

async fn a_text_that_moves_the_path_first_writes_where_the_path_leads<DB: TestDatabase>() {
    let scene = beside::<DB>().scene().await;
    scene.rows("beside.people").await;
    assert_eq!(scene.source("beside.people").await, Source::Local);
    sqlx::raw_sql("SET search_path TO beside; UPDATE people SET name = 'x'")
        .execute(&scene.pool)
        .await
        .unwrap();
    assert_eq!(
        scene.rows("beside.people").await,
        scene.truth("beside.people").await
    );
}

async fn a_function_that_moves_the_path_moves_it_for_the_rest_of_its_text<DB: TestDatabase>() {
    let scene = beside::<DB>()
        .with([
            "CREATE FUNCTION go() RETURNS text LANGUAGE sql AS 'SELECT set_config(''search_path'', ''beside'', false)'",
        ])
        .scene()
        .await;
    scene.rows("beside.people").await;
    assert_eq!(scene.source("beside.people").await, Source::Local);
    sqlx::raw_sql("SELECT go(); UPDATE people SET name = 'x'")
        .execute(&scene.pool)
        .await
        .unwrap();
    assert_eq!(
        scene.rows("beside.people").await,
        scene.truth("beside.people").await
    );
}

async fn by_text_alone_a_session_that_was_changed_can_write_anything<DB: TestDatabase>() {
    let text_only =
        |builder: cachedpool::Builder<DB>| builder.schema(cachedpool::SchemaMode::TextOnly);
    let scene = beside::<DB>().pool(text_only).scene().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    run(&mut connection, "SET search_path TO beside").await;
    scene.rows("beside.people").await;
    assert_eq!(scene.source("beside.people").await, Source::Local);
    run(&mut connection, "UPDATE people SET name = 'x'").await;
    assert_eq!(
        scene.rows("beside.people").await,
        scene.truth("beside.people").await
    );
}

async fn a_begin_of_ones_own_writes_where_the_path_leads<DB: TestDatabase>() {
    let scene = beside::<DB>().scene().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    run(&mut connection, "SET search_path TO beside").await;
    scene.rows("beside.people").await;
    assert_eq!(scene.source("beside.people").await, Source::Local);
    let tx = connection
        .begin_with("BEGIN; UPDATE people SET name = 'x'")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        scene.rows("beside.people").await,
        scene.truth("beside.people").await
    );
}

async fn a_policy_that_calls_a_function_is_cached_in_a_scope<DB: TestDatabase>() {
    use cachedpool::CacheExt as _;
    let scene = Setting::<DB>::usual()
        .with([
            "CREATE FUNCTION me() RETURNS text LANGUAGE sql STABLE AS 'SELECT current_setting(''app.me'', true)'",
            "CREATE POLICY own ON people USING (name = me())",
            "ALTER TABLE people ENABLE ROW LEVEL SECURITY",
        ])
        .scene()
        .await;
    for expected in [Source::Database, Source::Local] {
        let answer = read::<DB, Person>("SELECT id, name FROM people", [])
            .cached(&scene.pool)
            .scope("me")
            .fetch_all_shared()
            .await
            .unwrap();
        assert_eq!(answer.source(), expected);
    }
}

async fn only_a_policy_may_ask_who_is_there<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with([
            "CREATE FUNCTION me() RETURNS text LANGUAGE sql STABLE AS 'SELECT current_setting(''app.me'', true)'",
            "CREATE FUNCTION today() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT now() > ''2000-01-01'''",
            "CREATE POLICY own ON people USING (name = me())",
            "ALTER TABLE people ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY own ON pets USING (name = me() AND today())",
            "ALTER TABLE pets ENABLE ROW LEVEL SECURITY",
        ])
        .scene()
        .await;
    let refused = |sql| {
        let reason = scene.pool.explain(sql).statement.reason;
        reason.map(|reason| reason.label())
    };
    assert_eq!(refused("SELECT id FROM people"), None);
    assert_eq!(
        refused("SELECT me() FROM people"),
        Some("session_dependent")
    );
    assert_eq!(refused("SELECT id FROM pets"), Some("time_dependent"));
}

async fn a_late_definition_is_met<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with(
            ["CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS \
            'BEGIN INSERT INTO pets VALUES (new.id, 1, ''Rex''); RETURN new; END'"],
        )
        .connections(2)
        .wired()
        .scene()
        .await;
    scene.warm().await;
    let lock = DB::hold(
        &scene.aside,
        "UPDATE people SET name = 'locked' WHERE id = 1",
    )
    .await;
    {
        let define = "CREATE TRIGGER t AFTER INSERT ON people FOR EACH ROW EXECUTE FUNCTION log()";
        let define = query::<DB>(define, []);
        let mut define = pin!(define.execute(&scene.pool));
        wait_until(
            LONG,
            "the server has it, which waits for the lock",
            async || {
                assert!(poll!(&mut define).is_pending());
                let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted \
                AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
                let waiting = read::<DB, Number>(waiting, []).fetch_one(&scene.pool).await;
                waiting.unwrap().0 > 0
            },
        )
        .await;
        scene.wire().cut();
        assert!(define.await.is_err());
    }
    scene.wire().mend();
    scene.pool.reload_schema().await.unwrap();
    scene.rows("pets").await;
    lock.rollback().await.unwrap();
    wait_until(LONG, "the server carries it out", async || {
        let there = "SELECT count(*) FROM pg_trigger WHERE tgname = 't'";
        read::<DB, Number>(there, [])
            .fetch_one(&scene.pool)
            .await
            .unwrap()
            .0
            > 0
    })
    .await;
    scene.rows("pets").await;
    scene.through("INSERT INTO people VALUES (3, 'Eve')").await;
    assert_eq!(scene.truth("pets").await.len(), 1);
    scene.assert_true("after the write").await;
}
