//! The table of `docs/expansions.md`, made from what a pool on PostgreSQL says.

use std::fmt::Write as _;

use crate::kit::{Setting, TestDatabase};

tests!(only postgres => [the_table_in_the_documents_is_what_a_pool_says]);

const SCHEMA: &[&str] = &[
    "CREATE TABLE users (id BIGINT PRIMARY KEY, org BIGINT, name TEXT)",
    "CREATE INDEX ON users (org)",
    "CREATE TABLE orders (id BIGINT PRIMARY KEY, buyer BIGINT CONSTRAINT buyer REFERENCES users ON DELETE CASCADE)",
    "CREATE TABLE lines (id BIGINT PRIMARY KEY, sale BIGINT CONSTRAINT sale REFERENCES orders ON DELETE SET NULL)",
    "CREATE TABLE audit (id BIGINT, what TEXT)",
    "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS \
        'BEGIN INSERT INTO audit VALUES (new.id, ''new''); RETURN new; END'",
    "CREATE TRIGGER noted AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION note()",
    "CREATE TABLE hidden (id BIGINT)",
    "CREATE FUNCTION anything() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN EXECUTE ''SELECT 1''; RETURN new; END'",
    "CREATE TRIGGER dark AFTER INSERT ON hidden FOR EACH ROW EXECUTE FUNCTION anything()",
    "CREATE TABLE inbox (id BIGINT)",
    "CREATE RULE copied AS ON INSERT TO inbox DO ALSO INSERT INTO audit VALUES (new.id, 'copied')",
    "CREATE VIEW named AS SELECT id, name FROM users WHERE name IS NOT NULL",
    "CREATE VIEW buyers AS SELECT n.name, o.id FROM named n JOIN orders o ON o.buyer = n.id",
    "CREATE TABLE events (id BIGINT, day DATE) PARTITION BY RANGE (day)",
    "CREATE TABLE events_rest PARTITION OF events DEFAULT",
    "CREATE FUNCTION spent(BIGINT) RETURNS BIGINT STABLE LANGUAGE sql AS 'SELECT count(*) FROM orders WHERE buyer = $1'",
    "CREATE FUNCTION touch(BIGINT) RETURNS BIGINT LANGUAGE sql AS 'INSERT INTO audit VALUES ($1, ''touched'') RETURNING id'",
    "CREATE SCHEMA other",
    "CREATE TABLE other.users (id BIGINT PRIMARY KEY)",
    "CREATE TABLE secrets (id BIGINT, owner TEXT)",
    "ALTER TABLE secrets ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY own ON secrets USING (owner = current_user)",
];

/// A kind, a statement of it, and what a cache invalidates, or depends on, that goes by the names in the text.
const WRITES: &[(&str, &str, &str)] = &[
    (
        "row by key",
        "UPDATE users SET name = 'Ada' WHERE id = 7",
        "`users`, every result of it",
    ),
    (
        "`ON DELETE CASCADE`, `SET NULL`",
        "DELETE FROM users WHERE id = 7",
        "`users`",
    ),
    ("trigger", "INSERT INTO orders VALUES (1, 7)", "`orders`"),
    (
        "trigger with dynamic SQL",
        "INSERT INTO hidden VALUES (1)",
        "`hidden`",
    ),
    ("rule", "INSERT INTO inbox VALUES (1)", "`inbox`"),
    ("updatable view", "UPDATE named SET name = 'Ada'", "`named`"),
    (
        "partition",
        "INSERT INTO events_rest VALUES (1, '2026-01-01')",
        "`events_rest`",
    ),
    (
        "function that writes",
        "SELECT touch(7)",
        "nothing: it is a SELECT",
    ),
    (
        "one name in two schemas",
        "DELETE FROM other.users",
        "`users`, whatever its schema",
    ),
];

const READS: &[(&str, &str, &str)] = &[
    (
        "row by key",
        "SELECT name FROM users WHERE id = $1",
        "`users`",
    ),
    (
        "row by key, joined",
        "SELECT o.id FROM users u JOIN orders o ON o.buyer = u.id WHERE u.id = $1",
        "`users`, `orders`",
    ),
    ("view on a view", "SELECT * FROM buyers", "`buyers`"),
    ("partition", "SELECT * FROM events_rest", "`events_rest`"),
    (
        "function that reads",
        "SELECT spent(id) FROM users",
        "`users`, or refuses it",
    ),
    (
        "one name in two schemas",
        "SELECT * FROM other.users",
        "`users`, whatever its schema",
    ),
    (
        "row-level security",
        "SELECT * FROM secrets",
        "`secrets`, for whoever asks",
    ),
];

async fn the_table_in_the_documents_is_what_a_pool_says<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .with(SCHEMA.iter().copied())
        .scene()
        .await;
    let mut page = String::from(
        "# What is invalidated\n\n\
         Made by a test (`tests/behaviour/expansions.rs`) from what `pool.explain` says on PostgreSQL. \"By text\" is what a cache does that goes by\n\
         the tables which a statement names (the query caches of Hibernate, Laravel or Django's cachalot do; hand-keyed caches invalidate nothing by\n\
         themselves). `CACHEDPOOL_WRITE_DOCS=1` makes the file anew.\n\n\
         ## Writes\n\n| Kind | Statement | By text | Here |\n|---|---|---|---|\n",
    );
    for (kind, sql, by_text) in WRITES {
        let explained = scene.pool.explain(sql);
        let effects = explained.effects.unwrap();
        let mut ours: Vec<String> = effects
            .relations
            .iter()
            .map(|(name, way)| format!("`{name}` {way}"))
            .collect();
        for (table, keys) in &explained.rows {
            ours.push(format!(
                "of `{table}` only the rows, by {}",
                keys.join(", ")
            ));
        }
        ours.extend(effects.everything.map(|why| format!("everything ({why})")));
        writeln!(
            page,
            "| {kind} | `{sql}` | {by_text} | {} |",
            ours.join("; ")
        )
        .unwrap();
    }
    page.push_str("\n## Reads\n\n| Kind | Statement | By text | Here |\n|---|---|---|---|\n");
    for (kind, sql, by_text) in READS {
        let explained = scene.pool.explain(sql);
        let mut ours: Vec<String> = explained
            .tags
            .iter()
            .map(|tag| format!("`{tag}`"))
            .collect();
        for (table, keys) in &explained.rows {
            ours.push(format!(
                "of `{table}` only the rows, by {}",
                keys.join(", ")
            ));
        }
        let refused = explained.statement.reason.or(explained.unscoped);
        ours.extend(refused.map(|reason| format!("not cached: {reason}")));
        writeln!(
            page,
            "| {kind} | `{sql}` | {by_text} | {} |",
            ours.join("; ")
        )
        .unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/expansions.md");
    if std::env::var_os("CACHEDPOOL_WRITE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), page);
}
