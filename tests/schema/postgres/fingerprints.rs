//! What moves the fingerprint and what does not.

use cachedpool::inspect;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};

use super::database;

/// A bit of everything.
const SCHEMA: &str = "\
    CREATE TABLE parent (id int PRIMARY KEY, name text, flag bool DEFAULT true); \
    CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE, words text); \
    CREATE INDEX by_name ON parent (name); \
    CREATE VIEW v AS SELECT id FROM parent; \
    CREATE MATERIALIZED VIEW m AS SELECT id, name FROM parent; \
    CREATE UNIQUE INDEX ON m (id); \
    CREATE TABLE parted (id int) PARTITION BY LIST (id); \
    CREATE TABLE part PARTITION OF parted FOR VALUES IN (1); \
    CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
    CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; \
    CREATE TRIGGER t BEFORE UPDATE ON child FOR EACH ROW EXECUTE FUNCTION g(); \
    CREATE RULE r AS ON INSERT TO v DO INSTEAD NOTHING; \
    CREATE POLICY p ON child USING (id > 0); \
    CREATE TYPE mood AS ENUM ('sad', 'ok'); \
    CREATE DOMAIN positive AS int CONSTRAINT above CHECK (VALUE > 0); \
    CREATE SEQUENCE s; \
    CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';";

/// A connection by itself, whose own commands the pool's session does not share.
async fn elsewhere(pool: &PgPool) -> PgConnection {
    PgConnection::connect_with(&pool.connect_options())
        .await
        .unwrap()
}

#[tokio::test]
async fn what_changes_no_schema_does_not_move_the_fingerprint() {
    let pool = database(SCHEMA).await;
    let mut other = elsewhere(&pool).await;
    let mut before = inspect::fingerprint(&pool).await.unwrap();
    for sql in [
        "INSERT INTO parent SELECT i, 'n' || i FROM generate_series(1, 1000) i",
        "INSERT INTO child SELECT i, i, repeat('x', 9000) FROM generate_series(1, 100) i",
        "UPDATE parent SET name = name || '!'",
        "DELETE FROM parent WHERE id > 500",
        "SELECT nextval('s')",
        "ANALYZE",
        "VACUUM",
        "VACUUM FREEZE parent",
        "VACUUM (FULL, ANALYZE) child",
        "CLUSTER parent USING parent_pkey",
        "REINDEX TABLE parent",
        "REFRESH MATERIALIZED VIEW m",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY m",
        "TRUNCATE child",
        "TRUNCATE parent, child RESTART IDENTITY",
        "CREATE TEMP TABLE passing (id int PRIMARY KEY, name text DEFAULT 'x' CHECK (name <> ''))",
        "CREATE INDEX ON passing (name)",
        "ALTER TABLE passing ADD COLUMN more text",
        "CREATE TEMP VIEW passing_view AS SELECT passing.id, flag FROM passing JOIN parent USING (id)",
        "CREATE TEMP TABLE heir () INHERITS (parent)",
        "CREATE TEMP TABLE copied AS SELECT * FROM parent",
        "CREATE TEMP SEQUENCE counted",
        "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP TABLE passing CASCADE",
        "BEGIN; CREATE TABLE undone (id int); ALTER TABLE parent ADD COLUMN undone int; ROLLBACK",
    ] {
        sqlx::raw_sql(sql).execute(&mut other).await.unwrap();
        let now = inspect::fingerprint(&pool).await.unwrap();
        // CLUSTER marks the index that it went by: the one thing here that is written into the catalog, once.
        if sql.starts_with("CLUSTER") {
            before.clone_from(&now);
        }
        assert_eq!(now, before, "{sql}");
    }
}

