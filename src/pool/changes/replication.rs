//! The pool as the one who knows what a change by others moves.

use std::sync::{Arc, Weak};

use futures_core::future::BoxFuture;
use sqlx::Postgres;

use super::{
    refused,
    server::{Server, target},
    usable, values,
};
use crate::{
    cache::{Stamp, Tag, Tags},
    cdc::{
        Changes, Elected, Feed, Follow, LogicalReplication, Moment, Moves, Replication, Rows,
        SlotName, Topic, Trouble, pgoutput,
    },
    driver::{
        SchemaMode,
        snapshot::{Snapshot, writes_of},
        sqlx::Backend,
    },
    error::Error,
    pool::{CachedPool, Core},
    schema::{Graph, Key, Node},
    sql::Relation,
};

impl Follow<CachedPool<Postgres>> for LogicalReplication {
    fn begin(self, pool: CachedPool<Postgres>) -> BoxFuture<'static, Result<(), Error>> {
        Box::pin(follow(pool, self))
    }
}

async fn follow(pool: CachedPool<Postgres>, settings: LogicalReplication) -> Result<(), Error> {
    usable(settings.max_staleness)?;
    let core = &pool.0;
    let options = core.inner.connect_options();
    let target = target(&options, &settings).map_err(refused)?;
    let changes = Outside {
        engine: core.engine.stamp(&Tags::definitions()),
        core: Arc::downgrade(core),
        server: Server::new(&options, &settings),
    };
    let (engine, runtime) = (&core.engine, &core.runtime);
    let max_staleness = settings.max_staleness;
    let topic = topic(core, &settings);
    let slot = match (&settings.durable_slot, &topic) {
        (Some(name), _) => SlotName::Durable(name.clone()),
        (None, Some(topic)) => SlotName::Common(topic.clone(), Arc::downgrade(engine)),
        (None, None) => SlotName::Own,
    };
    let source = Replication::new(Arc::new(changes), target, settings, slot);
    let started = match topic {
        Some(topic) => {
            let elected = Elected::new(source, engine, &topic, max_staleness);
            Feed::start(engine, elected, runtime).await
        }
        None => Feed::start(engine, source, runtime).await,
    };
    started.map_err(refused)
}

/// What the processes have in common of which one can follow for all; `None` where this one follows for itself.
fn topic<DB: Backend>(core: &Core<DB>, settings: &LogicalReplication) -> Option<Topic> {
    // By texts alone every change is one of everything. Another process, which knows more, would tell of less.
    let by_texts = core.definitions.mode == SchemaMode::TextOnly;
    if by_texts || !core.engine.can_share_changes() {
        return None;
    }
    // One that does not say who it is could be taken for another.
    core.database.is_lasting().then(|| {
        let database = core.database.parts.iter().map(|(_, value)| &**value);
        Topic::new(database.chain([&*settings.publication]))
    })
}

/// What the feed knows of the pool, which it does not keep alive.
pub(super) struct Outside {
    pub(super) core: Weak<Core<Postgres>>,
    /// Of the definitions when the feed began: what a pool that is gone goes by.
    pub(super) engine: Stamp,
    pub(super) server: Server,
}

impl Outside {
    fn snapshot(&self) -> Option<Arc<Snapshot>> {
        Some(self.core.upgrade()?.statements.snapshot())
    }

    /// A table's node; `None` if the catalog does not have it, of which it should be told.
    fn node(&self, graph: &Graph, relation: &pgoutput::Relation) -> Option<usize> {
        let name = Relation {
            schema: Some(relation.schema.clone()),
            name: relation.name.clone(),
        };
        match graph.resolve(&name)[..] {
            [id] => Some(id),
            _ => {
                self.definitions_moved();
                None
            }
        }
    }
}

impl Moves for Outside {
    fn of_row(&self, relation: &pgoutput::Relation, rows: Rows<'_, '_>) -> Option<Vec<Tag>> {
        let snapshot = self.snapshot()?;
        // Without a catalog nobody knows what stands above a partition.
        let graph = snapshot.graph.as_deref()?;
        let id = self.node(graph, relation)?;
        let node = graph.node(id);
        let mut told = false;
        let mut tags = vec![Tag::table(node.title.clone())];
        for key in &node.keys {
            match of_key(node, key, relation, rows) {
                Some(rows) => {
                    told = true;
                    tags.extend(rows);
                }
                None => tags.push(Tag::key(node.title.clone(), &key.label)),
            }
        }
        Some(if told { tags } else { writes_of(graph, id) })
    }

    fn of_table(&self, relation: &pgoutput::Relation) -> Option<Vec<Tag>> {
        let snapshot = self.snapshot()?;
        let graph = snapshot.graph.as_deref()?;
        let id = self.node(graph, relation)?;
        Some(writes_of(graph, id))
    }

    fn definitions(&self) -> Stamp {
        let known = self.snapshot().map(|snapshot| snapshot.stamp.clone());
        known.unwrap_or_else(|| self.engine.clone())
    }

    fn definitions_moved(&self) {
        if let Some(core) = self.core.upgrade() {
            core.look_soon();
        }
    }
}

impl Changes for Outside {
    fn moment(&self) -> BoxFuture<'_, Result<Moment, Trouble>> {
        Box::pin(self.server.moment())
    }

    fn retained<'a>(&'a self, slot: &'a str) -> BoxFuture<'a, Result<Option<u64>, Trouble>> {
        Box::pin(self.server.retained(slot))
    }

    fn flush(&self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(self.server.flush())
    }

    fn check(&self) -> BoxFuture<'_, Result<(), Trouble>> {
        Box::pin(self.server.check())
    }

    fn is_closed(&self) -> bool {
        let core = self.core.upgrade();
        core.is_none_or(|core| core.inner.is_closed())
    }
}

/// The rows of a change as a key tells them; `None` if it does not.
fn of_key(
    node: &Node,
    key: &Key,
    relation: &pgoutput::Relation,
    rows: Rows<'_, '_>,
) -> Option<Vec<Tag>> {
    let mut versions: Vec<Option<Vec<u8>>> = Vec::new();
    for &at in &key.columns {
        let column = &node.columns[at];
        let mut columns = relation.columns.iter();
        let place = columns.position(|sent| sent.name == column.name)?;
        for (version, value) in rows.versions(place).enumerate() {
            if version == versions.len() {
                versions.push(Some(Vec::new()));
            }
            match values::canonical(column.kind, value?)? {
                // Equal to nothing: no reader asks for such a row by this key.
                None => versions[version] = None,
                Some(value) => {
                    if let Some(bytes) = &mut versions[version] {
                        bytes.extend_from_slice(&value.bytes());
                    }
                }
            }
        }
    }
    let tag = |bytes: Vec<u8>| Tag::row(node.title.clone(), &key.label, &bytes);
    Some(versions.into_iter().flatten().map(tag).collect())
}
