//! Where a session looks for a bare name.

use super::{CatalogReader, LoadError, reader::ask};
use crate::sql::Dialect;

/// The schemas in which a bare name is looked for, in order. Asks for nothing that a role may not see.
pub(crate) async fn path<R: CatalogReader>(
    dialect: Dialect,
    reader: &mut R,
) -> Result<Vec<Box<str>>, LoadError<R::Error>> {
    let sql = match dialect {
        Dialect::Postgres => {
            "SELECT schema::text FROM unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY AS path (schema, place) \
             ORDER BY place"
        }
        Dialect::MySql => "SELECT CONVERT(DATABASE() USING utf8mb4)",
        // What is temporary is a connection's own.
        Dialect::Sqlite => {
            "SELECT name FROM pragma_database_list WHERE name <> 'temp' ORDER BY seq"
        }
    };
    let rows = ask(reader, sql.to_owned()).await?;
    let names = rows.into_iter().filter_map(|row| row.into_iter().next()?);
    Ok(names.map(String::into_boxed_str).collect())
}