#[tokio::test]
async fn a_session_that_ends_with_temporary_objects_does_not_move_the_fingerprint() {
    let pool = database(SCHEMA).await;
    let before = inspect::fingerprint(&pool).await.unwrap();
    let mut other = elsewhere(&pool).await;
    sqlx::raw_sql("CREATE TEMP TABLE passing (id int PRIMARY KEY, name text)")
        .execute(&mut other)
        .await
        .unwrap();
    other.close().await.unwrap();
    assert_eq!(inspect::fingerprint(&pool).await.unwrap(), before);
}

#[tokio::test]
async fn every_change_of_the_schema_moves_the_fingerprint() {
    every_one_moves(&[
        "CREATE TABLE fresh (id int)",
        "DROP TABLE fresh",
        "ALTER TABLE parent RENAME TO parents",
        "ALTER TABLE parents RENAME TO parent",
        "ALTER TABLE parent ADD COLUMN more int",
        "ALTER TABLE parent RENAME COLUMN more TO other",
        "ALTER TABLE parent ALTER COLUMN other TYPE bigint",
        "ALTER TABLE parent ALTER COLUMN other SET DEFAULT f()",
        "ALTER TABLE parent ALTER COLUMN other SET DEFAULT 7",
        "ALTER TABLE parent ALTER COLUMN other DROP DEFAULT",
        "ALTER TABLE parent DROP COLUMN other",
        "ALTER TABLE child ALTER COLUMN words TYPE text COLLATE \"C\"",
        "ALTER TABLE parent ADD CONSTRAINT short CHECK (length(name) < 99)",
        "ALTER TABLE child DROP CONSTRAINT child_parent_fkey",
        "ALTER TABLE child ADD FOREIGN KEY (parent) REFERENCES parent",
        "CREATE UNIQUE INDEX fresh ON parent (name, id)",
        "DROP INDEX fresh",
        "ALTER TABLE child SET UNLOGGED",
        "ALTER TABLE child ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE child FORCE ROW LEVEL SECURITY",
        "ALTER POLICY p ON child USING (id > 1)",
        "CREATE POLICY q ON child USING (id > 2)",
        "ALTER TABLE child DISABLE TRIGGER t",
        "DROP TRIGGER t ON child",
        "CREATE TRIGGER t AFTER INSERT ON child FOR EACH ROW EXECUTE FUNCTION g()",
        "CREATE OR REPLACE RULE r AS ON INSERT TO v DO INSTEAD DELETE FROM parent",
        "DROP RULE r ON v",
        "CREATE OR REPLACE VIEW v AS SELECT id FROM child",
        "ALTER VIEW v SET (security_barrier)",
        "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "ALTER FUNCTION f() IMMUTABLE",
        "CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE part_2 PARTITION OF parted FOR VALUES IN (2)",
        "ALTER TABLE parted DETACH PARTITION part_2",
        "CREATE TABLE heir () INHERITS (child)",
        "ALTER TABLE heir NO INHERIT child",
        "ALTER TABLE heir INHERIT child",
        "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'",
        "ALTER TYPE mood ADD VALUE 'great'",
        "ALTER DOMAIN positive DROP CONSTRAINT above",
        "ALTER DOMAIN positive SET DEFAULT 7",
        "CREATE SCHEMA fresh",
        "ALTER TABLE child SET SCHEMA fresh",
        "CREATE MATERIALIZED VIEW n AS SELECT 1 AS one",
        "CREATE SEQUENCE s2",
        "CREATE EVENT TRIGGER watch ON sql_drop EXECUTE FUNCTION e()",
        "CREATE EXTENSION citext",
        "ALTER EXTENSION citext DROP FUNCTION citext_eq(citext, citext)",
        "CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)",
        "CREATE OPERATOR FAMILY odd USING btree; \
            ALTER OPERATOR FAMILY odd USING btree ADD FUNCTION 1 (int, int) btint4cmp(int, int)",
        "ALTER OPERATOR FAMILY odd USING btree ADD OPERATOR 3 ===(int, int)",
        "CREATE FUNCTION to_mood(int) RETURNS mood LANGUAGE sql AS $$SELECT 'sad'::mood$$",
        "CREATE CAST (int AS mood) WITH FUNCTION to_mood(int) AS ASSIGNMENT",
        "CREATE TEXT SEARCH DICTIONARY fresh (TEMPLATE = simple)",
        "ALTER TEXT SEARCH DICTIONARY fresh (Accept = false)",
        "CREATE TEXT SEARCH CONFIGURATION fresh (COPY = english)",
        "ALTER TEXT SEARCH CONFIGURATION fresh ALTER MAPPING FOR word WITH fresh",
        "CREATE TYPE pair AS (a int)",
        "ALTER TYPE pair ADD ATTRIBUTE b int",
    ])
    .await;
}

