//! The catalog of MySQL and MariaDB: `information_schema`.
//!
//! Promises the relations of all databases that the account can see, with their views, triggers, foreign keys and routines,
//! or an error that names the missing grant: an account without TRIGGER on a table is not shown what happens when it
//! changes. Written for MySQL 8 and MariaDB 10.6 and later; where their dictionaries differ, only what both have is asked for.
//!
//! What it cannot see: databases hidden from the account. A cascade into one of them is in no listing; a trigger's or a
//! view's text names it, as an unknown relation. EVENTs run by themselves, as any other client does.
//!
//! A load is several statements and no snapshot. Who needs to know that nothing changed meanwhile takes the fingerprint
//! before and after.

mod columns;
mod grants;
mod listing;
mod programs;

use std::collections::{BTreeMap, HashMap};

use super::{
    Catalog, CatalogReader, LoadError,
    catalog::{Definition, Entry, ForeignKey, RelationKind},
    path::path,
    rows::{Keys, action},
};
use crate::sql::{Dialect, Ops, Relation, defaults};
use columns::Described;
use grants::Grants;
use listing::{
    COLUMNS, FOREIGN_KEY_COLUMNS, FOREIGN_KEYS, INDEXES, NAMED_SINCE, ROUTINES, TABLES, TRIGGERS,
    VIEWS,
};
use programs::{created, elsewhere, routines, triggers};

/// Engines whose rows are in the table itself and on this server. Those of any other may be in other tables (MERGE), on other
/// servers (FEDERATED, SPIDER), or in files that anybody can change (CONNECT).
const ENGINES: [&str; 9] = [
    "InnoDB",
    "MyISAM",
    "Aria",
    "MEMORY",
    "ARCHIVE",
    "BLACKHOLE",
    "ROCKSDB",
    "TokuDB",
    "ndbcluster",
];

/// A table's database and name, as the catalog has them.
type Name = (String, String);

/// Reads the catalog.
pub(crate) async fn load<R: CatalogReader>(reader: &mut R) -> Result<Catalog, LoadError<R::Error>> {
    let grants = Grants::load(reader).await?;
    let mut parts = Parts {
        columns: columns(reader).await?,
        keys: keys(reader).await?,
        views: views(reader).await?,
    };
    let mut missing = Vec::new();
    let mut catalog = Catalog {
        path: path(Dialect::MySql, reader).await?,
        foreign_keys: foreign_keys(reader).await?,
        hooks: triggers(reader).await?,
        routines: routines(reader, &grants).await?,
        ..Catalog::default()
    };
    for [database, name, kind, engine] in TABLES.rows(reader).await? {
        let kind = match kind.as_str() {
            "VIEW" => RelationKind::View,
            "SEQUENCE" => RelationKind::Sequence,
            "BASE TABLE" | "SYSTEM VERSIONED" if ENGINES.contains(&engine.as_str()) => {
                RelationKind::Table
            }
            _ => RelationKind::Foreign,
        };
        let is_hidden = parts.hides_view(&database, &name);
        let entry = parts.entry(&database, &name, kind, engine == "MEMORY");
        if kind == RelationKind::Foreign {
            catalog.hooks.push(elsewhere(&entry.name, &engine));
        }
        if is_hidden {
            missing.extend([(database.clone(), "SELECT"), (database, "SHOW VIEW")]);
        } else if matches!(kind, RelationKind::Table | RelationKind::Foreign)
            && !grants.shows_triggers(&database, &name)
        {
            missing.push((database, "TRIGGER"));
        }
        catalog.relations.push(entry);
    }
    if missing.is_empty() {
        return Ok(catalog);
    }
    let hides_triggers = missing.iter().any(|(_, privilege)| *privilege == "TRIGGER");
    Err(LoadError {
        query: if hides_triggers {
            TRIGGERS.query()
        } else {
            VIEWS.query()
        },
        remedy: Some(grants.remedy(&missing)),
        source: None,
    })
}

/// A text that is another one if the catalog has changed in a way that matters. The server digests what [`load`] reads, so
/// it costs the server about what a load does (about 0.1 ms a table) and the network nothing, but for a question for each
/// routine with parameters, from MariaDB 11.8 on.
pub(crate) async fn fingerprint<R: CatalogReader>(
    reader: &mut R,
) -> Result<String, LoadError<R::Error>> {
    let grants = Grants::load(reader).await?;
    let digests = [
        TABLES.digest(reader).await?,
        NAMED_SINCE.digest(reader).await?,
        COLUMNS.digest(reader).await?,
        INDEXES.digest(reader).await?,
        VIEWS.digest(reader).await?,
        FOREIGN_KEYS.digest(reader).await?,
        FOREIGN_KEY_COLUMNS.digest(reader).await?,
        TRIGGERS.digest(reader).await?,
        ROUTINES.digest(reader).await?,
        defaults_of(&created(reader, &grants).await?),
        grants.fingerprint(),
    ];
    Ok(digests.join(" "))
}

/// The defaults of parameters, with whose they are; those that cannot be read too.
fn defaults_of(created: &BTreeMap<[String; 3], String>) -> String {
    let mut shown = String::new();
    for (routine, create) in created {
        let found = defaults(create);
        if found.as_ref().is_none_or(|found| !found.is_empty()) {
            shown += &format!("{routine:?} {found:?} ");
        }
    }
    shown
}

