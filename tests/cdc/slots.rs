//! Slots that outlive their sessions.

use cachedpool::{Error, ErrorKind, cdc::drop_slot, observe::Event};
use cachedpool_test_support::{Proxy, Victim, logical_postgres, wait_until};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};

use super::kit::{SOON, Scene, USERS, builder, patient, upstream_of};

const COUNT: &str = "SELECT count(*) FROM users";

/// Slots are the server's, which other tests use as well.
fn name_of(url: &str) -> String {
    let database = url.rsplit('/').next().unwrap();
    let database = database.split('?').next().unwrap();
    format!("durable_{database}").to_lowercase()
}

async fn scalar<T>(outside: &mut PgConnection, sql: String) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    let answer = sqlx::query_scalar(AssertSqlSafe(sql));
    answer.fetch_one(outside).await.unwrap()
}

/// Waits until the server says this of a slot.
async fn until(outside: &mut PgConnection, name: &str, so: &str) {
    wait_until(SOON, so, async || {
        let sql = format!(
            "SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{name}' AND {so}"
        );
        scalar::<i64>(outside, sql).await == 1
    })
    .await;
}

fn problem(error: &Error) -> (&str, &str) {
    match error.kind() {
        ErrorKind::Changes { problem, remedy } => (problem, remedy.as_deref().unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_durable_slot_stays_and_is_used_again_until_it_is_dropped() {
    let url = logical_postgres().await.fresh_database().await;
    let name = name_of(&url);
    let settings = || patient().durable_slot(&name);
    let mut scene = Scene::at(url.clone(), USERS, settings()).await;
    let inner = PgPool::connect(&url).await.unwrap();
    let insert = "INSERT INTO users VALUES (101, 1, 'x')";
    scene.follows(COUNT, 100, insert, 101).await;
    let error = drop_slot(&inner, &name).await.unwrap_err();
    let (told, remedy) = problem(&error);
    assert!(told.contains("active"), "{told}");
    assert_eq!(remedy, "the end of the pools that use it");
    let Scene { pool, mut outside } = scene;
    drop(pool);
    until(&mut outside, &name, "NOT active").await;
    let plugin = "SELECT plugin::text FROM pg_replication_slots WHERE NOT temporary AND slot_name";
    let plugin: String = scalar(&mut outside, format!("{plugin} = '{name}'")).await;
    assert_eq!(plugin, "pgoutput");
    // While nobody reads.
    outside
        .execute("INSERT INTO users VALUES (102, 1, 'x')")
        .await
        .unwrap();
    let mut scene = Scene::at(url, "SELECT", settings()).await;
    let insert = "INSERT INTO users VALUES (103, 1, 'x')";
    scene.follows(COUNT, 102, insert, 103).await;
    drop(scene.pool);
    until(&mut scene.outside, &name, "NOT active").await;
    drop_slot(&inner, &name).await.unwrap();
    let left = format!("SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{name}'");
    assert_eq!(scalar::<i64>(&mut scene.outside, left).await, 0);
    drop_slot(&inner, &name).await.unwrap();
}

#[tokio::test]
async fn one_follows_by_a_slot_and_another_takes_over_when_that_ends() {
    let url = logical_postgres().await.fresh_database().await;
    let name = name_of(&url);
    let settings = || patient().durable_slot(&name);
    let first = Scene::at(url.clone(), USERS, settings()).await;
    let second = builder(&url)
        .follow_changes(settings())
        .build()
        .await
        .unwrap();
    let mut events = second.events();
    assert!(!second.stats().changes_live);
    assert!(first.pool.stats().changes_live);
    drop(first.pool);
    while !matches!(events.next().await.unwrap(), Event::ChangesHeard) {}
    let mut second = Scene {
        pool: second,
        outside: first.outside,
    };
    let insert = "INSERT INTO users VALUES (101, 1, 'x')";
    second.follows(COUNT, 100, insert, 101).await;
    drop(second.pool);
    until(&mut second.outside, &name, "NOT active").await;
    let inner = PgPool::connect(&url).await.unwrap();
    drop_slot(&inner, &name).await.unwrap();
}

#[tokio::test]
async fn nothing_is_confirmed_before_the_clock_has_moved_for_it() {
    let server = Victim::postgres_with(&["wal_level=logical"]).await;
    let url = format!(
        "postgres://postgres:test@{}/postgres?sslmode=disable",
        server.address()
    );
    // Confirmed is what was done at most every quarter of this.
    let settings = patient()
        .max_staleness(std::time::Duration::from_secs(4))
        .durable_slot("kept");
    let mut scene = Scene::at(url.clone(), USERS, settings).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    // Commits come by the stream, and do not show as long as they wait for a standby that does not exist.
    let stand_by = async |outside: &mut PgConnection, names: &str| {
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        outside.execute(AssertSqlSafe(set)).await.unwrap();
        outside.execute("SELECT pg_reload_conf()").await.unwrap();
    };
    stand_by(&mut scene.outside, "nobody").await;
    let before = "SELECT pg_current_wal_insert_lsn()::text".to_owned();
    let before: String = scalar(&mut scene.outside, before).await;
    let mut writer = PgConnection::connect(&url).await.unwrap();
    let writing = tokio::spawn(async move {
        let insert = "INSERT INTO users VALUES (101, 1, 'x')";
        writer.execute(insert).await.unwrap();
    });
    wait_until(SOON, "the commit has been sent", async || {
        let sent = "SELECT count(*) FROM pg_stat_replication, pg_stat_activity a \
                    WHERE a.wait_event = 'SyncRep' AND sent_lsn >= pg_current_wal_flush_lsn()";
        scalar::<i64>(&mut scene.outside, sent.into()).await == 1
    })
    .await;
    let passed = format!(
        "SELECT confirmed_flush_lsn > '{before}' FROM pg_replication_slots WHERE slot_name = 'kept'"
    );
    for _ in 0..30 {
        assert!(!scalar::<bool>(&mut scene.outside, passed.clone()).await);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    stand_by(&mut scene.outside, "").await;
    writing.await.unwrap();
    scene.sees(COUNT, 101).await;
    wait_until(SOON, "it is confirmed", async || {
        scalar::<bool>(&mut scene.outside, passed.clone()).await
    })
    .await;
}

#[tokio::test]
async fn a_slot_whose_log_was_given_up_is_made_anew_and_everything_is_invalid() {
    let settings = ["wal_level=logical", "max_slot_wal_keep_size=1MB"];
    let server = Victim::postgres_with(&settings).await;
    let url = format!(
        "postgres://postgres:test@{}/postgres?sslmode=disable",
        server.address()
    );
    let (upstream, text) = upstream_of(&url);
    let proxy = Proxy::start(upstream).await;
    let through = url.replace(&text, &proxy.address().to_string());
    let mut scene = Scene::at(through, USERS, patient().durable_slot("kept")).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    let mut events = scene.pool.events();
    proxy.cut();
    scene.outside = PgConnection::connect(&url).await.unwrap();
    until(&mut scene.outside, "kept", "NOT active").await;
    wait_until(SOON, "its log is given up", async || {
        let fill = "INSERT INTO users SELECT 101 + max(id), 1, 'x' FROM users; \
                    SELECT pg_switch_wal(); CHECKPOINT";
        scene.outside.execute(fill).await.unwrap();
        let lost = "SELECT wal_status = 'lost' FROM pg_replication_slots WHERE slot_name = 'kept'";
        scalar::<bool>(&mut scene.outside, lost.into()).await
    })
    .await;
    let count: i64 = scalar(&mut scene.outside, COUNT.into()).await;
    proxy.pass();
    let slot = "kept".into();
    let lost = Event::ChangesSlotLost { slot };
    while events.next().await.unwrap() != lost {}
    scene.is_live().await;
    let insert = "INSERT INTO users VALUES (0, 1, 'y')";
    scene.follows(COUNT, count, insert, count + 1).await;
}

#[tokio::test]
async fn the_log_that_the_server_keeps_is_told() {
    let url = logical_postgres().await.fresh_database().await;
    let name = name_of(&url);
    let settings = patient().durable_slot(&name).warn_retained_wal(0);
    let mut scene = Scene::at(url, USERS, settings).await;
    assert!(scene.pool.stats().retained_wal_bytes > 0);
    let mut events = scene.pool.events();
    let end = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name";
    scene.write(&format!("{end} = '{name}'")).await;
    loop {
        if let Event::ChangesLogRetained { slot, bytes } = events.next().await.unwrap() {
            assert_eq!(*slot, *name);
            assert!(bytes > 0);
            break;
        }
    }
    drop(scene.pool);
    until(&mut scene.outside, &name, "NOT active").await;
    scene
        .outside
        .execute(AssertSqlSafe(format!(
            "SELECT pg_drop_replication_slot('{name}')"
        )))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_name_that_cannot_be_used_is_refused() {
    let url = logical_postgres().await.fresh_database().await;
    let mut outside = PgConnection::connect(&url).await.unwrap();
    let refused = async |name: &str| {
        let settings = patient().durable_slot(name);
        let error = builder(&url).follow_changes(settings).build().await;
        let error = error.unwrap_err();
        let (problem, remedy) = problem(&error);
        (problem.to_owned(), remedy.to_owned())
    };
    let (told, remedy) = refused("No Name").await;
    assert!(told.contains("`No Name`"), "{told}");
    assert!(remedy.contains("lower-case letters"), "{remedy}");
    let name = name_of(&url);
    let make = format!("SELECT pg_create_physical_replication_slot('{name}')");
    outside.execute(AssertSqlSafe(make)).await.unwrap();
    let (told, remedy) = refused(&name).await;
    assert!(told.contains("another kind"), "{told}");
    outside
        .execute(AssertSqlSafe(format!(
            "SELECT pg_drop_replication_slot('{name}')"
        )))
        .await
        .unwrap();
    assert!(remedy.contains(&format!("pg_drop_replication_slot('{name}')")));
}
