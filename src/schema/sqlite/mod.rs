//! The catalog of SQLite: `sqlite_schema` and pragmas.
//!
//! Promises the tables, views and triggers of the main and of all attached databases. What is in `temp` belongs to one
//! connection and is left out, as are SQLite's own tables. A load is several statements and no snapshot: who needs to know
//! that nothing changed meanwhile takes the fingerprint before and after.

mod columns;
mod database;
mod definition;

use super::{
    Catalog, CatalogReader, LoadError,
    catalog::Entry,
    path::path,
    reader::{ask, fields},
};
use crate::sql::{Dialect, Relation};
use database::{Database, quoted};

/// Reads the catalog.
pub(crate) async fn load<R: CatalogReader>(reader: &mut R) -> Result<Catalog, LoadError<R::Error>> {
    let mut catalog = Catalog::default();
    for name in path(Dialect::Sqlite, reader).await? {
        Database::new(&name).load(reader, &mut catalog).await?;
        catalog.path.push(name);
    }
    attached_twice(reader, &mut catalog).await?;
    Ok(catalog)
}

/// A file can be attached under several names, and then a write to a table is one to its namesakes too: each is taken for a
/// partition of the others.
async fn attached_twice<R: CatalogReader>(
    reader: &mut R,
    catalog: &mut Catalog,
) -> Result<(), LoadError<R::Error>> {
    let query = "SELECT one.name, other.name FROM pragma_database_list AS one \
        JOIN pragma_database_list AS other ON one.file = other.file AND one.seq <> other.seq \
        WHERE one.file <> ''";
    for row in ask(reader, query.to_owned()).await? {
        let [one, other] = fields(row);
        let of_one = |entry: &&Entry| entry.name.schema.as_deref() == Some(one.as_str());
        for entry in catalog.relations.iter().filter(of_one) {
            let namesake = Relation {
                schema: Some(other.as_str().into()),
                name: entry.name.name.clone(),
            };
            catalog.parents.push((entry.name.clone(), namesake));
        }
    }
    Ok(())
}

/// A text that is another one if the catalog has changed in a way that matters. SQLite counts the changes of each database's
/// schema, and a look at that costs next to nothing. The first ANALYZE makes a table of SQLite's own and counts as well;
/// edits of the schema's table by hand (`writable_schema`) do not.
///
/// Two files can have the same count, so each is named; what has no file shows its objects.
pub(crate) async fn fingerprint<R: CatalogReader>(
    reader: &mut R,
) -> Result<String, LoadError<R::Error>> {
    let mut parts = Vec::new();
    let databases = "SELECT name, file FROM pragma_database_list WHERE name <> 'temp' ORDER BY seq";
    for row in ask(reader, databases.to_owned()).await? {
        let [name, file] = fields(row);
        let identifier = quoted(&name, '"');
        // The pragma answers with a number, and has no form that can be cast in a query of one attached database.
        let version = ask(reader, format!("PRAGMA {identifier}.schema_version")).await?;
        let objects = match file.is_empty() {
            true => {
                let objects =
                    format!("SELECT name, sql FROM {identifier}.sqlite_schema ORDER BY type, name");
                ask(reader, objects).await?
            }
            false => Vec::new(),
        };
        parts.push(format!("{name:?} {file:?} {version:?} {objects:?}"));
    }
    Ok(parts.join(" "))
}
