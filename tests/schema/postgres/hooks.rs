//! Triggers, rules, functions in expressions, and what runs at DDL.

use super::found;

#[tokio::test]
async fn triggers_run_their_function_at_their_events() {
    let found = found(
        "CREATE TABLE t (id int, words tsvector, body text); CREATE VIEW v AS SELECT id FROM t; \
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
         CREATE FUNCTION is_big(int) RETURNS bool LANGUAGE sql AS 'SELECT $1 > 9'; \
         CREATE TRIGGER each_row BEFORE INSERT OR UPDATE OF id ON t FOR EACH ROW EXECUTE FUNCTION f(); \
         CREATE TRIGGER conditional AFTER DELETE ON t FOR EACH ROW WHEN (is_big(OLD.id)) EXECUTE FUNCTION f(); \
         CREATE TRIGGER whole AFTER TRUNCATE ON t EXECUTE FUNCTION f(); \
         CREATE TRIGGER off AFTER UPDATE ON t EXECUTE FUNCTION f(); ALTER TABLE t DISABLE TRIGGER off; \
         CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE OR DELETE ON v FOR EACH ROW EXECUTE FUNCTION f(); \
         CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION f(); \
         CREATE TRIGGER terms BEFORE INSERT ON t FOR EACH ROW \
             EXECUTE FUNCTION tsvector_update_trigger(words, 'pg_catalog.english', body); \
         CREATE TRIGGER same BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger(); \
         CREATE TRIGGER same_if BEFORE UPDATE ON t FOR EACH ROW WHEN (is_big(NEW.id)) \
             EXECUTE FUNCTION suppress_redundant_updates_trigger();",
    )
    .await;
    found.has_only(
        "trigger ",
        &[
            "trigger each_row on public.t {\"insert\", \"update\"} call [public.f]",
            "trigger conditional on public.t {\"delete\"} call [public.f, public.is_big]",
            "trigger whole on public.t {\"truncate\"} call [public.f]",
            "trigger off on public.t {\"update\"} call [public.f]",
            "trigger instead on public.v {\"insert\", \"update\", \"delete\"} call [public.f]",
            "trigger late on public.t {\"insert\"} call [public.f]",
            "trigger same_if on public.t {\"update\"} call [public.is_big]",
        ],
    );
}

#[tokio::test]
async fn the_triggers_of_foreign_keys_are_not_triggers_and_those_of_partitions_are() {
    let found = found(
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id); \
         CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1); \
         CREATE TABLE c (id int REFERENCES p); \
         CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
         CREATE TRIGGER t AFTER UPDATE ON p FOR EACH ROW EXECUTE FUNCTION f();",
    )
    .await;
    found.has_only(
        "trigger ",
        &[
            "trigger t on public.p {\"update\"} call [public.f]",
            "trigger t on public.p_1 {\"update\"} call [public.f]",
        ],
    );
}

#[tokio::test]
async fn rules_have_their_text_and_a_view_is_not_one() {
    let found = found(
        "CREATE TABLE t (id int); CREATE TABLE log (id int); CREATE VIEW v AS SELECT id FROM t; \
         CREATE FUNCTION hidden(int, int) RETURNS bool LANGUAGE sql AS 'SELECT true'; \
         CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = hidden); \
         CREATE RULE logged AS ON DELETE TO t DO ALSO INSERT INTO log VALUES (OLD.id); \
         CREATE RULE elsewhere AS ON INSERT TO v DO INSTEAD INSERT INTO t VALUES (NEW.id); \
         CREATE RULE never AS ON UPDATE TO v WHERE NEW.id === 9 DO INSTEAD NOTHING;",
    )
    .await;
    found.has_only(
        "rule ",
        &[
            "rule logged on public.t {\"delete\"} Rule: CREATE RULE logged AS ON DELETE TO public.t \
             DO INSERT INTO log (id) VALUES (old.id);",
            "rule elsewhere on public.v {\"insert\"} Rule: CREATE RULE elsewhere AS ON INSERT TO public.v \
             DO INSTEAD INSERT INTO t (id) VALUES (new.id);",
            "rule never on public.v {\"update\"} Rule: CREATE RULE never AS ON UPDATE TO public.v \
             WHERE (new.id === 9) DO INSTEAD NOTHING;",
            "rule never on public.v {\"update\"} call [public.hidden]",
        ],
    );
}

#[tokio::test]
async fn functions_in_the_expressions_of_a_table_run_when_rows_are_written() {
    let found = found(
        "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1'; \
         CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         CREATE TABLE by_default (a int DEFAULT g()); \
         CREATE TABLE by_check (a int CONSTRAINT small CHECK (f(a) < 9)); \
         CREATE TABLE generated (a int, b int GENERATED ALWAYS AS (f(a)) STORED); \
         CREATE TABLE by_index (a int, b int); CREATE INDEX ON by_index (f(a)); CREATE INDEX ON by_index (b) WHERE f(a) = 1; \
         CREATE TABLE parted (a int) PARTITION BY LIST (f(a)); \
         CREATE DOMAIN defaulted AS int DEFAULT g(); CREATE TABLE by_type (a defaulted); \
         CREATE TABLE built_in (a int DEFAULT abs(-1) CHECK (abs(a) < 9), b timestamptz DEFAULT now());",
    )
    .await;
    let both = "{\"insert\", \"update\"} call";
    let hooks = [
        format!("column hook default on public.by_default {both} [public.g]"),
        format!("column hook small on public.by_check {both} [public.f]"),
        format!("column hook default on public.generated {both} [public.f]"),
        format!("column hook index on public.by_index {both} [public.f]"),
        format!("column hook index on public.by_index {both} [public.f]"),
        format!("column hook type on public.parted {both} [public.f]"),
        format!("column hook type on public.by_type {both} [public.g]"),
    ];
    found.has_only("column hook ", &hooks.each_ref().map(String::as_str));
}

#[tokio::test]
async fn event_triggers_are_named() {
    let found = found(
        "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
         CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION f();",
    )
    .await;
    found.has_only("at ddl ", &["at ddl watch"]);
}
