//! The builder's way to hear of writes that bypass the pool.

use super::Builder;
use crate::{cdc::Follow, driver::Front, pool::CachedPool};

impl<DB: Front> Builder<DB> {
    /// Follows the writes of everybody else (`psql`, other services, migrations, jobs inside the database) by what the server or
    /// the file tells: `cdc::LogicalReplication` or `cdc::Notifications` on PostgreSQL, `cdc::DataVersion` on SQLite. Default: they
    /// are seen when the time to live is over.
    ///
    /// What they commit invalidates what it can have changed, as soon as that has been told; `docs/cdc.md` and `docs/sources.md` say
    /// what each source needs, what it costs and how late it is. While nothing is heard, the cache answers nothing.
    ///
    /// A database that is not set up for it is an error of [`build`](Self::build), which names the setting and the statement
    /// that helps. A server that is away is none.
    pub fn follow_changes(mut self, source: impl Follow<CachedPool<DB>>) -> Self {
        self.follow = Some(Box::new(|pool| source.begin(pool)));
        self
    }
}
