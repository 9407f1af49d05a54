//! What runs when rows change: triggers, rules, and functions in the expressions of columns, constraints and indexes.

use super::{FIRST_OWN, answer::pairs, ask, calls::CALLED, relations::Relations};
use crate::{
    schema::{
        CatalogReader, LoadError,
        catalog::{Hook, HookKind, Program, Timing},
        reader::fields,
    },
    sql::{Language, Ops},
};

/// All hooks, also those that are switched off: a row of the catalog says so, and another may say otherwise for a role.
pub(super) async fn load<R: CatalogReader>(
    reader: &mut R,
    relations: &Relations,
) -> Result<Vec<Hook>, LoadError<R::Error>> {
    let mut hooks = Vec::new();
    for row in ask(reader, &question()).await? {
        let [kind, oid, name, ops, text, functions] = fields(row);
        let Some(relation) = relations.name(&oid) else {
            continue;
        };
        let mut ops = ops_of(&ops);
        if relations.is_partitioned(&oid) && ops.meets(Ops::INSERT.and(Ops::DELETE)) {
            // An UPDATE that moves a row to another partition deletes it here and inserts it there.
            ops = ops.and(Ops::UPDATE);
        }
        let mut functions = pairs(&functions);
        functions.sort_unstable();
        functions.dedup();
        // Neither BEFORE nor INSTEAD OF.
        let timing = match kind == "trigger" && text == "after" {
            true => Timing::After,
            false => Timing::Before,
        };
        let mut add = |kind, program| {
            hooks.push(Hook {
                name: name.as_str().into(),
                kind,
                relation: relation.clone(),
                ops,
                timing,
                program,
            });
        };
        let kind = match kind.as_str() {
            "rule" => HookKind::Rule,
            "trigger" => HookKind::Trigger,
            _ => HookKind::Column,
        };
        if kind == HookKind::Rule {
            add(kind, rule(text));
        }
        // Of a rule those too: its text does not show the functions of operators and domains.
        if !functions.is_empty() {
            add(kind, Program::Call(functions));
        }
    }
    Ok(hooks)
}

fn rule(text: String) -> Program {
    if text.is_empty() {
        return Program::Unknown("a rule that is not shown".into());
    }
    Program::Text(Language::Rule, text)
}

fn ops_of(letters: &str) -> Ops {
    let ops = letters.chars().map(|letter| match letter {
        'i' => Ops::INSERT,
        'u' => Ops::UPDATE,
        'd' => Ops::DELETE,
        't' => Ops::TRUNCATE,
        _ => Ops::ALL,
    });
    ops.fold(Ops::NONE, Ops::and)
}

/// A trigger calls its function and those of its condition. The built-in ones that are left out change nothing but the row
/// that is being written, in a column of search terms, or keep it from being written. The triggers that carry foreign keys
/// out are left out too: those are known by themselves.
fn question() -> String {
    format!(
        "WITH RECURSIVE {CALLED}, \
         hooks (kind, rel, name, ops, text, classid, objid, funcid) AS ( \
             SELECT 'trigger', tgrelid, tgname::text, concat( \
                 CASE WHEN tgtype & 4 <> 0 THEN 'i' END, CASE WHEN tgtype & 8 <> 0 THEN 'd' END, \
                 CASE WHEN tgtype & 16 <> 0 THEN 'u' END, CASE WHEN tgtype & 32 <> 0 THEN 't' END), \
                 CASE WHEN tgtype & 66 = 0 THEN 'after' END, tableoid, oid, tgfoid \
             FROM pg_catalog.pg_trigger WHERE NOT tgisinternal OR tgconstraint = 0 \
             UNION ALL \
             SELECT 'rule', ev_class, rulename::text, \
                 CASE ev_type WHEN '2' THEN 'u' WHEN '3' THEN 'i' WHEN '4' THEN 'd' ELSE 'all' END, \
                 pg_get_ruledef(oid), tableoid, oid, 0 \
             FROM pg_catalog.pg_rewrite WHERE rulename <> '_RETURN' \
             AND ev_class >= {FIRST_OWN} \
             UNION ALL \
             SELECT 'column', adrelid, 'default', 'iu', NULL, tableoid, oid, 0 FROM pg_catalog.pg_attrdef \
             UNION ALL \
             SELECT 'column', conrelid, conname::text, 'iu', NULL, tableoid, oid, 0 \
             FROM pg_catalog.pg_constraint WHERE contype = 'c' AND conrelid <> 0 \
             UNION ALL \
             SELECT 'column', indrelid, 'index', 'iu', NULL, 'pg_catalog.pg_class'::regclass, indexrelid, 0 \
             FROM pg_catalog.pg_index WHERE indpred IS NOT NULL OR indexprs IS NOT NULL \
             UNION ALL \
             SELECT 'column', oid, 'type', 'iu', NULL, tableoid, oid, 0 FROM pg_catalog.pg_class \
             WHERE relkind IN ('r', 'p', 'f') \
         ) \
         SELECT h.kind, h.rel::text, h.name, h.ops, h.text, \
         CASE WHEN p.oid IS NULL THEN c.functions \
             ELSE ARRAY[ARRAY[n.nspname::text, p.proname::text]] || c.functions END::text \
         FROM hooks h LEFT JOIN called c USING (classid, objid) \
         LEFT JOIN pg_catalog.pg_proc p ON p.oid = h.funcid AND NOT (p.oid < {FIRST_OWN} AND p.proname IN \
             ('suppress_redundant_updates_trigger', 'tsvector_update_trigger', 'tsvector_update_trigger_column')) \
         LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
         WHERE h.kind = 'rule' OR p.oid IS NOT NULL OR c.functions IS NOT NULL \
         ORDER BY h.rel, h.kind, h.objid"
    )
}
