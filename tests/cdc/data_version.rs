//! Writes that bypass the pool, on SQLite files.

use std::{process::Stdio, time::Duration};

use cachedpool::{
    Builder, CachedPool, ErrorKind, Source, cdc::DataVersion, is_not_cached, observe::Event,
    prelude::*,
};
use cachedpool_test_support::{SqliteFile, wait_until};
use sqlx::{Connection, Executor, Sqlite, SqliteConnection, SqlitePool, sqlite::SqlitePoolOptions};

use super::kit::SOON;

const DAY: Duration = Duration::from_secs(24 * 3600);
const COUNT: &str = "SELECT count(*) FROM users";
const INSERT: &str = "INSERT INTO users VALUES (NULL)";

/// Long enough that no test is without an answer for so long by accident.
fn patient() -> DataVersion {
    DataVersion::new().max_staleness(Duration::from_secs(30))
}

fn builder(inner: SqlitePool) -> Builder<Sqlite> {
    CachedPool::builder(inner)
        .default_ttl(DAY)
        .empty_ttl(DAY)
        .schema_interval(DAY)
}

struct Scene {
    file: SqliteFile,
    pool: CachedPool<Sqlite>,
    /// Somebody of whom the pool knows nothing.
    outside: SqliteConnection,
}

impl Scene {
    async fn new(journal: &str, settings: DataVersion) -> Self {
        let file = SqliteFile::new();
        let mut outside = SqliteConnection::connect(&file.url()).await.unwrap();
        let tables = format!(
            "PRAGMA journal_mode = {journal}; CREATE TABLE users (id INTEGER PRIMARY KEY); {INSERT}"
        );
        outside.execute(sqlx::AssertSqlSafe(tables)).await.unwrap();
        let inner = SqlitePool::connect(&file.url()).await.unwrap();
        let pool = builder(inner).follow_changes(settings).build().await;
        let pool = pool.unwrap();
        wait_until(SOON, "it is followed", async || pool.stats().changes_live).await;
        Self {
            file,
            pool,
            outside,
        }
    }

    async fn read(&self) -> (i64, Source) {
        let read = sqlx::query_scalar::<_, i64>(COUNT).cached(&self.pool);
        let read = read.fetch_one_shared().await.unwrap();
        (*read, read.source())
    }

    /// Reads until memory answers.
    async fn warm(&self) -> i64 {
        let mut value = 0;
        wait_until(SOON, "memory answers", async || {
            let (read, source) = self.read().await;
            value = read;
            source == Source::Local
        })
        .await;
        value
    }

    async fn sees(&self, count: i64) {
        wait_until(SOON, &format!("{count} are seen"), async || {
            self.read().await.0 == count
        })
        .await;
    }

    fn path(&self) -> String {
        let url = self.file.url();
        let path = url.trim_start_matches("sqlite://");
        path.split('?').next().unwrap().to_owned()
    }
}

#[tokio::test]
async fn what_others_commit_is_seen_with_either_journal() {
    for journal in ["WAL", "DELETE"] {
        let mut scene = Scene::new(journal, patient()).await;
        for count in 1..4 {
            assert_eq!(scene.warm().await, count, "{journal}");
            scene.outside.execute(INSERT).await.unwrap();
            scene.sees(count + 1).await;
        }
    }
}

#[tokio::test]
async fn what_another_process_commits_is_seen_within_the_interval() {
    let scene = Scene::new("WAL", patient()).await;
    assert_eq!(scene.warm().await, 1);
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "data_version::writes_one_row_and_ends",
            "--ignored",
        ])
        .env("CACHEDPOOL_TEST_FILE", scene.file.url())
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success());
    scene.sees(2).await;
    assert_eq!(scene.warm().await, 2);
    // What a busy machine adds is no more than this, by far.
    let lag = Duration::from_micros(scene.pool.stats().worst_change_lag_micros);
    assert!(lag < Duration::from_secs(10), "{lag:?}");
}

#[tokio::test]
#[ignore = "the other process of what_another_process_commits_is_seen_within_the_interval"]
async fn writes_one_row_and_ends() {
    let url = std::env::var("CACHEDPOOL_TEST_FILE").unwrap();
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    connection.execute(INSERT).await.unwrap();
}

