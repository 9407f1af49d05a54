//! The pool that is checked, and the plain one beside it: the only file that knows how they are built.

use std::time::Duration;

use cachedpool::{CachedPool, Omission, Source, prelude::*};
use sqlx::{AssertSqlSafe, Error, Pool};

use crate::{
    answer::Answer,
    area::Area,
    database::{Place, Prepared, Subject, Tenant},
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
pub enum Expansion {
    /// What foreign keys write.
    Cascades,
    /// What triggers write.
    Triggers,
    /// What rules write.
    Rules,
    /// What defaults and constraints write.
    Columns,
    /// What stands behind views.
    Views,
    /// Partitions and inheritance.
    Inheritance,
    /// What functions read and write.
    Functions,
    /// Which relation a bare name means.
    Resolution,
    /// That policies show rows to some only.
    RowSecurity,
    /// That temporary tables hide others.
    Temporary,
    /// To which rows a write is confined.
    Rows,
}

impl Expansion {
    /// All of them.
    pub const ALL: [Expansion; 11] = [
        Expansion::Cascades,
        Expansion::Triggers,
        Expansion::Rules,
        Expansion::Columns,
        Expansion::Views,
        Expansion::Inheritance,
        Expansion::Functions,
        Expansion::Resolution,
        Expansion::RowSecurity,
        Expansion::Temporary,
        Expansion::Rows,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.switch().0
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Expansion> {
        Expansion::ALL
            .into_iter()
            .find(|expansion| expansion.name() == name)
    }

    /// Its name, and the pool's word for leaving it out.
    fn switch(self) -> (&'static str, Omission) {
        match self {
            Expansion::Cascades => ("cascades", Omission::Cascades),
            Expansion::Triggers => ("triggers", Omission::Triggers),
            Expansion::Rules => ("rules", Omission::Rules),
            Expansion::Columns => ("columns", Omission::Columns),
            Expansion::Views => ("views", Omission::Views),
            Expansion::Inheritance => ("inheritance", Omission::Inheritance),
            Expansion::Functions => ("functions", Omission::Functions),
            Expansion::Resolution => ("resolution", Omission::Resolution),
            Expansion::RowSecurity => ("row_security", Omission::RowSecurity),
            Expansion::Temporary => ("temporary", Omission::Temporary),
            Expansion::Rows => ("rows", Omission::Rows),
        }
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
            Some(expansion) => builder.omit(expansion.switch().1),
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
            .persistent(statement.can_be_kept())
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
    pub(crate) async fn plain(&self, statement: &Statement, prepared: Prepared) -> Answer {
        let result = DB::fetch(&self.plain, statement, prepared).await;
        Answer::new(&statement.sql, result)
    }

    /// Changes the schema past the pool, and lets the pool look. Says how the change went.
    pub(crate) async fn change_outside(
        &self,
        statement: &Statement,
    ) -> Result<Result<(), Error>, cachedpool::Error> {
        let changed = DB::run(&self.plain, &statement.sql).await;
        // Also if it failed: of several statements, some may have run.
        self.pool.reload_schema().await?;
        Ok(changed)
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
