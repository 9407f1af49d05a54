//! Functions, procedures and aggregates.

use super::found;

#[tokio::test]
async fn each_overload_has_its_volatility_and_its_body() {
    let found = found(
        "CREATE SCHEMA a; CREATE TABLE t (id int); \
         CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1'; \
         CREATE FUNCTION f(text) RETURNS int LANGUAGE sql STABLE AS 'SELECT 2'; \
         CREATE FUNCTION a.f(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 3; END'; \
         CREATE FUNCTION \"Parsed\"() RETURNS bigint LANGUAGE sql STABLE RETURN (SELECT count(*) FROM t); \
         CREATE PROCEDURE p(int) LANGUAGE sql BEGIN ATOMIC INSERT INTO t VALUES ($1); DELETE FROM t; END; \
         CREATE FUNCTION pg_temp.passing() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE FUNCTION in_c() RETURNS int LANGUAGE internal AS 'pg_backend_pid';",
    )
    .await;
    found.has_only(
        "routine ",
        &[
            "routine a.f Volatile PlPgSql: BEGIN RETURN 3; END",
            "routine public.f Immutable Sql: SELECT $1",
            "routine public.f Stable Sql: SELECT 2",
            "routine public.Parsed Stable Sql: RETURN (SELECT count(*) AS count FROM t)",
            "routine public.p Volatile Sql: BEGIN ATOMIC INSERT INTO t (id) VALUES ($1); DELETE FROM t; END",
            "routine public.in_c Volatile unreadable: language internal",
        ],
    );
}

#[tokio::test]
async fn an_aggregate_does_what_its_support_functions_do() {
    let found = found(
        "CREATE FUNCTION step(int, int) RETURNS int LANGUAGE sql STABLE AS 'SELECT $1 + $2'; \
         CREATE FUNCTION \"Last\"(int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT $1'; \
         CREATE AGGREGATE own (int) (SFUNC = step, STYPE = int, FINALFUNC = \"Last\"); \
         CREATE AGGREGATE built_in (int) (SFUNC = int4pl, STYPE = int); \
         CREATE AGGREGATE folded (int) (SFUNC = step, STYPE = int);",
    )
    .await;
    found.holds(&[
        "routine public.own Volatile Sql: SELECT \"public\".\"step\"(), \"public\".\"Last\"()",
        "routine public.built_in Immutable harmless Sql: SELECT \"pg_catalog\".\"int4pl\"()",
        "routine public.folded Stable Sql: SELECT \"public\".\"step\"()",
    ]);
}

#[tokio::test]
async fn extensions_that_touch_no_table_are_harmless_and_others_are_not() {
    let found = found(
        "CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext; CREATE EXTENSION pgcrypto; \
         CREATE EXTENSION moddatetime; CREATE EXTENSION tablefunc; CREATE EXTENSION dblink; \
         CREATE FUNCTION digest(text) RETURNS int LANGUAGE sql AS 'SELECT 1';",
    )
    .await;
    found.holds(&[
        "routine ext.citext_eq Immutable harmless unreadable: language c",
        "routine ext.min Immutable harmless Sql: SELECT \"ext\".\"citext_smaller\"(), \"ext\".\"citext_smaller\"()",
        "routine public.gen_salt Volatile harmless unreadable: language c",
        "routine public.moddatetime Volatile harmless unreadable: language c",
        "routine public.crosstab Stable unreadable: language c",
        // A user's own beside the extension's.
        "routine public.digest Volatile Sql: SELECT 1",
    ]);
    for line in found.starting_with("routine public.dblink") {
        assert!(!line.contains("harmless"), "{line}");
    }
}

#[tokio::test]
async fn a_call_can_evaluate_the_defaults_of_arguments() {
    let found = found(
        "CREATE FUNCTION most() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'; \
         CREATE FUNCTION f(a int, b int DEFAULT most(), c timestamptz DEFAULT now()) RETURNS int \
         LANGUAGE sql STABLE AS 'SELECT $2';",
    )
    .await;
    found.has_only(
        "routine public.f ",
        &[
            "routine public.f Stable Sql: SELECT $2",
            "routine public.f Stable Sql: SELECT most(), now()",
        ],
    );
}
