//! SQLite.

use futures_core::future::BoxFuture;
use sqlx::{
    Arguments, Error, Row, Sqlite,
    sqlite::{SqliteArguments, SqliteConnection},
};

use super::{
    backend::{Driver, through_executor},
    parameters::{canaries, print_list},
    values,
};
use crate::{
    cache::Params,
    driver::{
        front::{Session, Values},
        identity::Identity,
    },
    schema::Canonical,
    sql::Dialect,
};

impl Driver for Sqlite {
    const DIALECT: Dialect = Dialect::Sqlite;

    #[inline]
    fn parameters(arguments: &mut SqliteArguments, key: &mut Params) {
        if arguments.len() == 0 {
            return;
        }
        // SQLite's arguments are a list of tagged values, which `Debug` prints whole: `Int64(7)`, `Text("…")` quoted and
        // escaped, doubles in the shortest form that reads back to the same bits.
        print_list("", None, arguments, key);
    }

    fn canaries() -> Vec<SqliteArguments> {
        canaries::<Sqlite>()
    }

    fn values(arguments: &mut SqliteArguments) -> Values {
        values::sqlite::values(arguments)
    }

    fn value_canaries() -> Vec<(SqliteArguments, Values)> {
        values::canaries::<Sqlite>(Canonical::Integer(1))
    }

    fn session(connection: &mut SqliteConnection) -> BoxFuture<'_, Result<Session, Error>> {
        Box::pin(async move {
            let mut session = Session::default();
            let version: String = sqlx::query_scalar("SELECT sqlite_version()")
                .fetch_one(&mut *connection)
                .await?;
            session.parts.push(("version", version));
            for row in sqlx::query("PRAGMA database_list")
                .fetch_all(&mut *connection)
                .await?
            {
                let name: String = row.try_get("name")?;
                let file: Option<String> = row.try_get("file")?;
                if name == "main" {
                    // Neither a memory database nor a temporary one has a file; both end with their last connection.
                    session.lives_in_connection = file.as_deref().unwrap_or_default().is_empty();
                    session.parts.push(("database", file.unwrap_or_default()));
                }
            }
            // Both change what a query answers without showing in its text.
            for pragma in ["encoding", "foreign_keys"] {
                let value = sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA {pragma}")))
                    .fetch_optional(&mut *connection)
                    .await?
                    .map(|row| {
                        row.try_get::<String, _>(0)
                            .or_else(|_| row.try_get::<i64, _>(0).map(|n| n.to_string()))
                    })
                    .transpose()?;
                session.parts.push((pragma, value.unwrap_or_default()));
            }
            // It can be set and not asked for, but its effect shows.
            let like: bool = sqlx::query_scalar("SELECT 'a' LIKE 'A'")
                .fetch_one(&mut *connection)
                .await?;
            session.parts.push((
                "case_sensitive_like",
                if like { "off" } else { "on" }.to_owned(),
            ));
            let dirty: i64 = sqlx::query_scalar("PRAGMA read_uncommitted")
                .fetch_one(&mut *connection)
                .await?;
            if dirty != 0 {
                // What such a read sees may never be committed (shared cache).
                return Err(Error::Configuration(
                    "the pool's connections read uncommitted rows".into(),
                ));
            }
            Ok(session)
        })
    }

    fn identity(connection: &mut SqliteConnection) -> BoxFuture<'_, Result<Identity, Error>> {
        Box::pin(async move {
            let mut parts = Vec::new();
            for row in sqlx::query("PRAGMA database_list")
                .fetch_all(connection)
                .await?
            {
                let name: String = row.try_get("name")?;
                let file: Option<String> = row.try_get("file")?;
                match (name.as_str(), file.filter(|file| !file.is_empty())) {
                    // What is in it is the connection's own, and not cached.
                    ("temp", _) => {}
                    (_, Some(file)) => match whereabouts(&file).await {
                        Some(place) => {
                            parts.extend([("attached", name), ("file", file), ("place", place)]);
                        }
                        None => return Ok(Identity::of_its_own()),
                    },
                    // In memory: it is there for one connection.
                    (_, None) => return Ok(Identity::of_its_own()),
                }
            }
            Ok(Identity { parts })
        })
    }

    fn is_outage(error: &dyn sqlx::error::DatabaseError) -> bool {
        // Primary result codes (rescode.html): BUSY, LOCKED, NOMEM, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL.
        const OUTAGES: [u32; 8] = [5, 6, 7, 9, 10, 13, 14, 15];
        error
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            .is_some_and(|code| OUTAGES.contains(&(code & 0xff)))
    }

    through_executor!(Sqlite, sqlite);
}

/// What tells a file from one of the same path on another machine or in another container: the boot of the machine, which
/// has a random id, and the file's place on it. `None` where neither can be had.
async fn whereabouts(file: &str) -> Option<String> {
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::fs::MetadataExt as _;
        let boot = tokio::fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .await
            .ok()?;
        let file = tokio::fs::metadata(file).await.ok()?;
        Some(format!(
            "{} {} {}",
            boot.trim(),
            file.st_dev(),
            file.st_ino()
        ))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = file;
        None
    }
}
