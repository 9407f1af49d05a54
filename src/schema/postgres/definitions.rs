//! What stands behind a relation: a view's query, and the conditions of the policies by which rows are shown.

use super::{
    KINDS, OWN_SCHEMA,
    answer::{names, pairs},
    ask,
    calls::CALLED,
    relations::Relations,
    routines::HARMLESS,
};
use crate::{
    schema::{CatalogReader, LoadError, catalog::Definition, reader::fields},
    sql::{Reason, Relation},
};

/// Adds the definitions. A materialised view has none: its rows are its own until it is refreshed.
pub(super) async fn load<R: CatalogReader>(
    reader: &mut R,
    relations: &mut Relations,
) -> Result<(), LoadError<R::Error>> {
    for row in ask(reader, &question()).await? {
        let [oid, text, reads, calls, operators] = fields(row);
        // A policy is read, whichever of its conditions holds for whoever asks.
        if let Some(entry) = relations.entry(&oid) {
            let operator = names(&operators).into_iter().next();
            let (own, foreign): (Vec<Relation>, Vec<Relation>) =
                pairs(&reads).into_iter().partition(is_own);
            let system = foreign.first().map(|name| name.to_string().into());
            entry.definition.push(Definition {
                text: (!text.is_empty()).then_some(text),
                reads: Some(own),
                calls: pairs(&calls),
                refusal: operator
                    .map(Reason::CustomOperator)
                    .or(system.map(Reason::SystemCatalog)),
            });
        }
    }
    Ok(())
}

/// Whether the schema is one of [`OWN_SCHEMA`]'s. The views of `information_schema` are the only others that the catalog keeps
/// account of; those of `pg_catalog` are seen by their names in the text.
fn is_own(name: &Relation) -> bool {
    let schema = name.schema.as_deref().unwrap_or_default();
    schema != "information_schema" && !schema.starts_with("pg_")
}

/// A view's text names relations as the search path of this session would find them; which ones it reads stands beside it.
/// A policy's conditions are put into a query of the table that they guard.
fn question() -> String {
    format!(
        "WITH RECURSIVE {CALLED}, \
         defined (oid, classid, objid, text) AS ( \
             SELECT c.oid, r.tableoid, r.oid, pg_get_viewdef(c.oid) \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_rewrite r ON r.ev_class = c.oid AND r.rulename = '_RETURN' \
             WHERE c.relkind = 'v' AND {OWN_SCHEMA} \
             UNION ALL \
             SELECT c.oid, l.tableoid, l.oid, concat('SELECT 1 FROM ', c.oid::regclass, ' WHERE ', \
                 concat_ws(' AND ', pg_get_expr(l.polqual, c.oid), pg_get_expr(l.polwithcheck, c.oid), 'true')) \
             FROM pg_catalog.pg_policy l JOIN pg_catalog.pg_class c ON c.oid = l.polrelid \
         ), \
         read (classid, objid, relations) AS ( \
             SELECT d.classid, d.objid, array_agg(DISTINCT ARRAY[n.nspname::text, c.relname::text]) \
             FROM defined f JOIN pg_catalog.pg_depend d ON d.classid = f.classid AND d.objid = f.objid \
             JOIN pg_catalog.pg_class c ON c.oid = d.refobjid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND c.oid <> f.oid AND c.relkind IN {KINDS} \
             GROUP BY d.classid, d.objid \
         ), \
         operated (classid, objid, operators) AS ( \
             SELECT d.classid, d.objid, array_agg(DISTINCT o.oprname::text) \
             FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_operator o ON o.oid = d.refobjid \
             WHERE d.refclassid = 'pg_catalog.pg_operator'::regclass \
             AND o.oid NOT IN (SELECT objid FROM pg_catalog.pg_depend \
                 WHERE classid = 'pg_catalog.pg_operator'::regclass AND {HARMLESS}) \
             GROUP BY d.classid, d.objid \
         ) \
         SELECT f.oid::text, f.text, r.relations::text, c.functions::text, o.operators::text \
         FROM defined f LEFT JOIN read r USING (classid, objid) \
         LEFT JOIN called c USING (classid, objid) LEFT JOIN operated o USING (classid, objid) \
         ORDER BY f.oid, f.objid"
    )
}
