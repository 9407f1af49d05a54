//! Which functions stand in an expression, as the catalog itself keeps account of them.

/// Common tables for a question, without its `WITH RECURSIVE`: `called (classid, objid, functions)` has for each object the
/// functions that its expressions depend on, as an array of pairs of schema and name.
///
/// An expression calls a function by its name, by an operator, or by a value of a domain, whose default and constraints may
/// call some; a domain can be behind another, an array or a composite type. Built-in ones are not in `pg_depend`.
pub(super) const CALLED: &str = "\
    direct (classid, objid, funcid) AS ( \
        SELECT classid, objid, refobjid FROM pg_catalog.pg_depend \
        WHERE refclassid = 'pg_catalog.pg_proc'::regclass \
        UNION ALL \
        SELECT d.classid, d.objid, o.oprcode::oid FROM pg_catalog.pg_depend d \
        JOIN pg_catalog.pg_operator o ON o.oid = d.refobjid \
        WHERE d.refclassid = 'pg_catalog.pg_operator'::regclass \
    ), \
    of_type (typid, funcid) AS ( \
        SELECT t.oid, d.funcid FROM direct d JOIN pg_catalog.pg_type t ON t.oid = d.objid \
        WHERE d.classid = 'pg_catalog.pg_type'::regclass AND t.typtype = 'd' \
        UNION \
        SELECT c.contypid, d.funcid FROM direct d JOIN pg_catalog.pg_constraint c ON c.oid = d.objid \
        WHERE d.classid = 'pg_catalog.pg_constraint'::regclass AND c.contypid <> 0 \
        UNION \
        SELECT step.typid, o.funcid FROM of_type o JOIN ( \
            SELECT objid AS typid, refobjid FROM pg_catalog.pg_depend \
            WHERE classid = 'pg_catalog.pg_type'::regclass AND refclassid = 'pg_catalog.pg_type'::regclass \
            UNION ALL \
            SELECT t.oid, d.refobjid FROM pg_catalog.pg_depend d \
            JOIN pg_catalog.pg_type t ON t.typrelid = d.objid \
            WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_type'::regclass \
        ) step ON step.refobjid = o.typid \
    ), \
    every (classid, objid, funcid) AS ( \
        SELECT classid, objid, funcid FROM direct \
        UNION ALL \
        SELECT d.classid, d.objid, o.funcid FROM of_type o JOIN pg_catalog.pg_depend d \
        ON d.refclassid = 'pg_catalog.pg_type'::regclass AND d.refobjid = o.typid \
    ), \
    called (classid, objid, functions) AS ( \
        SELECT e.classid, e.objid, array_agg(DISTINCT ARRAY[n.nspname::text, p.proname::text]) \
        FROM every e JOIN pg_catalog.pg_proc p ON p.oid = e.funcid \
        JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
        WHERE e.classid IN ('pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_policy'::regclass, \
            'pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_attrdef'::regclass, \
            'pg_catalog.pg_constraint'::regclass, 'pg_catalog.pg_class'::regclass) \
        GROUP BY e.classid, e.objid \
    )";
