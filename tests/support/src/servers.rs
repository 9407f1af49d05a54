//! The servers, each started when a test first asks for it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection};
use tokio::sync::OnceCell;

use crate::container::{Ready, Recipe, Running};

/// PostgreSQL without durability, which tests of a cache do not need and which costs most of their time.
static POSTGRES: Recipe = Recipe {
    image: "postgres",
    tag: "17",
    port: 5432,
    // The first line is that of the temporary server which sets the accounts up.
    ready: &[
        Ready::Stdout("database system is ready to accept connections"),
        Ready::Stderr("database system is ready to accept connections"),
    ],
    environment: &[
        ("POSTGRES_PASSWORD", "test"),
        // Its exchange costs a debug build more than all the rest of a connection, and every test makes several.
        ("POSTGRES_HOST_AUTH_METHOD", "trust"),
    ],
    command: &[
        "postgres",
        "-cfsync=off",
        "-csynchronous_commit=off",
        "-cfull_page_writes=off",
        "-cmax_connections=400",
    ],
};

/// PostgreSQL that tells what is written. With commits that are flushed: what is not is not told.
static LOGICAL: Recipe = Recipe {
    command: &[
        "postgres",
        "-cfsync=off",
        "-cfull_page_writes=off",
        "-cmax_connections=400",
        "-cwal_level=logical",
        "-cmax_wal_senders=100",
        "-cmax_replication_slots=100",
    ],
    ..POSTGRES
};

static MARIADB: Recipe = Recipe {
    image: "mariadb",
    tag: "11.8",
    port: 3306,
    ready: &[
        Ready::Stderr("mariadbd: ready for connections."),
        Ready::Stderr("port: 3306"),
    ],
    environment: &[("MARIADB_ROOT_PASSWORD", "test")],
    command: &[
        "mariadbd",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--innodb-flush-log-at-trx-commit=0",
        "--max-connections=400",
    ],
};

static REDIS: Recipe = Recipe {
    image: "redis",
    tag: "8",
    port: 6379,
    ready: &[Ready::Stdout("Ready to accept connections")],
    environment: &[],
    command: &["redis-server", "--save", "", "--appendonly", "no"],
};

/// The test binary's PostgreSQL 17.
///
/// # Panics
///
/// When it cannot be started.
pub async fn postgres() -> &'static DatabaseServer {
    static SERVER: OnceCell<DatabaseServer> = OnceCell::const_new();
    SERVER
        .get_or_init(async || DatabaseServer::new(Kind::Postgres, POSTGRES.start().await))
        .await
}

/// The test binary's PostgreSQL 17 with `wal_level = logical`.
///
/// # Panics
///
/// When it cannot be started.
pub async fn logical_postgres() -> &'static DatabaseServer {
    static SERVER: OnceCell<DatabaseServer> = OnceCell::const_new();
    SERVER
        .get_or_init(async || DatabaseServer::new(Kind::Postgres, LOGICAL.start().await))
        .await
}

/// The test binary's MariaDB 11.8.
///
/// # Panics
///
/// When it cannot be started.
pub async fn mariadb() -> &'static DatabaseServer {
    static SERVER: OnceCell<DatabaseServer> = OnceCell::const_new();
    SERVER
        .get_or_init(async || DatabaseServer::new(Kind::MariaDb, MARIADB.start().await))
        .await
}

/// The test binary's Redis 8, without persistence. Tests that run beside one another need names of their own in it.
///
/// # Panics
///
/// When it cannot be started.
pub async fn redis() -> &'static RedisServer {
    static SERVER: OnceCell<RedisServer> = OnceCell::const_new();
    SERVER
        .get_or_init(async || RedisServer {
            running: REDIS.start().await,
        })
        .await
}

/// A PostgreSQL or MariaDB server.
#[derive(Debug)]
pub struct DatabaseServer {
    kind: Kind,
    running: Running,
    /// How many databases tests have asked for; the last part of the next one's name.
    databases: AtomicUsize,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Postgres,
    MariaDb,
}

impl DatabaseServer {
    fn new(kind: Kind, running: Running) -> Self {
        Self {
            kind,
            running,
            databases: AtomicUsize::new(0),
        }
    }

    /// The address of the server's own database, as the user who may do everything. Other tests see what is done there.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of(match self.kind {
            Kind::Postgres => "postgres",
            Kind::MariaDb => "mysql",
        })
    }

    /// Makes an empty database for one test, and gives its address.
    ///
    /// # Panics
    ///
    /// When the server is away.
    pub async fn fresh_database(&self) -> String {
        // Relaxed: only that no two tests get the same number matters.
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        let made = match self.kind {
            Kind::Postgres => make::<PgConnection>(&self.url(), create).await,
            Kind::MariaDb => make::<MySqlConnection>(&self.url(), create).await,
        };
        made.unwrap_or_else(|error| panic!("cannot make the database {name}: {error}"));
        self.url_of(&name)
    }

    /// The engine's id of the container, for faults.
    #[must_use]
    pub fn container(&self) -> &str {
        self.running.id()
    }

    fn url_of(&self, database: &str) -> String {
        let address = self.running.address();
        match self.kind {
            Kind::Postgres => {
                format!("postgres://postgres:test@{address}/{database}?sslmode=disable")
            }
            Kind::MariaDb => format!("mysql://root:test@{address}/{database}?ssl-mode=disabled"),
        }
    }
}

async fn make<C>(server: &str, create: AssertSqlSafe<String>) -> sqlx::Result<()>
where
    C: Connection,
    for<'c> &'c mut C: Executor<'c>,
{
    let mut connection = C::connect(server).await?;
    (&mut connection).execute(create).await?;
    connection.close().await
}

/// A Redis server.
#[derive(Debug)]
pub struct RedisServer {
    running: Running,
}

impl RedisServer {
    /// The address for a Redis client.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// The engine's id of the container, for faults.
    #[must_use]
    pub fn container(&self) -> &str {
        self.running.id()
    }
}
