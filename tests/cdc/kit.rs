//! A pool that follows what others write, and somebody else.

use std::{net::SocketAddr, time::Duration};

use cachedpool::{
    Builder, CachedPool, Source,
    cdc::{Follow, LogicalReplication},
    prelude::*,
};
use cachedpool_test_support::{logical_postgres, wait_until};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, PgPool, Postgres};

/// For states that come by themselves, on a machine that is busy with other tests.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Long enough that no test is without a sign of life for so long by accident.
pub(crate) const PATIENT: Duration = Duration::from_secs(30);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What most tests read.
pub(crate) const USERS: &str = "
    CREATE TABLE users (id bigint PRIMARY KEY, org int NOT NULL, name text NOT NULL);
    CREATE INDEX ON users (org);
    INSERT INTO users SELECT n, n % 10, 'user ' || n FROM generate_series(1, 100) n";

/// The settings of most tests.
pub(crate) fn patient() -> LogicalReplication {
    LogicalReplication::new()
        .create_publication()
        .max_staleness(PATIENT)
}

pub(crate) struct Scene {
    pub(crate) pool: CachedPool<Postgres>,
    /// Somebody of whom the pool knows nothing.
    pub(crate) outside: PgConnection,
}

impl Scene {
    /// With these tables, in a database of its own.
    pub(crate) async fn new(tables: &str) -> Self {
        let url = logical_postgres().await.fresh_database().await;
        Self::at(url, tables, patient()).await
    }

    pub(crate) async fn at(
        url: String,
        tables: &str,
        settings: impl Follow<CachedPool<Postgres>>,
    ) -> Self {
        let mut outside = PgConnection::connect(&url).await.unwrap();
        outside
            .execute(AssertSqlSafe(tables.to_owned()))
            .await
            .unwrap();
        let pool = builder(&url)
            .follow_changes(settings)
            .build()
            .await
            .unwrap();
        let scene = Self { pool, outside };
        scene.is_live().await;
        scene
    }

    /// Waits until the stream is heard.
    pub(crate) async fn is_live(&self) {
        wait_until(SOON, "the changes are heard", async || {
            self.pool.stats().changes_live
        })
        .await;
    }

    /// Writes past the pool.
    pub(crate) async fn write(&mut self, sql: &str) {
        self.outside
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .unwrap();
    }

    /// A number, and where it came from.
    pub(crate) async fn read(&self, sql: &str) -> (i64, Source) {
        let read = sqlx::query_scalar::<_, i64>(AssertSqlSafe(sql.to_owned()))
            .cached(&self.pool)
            .fetch_one_shared()
            .await
            .unwrap();
        (*read, read.source())
    }

    /// Reads until memory answers.
    pub(crate) async fn warm(&self, sql: &str) -> i64 {
        let mut value = 0;
        wait_until(SOON, &format!("memory answers: {sql}"), async || {
            let (read, source) = self.read(sql).await;
            value = read;
            source == Source::Local
        })
        .await;
        value
    }

    /// Reads until the answer is this one.
    pub(crate) async fn sees(&self, sql: &str, value: i64) {
        wait_until(SOON, &format!("{sql} is {value}"), async || {
            self.read(sql).await.0 == value
        })
        .await;
    }

    /// Holds that the cache answers `sql` with `before`, and then, without anybody's help but the stream's, with `after` when
    /// others have done `write`.
    pub(crate) async fn follows(&mut self, sql: &str, before: i64, write: &str, after: i64) {
        assert_eq!(self.warm(sql).await, before, "before {write}");
        self.write(write).await;
        self.sees(sql, after).await;
    }
}

/// Where the server of a URL listens, and how the URL spells that.
pub(crate) fn upstream_of(url: &str) -> (SocketAddr, String) {
    let mut parts = url.split(['@', '/']);
    let text = parts.find(|part| part.starts_with("127.")).unwrap();
    (text.parse().unwrap(), text.to_owned())
}

/// A pool on which nothing ends by itself.
pub(crate) fn builder(url: &str) -> Builder<Postgres> {
    let inner = PgPool::connect_lazy(url).unwrap();
    CachedPool::builder(inner)
        .default_ttl(DAY)
        .empty_ttl(DAY)
        .schema_interval(DAY)
}
