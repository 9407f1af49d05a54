//! What differs from driver to driver.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use cachedpool::Backend;
use cachedpool_test_support::{SqliteFile, mariadb, postgres};
use sqlx::{
    Arguments as _, AssertSqlSafe, Connection, Error, IntoArguments, MySql, PgConnection, Pool,
    Postgres, Sqlite,
    database::HasStatementCache,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    answer::{Cells, Line},
    server::Server,
    statement::Statement,
    values::Argument,
};

/// Who asks, where policies decide what is shown: every connection says so.
#[derive(Clone, Debug)]
pub(crate) struct Tenant(Arc<AtomicI64>);

impl Tenant {
    pub(crate) fn first() -> Self {
        Tenant(Arc::new(AtomicI64::new(1)))
    }

    pub(crate) fn number(&self) -> i64 {
        // Relaxed: one task sets it and waits for whoever reads it.
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn become_other(&self) {
        // Relaxed: as above.
        self.0.store(3 - self.number(), Ordering::Relaxed);
    }
}

/// Where the database is, and what must live as long as it.
#[derive(Debug)]
pub(crate) struct Place {
    url: String,
    /// A second database: its name on MariaDB, its file on SQLite. Elsewhere a schema of the same database will do.
    second: String,
    _file: Option<SqliteFile>,
}

impl Place {
    /// The name of the second database in statements.
    pub(crate) fn second_name(&self, server: Server) -> &str {
        match server {
            Server::MariaDb => &self.second,
            Server::Postgres | Server::Sqlite => "north",
        }
    }
}

/// How often a connection prepares a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// Once, if it can be kept.
    Once,
    EachTime,
}

/// The most connections of a pool: one that is held, one in a transaction, and those that read.
const CONNECTIONS: u32 = 4;
/// Prepared statements that a connection keeps: more than there are reads at a time.
const STATEMENTS: usize = 1_000;
/// The role of both pools on PostgreSQL. It owns everything and is no superuser, for whom policies would not count.
const ROLE: &str = "tester";

/// A database under test.
pub(crate) trait Subject:
    HasStatementCache + Backend<Row: Cells, Arguments: IntoArguments<Self>>
{
    const SERVER: Server;

    /// A fresh database.
    async fn place() -> Result<Place, Error>;

    /// A pool whose connections say who asks.
    async fn open(place: &Place, tenant: &Tenant) -> Result<Pool<Self>, Error>;

    /// Lets all connections say anew who asks. None may be in use.
    async fn tell(pool: &Pool<Self>, tenant: &Tenant) -> Result<(), Error>;

    /// Binds the values of a statement.
    fn arguments(statement: &Statement) -> Self::Arguments;

    /// Reads past the cache.
    async fn fetch(
        pool: &Pool<Self>,
        statement: &Statement,
        prepared: Prepared,
    ) -> Result<Vec<Line>, Error>;

    /// Runs a text, which may hold several statements.
    async fn run(pool: &Pool<Self>, text: &str) -> Result<(), Error>;
}

macro_rules! through_sqlx {
    () => {
        async fn fetch(
            pool: &Pool<Self>,
            statement: &Statement,
            prepared: Prepared,
        ) -> Result<Vec<Line>, Error> {
            let sql = AssertSqlSafe(statement.sql.clone());
            sqlx::query_as_with(sql, Self::arguments(statement))
                .persistent(prepared == Prepared::Once && statement.can_be_kept())
                .fetch_all(pool)
                .await
        }

        async fn run(pool: &Pool<Self>, text: &str) -> Result<(), Error> {
            sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
                .execute(pool)
                .await
                .map(drop)
        }
    };
}

impl Subject for Postgres {
    const SERVER: Server = Server::Postgres;

    async fn place() -> Result<Place, Error> {
        let url = postgres().await.fresh_database().await;
        let mut connection = PgConnection::connect(&url).await?;
        // Another test may make the role at the same moment.
        let set_up = format!(
            "DO $$ BEGIN CREATE ROLE {ROLE} LOGIN; EXCEPTION WHEN OTHERS THEN NULL; END $$;
             ALTER SCHEMA public OWNER TO {ROLE};
             CREATE EXTENSION citext;
             DO $$ BEGIN EXECUTE format('ALTER DATABASE %I OWNER TO {ROLE}', current_database()); END $$"
        );
        sqlx::raw_sql(AssertSqlSafe(set_up))
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok(Place {
            url,
            second: String::new(),
            _file: None,
        })
    }

