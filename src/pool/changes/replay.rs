//! What a recorded stream of changes moves in a pool: for measurements alone.

use std::sync::Arc;

use sqlx::Postgres;

use super::{replication::Outside, server::Server};
use crate::{
    cache::Tags,
    cdc::{LogicalReplication, pgoutput::Malformed, replay},
    pool::CachedPool,
};

impl CachedPool<Postgres> {
    /// Takes the messages of a stream as if they had just come, and says how many transactions there were. Not covered by
    /// semver.
    ///
    /// # Errors
    /// If they are no stream.
    #[doc(hidden)]
    pub fn replay_changes<'m>(
        &self,
        messages: impl IntoIterator<Item = &'m [u8]>,
    ) -> Result<u64, Malformed> {
        let changes = Outside {
            engine: self.0.engine.stamp(&Tags::definitions()),
            core: Arc::downgrade(&self.0),
            server: Server::new(&self.0.inner.connect_options(), &LogicalReplication::new()),
        };
        replay(&self.0.engine, &changes, messages)
    }
}
