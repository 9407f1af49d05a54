//! Reads and writes that tell which rows of a table they are about; [`Tag`] says which tags they depend on and move.

use std::{fmt, mem, sync::Arc};

use super::writes::{self, tags};
use crate::{
    cache::{Tag, Tags},
    driver::{
        ledger::Effect,
        snapshot::{reads_of, writes_of},
    },
    schema::{Canonical, ColumnKind, Graph, Key, Needs, Node, Via},
    sql::{Facts, Occurrence, Operand, Pin, PinnedWrite, Relation},
};

/// The most rows of one table that a statement is told to be about; past it, it is about all of them.
const MOST_ROWS: usize = 64;

/// Values of one column: an operand each, and what the column holds.
#[derive(Clone, Debug)]
struct Choice {
    kind: ColumnKind,
    operands: Vec<Operand>,
}

/// The rows with some values in a key: every combination of its columns' choices.
#[derive(Clone, Debug)]
struct Rows {
    title: Arc<str>,
    label: Box<str>,
    choices: Vec<Choice>,
}

impl Rows {
    /// Their tags; `None` if a value cannot be compared here, or if they are too many.
    fn tags(&self, values: &[Option<Canonical>]) -> Option<Vec<Tag>> {
        let mut bytes: Vec<Vec<u8>> = vec![Vec::new()];
        for choice in &self.choices {
            let choices: Option<Vec<Canonical>> = choice
                .operands
                .iter()
                .map(|operand| choice.kind.canonical(&value(operand, values)?))
                .collect();
            let choices = choices?;
            if bytes.len() * choices.len() > MOST_ROWS {
                return None;
            }
            bytes = bytes
                .iter()
                .flat_map(|before| {
                    choices.iter().map(move |value| {
                        let mut after = before.clone();
                        after.extend_from_slice(&value.bytes());
                        after
                    })
                })
                .collect();
        }
        let tag = |bytes: Vec<u8>| Tag::row(self.title.clone(), &self.label, &bytes);
        Some(bytes.into_iter().map(tag).collect())
    }
}

fn value(operand: &Operand, values: &[Option<Canonical>]) -> Option<Canonical> {
    match operand {
        Operand::Parameter(index) => values.get(*index)?.clone(),
        Operand::Integer(value) => Some(Canonical::Integer(*value)),
        Operand::Text(value) => Some(Canonical::Text(value.clone())),
        Operand::Bool(value) => Some(Canonical::Bool(*value)),
    }
}

/// A read of some rows of some of its tables.
pub(super) struct RowReads {
    /// The tags of what is not told by rows.
    rest: Vec<Tag>,
    tables: Vec<Table>,
}

/// A table of which a read tells the rows in each place where it stands.
#[derive(Debug)]
struct Table {
    title: Arc<str>,
    places: Vec<Rows>,
}

impl RowReads {
    /// `None` if it tells no rows.
    pub(super) fn new(facts: &Facts, graph: &Graph, needs: &Needs) -> Option<RowReads> {
        let mut tables = Vec::new();
        let mut rest = Vec::new();
        for &id in &needs.nodes {
            let places = needs
                .named
                .contains(&id)
                .then(|| places(&facts.pins.reads, graph, id));
            match places.flatten() {
                Some(places) => tables.push(Table {
                    title: graph.node(id).title.clone(),
                    places,
                }),
                None => rest.extend(reads_of(graph, id)),
            }
        }
        rest.extend(facts.hints.tags.iter().map(|tag| Tag::user(tag)));
        (!tables.is_empty()).then_some(RowReads { rest, tables })
    }

    /// Each table of which it tells rows, with the keys by which it does.
    pub(super) fn told(&self) -> impl Iterator<Item = (&str, Vec<String>)> {
        self.tables.iter().map(|table| {
            let keys = table
                .places
                .iter()
                .map(|place| place.label.replace('\0', ", "));
            let mut keys: Vec<String> = keys.collect();
            keys.sort_unstable();
            keys.dedup();
            (&*table.title, keys)
        })
    }

