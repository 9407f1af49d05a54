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

#[tokio::test]
async fn a_function_that_a_row_can_be_given_to_can_be_called_like_a_column() {
    let found = found(
        "CREATE TABLE t (id int); CREATE DOMAIN d AS t; \
         CREATE FUNCTION of_row(t) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; \
         CREATE FUNCTION of_domain(d) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; \
         CREATE FUNCTION of_any(anyelement) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; \
         CREATE FUNCTION with_more(t, int DEFAULT 2) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; \
         CREATE FUNCTION of_two(t, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; \
         CREATE FUNCTION of_number(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; \
         CREATE FUNCTION of_none() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';",
    )
    .await;
    found.holds(&[
        "routine public.of_row Immutable of_rows Sql: SELECT 1",
        "routine public.of_domain Immutable of_rows Sql: SELECT 1",
        "routine public.of_any Immutable of_rows Sql: SELECT 1",
        "routine public.with_more Immutable of_rows Sql: SELECT 1",
        "routine public.with_more Immutable of_rows Sql: SELECT 2",
        "routine public.of_two Immutable Sql: SELECT 1",
        "routine public.of_number Immutable Sql: SELECT 1",
        "routine public.of_none Immutable Sql: SELECT 1",
    ]);
}

#[tokio::test]
async fn operators_casts_and_types_bring_functions_with_them() {
    let found = found(
        "CREATE EXTENSION citext; CREATE TYPE pair AS (one int, other int); \
         CREATE FUNCTION plus(pair, pair) RETURNS pair LANGUAGE sql AS 'SELECT $1'; \
         CREATE OPERATOR + (LEFTARG = pair, RIGHTARG = pair, FUNCTION = plus); \
         CREATE FUNCTION alike(pair, pair) RETURNS bool LANGUAGE sql AS 'SELECT true'; \
         CREATE OPERATOR = (LEFTARG = pair, RIGHTARG = pair, FUNCTION = alike); \
         CREATE FUNCTION equal(pair, pair) RETURNS bool LANGUAGE sql AS 'SELECT true'; \
         CREATE OPERATOR === (LEFTARG = pair, RIGHTARG = pair, FUNCTION = equal); \
         CREATE FUNCTION hashed(pair) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE OPERATOR CLASS hashing DEFAULT FOR TYPE pair USING hash AS OPERATOR 1 ===, FUNCTION 1 hashed(pair); \
         CREATE FUNCTION shown(pair) RETURNS text LANGUAGE sql AS 'SELECT ''pair'''; \
         CREATE CAST (pair AS text) WITH FUNCTION shown(pair); \
         CREATE FUNCTION far(float8, float8) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT $1 - $2'; \
         CREATE TYPE span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = far); \
         CREATE FUNCTION checked(int) RETURNS bool LANGUAGE sql AS 'SELECT true'; \
         CREATE DOMAIN counted AS int CHECK (checked(VALUE)); \
         CREATE FUNCTION passing(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1';",
    )
    .await;
    found.has_only(
        "implied ",
        &[
            "implied by anything: public.alike",
            "implied by anything: public.equal",
            "implied by anything: public.far",
            "implied by anything: public.hashed",
            "implied by anything: public.shown",
            // The cast of a range that came with its type.
            "implied by anything: public.span_multirange",
            "implied by +: public.plus",
            "implied by counted: public.checked",
            "implied by _counted: public.checked",
        ],
    );
}
