//! What breaks: the stream, the server, the road to it.

use std::time::Duration;

use cachedpool::{Source, is_not_cached, observe::Event, prelude::*};
use cachedpool_test_support::{Proxy, Victim, logical_postgres, wait_until};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::kit::{SOON, Scene, USERS, patient, upstream_of};

const COUNT: &str = "SELECT count(*) FROM users";
/// Ends the stream of this database alone.
const END: &str = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots \
                   WHERE database = current_database()";

#[tokio::test]
async fn a_stream_that_is_ended_begins_again_with_everything() {
    let mut scene = Scene::new(USERS).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    let mut events = scene.pool.events();
    for round in 0..3 {
        // Written while nobody hears, or just before: no message tells of it for certain.
        let insert = format!("INSERT INTO users VALUES ({}, 1, 'x')", 200 + round);
        scene.write(&format!("{END}; {insert}")).await;
        scene.sees(COUNT, 101 + round).await;
        while !matches!(events.next().await.unwrap(), Event::ChangesLost { .. }) {}
        while !matches!(events.next().await.unwrap(), Event::ChangesHeard) {}
        assert_eq!(scene.warm(COUNT).await, 101 + round);
    }
}

#[tokio::test]
async fn a_server_that_was_killed_is_followed_again() {
    let server = Victim::postgres_with(&["wal_level=logical"]).await;
    let url = format!(
        "postgres://postgres:test@{}/postgres?sslmode=disable",
        server.address()
    );
    let mut scene = Scene::at(url.clone(), USERS, patient()).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    server.kill().await;
    wait_until(SOON, "the stream is lost", async || {
        !scene.pool.stats().changes_live
    })
    .await;
    server.start().await;
    scene.outside = PgConnection::connect(&url).await.unwrap();
    scene.write("INSERT INTO users VALUES (101, 1, 'x')").await;
    scene.is_live().await;
    scene.sees(COUNT, 101).await;
    let insert = "INSERT INTO users VALUES (102, 1, 'y')";
    scene.follows(COUNT, 101, insert, 102).await;
}

#[tokio::test]
async fn a_stream_that_falls_silent_ends_the_answers_from_memory() {
    let server = logical_postgres().await;
    let url = server.fresh_database().await;
    let (upstream, text) = upstream_of(&url);
    let proxy = Proxy::start(upstream).await;
    let through = url.replace(&text, &proxy.address().to_string());
    let settings = patient().max_staleness(Duration::from_secs(2));
    let mut scene = Scene::at(through, USERS, settings).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    // Connections stay open, and nothing comes.
    proxy.stall();
    wait_until(SOON, "the stream is lost", async || {
        !scene.pool.stats().changes_live
    })
    .await;
    let blind = sqlx::query_scalar::<_, i64>(COUNT);
    let answer = blind.cached(&scene.pool).only_if_cached().fetch_one().await;
    assert!(is_not_cached(&answer.unwrap_err()));
    proxy.cut();
    proxy.pass();
    scene.outside = PgConnection::connect(&url).await.unwrap();
    scene.write("INSERT INTO users VALUES (101, 1, 'x')").await;
    scene.sees(COUNT, 101).await;
    assert_eq!(scene.warm(COUNT).await, 101);
}

#[tokio::test]
async fn a_pool_that_may_answers_from_memory_while_it_is_blind() {
    let server = Victim::postgres_with(&["wal_level=logical"]).await;
    let url = format!(
        "postgres://postgres:test@{}/postgres?sslmode=disable",
        server.address()
    );
    let scene = Scene::at(url, USERS, patient().danger_serve_when_blind()).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    server.kill().await;
    wait_until(SOON, "the stream is lost", async || {
        !scene.pool.stats().changes_live
    })
    .await;
    assert_eq!(scene.read(COUNT).await, (100, Source::Local));
}

#[tokio::test]
async fn a_pool_that_is_gone_leaves_no_slot_behind() {
    let mut scene = Scene::new(USERS).await;
    let slots = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()";
    let count = async |outside: &mut PgConnection| -> i64 {
        sqlx::query_scalar(slots).fetch_one(outside).await.unwrap()
    };
    assert_eq!(count(&mut scene.outside).await, 1);
    let Scene { pool, mut outside } = scene;
    drop(pool);
    wait_until(SOON, "the slot is gone", async || {
        count(&mut outside).await == 0
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_ran_when_the_stream_began_is_seen_when_it_is_committed() {
    let url = logical_postgres().await.fresh_database().await;
    let mut scene = Scene::at(url.clone(), USERS, patient()).await;
    let mut long = PgConnection::connect(&url).await.unwrap();
    scene.write(END).await;
    long.execute("BEGIN; INSERT INTO users VALUES (300, 1, 'long')")
        .await
        .unwrap();
    long.execute("COMMIT").await.unwrap();
    scene.sees(COUNT, 101).await;
}

#[tokio::test]
async fn a_commit_that_nobody_sees_yet_is_seen_when_it_shows() {
    let server = Victim::postgres_with(&["wal_level=logical"]).await;
    let url = format!(
        "postgres://postgres:test@{}/postgres?sslmode=disable",
        server.address()
    );
    let mut scene = Scene::at(url.clone(), USERS, patient()).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    // In the log and in the stream, and then it waits for a standby that does not exist.
    let stand_by = async |outside: &mut PgConnection, names: &str| {
        let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        outside.execute(AssertSqlSafe(set)).await.unwrap();
        outside.execute("SELECT pg_reload_conf()").await.unwrap();
    };
    stand_by(&mut scene.outside, "nobody").await;
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let told =
        "SELECT count(*) FROM pg_stat_replication WHERE sent_lsn >= pg_current_wal_flush_lsn()";
    let mut writer = PgConnection::connect(&url).await.unwrap();
    let writing = tokio::spawn(async move {
        let insert = "INSERT INTO users VALUES (101, 1, 'x')";
        // Settings that were reloaded are taken over before the next statement.
        writer.execute(insert).await.unwrap();
    });
    wait_until(SOON, "the commit waits and has been sent", async || {
        let mut both = Vec::new();
        for sql in [waits, told] {
            let count = sqlx::query_scalar::<_, i64>(sql);
            both.push(count.fetch_one(&mut scene.outside).await.unwrap());
        }
        both == [1, 1]
    })
    .await;
    for _ in 0..20 {
        assert_eq!(scene.warm(COUNT).await, 100, "it does not show yet");
    }
    stand_by(&mut scene.outside, "").await;
    writing.await.unwrap();
    scene.sees(COUNT, 101).await;
}

#[tokio::test]
async fn what_a_publication_leaves_out_that_is_changed_under_the_stream_is_seen_all_the_same() {
    let url = logical_postgres().await.fresh_database().await;
    let settings = patient().max_staleness(Duration::from_secs(2));
    let mut scene = Scene::at(url, USERS, settings).await;
    let narrow = "ALTER PUBLICATION cachedpool SET (publish = 'update')";
    let whole = "ALTER PUBLICATION cachedpool SET (publish = 'insert, update, delete, truncate')";
    let insert = |id: i64| format!("INSERT INTO users VALUES ({id}, 1, 'x')");
    assert_eq!(scene.warm(COUNT).await, 100);
    scene.write(&format!("{narrow}; {}", insert(101))).await;
    scene.sees(COUNT, 101).await;
    scene.write(whole).await;
    scene.is_live().await;
    // And is as it was before anybody can look.
    let hidden = format!("BEGIN; {narrow}; {}; {whole}; COMMIT", insert(102));
    scene.follows(COUNT, 101, &hidden, 102).await;
}
