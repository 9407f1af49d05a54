//! Functions that run without being named: behind operators and casts, and those that belong to types.

use super::{FIRST_OWN, answer::relation, ask, calls::CALLED, routines::HARMLESS};
use crate::schema::{CatalogReader, LoadError, catalog::ImpliedCall, reader::fields};

/// All that did not come with the server, nor with an extension whose functions read and write no table.
pub(super) async fn load<R: CatalogReader>(
    reader: &mut R,
) -> Result<Vec<ImpliedCall>, LoadError<R::Error>> {
    let rows = ask(reader, &question()).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let [operator, type_name, schema, name] = fields(row);
            ImpliedCall {
                operator: (!operator.is_empty()).then(|| operator.into()),
                type_name: (!type_name.is_empty()).then(|| type_name.into()),
                function: relation(&schema, &name),
            }
        })
        .collect())
}

/// An operator stands in the text of whoever uses it, but for those that words stand for (`IN`, `LIKE`, `USING`), those by
/// which rows are sorted and compared, and those of exclusion constraints. Values are cast wherever another type is
/// expected, and types are read and written, checked and sorted by wherever a value of them is: any statement can do that.
// A domain's constraints are checked where a value becomes one of it: in a statement that names it or a type that holds it, in
// code, and in a table with such a column, whose hook that is.
fn question() -> String {
    format!(
        "WITH RECURSIVE {CALLED}, \
         harmless AS ( \
             SELECT objid FROM pg_catalog.pg_depend \
             WHERE classid = 'pg_catalog.pg_proc'::regclass AND {HARMLESS} \
         ), \
         unseen (operator) AS ( \
             SELECT m.amopopr FROM pg_catalog.pg_amop m JOIN pg_catalog.pg_am a ON a.oid = m.amopmethod \
             WHERE a.amname IN ('btree', 'hash') \
             UNION ALL \
             SELECT unnest(conexclop) FROM pg_catalog.pg_constraint WHERE contype = 'x' \
         ), \
         implied (operator, type_name, funcid) AS ( \
             SELECT CASE WHEN oprname IN ('=', '<>', '<', '>', '<=', '>=', '~~', '!~~', '~~*', '!~~*', '~', '!~') \
                 OR oid IN (SELECT operator FROM unseen) THEN '' ELSE oprname END::text, '', oprcode::oid \
             FROM pg_catalog.pg_operator \
             UNION ALL \
             SELECT '', '', castfunc FROM pg_catalog.pg_cast \
             UNION ALL \
             SELECT '', '', amproc::oid FROM pg_catalog.pg_amproc \
             UNION ALL \
             SELECT '', '', unnest(ARRAY[typinput, typoutput, typreceive, typsend, typmodin]::oid[]) FROM pg_catalog.pg_type \
             UNION ALL \
             SELECT '', '', unnest(ARRAY[rngcanonical, rngsubdiff]::oid[]) FROM pg_catalog.pg_range \
             UNION ALL \
             SELECT '', t.typname::text, o.funcid FROM of_type o JOIN pg_catalog.pg_type t ON t.oid = o.typid \
         ) \
         SELECT DISTINCT i.operator, i.type_name, n.nspname::text, p.proname::text \
         FROM implied i JOIN pg_catalog.pg_proc p ON p.oid = i.funcid \
         JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
         WHERE p.oid >= {FIRST_OWN} AND left(n.nspname, 8) <> 'pg_temp_' AND p.oid NOT IN (SELECT objid FROM harmless) \
         ORDER BY 1, 2, 3, 4"
    )
}
