//! Triggers that are missing, and connections that are lost or forgotten.

use std::time::Duration;

use cachedpool::{cdc::Notifications, is_not_cached, observe::Event, prelude::*};
use cachedpool_test_support::{Proxy, Victim, postgres, wait_until};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool};

use super::{
    kit::{SOON, Scene, USERS, builder},
    notify::{notified, scene},
    refusals::{refused, run},
};

const COUNT: &str = "SELECT count(*) FROM users";
const LISTENERS: &str =
    "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";

/// Follows by triggers that somebody else makes.
fn meek() -> Notifications {
    Notifications::new().max_staleness(Duration::from_secs(2))
}

#[tokio::test]
async fn a_table_without_a_trigger_is_refused_with_the_statement_that_helps() {
    let url = postgres().await.fresh_database().await;
    run(&url, USERS).await;
    let (problem, remedy) = refused(&url, Notifications::new()).await;
    assert!(
        problem.contains("1 table(s)") && problem.contains("`public.users`"),
        "{problem}"
    );
    let (_, statements) = remedy.split_once("for each of them: ").unwrap();
    run(&url, statements).await;
    builder(&url)
        .follow_changes(Notifications::new())
        .build()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_role_that_owns_no_table_is_refused_with_the_statement_for_the_owner() {
    let url = postgres().await.fresh_database().await;
    run(&url, USERS).await;
    run(
        &url,
        "CREATE ROLE poor LOGIN; GRANT SELECT ON users TO poor",
    )
    .await;
    let poor = url.replace("postgres:test@", "poor:test@");
    let create = Notifications::new().create_triggers();
    let (problem, remedy) = refused(&poor, create).await;
    assert!(problem.contains("permission denied"), "{problem}");
    assert!(remedy.contains("as the owner: CREATE SCHEMA"), "{remedy}");
}

#[tokio::test]
async fn a_table_that_a_subscription_writes_is_refused() {
    let url = postgres().await.fresh_database().await;
    run(&url, USERS).await;
    // It is never begun: that the catalog has it is what counts.
    run(
        &url,
        "CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE);
         INSERT INTO pg_subscription_rel SELECT s.oid, 'users'::regclass, 'r', NULL FROM pg_subscription s",
    )
    .await;
    let (problem, remedy) = refused(&url, Notifications::new().create_triggers()).await;
    assert!(
        problem.contains("`public.users` is written by a subscription"),
        "{problem}"
    );
    assert!(remedy.contains("LogicalReplication"), "{remedy}");
}

#[tokio::test]
async fn a_listener_that_is_ended_begins_again_with_everything() {
    let mut scene = scene(USERS).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    let mut events = scene.pool.events();
    for round in 0..3 {
        let insert = format!("INSERT INTO users VALUES ({}, 1, 'x')", 200 + round);
        let end = format!("SELECT pg_terminate_backend(pid) {LISTENERS}");
        scene.write(&format!("{end}; {insert}")).await;
        scene.sees(COUNT, 101 + round).await;
        while !matches!(events.next().await.unwrap(), Event::ChangesLost { .. }) {}
        while !matches!(events.next().await.unwrap(), Event::ChangesHeard) {}
        assert_eq!(scene.warm(COUNT).await, 101 + round);
    }
}

#[tokio::test]
async fn a_table_that_is_made_later_is_covered_as_soon_as_it_is_found() {
    let url = postgres().await.fresh_database().await;
    let settings = notified().max_staleness(Duration::from_secs(2));
    let mut scene = Scene::at(url, USERS, settings).await;
    scene.write("CREATE TABLE late (n int)").await;
    let late = "SELECT count(*) FROM late";
    scene.pool.reload_schema().await.unwrap();
    let covered = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'late'::regclass";
    wait_until(SOON, "it is covered", async || {
        let count = sqlx::query_scalar::<_, i64>(covered);
        count.fetch_one(&mut scene.outside).await.unwrap() == 1
    })
    .await;
    scene
        .follows(late, 0, "INSERT INTO late VALUES (1)", 1)
        .await;
}

#[tokio::test]
async fn a_trigger_that_is_gone_ends_the_answers_until_it_is_there_again() {
    let url = postgres().await.fresh_database().await;
    drop(Scene::at(url.clone(), USERS, notified()).await);
    let mut scene = Scene::at(url, "SELECT", meek()).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    let trigger = "ALTER TABLE users";
    // As `pg_restore --disable-triggers` leaves them.
    let write = "INSERT INTO users VALUES (101, 1, 'x')";
    scene
        .write(&format!(
            "BEGIN; {trigger} DISABLE TRIGGER ALL; {write}; {trigger} ENABLE TRIGGER ALL; COMMIT"
        ))
        .await;
    wait_until(SOON, "it is noticed", async || {
        !scene.pool.stats().changes_live
    })
    .await;
    let blind = sqlx::query_scalar::<_, i64>(COUNT);
    let answer = blind.cached(&scene.pool).only_if_cached().fetch_one().await;
    assert!(is_not_cached(&answer.unwrap_err()));
    scene
        .write(&format!("{trigger} ENABLE ALWAYS TRIGGER cachedpool"))
        .await;
    scene.sees(COUNT, 101).await;
    assert_eq!(scene.warm(COUNT).await, 101);
}

#[tokio::test]
async fn what_was_written_while_a_trigger_was_away_for_a_moment_is_seen() {
    let url = postgres().await.fresh_database().await;
    let settings = notified().max_staleness(Duration::from_secs(2));
    let mut scene = Scene::at(url, USERS, settings).await;
    let away = "BEGIN; ALTER TABLE users DISABLE TRIGGER cachedpool; INSERT INTO users VALUES (101, 1, 'x'); \
                ALTER TABLE users ENABLE ALWAYS TRIGGER cachedpool; COMMIT";
    scene.follows(COUNT, 100, away, 101).await;
}

#[tokio::test]
async fn a_word_from_hand_is_taken_for_everything_and_another_for_none() {
    let mut scene = scene(USERS).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    let mut events = scene.pool.events();
    scene.write("NOTIFY cachedpool, 'users'").await;
    while !matches!(events.next().await.unwrap(), Event::ChangesMalformed { .. }) {}
    assert_eq!(scene.warm(COUNT).await, 100);
    let invalidated = scene.pool.stats().invalidations;
    scene.write("NOTIFY cachedpool").await;
    wait_until(SOON, "everything is invalid", async || {
        scene.pool.stats().invalidations > invalidated
    })
    .await;
}

#[tokio::test]
async fn the_triggers_are_taken_away_and_nothing_of_them_is_left() {
    let url = postgres().await.fresh_database().await;
    let scene = Scene::at(url.clone(), USERS, notified()).await;
    let pool = PgPool::connect(&url).await.unwrap();
    let left = "SELECT (SELECT count(*) FROM pg_trigger WHERE tgname = 'cachedpool') \
                     + (SELECT count(*) FROM pg_namespace WHERE nspname = 'cachedpool')";
    let count = async || -> i64 {
        sqlx::query_scalar(AssertSqlSafe(left))
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    assert_eq!(count().await, 2);
    scene.pool.close().await;
    Notifications::drop_triggers(&pool).await.unwrap();
    assert_eq!(count().await, 0);
    Notifications::drop_triggers(&pool).await.unwrap();
}

#[tokio::test]
async fn a_pool_that_is_gone_leaves_no_connection_behind() {
    let Scene { pool, mut outside } = scene(USERS).await;
    drop(pool);
    let count = format!("SELECT count(*) {LISTENERS}");
    wait_until(Duration::from_secs(120), "nobody listens", async || {
        let count = sqlx::query_scalar::<_, i64>(AssertSqlSafe(count.clone()));
        count.fetch_one(&mut outside).await.unwrap() == 0
    })
    .await;
}

#[tokio::test]
async fn a_listener_that_falls_silent_ends_the_answers_from_memory() {
    let url = postgres().await.fresh_database().await;
    let upstream = url
        .split(['@', '/'])
        .find(|part| part.starts_with("127."))
        .unwrap()
        .to_owned();
    let proxy = Proxy::start(upstream.parse().unwrap()).await;
    let through = url.replace(&upstream, &proxy.address().to_string());
    let settings = notified().max_staleness(Duration::from_secs(2));
    let mut scene = Scene::at(through, USERS, settings).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    // Connections stay open, and nothing comes.
    proxy.stall();
    wait_until(SOON, "it is noticed", async || {
        !scene.pool.stats().changes_live
    })
    .await;
    proxy.cut();
    proxy.pass();
    scene.outside = PgConnection::connect(&url).await.unwrap();
    scene.write("INSERT INTO users VALUES (101, 1, 'x')").await;
    scene.sees(COUNT, 101).await;
    assert_eq!(scene.warm(COUNT).await, 101);
}

#[tokio::test]
async fn a_commit_that_does_not_show_yet_is_not_told_yet() {
    let server = Victim::postgres().await;
    let url = format!(
        "postgres://postgres:test@{}/postgres?sslmode=disable",
        server.address()
    );
    let mut scene = Scene::at(url.clone(), USERS, notified()).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    let followed = scene.pool.stats().changes_followed;
    let stand_by = async |outside: &mut PgConnection, names: &str| {
        for sql in [
            format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"),
            "SELECT pg_reload_conf()".to_owned(),
        ] {
            outside.execute(AssertSqlSafe(sql)).await.unwrap();
        }
    };
    stand_by(&mut scene.outside, "nobody").await;
    let mut writer = PgConnection::connect(&url).await.unwrap();
    let writing = tokio::spawn(async move {
        let insert = "INSERT INTO users VALUES (101, 1, 'x')";
        writer.execute(insert).await.unwrap();
    });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    wait_until(SOON, "the commit waits", async || {
        let count = sqlx::query_scalar::<_, i64>(waits);
        count.fetch_one(&mut scene.outside).await.unwrap() == 1
    })
    .await;
    for _ in 0..20 {
        assert_eq!(scene.warm(COUNT).await, 100, "it does not show yet");
    }
    assert_eq!(scene.pool.stats().changes_followed, followed);
    stand_by(&mut scene.outside, "").await;
    writing.await.unwrap();
    scene.sees(COUNT, 101).await;
}
