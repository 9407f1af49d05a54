//! The pool as the one who knows what a change by others moves.

#[cfg(feature = "testing")]
mod replay;
mod server;
mod values;

use std::sync::{Arc, Weak};

use futures_core::future::BoxFuture;
use sqlx::Postgres;

use super::{CachedPool, Core};
use crate::{
    cache::{Stamp, Tag, Tags},
    cdc::{Changes, Feed, LogicalReplication, Rows, Running, Trouble, pgoutput},
    driver::snapshot::{Snapshot, writes_of},
    error::Error,
    schema::{Graph, Key, Node},
    sql::Relation,
};
use server::{Server, target};

impl CachedPool<Postgres> {
    /// Begins to follow what others write.
    pub(crate) async fn follow(self, replication: LogicalReplication) -> Result<(), Error> {
        if replication.max_staleness.is_zero() {
            return Err(Error::invalid(
                "follow_changes",
                "its `max_staleness` must be above zero",
            ));
        }
        let options = self.0.inner.connect_options();
        let refused = |trouble: Trouble| {
            let (problem, remedy) = trouble.told();
            Error::changes(problem, remedy)
        };
        let target = target(&options).map_err(refused)?;
        let changes = Outside {
            engine: self.0.engine.stamp(&Tags::definitions()),
            core: Arc::downgrade(&self.0),
            server: Server::new(&options, &replication),
        };
        Feed::start(
            &self.0.engine,
            Arc::new(changes),
            target,
            replication,
            &self.0.runtime,
        )
        .await
        .map_err(refused)
    }
}

/// What the feed knows of the pool, which it does not keep alive.
struct Outside {
    core: Weak<Core<Postgres>>,
    /// Of the definitions when the feed began: what a pool that is gone goes by.
    engine: Stamp,
    server: Server,
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

impl Changes for Outside {
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

    fn running(&self) -> BoxFuture<'_, Result<Running, Trouble>> {
        Box::pin(self.server.running())
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
