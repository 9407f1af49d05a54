//! The graph of relations: the catalog put together, with every piece of code in it read.

use std::sync::Arc;

use super::{
    Catalog, ColumnKind,
    catalog::{Column, Entry, HookKind, RelationKind, Timing, Volatility},
    code::{Code, World},
    declare::Declarations,
    implied::ImpliedRoutines,
    names::{Names, fold},
    omission::{Omission, Omitted},
};
use crate::sql::{Dialect, Functions, Ops, Reason, Relation};

/// The most keys of a table by which rows are told apart: each costs every write that is not told by it a slot.
const MOST_KEYS: usize = 8;

/// Everything that is known of the database's relations, as of one moment. Never changes.
#[derive(Debug)]
pub(crate) struct Graph {
    pub(super) dialect: Dialect,
    /// The schemas in which a bare name is looked for.
    pub(super) path: Vec<Box<str>>,
    pub(super) nodes: Vec<Node>,
    pub(super) names: Names,
    pub(super) routines: Vec<RoutineNode>,
    pub(super) routine_names: Names,
    pub(super) implied: ImpliedRoutines,
    /// What runs at DDL.
    pub(super) at_ddl: Vec<Box<str>>,
    /// Judges calls in statements as in bodies.
    pub(super) functions: Functions,
    pub(super) omitted: Omitted,
}

/// A relation and what hangs on it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: Relation,
    /// The name in tags: with its schema, in lower case where case does not count.
    pub(crate) title: Arc<str>,
    pub(crate) kind: RelationKind,
    pub(crate) columns: Vec<Column>,
    /// The keys by which its rows are told apart; none if they are not.
    pub(crate) keys: Vec<Key>,
    pub(super) row_security: bool,
    pub(super) replaces: bool,
    /// Why results that read it are not cached.
    pub(super) refusal: Option<Reason>,
    pub(super) parents: Vec<usize>,
    pub(super) children: Vec<usize>,
    pub(super) references: Vec<Reference>,
    pub(super) hooks: Vec<HookNode>,
    pub(super) definition: Vec<Code>,
}

/// Columns whose values tell rows apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Indexes into the node's columns.
    pub(crate) columns: Vec<usize>,
    /// Their names, for tags.
    pub(crate) label: Box<str>,
}

/// A foreign key that points to a node.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) name: Box<str>,
    pub(super) child: usize,
    /// The node's columns that it points to; none if they are not known.
    pub(super) columns: Vec<Box<str>>,
    pub(super) on_delete: Ops,
    pub(super) on_update: Ops,
}

/// Code that runs when a node's rows change.
#[derive(Debug)]
pub(super) struct HookNode {
    pub(super) name: Box<str>,
    pub(super) kind: HookKind,
    pub(super) ops: Ops,
    pub(super) timing: Timing,
    pub(super) code: Code,
}

/// A function or procedure.
#[derive(Debug)]
pub(super) struct RoutineNode {
    pub(super) name: Relation,
    pub(super) volatility: Volatility,
    pub(super) packaged: bool,
    pub(super) harmless: bool,
    /// What it does, or why that is not known.
    pub(super) code: Result<Code, Box<str>>,
}