/// What belongs to a relation and is listed by itself.
struct Parts {
    columns: HashMap<Name, Vec<Described>>,
    keys: Keys<Name>,
    views: HashMap<Name, String>,
}

impl Parts {
    /// Whether there is a view whose query the account may not see. One that is not listed was made or dropped meanwhile.
    fn hides_view(&self, database: &str, name: &str) -> bool {
        let key = (database.to_owned(), name.to_owned());
        self.views.get(&key).is_some_and(String::is_empty)
    }

    fn entry(&mut self, database: &str, name: &str, kind: RelationKind, unlogged: bool) -> Entry {
        let key = (database.to_owned(), name.to_owned());
        let described = self.columns.remove(&key).unwrap_or_default();
        let mut keys = self.keys.take(&key);
        let shows = |column: &str| described.iter().any(|shown| *shown.name == *column);
        if !keys.iter().flatten().all(|column| shows(column)) {
            // Others may tell rows apart by columns that are hidden from this account.
            keys.clear();
        }
        // An INSERT without a list of columns gives the visible ones, in their order.
        let (hidden, shown): (Vec<_>, Vec<_>) =
            described.into_iter().partition(Described::is_invisible);
        let definition = (kind == RelationKind::View).then(|| Definition {
            text: self.views.remove(&key),
            ..Definition::default()
        });
        Entry {
            name: relation(database, name),
            kind,
            columns: shown
                .into_iter()
                .chain(hidden)
                .map(Described::column)
                .collect(),
            keys,
            row_security: false,
            unlogged,
            replaces: false,
            definition: definition.into_iter().collect(),
        }
    }
}

fn relation(database: &str, name: &str) -> Relation {
    Relation {
        schema: Some(database.into()),
        name: name.into(),
    }
}

async fn columns<R: CatalogReader>(
    reader: &mut R,
) -> Result<HashMap<Name, Vec<Described>>, LoadError<R::Error>> {
    let mut columns = HashMap::<_, Vec<_>>::new();
    for row in COLUMNS.rows(reader).await? {
        let [
            database,
            table,
            name,
            _,
            data_type,
            column_type,
            max_chars,
            max_bytes,
            collation,
            extra,
        ] = row;
        columns
            .entry((database, table))
            .or_default()
            .push(Described {
                name,
                data_type,
                column_type,
                max_chars,
                max_bytes,
                collation,
                extra,
            });
    }
    Ok(columns)
}

/// The columns of each unique index and foreign key, and the first column of every index.
async fn keys<R: CatalogReader>(reader: &mut R) -> Result<Keys<Name>, LoadError<R::Error>> {
    let mut lists = BTreeMap::<_, Vec<Option<Box<str>>>>::new();
    for [database, table, index, _, shared, column, prefix] in INDEXES.rows(reader).await? {
        // An expression has no column; of a prefix, several values have the same.
        let whole = !column.is_empty() && prefix.is_empty();
        let kind = if shared == "0" {
            Index::Key
        } else {
            Index::Other
        };
        lists
            .entry((database, table, index, kind))
            .or_default()
            .push(whole.then(|| column.into()));
    }
    for [database, table, constraint, _, column, _] in FOREIGN_KEY_COLUMNS.rows(reader).await? {
        lists
            .entry((
                database,
                table,
                format!("foreign key {constraint}"),
                Index::Key,
            ))
            .or_default()
            .push(Some(column.into()));
    }
    let mut keys = Keys::new();
    for ((database, table, _, kind), columns) in lists {
        match kind {
            Index::Key => keys.add_key((database, table), columns),
            Index::Other => keys.add_index((database, table), columns),
        }
    }
    Ok(keys)
}

/// Whether an index, or what is like one, is a key of its table.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Index {
    Key,
    Other,
}

async fn views<R: CatalogReader>(
    reader: &mut R,
) -> Result<HashMap<Name, String>, LoadError<R::Error>> {
    let rows = VIEWS.rows(reader).await?;
    Ok(rows
        .into_iter()
        .map(|[database, name, definition]| ((database, name), definition))
        .collect())
}

async fn foreign_keys<R: CatalogReader>(
    reader: &mut R,
) -> Result<Vec<ForeignKey>, LoadError<R::Error>> {
    let mut referenced = HashMap::<_, Vec<Box<str>>>::new();
    for [database, table, constraint, _, _, column] in FOREIGN_KEY_COLUMNS.rows(reader).await? {
        referenced
            .entry([database, table, constraint])
            .or_default()
            .push(column.into());
    }
    let rows = FOREIGN_KEYS.rows(reader).await?;
    Ok(rows
        .into_iter()
        .map(
            |[
                database,
                name,
                child,
                parent_database,
                parent,
                on_delete,
                on_update,
            ]| ForeignKey {
                referenced: referenced
                    .remove(&[database.clone(), child.clone(), name.clone()])
                    .unwrap_or_default(),
                name: name.into(),
                child: relation(&database, &child),
                // Without a name the account does not see the parent, and so cannot be told to write it.
                parent: relation(&parent_database, &parent),
                on_delete: action(&on_delete, Ops::DELETE),
                on_update: action(&on_update, Ops::UPDATE),
            },
        )
        .collect())
}
