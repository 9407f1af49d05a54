//! The pool that is checked, and the plain one beside it: the only file that knows how they are built.

use std::time::Duration;

use cachedpool::{CachedPool, Source, prelude::*};
use sqlx::{AssertSqlSafe, Error, Pool};

use crate::{
    answer::Answer,
    area::Area,
    database::{Place, Subject, Tenant},
    statement::Statement,
};

/// Longer than any run: what is not invalidated must be found.
const TTL: Duration = Duration::from_secs(24 * 3600);

/// Part of the key of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    None,
    /// The tenant that asks.
    Tenant,
}

/// A kind of expansion that can be switched off, to show that the suite notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expansion {}

impl Expansion {
    /// All of them.
    pub const ALL: [Expansion; 0] = [];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {}
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Expansion> {
        Expansion::ALL
            .into_iter()
            .find(|expansion| expansion.name() == name)
    }
}

/// The database under test with its two pools.
pub(crate) struct World<DB: Subject> {
    pub(crate) pool: CachedPool<DB>,
    plain: Pool<DB>,
    tenant: Tenant,
    _place: Place,
}

impl<DB: Subject> World<DB> {
    /// Fills a database with these schemas, and makes pools on it.
    pub(crate) async fn open(
        place: Place,
        areas: &[Area],
        switched_off: Option<Expansion>,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let tenant = Tenant::first();
        let plain = DB::open(&place, &tenant).await?;
        for area in areas {
            DB::run(&plain, &area.schema)
                .await
                .map_err(|error| format!("the schema of {}: {error}", area.name))?;
        }
        let inner = DB::open(&place, &tenant).await?;
        let builder = CachedPool::builder(inner).default_ttl(TTL).empty_ttl(TTL);
        let builder = match switched_off {
            None => builder,
            Some(expansion) => match expansion {},
        };
        Ok(World {
            pool: builder.build().await?,
            plain,
            tenant,
            _place: place,
        })
    }

    /// Reads by way of the cache.
    pub(crate) async fn cached(&self, statement: &Statement, scope: Scope) -> (Answer, Came) {
        let sql = AssertSqlSafe(statement.sql.clone());
        let read = sqlx::query_as_with::<DB, _, _>(sql, DB::arguments(statement))
            .persistent(!statement.names_no_columns())
            .cached(&self.pool);
        let read = match scope {
            Scope::None => read,
            Scope::Tenant => read.scope(self.tenant.number()),
        };
        match read.fetch_all_shared().await {
            Ok(lines) => {
                let came = match lines.source() {
                    Source::Database => Came::Database,
                    _ => Came::Cache,
                };
                (Answer::new(&statement.sql, Ok(lines.into_owned())), came)
            }
            Err(error) => (Answer::new(&statement.sql, Err(error)), Came::Database),
        }
    }

    /// Reads past the cache.
    pub(crate) async fn plain(&self, statement: &Statement) -> Answer {
        Answer::new(&statement.sql, DB::fetch(&self.plain, statement).await)
    }

    /// Changes the schema past the pool, and lets the pool look.
    pub(crate) async fn change_outside(&self, statement: &Statement) -> Result<(), Error> {
        let changed = DB::run(&self.plain, &statement.sql).await;
        // Whether or not it failed, and as long as there is no way to say that the schema is another one.
        self.pool
            .invalidate_all()
            .await
            .expect("nothing can go wrong in memory");
        changed
    }

    /// Lets the other tenant ask.
    pub(crate) async fn change_tenant(&self) -> Result<(), Error> {
        self.tenant.become_other();
        DB::tell(self.pool.inner(), &self.tenant).await?;
        DB::tell(&self.plain, &self.tenant).await
    }

    /// Who asks.
    pub(crate) fn tenant(&self) -> i64 {
        self.tenant.number()
    }
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Came {
    Database,
    Cache,
}
