//! The builder's way to hear of writes that bypass the pool.

use sqlx::Postgres;

use super::Builder;
use crate::cdc::LogicalReplication;

impl Builder<Postgres> {
    /// Follows the writes of everybody else (`psql`, other services, migrations, jobs inside the database) by the server's logical
    /// replication. Default: they are seen when the time to live is over.
    ///
    /// What they commit invalidates what it can have changed, row by row where the change tells its keys, as soon as the server
    /// has told it; `stats()` shows how long that takes (`change_lag_micros`). While the stream is not heard, the cache
    /// answers nothing. `docs/cdc.md` says what the server needs, and what it costs it.
    ///
    /// The stream has a connection of its own, to where the pool connects and without TLS, and a second one asks which
    /// transactions still run. A pooler in between will not do.
    ///
    /// A server that is not set up for it is an error of [`build`](Self::build), which names the setting and the statement that
    /// helps. One that is away is none.
    pub fn follow_changes(mut self, replication: LogicalReplication) -> Self {
        self.follow = Some(Box::new(|pool| Box::pin(pool.follow(replication))));
        self
    }
}
