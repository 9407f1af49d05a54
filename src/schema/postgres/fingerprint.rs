//! Whether the catalog is still the one that was read.
//!
//! A row that DDL or a grant has touched is a new one, and `xmin` says who made it: its sum over a table of the catalog, hashed
//! with the row's number, is another then. Freezing keeps `xmin`, and statistics are written into the old row. Only
//! `pg_class` is also written by what changes no schema (TRUNCATE, REFRESH, a temporary child), so of it the columns that
//! matter are hashed. Temporary objects, which sessions make all the time, do not count.

use super::{FIRST_OWN, KINDS, OWN_SCHEMA, ask};
use crate::schema::{CatalogReader, LoadError, reader::fields};

/// A text that is another one if the catalog has changed in a way that matters: in what the loader reads, in who may see or
/// run it, and in types, casts, operators and dictionaries that change what an unchanged row looks like.
pub(crate) async fn fingerprint<R: CatalogReader>(
    reader: &mut R,
) -> Result<String, LoadError<R::Error>> {
    let rows = ask(reader, &question()).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let [text] = fields(row);
            text
        })
        .collect())
}

fn question() -> String {
    let parts: Vec<String> = parts().iter().map(Part::sql).collect();
    format!(
        "WITH RECURSIVE schemas AS MATERIALIZED ( \
             SELECT n.oid, n.nspowner, n.xmin FROM pg_catalog.pg_namespace n WHERE {OWN_SCHEMA} \
         ), \
         own AS MATERIALIZED ( \
             SELECT c.oid, relowner FROM pg_catalog.pg_class c JOIN schemas ON schemas.oid = c.relnamespace \
             WHERE c.relkind IN {KINDS} OR c.relkind = 'c' \
         ), \
         roles (oid) AS ( \
             (SELECT oid FROM pg_catalog.pg_roles WHERE rolname IN (session_user, current_user) \
             UNION SELECT relowner FROM own UNION SELECT nspowner FROM schemas \
             UNION SELECT proowner FROM pg_catalog.pg_proc WHERE oid >= {FIRST_OWN}) \
             UNION SELECT m.roleid FROM roles JOIN pg_catalog.pg_auth_members m ON m.member = roles.oid \
         ) \
         SELECT concat_ws(' ', session_user, current_user, current_schemas(false), {})",
        parts.join(", ")
    )
}

/// A sum over rows.
struct Part {
    /// What is hashed.
    content: &'static str,
    /// What tells the row from others.
    number: &'static str,
    rows: String,
}

impl Part {
    fn sql(&self) -> String {
        let Part {
            content,
            number,
            rows,
        } = self;
        format!("(SELECT sum(hashtextextended({content}, {number}::int8)) FROM {rows})")
    }
}

/// Rows of which every new version counts.
fn versions(number: &'static str, rows: impl Into<String>) -> Part {
    Part {
        content: "xmin::text",
        number,
        rows: rows.into(),
    }
}

fn parts() -> Vec<Part> {
    let columns = |content, number, rows: &str| Part {
        content,
        number,
        rows: rows.to_owned(),
    };
    vec![
        versions("oid", "schemas"),
        columns(
            "concat_ws(' ', relnamespace, relname, relkind, relowner, relrowsecurity, relforcerowsecurity, \
             relpersistence, relispartition, reloptions, relacl)",
            "oid",
            "pg_catalog.pg_class WHERE oid IN (SELECT oid FROM own)",
        ),
        // A new default too makes a new version, of the column.
        versions(
            "attrelid",
            "pg_catalog.pg_attribute WHERE attnum > 0 AND attrelid IN (SELECT oid FROM own)",
        ),
        versions(
            "indexrelid",
            "pg_catalog.pg_index WHERE indrelid IN (SELECT oid FROM own)",
        ),
        versions(
            "oid",
            "pg_catalog.pg_constraint WHERE contype IN ('c', 'f') AND connamespace IN (SELECT oid FROM schemas)",
        ),
        columns(
            "concat_ws(' ', xmin, inhparent)",
            "inhrelid",
            "pg_catalog.pg_inherits WHERE inhrelid IN (SELECT oid FROM own)",
        ),
        versions(
            "oid",
            "pg_catalog.pg_trigger WHERE (NOT tgisinternal OR tgconstraint = 0) \
             AND tgrelid IN (SELECT oid FROM own)",
        ),
        versions(
            "oid",
            "pg_catalog.pg_rewrite WHERE ev_class IN (SELECT oid FROM own)",
        ),
        versions(
            "oid",
            "pg_catalog.pg_policy WHERE polrelid IN (SELECT oid FROM own)",
        ),
        // Of the server's own functions those with a grant of their own, for its being taken away.
        versions(
            "oid",
            format!(
                "pg_catalog.pg_proc WHERE pronamespace IN (SELECT oid FROM schemas) \
                 OR pronamespace = 'pg_catalog'::regnamespace AND (oid >= {FIRST_OWN} OR proacl IS NOT NULL)"
            ),
        ),
        versions(
            "oid",
            "pg_catalog.pg_type WHERE typtype <> 'c' AND typelem = 0 AND typnamespace IN (SELECT oid FROM schemas)",
        ),
        versions(
            "oid",
            "pg_catalog.pg_enum WHERE enumtypid IN \
             (SELECT oid FROM pg_catalog.pg_type WHERE typnamespace IN (SELECT oid FROM schemas))",
        ),
        versions(
            "oid",
            "pg_catalog.pg_operator WHERE oprnamespace IN (SELECT oid FROM schemas)",
        ),
        versions(
            "oid",
            format!("pg_catalog.pg_cast WHERE oid >= {FIRST_OWN}"),
        ),
        versions(
            "oid",
            format!("pg_catalog.pg_amop WHERE oid >= {FIRST_OWN}"),
        ),
        versions(
            "oid",
            format!("pg_catalog.pg_amproc WHERE oid >= {FIRST_OWN}"),
        ),
        versions("oid", "pg_catalog.pg_ts_dict"),
        versions("mapcfg", "pg_catalog.pg_ts_config_map"),
        versions("oid", "pg_catalog.pg_extension"),
        versions(
            "objid",
            "pg_catalog.pg_depend WHERE refclassid = 'pg_catalog.pg_extension'::regclass AND deptype = 'e'",
        ),
        versions("oid", "pg_catalog.pg_event_trigger"),
        columns(
            "concat_ws(' ', datname, datdba, datacl)",
            "oid",
            "pg_catalog.pg_database WHERE datname = current_database()",
        ),
        columns(
            "concat_ws(' ', rolname, rolsuper, rolinherit, rolbypassrls)",
            "oid",
            "pg_catalog.pg_roles WHERE oid IN (SELECT oid FROM roles)",
        ),
        versions(
            "member",
            "pg_catalog.pg_auth_members WHERE member IN (SELECT oid FROM roles)",
        ),
        columns(
            "concat_ws(' ', setdatabase, setconfig)",
            "setrole",
            "pg_catalog.pg_db_role_setting WHERE setdatabase IN \
             (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) \
             AND (setrole = 0 OR setrole IN (SELECT oid FROM roles))",
        ),
    ]
}
