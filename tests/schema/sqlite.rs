//! SQLite.

use std::collections::HashSet;

use cachedpool::inspect;
use cachedpool_test_support::SqliteFile;
use sqlx::{SqlitePool, sqlite::SqlitePoolOptions};

use crate::kit::Found;

/// A fresh file with these objects, and one connection, so that what it attaches stays.
async fn database(sql: &'static str) -> (SqlitePool, SqliteFile) {
    let file = SqliteFile::new();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect(&file.url())
        .await
        .unwrap();
    sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    (pool, file)
}

async fn found(sql: &'static str) -> Found {
    Found::in_pool(&database(sql).await.0).await
}

const INTEGER: &str = "integer -9223372036854775808..9223372036854775807";

fn column(name: &str, kind: &str) -> String {
    format!("column {name} {kind}")
}

#[tokio::test]
async fn columns_are_compared_by_their_affinity() {
    let found = found(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, org BIGINT, email VARCHAR(9), free, amount DECIMAL, at DATE);
         CREATE TABLE strict (a INT, b TEXT, c ANY, d BLOB) STRICT;",
    )
    .await;
    found.has_only(
        "column main.t.",
        &[
            &column("main.t.id", &format!("{INTEGER} numbered")),
            &column("main.t.org", INTEGER),
            &column("main.t.email", "text"),
            &column("main.t.free", "other"),
            &column("main.t.amount", "other"),
            &column("main.t.at", "other"),
        ],
    );
    found.has_only(
        "column main.strict.",
        &[
            &column("main.strict.a", INTEGER),
            &column("main.strict.b", "text"),
            &column("main.strict.c", "other"),
            &column("main.strict.d", "other"),
        ],
    );
}

#[tokio::test]
async fn a_column_of_integer_affinity_equals_one_integer_at_most() {
    let (pool, _file) = database(
        "CREATE TABLE t (a INTEGER);
         INSERT INTO t VALUES (7), (7.0), ('7'), ('7.0'), (7.5), ('7 '), (x'37'), ('seven'),
             (9007199254740993), (9007199254740992.0), (9223372036854775807), (9223372036854775807.0), (-9223372036854775808.0);",
    )
    .await;
    // What the argument beside the rules of affinity rests on.
    let equal: Vec<(String, i64)> = sqlx::query_as(
        "WITH n(n) AS (VALUES (7), (8), (9007199254740992), (9007199254740993), (9223372036854775806),
             (9223372036854775807), (-9223372036854775807), (-9223372036854775808))
         SELECT quote(a) || ' ' || typeof(a), count(*) FROM t JOIN n ON t.a = n.n GROUP BY t.rowid HAVING count(*) > 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(equal, []);
    let sevens: i64 = sqlx::query_scalar("SELECT count(*) FROM t WHERE a = 7")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(sevens, 5, "also what was given as a real or as text");
}

#[tokio::test]
async fn text_is_not_canonical_where_a_collation_may_be_at_work() {
    let found = found(
        "CREATE TABLE t (a TEXT, b TEXT COLLATE NOCASE, n INT);
         CREATE TABLE u (a TEXT); CREATE INDEX i ON u (a COLLATE NOCASE);",
    )
    .await;
    found.holds(&[
        &column("main.t.a", "other"),
        &column("main.t.b", "other"),
        &column("main.t.n", INTEGER),
        // The index does not change how the column is compared.
        &column("main.u.a", "text"),
    ]);
}

#[tokio::test]
async fn generated_columns_are_computed_and_come_last() {
    let found =
        found("CREATE TABLE t (a INT AS (b + 1), b INT, c INT AS (b + 2) STORED, d INT)").await;
    let lines = found.in_order("column main.t.");
    assert_eq!(
        lines,
        [
            column("main.t.b", INTEGER),
            column("main.t.d", INTEGER),
            column("main.t.a", &format!("{INTEGER} computed")),
            column("main.t.c", &format!("{INTEGER} computed")),
        ]
    );
}

#[tokio::test]
async fn keys_are_those_of_constraints_and_the_first_columns_of_indexes() {
    let found = found(
        "CREATE TABLE p (x INT, y INT, UNIQUE (x, y));
         CREATE TABLE t (id INTEGER PRIMARY KEY, a INT UNIQUE, b INT, c INT, d INT, e INT, f INT, g INT,
             FOREIGN KEY (f, g) REFERENCES p (x, y));
         CREATE UNIQUE INDEX u ON t (b, c);
         CREATE INDEX i ON t (c DESC, b);
         CREATE UNIQUE INDEX partial ON t (d) WHERE e > 0;
         CREATE UNIQUE INDEX expression ON t (e, b + 1);
         CREATE INDEX all_expression ON t (b + 2, g);
         CREATE TABLE w (a INT, b INT, PRIMARY KEY (b, a)) WITHOUT ROWID;",
    )
    .await;
    found.has_only(
        "key main.t(",
        &[
            "key main.t(id)",
            "key main.t(a)",
            "key main.t(b, c)",
            "key main.t(b)",
            "key main.t(c)",
            "key main.t(e)",
            "key main.t(f, g)",
            "key main.t(f)",
        ],
    );
    found.has_only("key main.w(", &["key main.w(b, a)", "key main.w(b)"]);
}

