//! Relations and their columns.

use std::collections::{HashMap, HashSet};

use super::{
    KINDS, OWN_SCHEMA,
    answer::{elements, names, relation},
    ask,
};
use crate::{
    schema::{
        CatalogReader, ColumnKind, LoadError,
        catalog::{Column, Entry, RelationKind},
        reader::fields,
    },
    sql::Relation,
};

/// The relations as far as they are known, found again by the catalog's numbers.
#[derive(Default)]
pub(super) struct Relations {
    entries: Vec<Entry>,
    /// By the text of their `oid`.
    places: HashMap<Box<str>, usize>,
    /// The `attnum` of each column, an entry each.
    numbers: Vec<Vec<String>>,
    /// By their `oid`: a row of these can move to another partition by UPDATE.
    partitioned: HashSet<Box<str>>,
}

impl Relations {
    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    /// The relation's name; `None` if it is not a user's own, or came between two questions.
    pub(super) fn name(&self, oid: &str) -> Option<&Relation> {
        self.places.get(oid).map(|&place| &self.entries[place].name)
    }

    pub(super) fn entry(&mut self, oid: &str) -> Option<&mut Entry> {
        self.places.get(oid).map(|&place| &mut self.entries[place])
    }

    /// Whether it is a partition or has some: UPDATE can then delete a row in one and insert it into another.
    pub(super) fn is_partitioned(&self, oid: &str) -> bool {
        self.partitioned.contains(oid)
    }

    /// Notes that the columns with these numbers are a key. Each list once.
    pub(super) fn add_key(&mut self, oid: &str, numbers: &[&str]) {
        let Some(&place) = self.places.get(oid) else {
            return;
        };
        let entry = &mut self.entries[place];
        let known = &self.numbers[place];
        let column = |number: &&str| {
            let place = known.iter().position(|known| known == number)?;
            Some(entry.columns[place].name.clone())
        };
        let key: Option<Vec<Box<str>>> = numbers.iter().map(column).collect();
        if let Some(key) = key
            && !key.is_empty()
            && !entry.keys.contains(&key)
        {
            entry.keys.push(key);
        }
    }

    /// The names of the columns with these numbers; none if one of them is not known.
    pub(super) fn columns(&self, oid: &str, numbers: &[String]) -> Vec<Box<str>> {
        let Some(&place) = self.places.get(oid) else {
            return Vec::new();
        };
        let column = |number: &String| {
            let known = self.numbers[place].iter();
            let place = known.zip(&self.entries[place].columns);
            let mut named = place.filter(|(known, _)| *known == number);
            named.next().map(|(_, column)| column.name.clone())
        };
        let names: Option<Vec<Box<str>>> = numbers.iter().map(column).collect();
        names.unwrap_or_default()
    }

    fn add(&mut self, oid: String, entry: Entry, numbers: Vec<String>) {
        self.places.insert(oid.into(), self.entries.len());
        self.entries.push(entry);
        self.numbers.push(numbers);
    }
}

/// All relations of the user's own, without their keys and definitions.
pub(super) async fn load<R: CatalogReader>(
    reader: &mut R,
) -> Result<Relations, LoadError<R::Error>> {
    // Columns come as arrays, a row a relation: a row a column would cost more than all the rest.
    let sql = format!(
        "SELECT c.oid::text, n.nspname::text, c.relname::text, c.relkind::text, \
         c.relrowsecurity::text, c.relpersistence::text, \
         (c.relkind = 'p' OR c.relispartition)::text, \
         a.numbers::text, a.names::text, a.kinds::text \
         FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         LEFT JOIN ( \
             SELECT attrelid, array_agg(attnum ORDER BY attnum) AS numbers, \
             array_agg(attname ORDER BY attnum) AS names, array_agg( \
                 CASE atttypid \
                 WHEN 'int2'::regtype THEN 'int2' \
                 WHEN 'int4'::regtype THEN 'int4' \
                 WHEN 'int8'::regtype THEN 'int8' \
                 WHEN 'uuid'::regtype THEN 'uuid' \
                 WHEN 'bool'::regtype THEN 'bool' \
                 WHEN 'date'::regtype THEN 'date' \
                 WHEN 'text'::regtype THEN CASE WHEN {EQUAL_BY_BYTES} THEN 'text' ELSE 'other' END \
                 WHEN 'varchar'::regtype THEN CASE WHEN NOT {EQUAL_BY_BYTES} THEN 'other' \
                     WHEN atttypmod < 4 THEN 'text' ELSE 'text' || (atttypmod - 4) END \
                 ELSE 'other' END \
                 || CASE WHEN attgenerated = '' THEN '' ELSE '=' END ORDER BY attnum) AS kinds \
             FROM pg_catalog.pg_attribute WHERE attnum > 0 AND NOT attisdropped GROUP BY attrelid \
         ) a ON a.attrelid = c.oid \
         WHERE c.relkind IN {KINDS} AND {OWN_SCHEMA} ORDER BY n.nspname, c.relname"
    );
    let mut relations = Relations::default();
    for row in ask(reader, &sql).await? {
        let [
            oid,
            schema,
            name,
            kind,
            row_security,
            persistence,
            partitioned,
            numbers,
            columns,
            kinds,
        ] = fields(row);
        if partitioned == "true" {
            relations.partitioned.insert(oid.as_str().into());
        }
        let entry = Entry {
            name: relation(&schema, &name),
            kind: match kind.as_str() {
                "v" => RelationKind::View,
                "m" => RelationKind::MaterializedView,
                "f" => RelationKind::Foreign,
                "S" => RelationKind::Sequence,
                _ => RelationKind::Table,
            },
            columns: names(&columns)
                .into_iter()
                .zip(elements(&kinds))
                .map(|(name, kind)| column(name, &kind))
                .collect(),
            keys: Vec::new(),
            row_security: row_security == "true",
            unlogged: persistence == "u",
            replaces: false,
            definition: Vec::new(),
        };
        relations.add(oid, entry, elements(&numbers));
    }
    Ok(relations)
}

/// Whether the texts of a column are equal only if their bytes are.
const EQUAL_BY_BYTES: &str = "(attcollation NOT IN \
    (SELECT oid FROM pg_catalog.pg_collation WHERE NOT collisdeterministic))";

fn column(name: Box<str>, kind: &str) -> Column {
    let (kind, computed) = match kind.strip_suffix('=') {
        Some(kind) => (kind, true),
        None => (kind, false),
    };
    Column {
        name,
        kind: column_kind(kind),
        computed,
        numbered: false,
    }
}

fn column_kind(kind: &str) -> ColumnKind {
    let integer = |min: i64, max: i64| ColumnKind::Integer { min, max };
    match kind {
        "int2" => integer(i16::MIN.into(), i16::MAX.into()),
        "int4" => integer(i32::MIN.into(), i32::MAX.into()),
        "int8" => integer(i64::MIN, i64::MAX),
        "uuid" => ColumnKind::Uuid,
        "bool" => ColumnKind::Bool,
        "date" => ColumnKind::Date,
        "text" => ColumnKind::Text { max_chars: None },
        kind => match kind.strip_prefix("text").map(str::parse) {
            Some(Ok(max)) => ColumnKind::Text {
                max_chars: Some(max),
            },
            _ => ColumnKind::Other,
        },
    }
}
