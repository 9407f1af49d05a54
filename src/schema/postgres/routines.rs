//! Functions, procedures and aggregates.

use super::{
    FIRST_OWN,
    answer::{pairs, relation},
    ask,
};
use crate::{
    schema::{
        CatalogReader, LoadError,
        catalog::{Routine, Volatility},
        reader::fields,
    },
    sql::{Language, Relation},
};

/// Whether a row of `pg_depend` says that an object belongs to an extension whose functions read and write no table.
///
/// Each of these was looked through: its functions compute from their arguments, or keep a state of the session or of
/// nothing (random numbers), which their volatility says. What is not here can run SQL of its own (`dblink`, `tablefunc`,
/// `xml2`, PostGIS, which looks up `spatial_ref_sys` in functions that it calls immutable) or was not looked through.
/// `insert_username`, `moddatetime` and `tcn` are triggers: they set a column of the row that is being written, or notify.
pub(super) const HARMLESS: &str = "refclassid = 'pg_catalog.pg_extension'::regclass AND deptype = 'e' \
    AND refobjid IN (SELECT oid FROM pg_catalog.pg_extension WHERE extname IN ( \
        'btree_gin', 'btree_gist', 'citext', 'cube', 'earthdistance', 'fuzzystrmatch', 'hstore', \
        'insert_username', 'intarray', 'isn', 'ltree', 'moddatetime', 'pg_trgm', 'pgcrypto', 'seg', \
        'tcn', 'unaccent', 'uuid-ossp', 'vector'))";

/// Whether a function of `pg_proc p` can be given a row as its only argument: a composite type, or one that a row is taken
/// for.
const OF_ROWS: &str = "(p.pronargs > 0 AND p.pronargs - p.pronargdefaults <= 1 AND (p.provariadic <> 0 \
    OR p.proargtypes[0] IN (SELECT oid FROM pg_catalog.pg_type WHERE typtype IN ('c', 'd', 'p')) \
    OR p.proargtypes[0] IN (SELECT casttarget FROM pg_catalog.pg_cast WHERE castcontext = 'i' AND castsource IN \
        (SELECT oid FROM pg_catalog.pg_type WHERE typtype IN ('c', 'd', 'p')))))";

/// All that did not come with the server, each overload by itself.
pub(super) async fn load<R: CatalogReader>(
    reader: &mut R,
) -> Result<Vec<Routine>, LoadError<R::Error>> {
    let version = ask(reader, "SELECT current_setting('server_version_num')").await?;
    let version = version.into_iter().flat_map(|row| {
        let [version] = fields(row);
        version.parse::<u32>()
    });
    let question = question(body_of(version.min().unwrap_or_default()));
    let rows = ask(reader, &question).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let [
                schema,
                name,
                volatility,
                kind,
                language,
                harmless,
                text,
                support,
                of_rows,
                packaged,
            ] = fields(row);
            Routine {
                name: relation(&schema, &name),
                volatility: match volatility.as_str() {
                    "i" => Volatility::Immutable,
                    "s" => Volatility::Stable,
                    _ => Volatility::Volatile,
                },
                body: match (kind.as_str(), language.as_str()) {
                    ("a", _) => Ok((Language::Sql, calls_of(&pairs(&support)))),
                    ("w", _) => Err("a window function".into()),
                    (_, "sql") if !text.is_empty() => Ok((Language::Sql, text)),
                    (_, "plpgsql") if !text.is_empty() => Ok((Language::PlPgSql, text)),
                    (_, language) => Err(format!("language {language}").into()),
                },
                of_rows: of_rows == "true",
                packaged: packaged == "true",
                harmless: harmless == "true",
            }
        })
        .collect())
}

/// Where the body stands. One that is parsed when the function is made (`BEGIN ATOMIC`) came with PostgreSQL 14.
fn body_of(version: u32) -> &'static str {
    match version {
        140_000.. => "coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)",
        _ => "p.prosrc",
    }
}

/// What an aggregate does: it calls its support functions.
fn calls_of(functions: &[Relation]) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let calls: Vec<String> = functions
        .iter()
        .map(|function| {
            let schema = function.schema.as_deref().unwrap_or("pg_catalog");
            format!("{}.{}()", quoted(schema), quoted(&function.name))
        })
        .collect();
    format!("SELECT {}", calls.join(", "))
}

/// An aggregate is taken to be as volatile as its support functions: its own mark says nothing. A call can leave out arguments
/// that have defaults, and evaluates these: they stand as one more routine of the name.
fn question(body: &str) -> String {
    format!(
        "WITH packaged AS ( \
             SELECT objid FROM pg_catalog.pg_depend \
             WHERE classid = 'pg_catalog.pg_proc'::regclass AND deptype = 'e' \
             AND refclassid = 'pg_catalog.pg_extension'::regclass \
         ), \
         harmless AS ( \
             SELECT objid FROM pg_catalog.pg_depend \
             WHERE classid = 'pg_catalog.pg_proc'::regclass AND {HARMLESS} \
         ), \
         support AS ( \
             SELECT a.aggfnoid::oid AS oid, f.oid AS funcid, f.provolatile, \
             ARRAY[n.nspname::text, f.proname::text] AS name \
             FROM pg_catalog.pg_aggregate a CROSS JOIN LATERAL unnest(ARRAY[ \
                 aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, \
                 aggminvtransfn, aggmfinalfn]::oid[]) part \
             JOIN pg_catalog.pg_proc f ON f.oid = part JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace \
             WHERE a.aggfnoid >= {FIRST_OWN} \
         ), \
         aggregates AS ( \
             SELECT oid, max(provolatile::text) AS volatility, \
             bool_and(funcid < {FIRST_OWN} OR funcid IN (SELECT objid FROM harmless)) AS harmless, \
             array_agg(name)::text AS support \
             FROM support GROUP BY oid \
         ) \
         SELECT n.nspname::text, p.proname::text, coalesce(a.volatility, p.provolatile::text), p.prokind::text, \
         l.lanname::text, coalesce(a.harmless, p.oid IN (SELECT objid FROM harmless))::text, \
         CASE WHEN l.lanname IN ('sql', 'plpgsql') THEN {body} END, a.support, {OF_ROWS}::text, (p.oid IN (SELECT objid FROM packaged))::text \
         FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
         JOIN pg_catalog.pg_language l ON l.oid = p.prolang LEFT JOIN aggregates a ON a.oid = p.oid \
         WHERE p.oid >= {FIRST_OWN} AND left(n.nspname, 8) <> 'pg_temp_' \
         UNION ALL \
         SELECT n.nspname::text, p.proname::text, p.provolatile::text, 'f', 'sql', 'false', \
         'SELECT ' || pg_get_expr(p.proargdefaults, 0), NULL, {OF_ROWS}::text, 'false' \
         FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
         WHERE p.oid >= {FIRST_OWN} AND left(n.nspname, 8) <> 'pg_temp_' AND p.pronargdefaults > 0 \
         ORDER BY 1, 2, 3, 7"
    )
}