#[tokio::test]
async fn a_table_that_replaces_rows_by_itself_says_so() {
    let found = found(
        "CREATE TABLE a (id INT UNIQUE ON  conflict /* why */ Replace);
         CREATE TABLE b (id INT UNIQUE ON CONFLICT IGNORE);",
    )
    .await;
    found.holds(&["table main.a replaces", "table main.b"]);
}

#[tokio::test]
async fn foreign_keys_have_what_they_do_to_the_child() {
    let found = found(
        "CREATE TABLE p (x INT, y INT, PRIMARY KEY (x, y));
         CREATE TABLE c (a INT, b INT, FOREIGN KEY (a, b) REFERENCES P ON DELETE CASCADE ON UPDATE SET NULL);
         CREATE TABLE d (a INT REFERENCES c (a) ON DELETE SET DEFAULT ON UPDATE CASCADE,
             b INT REFERENCES gone (x), up INT REFERENCES d ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED);",
    )
    .await;
    found.has_only(
        "foreign key ",
        &[
            "foreign key c(a, b): main.c -> main.P(x, y) delete {\"delete\"} update {\"update\"}",
            "foreign key d(a): main.d -> main.c(a) delete {\"update\"} update {\"update\"}",
            "foreign key d(b): main.d -> main.gone(x) delete {} update {}",
            "foreign key d(up): main.d -> main.d() delete {} update {}",
        ],
    );
}

#[tokio::test]
async fn a_view_is_its_query_and_a_broken_one_fails_nothing() {
    let found = found(
        "CREATE TABLE t (a INT);
         CREATE VIEW IF NOT EXISTS main.\"my as\" /* as */ (x) AS SELECT a FROM t;
         CREATE VIEW over AS SELECT * FROM \"my as\";
         CREATE TABLE doomed (a INT); CREATE VIEW broken AS SELECT a FROM doomed; DROP TABLE doomed;",
    )
    .await;
    found.has_only(
        "view ",
        &["view main.my as", "view main.over", "view main.broken"],
    );
    found.has_only(
        "definition ",
        &[
            "definition main.my as: calls []: SELECT a FROM t",
            "definition main.over: calls []: SELECT * FROM \"my as\"",
            "definition main.broken: calls []: SELECT a FROM doomed",
        ],
    );
}

#[tokio::test]
async fn triggers_are_on_their_table_at_their_event() {
    let found = found(
        "CREATE TABLE t (a INT, b INT); CREATE TABLE log (a INT); CREATE VIEW v AS SELECT * FROM t;
         CREATE TRIGGER \"insert\" AFTER UPDATE OF a ON T BEGIN INSERT INTO log VALUES (1); END;
         CREATE TRIGGER gone BEFORE DELETE ON t WHEN old.a > 0 BEGIN DELETE FROM log; END;
         CREATE TRIGGER via INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.a, new.b); END;",
    )
    .await;
    found.has_only(
        "trigger ",
        &[
            // As the trigger's text spells it: names are compared without case.
            "trigger insert on main.T {\"update\"} SqliteTrigger: CREATE TRIGGER \"insert\" AFTER UPDATE OF a ON T BEGIN INSERT INTO log VALUES (1); END",
            "trigger gone on main.t {\"delete\"} SqliteTrigger: CREATE TRIGGER gone BEFORE DELETE ON t WHEN old.a > 0 BEGIN DELETE FROM log; END",
            "trigger via on main.v {\"insert\"} SqliteTrigger: CREATE TRIGGER via INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.a, new.b); END",
        ],
    );
}

#[tokio::test]
async fn virtual_tables_and_their_shadows_are_not_ordinary_tables() {
    let found = found(
        "CREATE VIRTUAL TABLE docs USING fts5(body); CREATE TABLE docs_extra (a INT);
         PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema VALUES ('table', 'odd', 'odd', 0, 'CREATE VIRTUAL TABLE odd USING nowhere(x)');
         PRAGMA writable_schema = RESET;",
    )
    .await;
    found.holds(&[
        "foreign table main.docs",
        "foreign table main.docs_data",
        "table main.docs_extra",
        "foreign table main.odd",
    ]);
    found.has_only(
        "trigger ",
        &["trigger VIRTUAL TABLE on main.odd {\"insert\", \"update\", \"delete\", \"truncate\"} unknown: what the module nowhere writes is not known"],
    );
}

#[tokio::test]
async fn attached_databases_come_after_main_and_names_are_kept_as_they_are() {
    let found = found(
        "CREATE TABLE \"We\"\"ird.'t`\" (\"a b\" INT PRIMARY KEY, [c'd] INT REFERENCES \"We\"\"ird.'t`\" ON DELETE CASCADE);
         ATTACH ':memory:' AS 'o''th\"er'; ATTACH ':memory:' AS second;
         CREATE TABLE \"o'th\"\"er\".t (a INT PRIMARY KEY); CREATE TABLE second.t (b INT);",
    )
    .await;
    found.holds(&[
        "path main, o'th\"er, second",
        "table main.We\"ird.'t`",
        &column("main.We\"ird.'t`.a b", INTEGER),
        "key main.We\"ird.'t`(c'd)",
        "foreign key We\"ird.'t`(c'd): main.We\"ird.'t` -> main.We\"ird.'t`(a b) delete {\"delete\"} update {}",
        "table o'th\"er.t",
        "key o'th\"er.t(a)",
        &column("second.t.b", INTEGER),
    ]);
}

