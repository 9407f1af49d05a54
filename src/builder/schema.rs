//! Settings of what is known of the database beside the texts of statements.

use std::{mem, time::Duration};

use super::Builder;
use crate::{
    driver::{Front, RowTags, SchemaMode},
    schema::DeclaredTrigger,
    sql::Relation,
};

impl<DB: Front> Builder<DB> {
    /// Declares a function of your own pure: it reads no table, writes nothing and gives equal results for equal
    /// arguments.
    pub fn assume_pure(mut self, function: impl AsRef<str>) -> Self {
        self.unnamed |= function.as_ref().trim().is_empty();
        let functions = &mut self.definitions.declarations.functions;
        *functions = mem::take(functions).assume_pure(function.as_ref());
        self
    }

    /// Declares the tables that a function of your own reads and those that it writes.
    pub fn declare_function<R: AsRef<str>, W: AsRef<str>>(
        mut self,
        function: impl AsRef<str>,
        reads: impl IntoIterator<Item = R>,
        writes: impl IntoIterator<Item = W>,
    ) -> Self {
        let named = |name: &str| !name.trim().is_empty();
        let reads: Vec<R> = reads.into_iter().collect();
        let writes: Vec<W> = writes.into_iter().collect();
        self.unnamed |= !(named(function.as_ref())
            && reads.iter().all(|table| named(table.as_ref()))
            && writes.iter().all(|table| named(table.as_ref())));
        let functions = &mut self.definitions.declarations.functions;
        *functions = mem::take(functions).declare(function.as_ref(), reads, writes);
        self
    }

    /// Declares the tables that a trigger writes, for one whose code cannot be read: dynamic SQL, a language other than SQL and
    /// PL/pgSQL. `trigger` stands for every trigger of that name, `table.trigger` for that of one table.
    pub fn declare_trigger<W: AsRef<str>>(
        mut self,
        trigger: impl AsRef<str>,
        writes: impl IntoIterator<Item = W>,
    ) -> Self {
        let writes = writes.into_iter();
        let writes: Vec<Relation> = writes
            .map(|table| Relation::named(table.as_ref()))
            .collect();
        let name = Relation::named(trigger.as_ref());
        let mut names = std::iter::once(&name).chain(&writes);
        self.unnamed |= names.any(|name| name.name.is_empty());
        let triggers = &mut self.definitions.declarations.triggers;
        triggers.push(DeclaredTrigger { name, writes });
        self
    }

    /// Declares that a foreign or an unlogged table may be cached: that its rows change by this pool's writes alone, and that
    /// after a crash of the server, which empties an unlogged table, everything is invalidated by hand.
    pub fn assume_cacheable(mut self, table: impl AsRef<str>) -> Self {
        let name = Relation::named(table.as_ref());
        self.unnamed |= name.name.is_empty();
        self.definitions.declarations.cacheable.push(name);
        self
    }

    /// Where the pool takes from what a statement's text does not show. Default: [`SchemaMode::Catalog`].
    pub fn schema(mut self, mode: SchemaMode) -> Self {
        self.definitions.mode = mode;
        self
    }

    /// How often the database's catalog is looked at for DDL that did not go through a pool. Default: 10 s.
    ///
    /// A look is one cheap query. Until it has found a change, what the old definitions do not show can be stale: a write
    /// that a new trigger sends on, a new foreign key's cascade.
    pub fn schema_interval(mut self, interval: Duration) -> Self {
        self.schema_interval = interval;
        self
    }

    /// Whether results can depend on some rows of a table alone. Default: [`RowTags::On`].
    pub fn row_tags(mut self, row_tags: RowTags) -> Self {
        self.row_tags = row_tags;
        self
    }

    /// Lets results that read `table` depend on all of it, whatever [`row_tags`](Self::row_tags) says: for a table whose
    /// results nearly every write would invalidate anyway, and whose writes should not pay for its keys.
    pub fn table_level(mut self, table: impl AsRef<str>) -> Self {
        let name = Relation::named(table.as_ref());
        self.unnamed |= name.name.is_empty();
        self.definitions.declarations.table_level.push(name);
        self
    }

    /// Leaves a kind of expansion out so that a test can show that it notices. Not covered by semver.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn omit(mut self, omission: crate::schema::Omission) -> Self {
        self.definitions.omitted = crate::schema::Omitted(Some(omission));
        self
    }
}
