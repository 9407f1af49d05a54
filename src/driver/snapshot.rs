//! What a pool knows of the database's definitions at one time.

use std::sync::Arc;

use crate::{
    cache::{Stamp, Tag},
    schema::{self, Graph, RelationKind},
    sql::{Dialect, Relation},
};

/// Where a pool takes from what a statement's text does not show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaMode {
    /// From the database's catalog.
    #[default]
    Catalog,
    /// From nowhere. What views, triggers, foreign keys, rules, partitions and functions of your own do is not seen: it must
    /// be declared or invalidated by hand.
    TextOnly,
}

/// The definitions as of one moment.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) dialect: Dialect,
    /// The schemas in which a bare name is looked for.
    pub(crate) path: Vec<Box<str>>,
    /// `None` where only texts are judged.
    pub(crate) graph: Option<Arc<Graph>>,
    /// What the catalog's fingerprint was, before it was read.
    pub(crate) fingerprint: String,
    /// Noted before the catalog was read. While it holds, nobody who is heard of has changed a definition since.
    pub(crate) stamp: Stamp,
}

impl Snapshot {
    /// The same definitions, which still held when `stamp` had been noted.
    pub(crate) fn renewed(&self, stamp: Stamp) -> Snapshot {
        Snapshot {
            stamp,
            ..self.clone()
        }
    }

    /// What a read depends on that names this: each table that it can mean, without a look into the catalog.
    pub(crate) fn candidates(&self, name: &Relation) -> Vec<Arc<str>> {
        let titled = |schema: &str| {
            let full = Relation {
                schema: Some(schema.into()),
                name: name.name.clone(),
            };
            schema::title(self.dialect, &full)
        };
        match &name.schema {
            Some(schema) => vec![titled(schema)],
            None if self.path.is_empty() => vec![titled("")],
            None => self.path.iter().map(|schema| titled(schema)).collect(),
        }
    }

    /// What a read of the tables that a user calls `name` depends on.
    pub(crate) fn read_by_hand(&self, name: &str) -> Vec<Tag> {
        let name = Relation::named(name);
        let graph = self.graph.as_deref();
        let known = graph.map(|graph| (graph, graph.meant(&name)));
        match known {
            Some((graph, nodes)) if !nodes.is_empty() => graph
                .behind(&nodes)
                .into_iter()
                .flat_map(|id| reads_of(graph, id))
                .collect(),
            _ => self.candidates(&name).into_iter().map(Tag::table).collect(),
        }
    }

    /// What a write of the tables that a user calls `name` moves.
    pub(crate) fn written_by_hand(&self, name: &str) -> Vec<Tag> {
        let name = Relation::named(name);
        let mut tags: Vec<Tag> = self
            .candidates(&name)
            .into_iter()
            .flat_map(writes_of_any)
            .collect();
        if let Some(graph) = &self.graph {
            let nodes = graph.meant(&name);
            tags.extend(nodes.into_iter().flat_map(|id| writes_of(graph, id)));
        }
        tags
    }
}

/// What a read of a whole relation depends on.
pub(super) fn reads_of(graph: &Graph, id: usize) -> impl Iterator<Item = Tag> {
    let above = graph.ancestors(id).into_iter();
    let above = above.map(|id| Tag::below(graph.node(id).title.clone()));
    std::iter::once(Tag::table(graph.node(id).title.clone())).chain(above)
}

/// What a write moves that does not tell which rows of a relation it changes.
pub(crate) fn writes_of(graph: &Graph, id: usize) -> Vec<Tag> {
    let node = graph.node(id);
    let mut tags = vec![Tag::table(node.title.clone())];
    if node.kind == RelationKind::Table {
        tags.push(Tag::unpinned(node.title.clone()));
    }
    if node.has_children() {
        tags.push(Tag::below(node.title.clone()));
    }
    let holders = graph.holders(id).into_iter();
    tags.extend(holders.map(|id| Tag::table(graph.node(id).title.clone())));
    tags
}

/// What a write moves of a relation of which nothing is known but its name.
pub(super) fn writes_of_any(title: Arc<str>) -> [Tag; 3] {
    [
        Tag::table(title.clone()),
        Tag::unpinned(title.clone()),
        Tag::below(title),
    ]
}