#[tokio::test]
async fn every_change_of_privileges_moves_the_fingerprint() {
    every_one_moves(&[
        "GRANT SELECT ON parent TO PUBLIC",
        "REVOKE SELECT ON parent FROM PUBLIC",
        "GRANT SELECT (name) ON parent TO PUBLIC",
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC",
        "REVOKE EXECUTE ON FUNCTION pg_catalog.lower(text) FROM PUBLIC",
        "DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = %L', current_database(), '5MB'); END $$",
        "CREATE ROLE fp_owner; ALTER TABLE parent OWNER TO fp_owner",
        "ALTER ROLE fp_owner BYPASSRLS",
        "ALTER ROLE fp_owner NOINHERIT",
        "CREATE ROLE fp_group; GRANT fp_group TO fp_owner",
        "CREATE ROLE fp_above; GRANT fp_above TO fp_group",
        "ALTER ROLE fp_above RENAME TO fp_higher",
        "REVOKE fp_higher FROM fp_group",
    ])
    .await;
}

#[tokio::test]
async fn roles_that_have_nothing_here_do_not_move_the_fingerprint() {
    let pool = database(SCHEMA).await;
    let before = inspect::fingerprint(&pool).await.unwrap();
    let mut other = elsewhere(&pool).await;
    for sql in [
        "CREATE ROLE fp_stranger LOGIN PASSWORD 'x'",
        "ALTER ROLE fp_stranger VALID UNTIL '2040-01-01'",
        "ALTER ROLE fp_stranger SET work_mem = '5MB'",
    ] {
        sqlx::raw_sql(sql).execute(&mut other).await.unwrap();
        assert_eq!(inspect::fingerprint(&pool).await.unwrap(), before, "{sql}");
    }
}

#[tokio::test]
async fn the_users_own_role_moves_the_fingerprint() {
    let owner = database(SCHEMA).await;
    sqlx::raw_sql("CREATE ROLE fp_user LOGIN; CREATE ROLE fp_team")
        .execute(&owner)
        .await
        .unwrap();
    let options = (*owner.connect_options()).clone().username("fp_user");
    let pool = PgPoolOptions::new().connect_with(options).await.unwrap();
    let mut before = inspect::fingerprint(&pool).await.unwrap();
    for sql in [
        "ALTER ROLE fp_user BYPASSRLS",
        "GRANT fp_team TO fp_user",
        "ALTER ROLE fp_team NOINHERIT",
        "ALTER ROLE fp_user SET row_security = off",
        "REVOKE fp_team FROM fp_user",
    ] {
        sqlx::raw_sql(sql).execute(&owner).await.unwrap();
        let now = inspect::fingerprint(&pool).await.unwrap();
        assert_ne!(now, before, "{sql}");
        before = now;
    }
}

async fn every_one_moves(changes: &[&str]) {
    let pool = database(SCHEMA).await;
    let mut other = elsewhere(&pool).await;
    let mut before = inspect::fingerprint(&pool).await.unwrap();
    for &sql in changes {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut other)
            .await
            .unwrap();
        let now = inspect::fingerprint(&pool).await.unwrap();
        assert_ne!(now, before, "{sql}");
        before = now;
    }
}