#[tokio::test]
async fn a_file_that_nobody_writes_keeps_its_answers() {
    let scene = Scene::new(
        "WAL",
        DataVersion::new().interval(Duration::from_millis(10)),
    )
    .await;
    assert_eq!(scene.warm().await, 1);
    let events = scene.pool.stats().changes_followed;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        scene.read().await;
    }
    assert_eq!(scene.pool.stats().changes_followed, events);
}

#[tokio::test]
async fn a_file_that_is_locked_ends_the_answers_until_it_answers_again() {
    let settings = DataVersion::new().max_staleness(Duration::from_secs(1));
    let mut scene = Scene::new("DELETE", settings).await;
    scene.warm().await;
    scene.outside.execute("BEGIN EXCLUSIVE").await.unwrap();
    scene.outside.execute(INSERT).await.unwrap();
    wait_until(SOON, "it is noticed", async || {
        !scene.pool.stats().changes_live
    })
    .await;
    let blind = sqlx::query_scalar::<_, i64>(COUNT).cached(&scene.pool);
    let answer = blind.only_if_cached().fetch_one().await;
    assert!(is_not_cached(&answer.unwrap_err()));
    scene.outside.execute("COMMIT").await.unwrap();
    scene.sees(2).await;
    assert_eq!(scene.warm().await, 2);
}

#[tokio::test]
async fn a_file_that_was_replaced_ends_the_answers_for_good() {
    let scene = Scene::new("DELETE", patient()).await;
    scene.warm().await;
    let mut events = scene.pool.events();
    let path = scene.path();
    std::fs::copy(&path, format!("{path}.new")).unwrap();
    std::fs::rename(format!("{path}.new"), &path).unwrap();
    let problem = loop {
        if let Event::ChangesLost { problem } = events.next().await.unwrap() {
            break problem;
        }
    };
    assert!(problem.contains("a new pool"), "{problem}");
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!scene.pool.stats().changes_live);
    }
}

#[tokio::test]
async fn an_attached_file_counts_as_well() {
    let (main, other) = (SqliteFile::new(), SqliteFile::new());
    let mut outside = SqliteConnection::connect(&other.url()).await.unwrap();
    outside
        .execute("CREATE TABLE users (id INTEGER PRIMARY KEY)")
        .await
        .unwrap();
    let path = other
        .url()
        .replace("sqlite://", "")
        .replace("?mode=rwc", "");
    let options = SqlitePoolOptions::new().after_connect(move |connection, _| {
        let attach = format!("ATTACH '{path}' AS \"the other\"");
        Box::pin(async move {
            connection.execute(sqlx::AssertSqlSafe(attach)).await?;
            Ok(())
        })
    });
    let inner = options.connect(&main.url()).await.unwrap();
    let pool = builder(inner)
        .follow_changes(patient())
        .build()
        .await
        .unwrap();
    wait_until(SOON, "it is followed", async || pool.stats().changes_live).await;
    let before = pool.stats().changes_followed;
    outside.execute(INSERT).await.unwrap();
    wait_until(SOON, "it is seen", async || {
        pool.stats().changes_followed > before
    })
    .await;
}

#[tokio::test]
async fn a_database_in_memory_and_an_interval_that_is_too_long_are_refused() {
    let memory = SqlitePoolOptions::new().max_connections(1);
    let memory = memory.connect("sqlite::memory:").await.unwrap();
    let refused = builder(memory).follow_changes(patient()).build().await;
    let error = refused.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Changes { .. }), "{error}");
    let file = SqliteFile::new();
    for settings in [
        DataVersion::new().interval(Duration::ZERO),
        DataVersion::new().interval(Duration::from_secs(1)),
        DataVersion::new().max_staleness(Duration::ZERO),
    ] {
        let inner = SqlitePool::connect(&file.url()).await.unwrap();
        let refused = builder(inner).follow_changes(settings).build().await;
        let error = refused.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::InvalidSetting { .. }),
            "{error}"
        );
    }
}
