//! One of the databases of a connection: the main one, or an attached one.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    columns::Described,
    definition::{mentions, trigger_ops, trigger_timing, unknown_module, view_query},
};
use crate::{
    schema::{
        Catalog, CatalogReader, LoadError,
        catalog::{Definition, Entry, ForeignKey, Hook, HookKind, Program, RelationKind, Timing},
        reader::ask,
        reader::fields,
        rows::{Keys, action},
    },
    sql::{Language, Ops, Relation},
};

/// A database, as a loader asks for it.
pub(super) struct Database {
    name: Box<str>,
    identifier: String,
    literal: String,
}

/// A row of `sqlite_schema`.
struct Object {
    kind: String,
    name: String,
    table: String,
    /// Where its rows begin; 0 for what has none.
    root: String,
    sql: String,
}

impl Database {
    pub(super) fn new(name: &str) -> Self {
        Database {
            name: name.into(),
            identifier: quoted(name, '"'),
            literal: quoted(name, '\''),
        }
    }

    /// Adds what is in it.
    pub(super) async fn load<R: CatalogReader>(
        &self,
        reader: &mut R,
        catalog: &mut Catalog,
    ) -> Result<(), LoadError<R::Error>> {
        let shadows = self.shadows(reader).await?;
        let mut columns = self.columns(reader).await?;
        let mut keys = Keys::new();
        self.primary_keys(&columns, &mut keys);
        self.indexes(reader, &mut keys).await?;
        self.foreign_keys(reader, &columns, &mut keys, &mut catalog.foreign_keys)
            .await?;
        for object in self.objects(reader).await? {
            if object.kind == "trigger" {
                catalog.hooks.push(self.trigger(object));
                continue;
            }
            let kind = match object.kind.as_str() {
                "view" => RelationKind::View,
                _ if object.root == "0" || shadows.contains(&object.name) => RelationKind::Foreign,
                _ => RelationKind::Table,
            };
            catalog.hooks.extend(self.module(&object));
            catalog.relations.push(self.entry(
                kind,
                columns.remove(&object.name).unwrap_or_default(),
                keys.take(&object.name),
                &object,
            ));
        }
        Ok(())
    }

