//! What the feed of notifications asks of the pool and of the server.

mod listener;
mod triggers;

use std::sync::{Arc, Weak};

use futures_core::future::BoxFuture;
use sqlx::{PgConnection, Postgres};

use super::{refused, usable};
use crate::{
    cache::{Tag, shared::random},
    cdc::{Feed, Follow, Notifications, Notified, Post, Trouble},
    driver::snapshot::writes_of,
    error::Error,
    pool::{CachedPool, Core},
    sql::Relation,
};
use listener::{Listener, Sender};

impl Follow<CachedPool<Postgres>> for Notifications {
    fn begin(self, pool: CachedPool<Postgres>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(follow(pool, self))
    }
}

async fn follow(pool: CachedPool<Postgres>, settings: Notifications) -> Result<(), Error> {
    usable(settings.max_staleness)?;
    let core = &pool.0;
    let inside = Inside {
        core: Arc::downgrade(core),
        creates_triggers: settings.creates_triggers,
        beats: format!("cachedpool_{:016x}", random()),
    };
    let source = Notified::new(inside, settings);
    let started = Feed::start(&core.engine, source, &core.runtime).await;
    started.map_err(refused)
}

/// The pool, which the feed does not keep alive.
struct Inside {
    core: Weak<Core<Postgres>>,
    creates_triggers: bool,
    /// The channel of this process alone.
    beats: String,
}

impl Inside {
    async fn connect(&self) -> Result<PgConnection, Trouble> {
        let core = self.core.upgrade();
        let core = core.ok_or_else(|| Trouble::passing("the pool is gone"))?;
        let options = core.inner.connect_options();
        drop(core);
        listener::connect(&options).await
    }
}

impl Post for Inside {
    type Ears = Listener;
    type Voice = Sender;

    async fn prepare(&self) -> Result<(), Trouble> {
        let mut connection = self.connect().await?;
        triggers::check(&mut connection).await?;
        if self.creates_triggers && triggers::create(&mut connection).await? {
            self.definitions_moved();
        }
        triggers::cover(&mut connection).await?;
        // It has told what it was asked for.
        let _ = sqlx::Connection::close(connection).await;
        Ok(())
    }

    async fn open(&self) -> Result<(Listener, Sender), Trouble> {
        let core = self.core.upgrade();
        let core = core.ok_or_else(|| Trouble::passing("the pool is gone"))?;
        let options = core.inner.connect_options();
        drop(core);
        let listener = Listener::open(&options, &self.beats).await?;
        let sender = Sender::open(&options, &self.beats).await?;
        Ok((listener, sender))
    }

    fn of_table(&self, schema: &str, name: &str) -> Option<Vec<Tag>> {
        let core = self.core.upgrade()?;
        let snapshot = core.statements.snapshot();
        // By definitions that somebody has changed or is about to change, it may be of more than they tell.
        if !core.engine.is_settled(&snapshot.stamp) {
            return None;
        }
        let graph = snapshot.graph.as_deref()?;
        let name = Relation {
            schema: Some(schema.into()),
            name: name.into(),
        };
        match graph.resolve(&name)[..] {
            // Also of a root: a statement on it fires its trigger alone, whichever partitions it changes.
            [id] => Some(writes_of(graph, id)),
            _ => {
                self.definitions_moved();
                None
            }
        }
    }

    fn definitions_moved(&self) {
        if let Some(core) = self.core.upgrade() {
            core.look_soon();
        }
    }

    fn is_closed(&self) -> bool {
        let core = self.core.upgrade();
        core.is_none_or(|core| core.inner.is_closed())
    }
}