    /// What the read depends on with these arguments.
    pub(super) fn tags(&self, values: &[Option<Canonical>]) -> Tags {
        let of_table = |table: &Table| {
            let mut tags = vec![Tag::unpinned(table.title.clone())];
            for place in &table.places {
                let Some(rows) = place.tags(values) else {
                    return vec![Tag::table(table.title.clone())];
                };
                tags.push(Tag::key(table.title.clone(), &place.label));
                tags.extend(rows);
            }
            tags
        };
        let tables = self.tables.iter().flat_map(of_table);
        self.rest.iter().cloned().chain(tables).collect()
    }
}

impl fmt::Debug for RowReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entry(&self.rest)
            .entries(&self.tables)
            .finish()
    }
}

/// The rows in each place where a node is read; `None` if one of them is about all rows.
fn places(occurrences: &[Occurrence], graph: &Graph, id: usize) -> Option<Vec<Rows>> {
    let node = graph.node(id);
    let mut places = Vec::new();
    for occurrence in occurrences {
        let meant = graph.resolve(&occurrence.relation);
        if meant.contains(&id) {
            let alone = meant.len() == 1;
            let mut keys = node.keys.iter();
            places.push(keys.find_map(|key| {
                alone
                    .then(|| rows(&occurrence.pins, graph, node, key))
                    .flatten()
            })?);
        }
    }
    (!places.is_empty()).then_some(places)
}

/// The rows that pins tell by a key.
fn rows(pins: &[Pin], graph: &Graph, node: &Node, key: &Key) -> Option<Rows> {
    let choices: Option<Vec<Choice>> =
        key.columns
            .iter()
            .map(|&column| {
                let column = &node.columns[column];
                let alike = |(relation, through): &(Relation, Box<str>)| match graph
                    .resolve(relation)[..]
                {
                    [other] => graph
                        .column(graph.node(other), through)
                        .is_some_and(|other| {
                            mem::discriminant(&other.kind) == mem::discriminant(&column.kind)
                        }),
                    _ => false,
                };
                let mut pins = pins
                    .iter()
                    .filter(|pin| graph.is_same_name(&pin.column, &column.name));
                let pin = pins.find(|pin| pin.through.iter().all(alike))?;
                Some(Choice {
                    kind: column.kind,
                    operands: pin.values.clone(),
                })
            })
            .collect();
    Some(Rows {
        title: node.title.clone(),
        label: key.label.clone(),
        choices: choices?,
    })
}

/// A write of some rows of one table.
#[derive(Debug)]
pub(super) struct RowWrites {
    /// What moves whichever rows it changes, beside what only a write moves that does not tell its rows.
    always: Vec<Tag>,
    title: Arc<str>,
    keys: Vec<KeyWrite>,
}

/// What a write tells by one key.
#[derive(Debug)]
struct KeyWrite {
    label: Box<str>,
    /// Its rows, in pieces; `None` if it does not tell them.
    rows: Option<Vec<Rows>>,
}

impl RowWrites {
    /// `None` if it does not tell its rows by any key.
    pub(super) fn new(facts: &Facts, graph: &Graph) -> Option<RowWrites> {
        let write = facts.pins.write.as_ref()?;
        let target = match write {
            PinnedWrite::Existing { target, .. } => &target.relation,
            PinnedWrite::New { relation, .. } => relation,
        };
        let [id] = graph.resolve(target)[..] else {
            return None;
        };
        let node = graph.node(id);
        if !node.takes_rows_as_given() || node.keys.is_empty() {
            return None;
        }
        let calls = graph.calls(facts);
        let reads = graph.resolve_all(&facts.reads);
        let reach = graph.expand([writes::target(facts, target, id)], &reads, &calls.routines);
        let own = reach.touched.get(&id)?;
        if own.again || own.via != Via::Named {
            return None;
        }
        let keys = node.keys.iter().map(|key| KeyWrite {
            label: key.label.clone(),
            rows: written(write, graph, node, key),
        });
        let keys: Vec<KeyWrite> = keys
            .filter(|key| key.rows.is_some() || !graph.omits_keys())
            .collect();
        if keys.iter().all(|key| key.rows.is_none()) {
            return None;
        }
        let others = reach.touched.keys().filter(|&&other| other != id);
        let words = facts.hints.tags.iter().map(|tag| Tag::user(tag));
        Some(RowWrites {
            always: others
                .flat_map(|&other| writes_of(graph, other))
                .chain([Tag::table(node.title.clone())])
                .chain(words)
                .collect(),
            title: node.title.clone(),
            keys,
        })
    }