    /// Tables, views and triggers, but for SQLite's own.
    async fn objects<R: CatalogReader>(
        &self,
        reader: &mut R,
    ) -> Result<Vec<Object>, LoadError<R::Error>> {
        let query = format!(
            "SELECT type, name, tbl_name, CAST(rootpage AS TEXT), sql FROM {}.sqlite_schema \
             WHERE type IN ('table', 'view', 'trigger') AND substr(name, 1, 7) <> 'sqlite_' \
             ORDER BY name",
            self.identifier
        );
        let rows = ask(reader, query).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let [kind, name, table, root, sql] = fields(row);
                Object {
                    kind,
                    name,
                    table,
                    root,
                    sql,
                }
            })
            .collect())
    }

    /// The tables that hold the rows of virtual tables.
    async fn shadows<R: CatalogReader>(
        &self,
        reader: &mut R,
    ) -> Result<HashSet<String>, LoadError<R::Error>> {
        let query = format!(
            "SELECT name FROM pragma_table_list WHERE type = 'shadow' AND schema = {}",
            self.literal
        );
        let rows = ask(reader, query).await?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// What a pragma's table `tail` says of each table that has rows of its own. SQLite could not tell the columns of a view
    /// that is broken, or of a virtual table whose module is missing.
    fn per_table(&self, columns: &str, tail: &str) -> String {
        format!(
            "SELECT t.name, {columns} FROM {}.sqlite_schema AS t {} \
             WHERE t.type = 'table' AND t.rootpage <> 0",
            self.identifier,
            tail.replace("DATABASE", &self.literal),
        )
    }

    async fn columns<R: CatalogReader>(
        &self,
        reader: &mut R,
    ) -> Result<HashMap<String, Vec<Described>>, LoadError<R::Error>> {
        let query = self.per_table(
            "c.name, c.type, CAST(c.pk AS TEXT), CAST(c.hidden AS TEXT)",
            "JOIN pragma_table_xinfo(t.name, DATABASE) AS c",
        );
        let mut columns = HashMap::<_, Vec<_>>::new();
        for row in ask(reader, query + " ORDER BY t.name, c.cid").await? {
            let [table, name, declared, key, hidden] = fields(row);
            columns.entry(table).or_default().push(Described {
                name,
                declared,
                key,
                hidden,
            });
        }
        Ok(columns)
    }

    /// Primary keys, also those that have no index since they are the rowid.
    fn primary_keys(&self, columns: &HashMap<String, Vec<Described>>, keys: &mut Keys<String>) {
        for (table, columns) in columns {
            let key: BTreeMap<_, _> = columns
                .iter()
                .filter_map(|column| Some((column.key.parse::<u32>().ok()?, &*column.name)))
                .filter(|(place, _)| *place > 0)
                .collect();
            let names = key.into_values().map(|name| Some(name.into())).collect();
            keys.add_key(table.clone(), names);
        }
    }

    async fn indexes<R: CatalogReader>(
        &self,
        reader: &mut R,
        keys: &mut Keys<String>,
    ) -> Result<(), LoadError<R::Error>> {
        let query = self.per_table(
            "l.name, CAST(l.\"unique\" AS TEXT), c.name",
            "JOIN pragma_index_list(t.name, DATABASE) AS l \
             JOIN pragma_index_info(l.name, DATABASE) AS c",
        );
        let mut lists = BTreeMap::<_, Vec<Option<Box<str>>>>::new();
        for row in ask(reader, query + " AND l.partial = 0 ORDER BY c.seqno").await? {
            let [table, index, unique, column] = fields(row);
            // An expression has no name.
            let column = Some(column).filter(|name| !name.is_empty());
            lists
                .entry((table, index, unique))
                .or_default()
                .push(column.map(Into::into));
        }
        for ((table, _, unique), columns) in lists {
            match unique.as_str() {
                "1" => keys.add_key(table, columns),
                _ => keys.add_index(table, columns),
            }
        }
        Ok(())
    }

    /// Foreign keys, whether or not `PRAGMA foreign_keys` is on: it is each connection's own.
    async fn foreign_keys<R: CatalogReader>(
        &self,
        reader: &mut R,
        described: &HashMap<String, Vec<Described>>,
        keys: &mut Keys<String>,
        found: &mut Vec<ForeignKey>,
    ) -> Result<(), LoadError<R::Error>> {
        let query = self.per_table(
            "f.\"table\", f.\"from\", f.\"to\", f.on_delete, f.on_update, CAST(f.id AS TEXT)",
            "JOIN pragma_foreign_key_list(t.name, DATABASE) AS f",
        );
        let mut lists = BTreeMap::<_, Vec<(String, String)>>::new();
        for row in ask(reader, query + " ORDER BY f.seq").await? {
            let [child, parent, column, to, on_delete, on_update, id] = fields(row);
            lists
                .entry((child, id, parent, on_delete, on_update))
                .or_default()
                .push((column, to));
        }
        for ((child, _, parent, on_delete, on_update), columns) in lists {
            let (columns, to): (Vec<String>, Vec<String>) = columns.into_iter().unzip();
            let referenced = match to.iter().any(String::is_empty) {
                true => primary_key(described, &parent),
                false => to.into_iter().map(Into::into).collect(),
            };
            found.push(ForeignKey {
                name: format!("{child}({})", columns.join(", ")).into(),
                child: self.relation(&child),
                // A key is bound to its own database. (foreignkeys.html §2.)
                parent: self.relation(&parent),
                referenced,
                on_delete: action(&on_delete, Ops::DELETE),
                on_update: action(&on_update, Ops::UPDATE),
            });
            let columns = columns.into_iter().map(|name| Some(name.into())).collect();
            keys.add_key(child, columns);
        }
        Ok(())
    }

    fn relation(&self, name: &str) -> Relation {
        Relation {
            schema: Some(self.name.clone()),
            name: name.into(),
        }
    }

    fn entry(
        &self,
        kind: RelationKind,
        described: Vec<Described>,
        keys: Vec<Vec<Box<str>>>,
        object: &Object,
    ) -> Entry {
        let collates = mentions(&object.sql, "COLLATE");
        // An INSERT without a list of columns gives those that are not generated, in their order.
        let (hidden, shown): (Vec<_>, Vec<_>) =
            described.into_iter().partition(Described::is_hidden);
        let definition = (kind == RelationKind::View).then(|| Definition {
            text: view_query(&object.sql).map(str::to_owned),
            ..Definition::default()
        });
        Entry {
            name: self.relation(&object.name),
            kind,
            columns: shown
                .into_iter()
                .chain(hidden)
                .map(|column| column.column(collates))
                .collect(),
            keys,
            row_security: false,
            unlogged: false,
            replaces: mentions(&object.sql, "CONFLICT") && mentions(&object.sql, "REPLACE"),
            definition: definition.into_iter().collect(),
        }
    }

    fn trigger(&self, object: Object) -> Hook {
        Hook {
            name: object.name.into(),
            kind: HookKind::Trigger,
            relation: self.relation(&object.table),
            ops: trigger_ops(&object.sql),
            timing: trigger_timing(&object.sql),
            program: Program::Text(Language::SqliteTrigger, object.sql),
        }
    }

    /// What runs at a write to a virtual table, if that is not known to keep to its own.
    fn module(&self, object: &Object) -> Option<Hook> {
        let is_virtual = object.kind == "table" && object.root == "0";
        let why = is_virtual.then(|| unknown_module(&object.sql)).flatten()?;
        Some(Hook {
            name: "VIRTUAL TABLE".into(),
            kind: HookKind::Trigger,
            relation: self.relation(&object.name),
            ops: Ops::ALL,
            timing: Timing::Before,
            program: Program::Unknown(why),
        })
    }
}

/// The columns of a table's primary key, in any order.
fn primary_key(tables: &HashMap<String, Vec<Described>>, table: &str) -> Vec<Box<str>> {
    let named = |(name, _): &(&String, _)| name.eq_ignore_ascii_case(table);
    let columns = tables.iter().find(named).map(|(_, columns)| columns);
    let keys = columns.into_iter().flatten().filter(|c| c.key != "0");
    keys.map(|column| column.name.as_str().into()).collect()
}

/// A name as an identifier (`"`) or a literal (`'`).
pub(super) fn quoted(name: &str, quote: char) -> String {
    let doubled = name.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}
