//! The catalog of PostgreSQL, from 13 on: `pg_catalog`.
//!
//! Promises few questions, each about all relations at once, and that whatever the loader reads or a privilege depends on
//! moves the fingerprint. One file a noun of [`Catalog`]; each has its question and makes sense of the answer.
//!
//! The questions are several, so DDL made elsewhere can come between two of them. A fingerprint that was taken before the
//! catalog was read is then another than the next one, which is how it comes out.

mod answer;
mod calls;
mod definitions;
mod fingerprint;
mod hooks;
mod implied;
mod keys;
mod links;
mod relations;
mod routines;

use super::{Catalog, CatalogReader, LoadError, Record, path, reader::fields};
use crate::sql::Dialect;

pub(crate) use fingerprint::fingerprint;

/// Which schemas are a user's own, of `pg_namespace n`. No other can begin with `pg_`, and those of temporary relations do.
const OWN_SCHEMA: &str = "(left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema')";

/// The kinds of relations that rows are read from, of `pg_class`: tables, partitioned ones, views, materialised views,
/// foreign tables, sequences.
const KINDS: &str = "('r', 'p', 'v', 'm', 'f', 'S')";

/// The lowest number of an object that did not come with the server (`FirstNormalObjectId`).
const FIRST_OWN: u32 = 16384;

/// Reads the catalog.
pub(crate) async fn load<R: CatalogReader>(reader: &mut R) -> Result<Catalog, LoadError<R::Error>> {
    let mut relations = relations::load(reader).await?;
    keys::load(reader, &mut relations).await?;
    let foreign_keys = links::foreign_keys(reader, &mut relations).await?;
    definitions::load(reader, &mut relations).await?;
    Ok(Catalog {
        path: path(Dialect::Postgres, reader).await?,
        foreign_keys,
        parents: links::parents(reader, &relations).await?,
        hooks: hooks::load(reader, &relations).await?,
        routines: routines::load(reader).await?,
        implied: implied::load(reader).await?,
        at_ddl: at_ddl(reader).await?,
        relations: relations.into_entries(),
    })
}

/// The event triggers, also those that are switched off.
async fn at_ddl<R: CatalogReader>(reader: &mut R) -> Result<Vec<Box<str>>, LoadError<R::Error>> {
    let rows = ask(
        reader,
        "SELECT evtname::text FROM pg_catalog.pg_event_trigger ORDER BY 1",
    )
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let [name] = fields(row);
            name.into()
        })
        .collect())
}

/// The answer to a question; if it is refused, with what helps.
async fn ask<R: CatalogReader>(
    reader: &mut R,
    sql: &str,
) -> Result<Vec<Record>, LoadError<R::Error>> {
    match reader.rows(sql).await {
        Ok(rows) => Ok(rows),
        Err(source) => Err(LoadError {
            query: sql.to_owned(),
            remedy: remedy(reader).await,
            source: Some(source),
        }),
    }
}

/// The catalog's tables that some question needs. Everybody may read them unless somebody has taken that away.
const TABLES: [&str; 31] = [
    "pg_aggregate",
    "pg_am",
    "pg_amop",
    "pg_amproc",
    "pg_attrdef",
    "pg_attribute",
    "pg_auth_members",
    "pg_cast",
    "pg_class",
    "pg_collation",
    "pg_constraint",
    "pg_database",
    "pg_db_role_setting",
    "pg_depend",
    "pg_enum",
    "pg_event_trigger",
    "pg_extension",
    "pg_index",
    "pg_inherits",
    "pg_language",
    "pg_namespace",
    "pg_operator",
    "pg_policy",
    "pg_proc",
    "pg_range",
    "pg_rewrite",
    "pg_roles",
    "pg_trigger",
    "pg_ts_config_map",
    "pg_ts_dict",
    "pg_type",
];

/// The grants that are missing. Asked by a function that reads no table itself; `None` if it has no answer either, or if
/// it was not for want of a grant.
async fn remedy<R: CatalogReader>(reader: &mut R) -> Option<String> {
    let tables = TABLES.map(|table| format!("'pg_catalog.{table}'"));
    let sql = format!(
        "SELECT name, quote_ident(current_user) FROM unnest(ARRAY[{}]) name \
         WHERE NOT has_table_privilege(name, 'SELECT')",
        tables.join(", ")
    );
    // The error that led here is the one to report.
    let rows = reader.rows(&sql).await.ok()?;
    let grants: Vec<String> = rows
        .into_iter()
        .map(|row| {
            let [table, role] = fields(row);
            format!("GRANT SELECT ON {table} TO {role}")
        })
        .collect();
    (!grants.is_empty()).then(|| grants.join("; "))
}