    /// The table, with the keys by which it tells the rows.
    pub(super) fn told(&self) -> (&str, Vec<String>) {
        let keys = self.keys.iter().filter(|key| key.rows.is_some());
        let labels = keys.map(|key| key.label.replace('\0', ", "));
        (&self.title, labels.collect())
    }

    /// What the write does with these arguments, where it does `whole` if they tell nothing.
    pub(super) fn effects(&self, whole: &[Effect], values: &[Option<Canonical>]) -> Vec<Effect> {
        let mut moved = self.always.clone();
        let mut told = false;
        for key in &self.keys {
            let rows = key.rows.as_ref().and_then(|rows| {
                let rows: Option<Vec<Vec<Tag>>> =
                    rows.iter().map(|rows| rows.tags(values)).collect();
                rows.map(|rows| rows.concat())
                    .filter(|rows| rows.len() <= MOST_ROWS)
            });
            match rows {
                Some(rows) => {
                    told = true;
                    moved.extend(rows);
                }
                None => moved.push(Tag::key(self.title.clone(), &key.label)),
            }
        }
        match told {
            true => vec![Effect::Write(tags(moved))],
            false => whole.to_vec(),
        }
    }
}

/// The rows that a write changes, as a key tells them.
fn written(write: &PinnedWrite, graph: &Graph, node: &Node, key: &Key) -> Option<Vec<Rows>> {
    match write {
        PinnedWrite::Existing { target, assigned } => {
            let is_assigned = |&column: &usize| {
                let name = &node.columns[column].name;
                assigned
                    .iter()
                    .any(|assigned| graph.is_same_name(assigned, name))
            };
            // A column that the catalog does not have can be another name of one that it has: SQLite's `rowid`.
            // A row would leave the values that tell it for others.
            if key.columns.iter().any(is_assigned)
                || !assigned
                    .iter()
                    .all(|name| graph.column(node, name).is_some())
            {
                return None;
            }
            Some(vec![rows(&target.pins, graph, node, key)?])
        }
        PinnedWrite::New { columns, rows, .. } => rows
            .iter()
            .map(|row| inserted(columns.as_deref(), row, graph, node, key))
            .collect(),
    }
}

/// The place of a new row.
fn inserted(
    columns: Option<&[Box<str>]>,
    row: &[Option<Operand>],
    graph: &Graph,
    node: &Node,
    key: &Key,
) -> Option<Rows> {
    let given = |column: &usize| {
        let own = &node.columns[*column];
        let at = match columns {
            Some(names) => {
                let is_own = |name: &str| graph.is_same_name(name, &own.name);
                // SQLite takes a column that is named twice, and one of the values.
                if names.iter().filter(|name| is_own(name)).count() > 1 {
                    return None;
                }
                names.iter().position(|name| is_own(name))?
            }
            // Which columns a list without names leaves out, only the server knows.
            None if node.columns.iter().any(|column| column.computed) => return None,
            None => *column,
        };
        let mut named = columns.unwrap_or_default().iter();
        if !named.all(|name| graph.column(node, name).is_some()) {
            return None;
        }
        let kind = match own.kind {
            // MySQL takes 0 for a number that it is to choose.
            ColumnKind::Integer { max, .. } if own.numbered => ColumnKind::Integer { min: 1, max },
            kind => kind,
        };
        Some(Choice {
            kind,
            operands: vec![row.get(at)?.clone()?],
        })
    };
    let choices: Option<Vec<Choice>> = key.columns.iter().map(given).collect();
    Some(Rows {
        title: node.title.clone(),
        label: key.label.clone(),
        choices: choices?,
    })
}