impl Graph {
    /// Puts a catalog together.
    pub(crate) fn new(
        dialect: Dialect,
        catalog: Catalog,
        declarations: &Declarations,
        omitted: Omitted,
    ) -> Self {
        let names = Names::new(dialect, catalog.relations.iter().map(|entry| &entry.name));
        let routine_names = Names::new(
            dialect,
            catalog.routines.iter().map(|routine| &routine.name),
        );
        let of_rows = catalog.routines.iter().enumerate();
        let of_rows = of_rows.filter(|(_, routine)| routine.of_rows);
        let of_rows = Names::numbered(dialect, of_rows.map(|(id, routine)| (id, &routine.name)));
        let functions = declarations.functions.clone().judged_elsewhere();
        let world = World {
            dialect,
            functions: &functions,
            relations: &names,
            routines: &routine_names,
            of_rows: &of_rows,
            home: None,
        };
        let exact = |name: &Relation| names.resolve(name, &[]);
        let mut nodes: Vec<Node> = catalog
            .relations
            .into_iter()
            .enumerate()
            .map(|(id, entry)| node(world, id, entry, declarations))
            .collect();
        for (child, parent) in &catalog.parents {
            for (&child, &parent) in pairs(&exact(child), &exact(parent)) {
                nodes[child].parents.push(parent);
                nodes[parent].children.push(child);
            }
        }
        for key in catalog.foreign_keys {
            for (&child, &parent) in pairs(&exact(&key.child), &exact(&key.parent)) {
                nodes[parent].references.push(Reference {
                    name: key.name.clone(),
                    child,
                    columns: key.referenced.clone(),
                    on_delete: key.on_delete,
                    on_update: key.on_update,
                });
            }
        }
        for hook in catalog.hooks {
            let mut declared = declarations.triggers.iter();
            let declared = declared.rfind(|trigger| trigger.is_about(&hook.name, &hook.relation));
            let code = match declared {
                Some(trigger) => world.declared(&trigger.writes),
                None => world.of(&hook.relation).program(&hook.program),
            };
            for id in exact(&hook.relation) {
                nodes[id].hooks.push(HookNode {
                    name: hook.name.clone(),
                    kind: hook.kind,
                    ops: hook.ops,
                    timing: hook.timing,
                    code: code.clone(),
                });
            }
        }
        for node in &mut nodes {
            // A row of a partition is a row of its parents too, and is written through any of them.
            if !(node.parents.is_empty() && node.children.is_empty()) {
                node.keys.clear();
            }
        }
        let routines = catalog.routines.into_iter().map(|routine| RoutineNode {
            code: routine
                .body
                .map(|(language, text)| world.of(&routine.name).text(language, &text)),
            name: routine.name,
            volatility: routine.volatility,
            packaged: routine.packaged,
            harmless: routine.harmless,
        });
        let mut graph = Graph {
            routines: routines.collect(),
            dialect,
            path: catalog.path,
            nodes,
            names,
            routine_names,
            implied: ImpliedRoutines::new(of_rows),
            at_ddl: catalog.at_ddl,
            functions,
            omitted,
        };
        graph.imply(&catalog.implied);
        graph
    }

    /// Whether DDL runs code of the database's users (event triggers), which may write.
    pub(crate) fn runs_code_at_ddl(&self) -> bool {
        !self.at_ddl.is_empty()
    }

    /// How many relations there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, id: usize) -> &Node {
        &self.nodes[id]
    }

    /// How calls in a statement are to be judged, so that [`needs`](Self::needs) and [`expand`](Self::expand) can.
    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    /// A column of a node.
    pub(crate) fn column<'n>(&self, node: &'n Node, name: &str) -> Option<&'n Column> {
        let mut columns = node.columns.iter();
        columns.find(|column| self.is_same_name(&column.name, name))
    }

    /// Whether two names of columns are one to the database.
    pub(crate) fn is_same_name(&self, one: &str, other: &str) -> bool {
        fold(self.dialect, one) == fold(self.dialect, other)
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Every relation that a user can mean by `name`.
    pub(crate) fn meant(&self, name: &Relation) -> Vec<usize> {
        self.names.anywhere(name)
    }

    /// What stands above a node, by partitioning or inheritance.
    pub(crate) fn ancestors(&self, id: usize) -> Vec<usize> {
        self.closure(id, |node| &node.parents)
    }

    /// What stands below it.
    pub(crate) fn descendants(&self, id: usize) -> Vec<usize> {
        self.closure(id, |node| &node.children)
    }

    /// Where else rows of a node show: in what stands above it, and in the other parents of what stands below it.
    pub(crate) fn holders(&self, id: usize) -> Vec<usize> {
        let mut found = self.ancestors(id);
        let below = self.descendants(id);
        let shared = |below: &&usize| self.nodes[**below].parents.len() > 1;
        for &child in below.iter().filter(shared) {
            for above in self.ancestors(child) {
                if above != id && !below.contains(&above) && !found.contains(&above) {
                    found.push(above);
                }
            }
        }
        found
    }

    fn closure(&self, id: usize, next: impl Fn(&Node) -> &Vec<usize>) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        if self.omitted.is(Omission::Inheritance) {
            return found;
        }
        let mut waiting = next(&self.nodes[id]).clone();
        while let Some(id) = waiting.pop() {
            if !found.contains(&id) {
                found.push(id);
                waiting.extend(next(&self.nodes[id]));
            }
        }
        found
    }
}

