//! The graph as users see it.

use std::{fmt, sync::Arc};

use super::{
    catalog::RelationKind,
    expand::{Reach, Target},
    graph::{Graph, Node},
};
use crate::sql::{Ops, Relation};

/// The relations of the database as the pool knows them, at one moment: what [`CachedPool::schema`](crate::CachedPool::schema)
/// gives. Cheap to clone; does not change when the database does.
///
/// Empty under [`SchemaMode::TextOnly`](crate::SchemaMode::TextOnly).
#[derive(Clone, Debug, Default)]
pub struct Schema(Option<Arc<Graph>>);

/// One relation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RelationInfo {
    /// Its name, with its schema.
    pub name: Relation,
    /// What kind of relation it is.
    pub kind: RelationKind,
    /// What a read of it depends on beside itself: the relations behind a view, those that policies look into.
    pub behind: Vec<Relation>,
    /// The keys by whose values its rows are told apart, each with its columns. None for views, and for tables that inherit
    /// rows or whose rows are inherited.
    pub keys: Vec<Vec<String>>,
    /// Whether it has row-level security, so that reads of it are cached only with a scope.
    pub row_security: bool,
}

/// What a change of a relation changes with it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Effects {
    /// Each relation that changes, and by what way, in words. The named one is among them.
    pub relations: Vec<(Relation, String)>,
    /// Why nobody can tell what else changes, in words: everything counts as changed then.
    pub everything: Option<String>,
}

impl Schema {
    pub(crate) fn new(graph: Option<Arc<Graph>>) -> Self {
        Schema(graph)
    }

    /// Every relation, in the catalog's order.
    pub fn relations(&self) -> impl Iterator<Item = RelationInfo> {
        let graph = self.0.as_deref();
        graph
            .into_iter()
            .flat_map(|graph| (0..graph.nodes.len()).map(|id| graph.info(id)))
    }

    /// The relations of a name: as SQL spells it, with or without a schema; without one there may be several.
    pub fn relation(&self, name: &str) -> Vec<RelationInfo> {
        let graph = self.0.as_deref();
        let meant = graph.map(|graph| {
            let ids = graph.meant(&Relation::named(name)).into_iter();
            ids.map(|id| graph.info(id)).collect()
        });
        meant.unwrap_or_default()
    }

    /// What changes when the relations of this name do, in these ways.
    pub fn effects(&self, name: &str, ops: Ops) -> Effects {
        match &self.0 {
            Some(graph) => {
                let targets = graph.meant(&Relation::named(name)).into_iter();
                graph.effects(&graph.expand(
                    targets.map(|id| Target {
                        id,
                        ops,
                        assigned: None,
                    }),
                    &[],
                    &[],
                ))
            }
            None => Effects {
                relations: Vec::new(),
                everything: None,
            },
        }
    }

    /// Code that runs when rows change and of which nobody can tell what it does: each as what to declare, in words.
    pub fn warnings(&self) -> Vec<String> {
        self.0.as_deref().map(Graph::warnings).unwrap_or_default()
    }
}

impl Graph {
    fn info(&self, id: usize) -> RelationInfo {
        let node = &self.nodes[id];
        let behind = self.behind(&[id]).into_iter().filter(|&other| other != id);
        RelationInfo {
            name: node.name.clone(),
            kind: node.kind,
            behind: behind.map(|id| self.nodes[id].name.clone()).collect(),
            keys: node
                .keys
                .iter()
                .map(|key| columns(node, &key.columns))
                .collect(),
            row_security: node.row_security,
        }
    }

    /// A reach in words.
    pub(crate) fn effects(&self, reach: &Reach) -> Effects {
        let mut relations: Vec<(Relation, String)> = Vec::new();
        for (&id, touch) in &reach.touched {
            let name = &self.nodes[id].name;
            relations.push((name.clone(), self.words(&touch.via)));
            let holders = self.holders(id).into_iter();
            relations.extend(holders.map(|holder| {
                let way = format!("as what stands above `{name}`");
                (self.nodes[holder].name.clone(), way)
            }));
        }
        Effects {
            relations,
            everything: reach
                .everything
                .as_ref()
                .map(|unknown| format!("{}: {}", self.words(&unknown.via), unknown.why)),
        }
    }

    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (id, node) in self.nodes.iter().enumerate() {
            let mut told = Vec::new();
            // Each node by itself: what it hands on is told where it runs.
            for hook in &node.hooks {
                if let Some(unknown) = self.run_alone(id, hook).everything
                    && !told.contains(&&hook.name)
                {
                    told.push(&hook.name);
                    warnings.push(format!(
                        "{}: {}: every write that runs it invalidates everything; \
                         `declare_trigger` or `declare_function` can say what it writes",
                        self.words(&unknown.via),
                        unknown.why
                    ));
                }
            }
        }
        warnings.extend(self.implied_warnings());
        warnings
    }
}

fn columns(node: &Node, columns: &[usize]) -> Vec<String> {
    let names = columns
        .iter()
        .map(|&column| node.columns[column].name.to_string());
    names.collect()
}

impl fmt::Display for Schema {
    /// A line a relation: what it is, what is behind it, what a change of it changes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for relation in self.relations() {
            write!(f, "{} ({:?})", relation.name, relation.kind)?;
            if !relation.behind.is_empty() {
                write!(f, ", reads {}", list(&relation.behind))?;
            }
            let name = quoted(&relation.name);
            let effects = self.effects(&name, Ops::ALL);
            for (other, way) in effects.relations {
                if other != relation.name {
                    write!(f, "; also {other} {way}")?;
                }
            }
            if let Some(why) = effects.everything {
                write!(f, "; possibly everything, {why}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn list(names: &[Relation]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.join(", ")
}

/// The name in a spelling that reads back to it.
fn quoted(name: &Relation) -> String {
    let part = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
    match &name.schema {
        Some(schema) => format!("{}.{}", part(schema), part(&name.name)),
        None => part(&name.name),
    }
}