#[tokio::test]
async fn a_file_that_is_attached_twice_has_its_tables_twice() {
    let (pool, _file) = database("CREATE TABLE t (a INT); ATTACH ':memory:' AS memory").await;
    Found::in_pool(&pool).await.has_only("parent of ", &[]);
    let file: String =
        sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
            .fetch_one(&pool)
            .await
            .unwrap();
    sqlx::query("ATTACH ? AS again")
        .bind(file)
        .execute(&pool)
        .await
        .unwrap();
    Found::in_pool(&pool).await.has_only(
        "parent of ",
        &["parent of main.t: again.t", "parent of again.t: main.t"],
    );
}

#[tokio::test]
async fn what_belongs_to_a_connection_or_to_sqlite_is_left_out() {
    let found = found(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t DEFAULT VALUES; ANALYZE;
         CREATE TEMP TABLE t2 (a INT); CREATE TEMP VIEW v AS SELECT 1;
         CREATE TEMP TRIGGER tr AFTER INSERT ON main.t BEGIN DELETE FROM t2; END;",
    )
    .await;
    found.holds(&["path main"]);
    found.has_only("table ", &["table main.t"]);
    found.has_only("view ", &[]);
    found.has_only("trigger ", &[]);
}

#[tokio::test]
async fn the_fingerprint_moves_with_the_schema_alone() {
    let (pool, file) = database("CREATE TABLE t (a INT); CREATE TABLE u (a INT)").await;
    let other = SqlitePool::connect(&file.url()).await.unwrap();
    let mut last = inspect::fingerprint(&pool).await.unwrap();
    for ddl in [
        "ALTER TABLE t ADD COLUMN b TEXT",
        "CREATE INDEX i ON t (a)",
        "CREATE VIEW v AS SELECT a FROM t",
        "CREATE TRIGGER tr AFTER INSERT ON t BEGIN DELETE FROM u; END",
        "DROP TRIGGER tr",
        "ALTER TABLE u RENAME TO w",
    ] {
        // Made elsewhere.
        sqlx::raw_sql(ddl).execute(&other).await.unwrap();
        let now = inspect::fingerprint(&pool).await.unwrap();
        assert_ne!(now, last, "{ddl}");
        last = now;
    }
    sqlx::raw_sql("ANALYZE").execute(&other).await.unwrap();
    last = inspect::fingerprint(&pool).await.unwrap();
    for harmless in [
        "INSERT INTO t VALUES (1, 'x')",
        "DELETE FROM t",
        "ANALYZE",
        "CREATE TEMP TABLE t (z INT)",
        "PRAGMA wal_checkpoint",
    ] {
        sqlx::raw_sql(harmless).execute(&pool).await.unwrap();
        assert_eq!(
            inspect::fingerprint(&pool).await.unwrap(),
            last,
            "{harmless}"
        );
    }
    sqlx::raw_sql("ATTACH ':memory:' AS x")
        .execute(&pool)
        .await
        .unwrap();
    assert_ne!(inspect::fingerprint(&pool).await.unwrap(), last);
}

#[tokio::test]
async fn the_fingerprint_tells_attached_databases_that_changed_as_often() {
    let (pool, _file) = database("CREATE TABLE t (a INT)").await;
    let mut seen = Vec::new();
    let files = [SqliteFile::new(), SqliteFile::new()];
    for (file, ddl) in files
        .iter()
        .zip(["CREATE TABLE a (x INT)", "CREATE TABLE b (x INT)"])
    {
        let there = SqlitePool::connect(&file.url()).await.unwrap();
        sqlx::raw_sql(ddl).execute(&there).await.unwrap();
        let path: String = sqlx::query_scalar("SELECT file FROM pragma_database_list")
            .fetch_one(&there)
            .await
            .unwrap();
        sqlx::query("ATTACH ? AS x")
            .bind(path)
            .execute(&pool)
            .await
            .unwrap();
        seen.push(inspect::fingerprint(&pool).await.unwrap());
        sqlx::raw_sql("DETACH x").execute(&pool).await.unwrap();
    }
    for ddl in ["CREATE TABLE x.a (x INT)", "CREATE TABLE x.b (x INT)"] {
        sqlx::raw_sql("ATTACH ':memory:' AS x")
            .execute(&pool)
            .await
            .unwrap();
        sqlx::raw_sql(ddl).execute(&pool).await.unwrap();
        seen.push(inspect::fingerprint(&pool).await.unwrap());
        sqlx::raw_sql("DETACH x").execute(&pool).await.unwrap();
    }
    let different: HashSet<&String> = seen.iter().collect();
    assert_eq!(different.len(), seen.len(), "{seen:#?}");
}
