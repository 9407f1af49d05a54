//! What the feed of SQLite's `data_version` asks of the pool and of the file.

use std::sync::{Arc, OnceLock, Weak};

use futures_core::future::BoxFuture;
use sqlx::{AssertSqlSafe, Error as SqlxError, Row as _, Sqlite, SqliteConnection};

use super::{refused, usable};
use crate::{
    cdc::{DataVersion, Feed, Files, Follow, Poll, Polled, Trouble, Version},
    error::Error,
    pool::{CachedPool, Core},
};

impl Follow<CachedPool<Sqlite>> for DataVersion {
    fn begin(self, pool: CachedPool<Sqlite>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(follow(pool, self))
    }
}

async fn follow(pool: CachedPool<Sqlite>, settings: DataVersion) -> Result<(), Error> {
    usable(settings.max_staleness)?;
    if settings.interval.is_zero() || settings.interval >= settings.max_staleness {
        return Err(Error::invalid(
            "follow_changes",
            "its `interval` must be above zero and below its `max_staleness`",
        ));
    }
    let core = &pool.0;
    if core.session.lives_in_connection {
        return Err(refused(Trouble::lasting(
            "the database has no file, so nobody else can write to it",
            "leaving `follow_changes` out",
        )));
    }
    let inside = Inside {
        core: Arc::downgrade(core),
        first: OnceLock::new(),
    };
    let source = Polled::new(inside, settings);
    let started = Feed::start(&core.engine, source, &core.runtime).await;
    started.map_err(refused)
}

/// The pool, which the feed does not keep alive.
struct Inside {
    core: Weak<Core<Sqlite>>,
    /// The files that the first connection had open. The pool's own may have the same ones open for as long as it lives.
    first: OnceLock<Vec<File>>,
}

/// A file of a connection, by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct File {
    /// The name by which statements call it.
    schema: String,
    path: String,
    place: Place,
}

/// What tells a file from another that has taken its path. Where the system has no such thing, that there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place(u64, u64);

impl Place {
    async fn of(path: &str) -> Result<Self, Trouble> {
        let found = tokio::fs::metadata(path).await;
        let found = found.map_err(|error| Trouble::passing(format!("{path}: {error}")))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Ok(Self(found.dev(), found.ino()))
        }
        #[cfg(not(unix))]
        {
            let _ = found;
            Ok(Self(0, 0))
        }
    }
}

impl Files for Inside {
    type Poll = Asker;

    async fn open(&self) -> Result<Asker, Trouble> {
        let inner = {
            let core = self.core.upgrade();
            let core = core.ok_or_else(|| Trouble::passing("the pool is gone"))?;
            core.inner.clone()
        };
        // One that was opened as the pool's are, and has attached what they have.
        let taken = inner.acquire().await.map_err(Trouble::passing)?;
        let mut connection = taken.detach();
        let files = files(&mut connection).await?;
        if *self.first.get_or_init(|| files.clone()) != files {
            return Err(replaced());
        }
        Ok(Asker { connection, files })
    }

    fn is_closed(&self) -> bool {
        let core = self.core.upgrade();
        core.is_none_or(|core| core.inner.is_closed())
    }
}

/// A connection that is asked, and reads nothing else.
pub(crate) struct Asker {
    connection: SqliteConnection,
    files: Vec<File>,
}

impl Poll for Asker {
    async fn version(&mut self) -> Result<Version, Trouble> {
        let mut numbers = Vec::new();
        for file in &self.files {
            let sql = format!("PRAGMA {}.data_version", quoted(&file.schema));
            let number: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut self.connection)
                .await
                .map_err(Trouble::passing)?;
            numbers.push(number);
            // Of a file that has gone the connection would tell for ever that it is as it was.
            if Place::of(&file.path).await? != file.place {
                return Err(replaced());
            }
        }
        Ok(Version(numbers))
    }
}

/// The files that a connection has open.
async fn files(connection: &mut SqliteConnection) -> Result<Vec<File>, Trouble> {
    let rows = sqlx::query("PRAGMA database_list").fetch_all(connection);
    let mut files = Vec::new();
    for row in rows.await.map_err(Trouble::passing)? {
        let named = |name| row.try_get::<Option<String>, _>(name);
        let (schema, path) = (|| Ok::<_, SqlxError>((named("name")?, named("file")?)))()
            .map_err(Trouble::passing)?;
        let (schema, path) = (schema.unwrap_or_default(), path.unwrap_or_default());
        // What has no file is the connection's own.
        if !path.is_empty() {
            let place = Place::of(&path).await?;
            files.push(File {
                schema,
                path,
                place,
            });
        }
    }
    Ok(files)
}

fn replaced() -> Trouble {
    Trouble::lasting(
        "the file is not the one that the pool has opened",
        "a new pool, whose connections open the file that is there now",
    )
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
