//! A stream that lives and is behind: no answer is older than it may be, and nobody is blind without need.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use cachedpool_test_support::{Editor, Fate, Frame, Victim, logical_postgres, wait_until};
use sqlx::{Connection, Executor, PgConnection};

use super::kit::{SOON, Scene, USERS, patient, upstream_of};

const COUNT: &str = "SELECT count(*) FROM users";
const INSERT: &str = "INSERT INTO users VALUES (101, 1, 'x')";

/// How old answers may be.
const MOST: Duration = Duration::from_secs(2);

/// Between an answer and the moment at which a test looks at its watch, on a machine that is busy.
const SLACK: Duration = Duration::from_millis(500);

/// Holds that what was written at `written` is seen in time and stays seen, for as long as it took.
async fn is_seen_in_time(scene: &Scene, written: Instant) {
    while written.elapsed() < MOST * 2 {
        let asked = written.elapsed();
        let (count, source) = scene.read(COUNT).await;
        assert!(
            count == 101 || asked <= MOST + SLACK,
            "{count} from {source:?} {asked:?} after the write"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_stream_that_gives_signs_of_life_and_does_not_go_on_ends_the_answers() {
    /// A position that stands for "as it comes".
    const GOES_ON: u64 = u64::MAX;
    let stands = Arc::new(AtomicU64::new(GOES_ON));
    let url = logical_postgres().await.fresh_database().await;
    let seen = stands.clone();
    // As of a server that is busy with its log: keep-alives in time, with the position of the last record that was decoded.
    let edit = move |frame: &mut Frame| {
        let position = seen.load(Ordering::Relaxed);
        match (frame.kind, frame.body.first()) {
            (b'd', Some(b'w')) if position != GOES_ON => Fate::Lose,
            (b'd', Some(b'k')) if position != GOES_ON => {
                frame.body[1..9].copy_from_slice(&position.to_be_bytes());
                Fate::Pass
            }
            _ => Fate::Pass,
        }
    };
    let (upstream, text) = upstream_of(&url);
    let editor = Editor::start(upstream, edit).await;
    let through = url.replace(&text, &editor.address().to_string());
    let mut scene = Scene::at(through, USERS, patient().max_staleness(MOST)).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    let end = "SELECT (pg_current_wal_insert_lsn() - '0/0')::int8";
    let end = sqlx::query_scalar::<_, i64>(end);
    let end = end.fetch_one(&mut scene.outside).await.unwrap();
    stands.store(end.cast_unsigned(), Ordering::Relaxed);
    assert_eq!(scene.warm(COUNT).await, 100);
    scene.write(INSERT).await;
    is_seen_in_time(&scene, Instant::now()).await;
    wait_until(SOON, "nothing is answered from memory", async || {
        !scene.pool.stats().changes_live
    })
    .await;
}

#[tokio::test]
async fn a_process_of_the_server_that_stands_still_ends_the_answers() {
    let server = Victim::postgres_with(&["wal_level=logical"]).await;
    let url = format!(
        "postgres://postgres:test@{}/postgres?sslmode=disable",
        server.address()
    );
    let mut scene = Scene::at(url, USERS, patient().max_staleness(MOST)).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    let sender = "SELECT active_pid FROM pg_replication_slots";
    let sender = sqlx::query_scalar::<_, i32>(sender);
    let sender = sender.fetch_one(&mut scene.outside).await.unwrap();
    let stop = format!("kill -STOP {sender}");
    server.run(&["sh", "-c", &stop]).await;
    scene.write(INSERT).await;
    is_seen_in_time(&scene, Instant::now()).await;
    // Another stream takes its place, of another process.
    scene.is_live().await;
    assert_eq!(scene.warm(COUNT).await, 101);
}

#[tokio::test]
async fn an_open_transaction_does_not_end_the_answers() {
    let url = logical_postgres().await.fresh_database().await;
    let scene = Scene::at(url.clone(), USERS, patient().max_staleness(MOST)).await;
    let mut long = PgConnection::connect(&url).await.unwrap();
    // Ends in the middle of a page of the log, of which the rest is not flushed.
    let fill =
        "BEGIN; INSERT INTO users SELECT n, 1, repeat('x', 100) FROM generate_series(1000, 2000) n";
    long.execute(fill).await.unwrap();
    let stays_live = async || {
        let begun = Instant::now();
        while begun.elapsed() < MOST * 3 {
            if !scene.pool.stats().changes_live {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        true
    };
    // A machine that stands still for a second ends the stream once; without news of the log, it would end each time.
    wait_until(SOON, "memory answers all the time", stays_live).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    long.execute("COMMIT").await.unwrap();
    scene.sees(COUNT, 1101).await;
}

#[tokio::test]
async fn a_commit_that_does_not_wait_for_the_disk_is_seen_in_time() {
    // The server writes its log out by itself every ten seconds.
    let server = Victim::postgres_with(&["wal_level=logical", "wal_writer_delay=10s"]).await;
    let url = format!(
        "postgres://postgres:test@{}/postgres?sslmode=disable",
        server.address()
    );
    let mut scene = Scene::at(url, USERS, patient().max_staleness(MOST)).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    scene.write("SET synchronous_commit = off").await;
    scene.write(INSERT).await;
    is_seen_in_time(&scene, Instant::now()).await;
    wait_until(SOON, "it was told", async || {
        scene.pool.stats().changes_followed > 0
    })
    .await;
}