    async fn open(place: &Place, tenant: &Tenant) -> Result<Pool<Self>, Error> {
        let options: PgConnectOptions = place.url.parse()?;
        let tenant = tenant.clone();
        PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                let sql = set_tenant(&tenant);
                Box::pin(async move {
                    // sqlx asks for a type that it does not know between preparing a statement and running it, by which
                    // a statement that is not to be kept gets lost.
                    sqlx::query("SELECT NULL::citext")
                        .execute(&mut *connection)
                        .await?;
                    sqlx::raw_sql(sql).execute(connection).await.map(drop)
                })
            })
            .connect_with(
                options
                    .username(ROLE)
                    .statement_cache_capacity(STATEMENTS)
                    .options([("search_path", "public,south")]),
            )
            .await
    }

    async fn tell(pool: &Pool<Self>, tenant: &Tenant) -> Result<(), Error> {
        // All of them at once: one that is on its way back to the pool is waited for, and none is told twice.
        let mut all = Vec::new();
        for _ in 0..CONNECTIONS {
            all.push(pool.acquire().await?);
        }
        for connection in &mut all {
            sqlx::raw_sql(set_tenant(tenant))
                .execute(&mut **connection)
                .await?;
        }
        Ok(())
    }

    fn arguments(statement: &Statement) -> Self::Arguments {
        let mut arguments = Self::Arguments::default();
        for argument in &statement.arguments {
            match argument.clone() {
                Argument::Small(value) => arguments.add(value),
                Argument::Int(value) => arguments.add(value),
                Argument::Big(value) => arguments.add(value),
                Argument::Real(value) => arguments.add(value),
                Argument::Text(value) => arguments.add(value),
                Argument::Bool(value) => arguments.add(value),
                Argument::Uuid(value) => arguments.add(value),
                Argument::Day(value) => arguments.add(value),
                Argument::Ints(value) => arguments.add(value),
                Argument::Bigs(value) => arguments.add(value),
                Argument::NoInt => arguments.add(None::<i32>),
            }
            .expect("these can be bound");
        }
        arguments
    }

    through_sqlx!();
}

fn set_tenant(tenant: &Tenant) -> AssertSqlSafe<String> {
    AssertSqlSafe(format!("SET app.tenant = '{}'", tenant.number()))
}

/// Binding for the servers that have neither arrays nor bound UUIDs.
macro_rules! without_arrays {
    () => {
        fn arguments(statement: &Statement) -> Self::Arguments {
            let mut arguments = Self::Arguments::default();
            for argument in &statement.arguments {
                match argument.clone() {
                    Argument::Small(value) => arguments.add(value),
                    Argument::Int(value) => arguments.add(value),
                    Argument::Big(value) => arguments.add(value),
                    Argument::Real(value) => arguments.add(value),
                    Argument::Text(value) => arguments.add(value),
                    Argument::Bool(value) => arguments.add(value),
                    Argument::Day(value) => arguments.add(value),
                    Argument::NoInt => arguments.add(None::<i32>),
                    Argument::Uuid(_) | Argument::Ints(_) | Argument::Bigs(_) => {
                        unreachable!("no schema of this server has such values")
                    }
                }
                .expect("these can be bound");
            }
            arguments
        }

        async fn tell(_: &Pool<Self>, _: &Tenant) -> Result<(), Error> {
            Ok(())
        }
    };
}

impl Subject for MySql {
    const SERVER: Server = Server::MariaDb;

    async fn place() -> Result<Place, Error> {
        let server = mariadb().await;
        let url = server.fresh_database().await;
        let other = server.fresh_database().await;
        let name = |url: &str| -> Option<String> {
            let (_, path) = url.rsplit_once('/')?;
            Some(path.split('?').next()?.to_owned())
        };
        Ok(Place {
            second: name(&other).expect("an address ends in the database's name"),
            url,
            _file: None,
        })
    }

    async fn open(place: &Place, _: &Tenant) -> Result<Pool<Self>, Error> {
        let options: MySqlConnectOptions = place.url.parse()?;
        MySqlPoolOptions::new()
            .max_connections(CONNECTIONS)
            .test_before_acquire(false)
            .connect_with(options.statement_cache_capacity(STATEMENTS))
            .await
    }

    without_arrays!();
    through_sqlx!();
}

impl Subject for Sqlite {
    const SERVER: Server = Server::Sqlite;

    async fn place() -> Result<Place, Error> {
        let file = SqliteFile::new();
        let url = file.url();
        let path = url
            .trim_start_matches("sqlite://")
            .trim_end_matches("?mode=rwc");
        Ok(Place {
            second: format!("{path}.north"),
            url,
            _file: Some(file),
        })
    }

    async fn open(place: &Place, _: &Tenant) -> Result<Pool<Self>, Error> {
        let options: SqliteConnectOptions = place.url.parse()?;
        let attach = format!("ATTACH '{}' AS north", place.second);
        SqlitePoolOptions::new()
            .max_connections(CONNECTIONS)
            .test_before_acquire(false)
            .after_connect(move |connection, _| {
                let attach = attach.clone();
                Box::pin(async move {
                    sqlx::raw_sql(AssertSqlSafe(attach))
                        .execute(&mut *connection)
                        .await?;
                    sqlx::raw_sql("PRAGMA north.journal_mode = WAL; PRAGMA north.synchronous = OFF")
                        .execute(connection)
                        .await
                        .map(drop)
                })
            })
            .connect_with(
                options
                    // Readers do not wait for a transaction that is open.
                    .journal_mode(SqliteJournalMode::Wal)
                    .statement_cache_capacity(STATEMENTS)
                    .synchronous(SqliteSynchronous::Off)
                    .pragma("recursive_triggers", "1"),
            )
            .await
    }

    without_arrays!();
    through_sqlx!();
}