/// What the driver leaves out itself.
impl Graph {
    pub(crate) fn omits_temporary(&self) -> bool {
        self.omitted.is(Omission::Temporary)
    }

    pub(crate) fn omits_keys(&self) -> bool {
        self.omitted.is(Omission::Rows)
    }
}

impl Node {
    /// Whether others stand below it.
    pub(crate) fn has_children(&self) -> bool {
        !self.children.is_empty()
    }

    /// Whether what is written to its rows is what the statement says: nothing rewrites it on the way. What runs afterwards
    /// can write the table once more.
    pub(crate) fn takes_rows_as_given(&self) -> bool {
        let rewrites =
            |hook: &HookNode| hook.kind != HookKind::Column && hook.timing == Timing::Before;
        !self.replaces && !self.hooks.iter().any(rewrites)
    }
}

/// The name of a relation in tags.
pub(crate) fn title(dialect: Dialect, name: &Relation) -> Arc<str> {
    fold(dialect, &name.to_string()).into()
}

fn pairs<'a>(
    left: &'a [usize],
    right: &'a [usize],
) -> impl Iterator<Item = (&'a usize, &'a usize)> {
    left.iter()
        .flat_map(move |one| right.iter().map(move |other| (one, other)))
}

fn node(world: World<'_>, id: usize, entry: Entry, declarations: &Declarations) -> Node {
    let named = |names: &[Relation]| {
        let mut names = names.iter();
        names.any(|name| world.relations.anywhere(name).contains(&id))
    };
    let name = || entry.name.to_string().into_boxed_str();
    let refusal = match entry.kind {
        RelationKind::Sequence => Some(Reason::SystemCatalog(name())),
        _ if named(&declarations.cacheable) => None,
        RelationKind::Foreign => Some(Reason::ForeignTable(name())),
        _ if entry.unlogged => Some(Reason::UnloggedTable(name())),
        RelationKind::Table | RelationKind::View | RelationKind::MaterializedView => None,
    };
    let keys = if entry.kind == RelationKind::Table && !named(&declarations.table_level) {
        keys(&entry)
    } else {
        Vec::new()
    };
    Node {
        title: title(world.dialect, &entry.name),
        keys,
        refusal,
        definition: entry
            .definition
            .iter()
            .map(|definition| world.of(&entry.name).definition(definition))
            .collect(),
        name: entry.name,
        kind: entry.kind,
        columns: entry.columns,
        row_security: entry.row_security,
        replaces: entry.replaces,
        parents: Vec::new(),
        children: Vec::new(),
        references: Vec::new(),
        hooks: Vec::new(),
    }
}

/// The keys whose values can be compared here.
fn keys(entry: &Entry) -> Vec<Key> {
    let column = |name: &str| {
        let position = entry
            .columns
            .iter()
            .position(|column| *column.name == *name)?;
        let column = &entry.columns[position];
        (column.kind != ColumnKind::Other && !column.computed).then_some(position)
    };
    let mut keys: Vec<Key> = Vec::new();
    for names in &entry.keys {
        let columns: Option<Vec<usize>> = names.iter().map(|name| column(name)).collect();
        if let Some(mut columns) = columns.filter(|columns| !columns.is_empty()) {
            columns.sort_unstable();
            columns.dedup();
            let label: Vec<&str> = columns.iter().map(|&at| &*entry.columns[at].name).collect();
            let key = Key {
                label: label.join("\0").into(),
                columns,
            };
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys.truncate(MOST_KEYS);
    keys
}
