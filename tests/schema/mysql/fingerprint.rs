//! When the fingerprint moves.

use std::time::Duration;

use cachedpool::inspect;
use cachedpool_test_support::wait_until;
use sqlx::AssertSqlSafe;

use super::Scene;

#[tokio::test]
async fn the_fingerprint_moves_with_the_schema_and_the_grants_alone() {
    let scene = Scene::with(
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b INT); CREATE TABLE p (id INT PRIMARY KEY);
         CREATE VIEW v AS SELECT a FROM t",
    )
    .await;
    // One who sees this database alone: other tests change theirs.
    let user = scene.user(&["ALL ON {db}.*"]).await;
    let mut last = inspect::fingerprint(&user).await.unwrap();
    for ddl in [
        "ALTER TABLE t MODIFY a BIGINT",
        "ALTER TABLE t MODIFY a BIGINT AFTER b",
        "ALTER TABLE t ADD KEY i (a)",
        "ALTER TABLE t DROP KEY i, ADD UNIQUE KEY i (a)",
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (b) REFERENCES p (id)",
        "ALTER TABLE t DROP FOREIGN KEY k",
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (b) REFERENCES p (id) ON DELETE CASCADE",
        "CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW DELETE FROM p",
        "CREATE OR REPLACE TRIGGER tr AFTER INSERT ON t FOR EACH ROW DELETE FROM p WHERE id = 1",
        "CREATE OR REPLACE VIEW v AS SELECT b FROM t",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "CREATE OR REPLACE FUNCTION f() RETURNS INT RETURN 2",
        "CREATE OR REPLACE FUNCTION f(a INT DEFAULT 3) RETURNS INT RETURN 2",
        "CREATE OR REPLACE FUNCTION f(a INT DEFAULT (SELECT MAX(a) FROM t)) RETURNS INT RETURN 2",
        "ALTER TABLE p ENGINE = MyISAM",
        "CREATE TABLE n (a INT)",
        "DROP TABLE n",
        "RENAME TABLE v TO w",
        "GRANT PROCESS ON *.* TO '{db}'@'%'",
        "REVOKE DELETE ON {db}.* FROM '{db}'@'%'",
        "CREATE SEQUENCE s",
    ] {
        if ddl.contains("p ENGINE") {
            scene.run("ALTER TABLE t DROP FOREIGN KEY k").await;
            last = inspect::fingerprint(&user).await.unwrap();
        }
        scene.run(ddl).await;
        let now = inspect::fingerprint(&user).await.unwrap();
        assert_ne!(now, last, "{ddl}");
        last = now;
    }
    assert!(!last.contains('*') || !last.contains("PASSWORD"), "{last}");
    for harmless in [
        "INSERT INTO t (a) VALUES (1), (2), (3)",
        "UPDATE t SET a = a + 5",
        "ANALYZE TABLE t",
        "TRUNCATE TABLE t",
        "CREATE TEMPORARY TABLE t (z INT)",
        "DO NEXTVAL(s)",
        "FLUSH TABLES",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM p",
    ] {
        scene.run(harmless).await;
        assert_eq!(
            inspect::fingerprint(&user).await.unwrap(),
            last,
            "{harmless}"
        );
    }
    sqlx::raw_sql(AssertSqlSafe(
        scene.text("CREATE TEMPORARY TABLE {db}.t (z INT)"),
    ))
    .execute(&user)
    .await
    .unwrap();
    assert_eq!(
        inspect::fingerprint(&user).await.unwrap(),
        last,
        "the session's own table"
    );
}

#[tokio::test]
async fn the_fingerprint_moves_with_tables_that_take_each_others_name() {
    let scene = Scene::with("CREATE TABLE a (id INT); CREATE TABLE b (id INT)").await;
    let user = scene.user(&["ALL ON {db}.*"]).await;
    let before = inspect::fingerprint(&user).await.unwrap();
    wait_until(Duration::from_secs(20), "the second is over", async || {
        let over = "SELECT MAX(create_time) < NOW() FROM information_schema.tables WHERE table_schema = '{db}'";
        sqlx::query_scalar(AssertSqlSafe(scene.text(over)))
            .fetch_one(&scene.root)
            .await
            .unwrap()
    })
    .await;
    for harmless in [
        "INSERT INTO a VALUES (1)",
        "TRUNCATE TABLE a",
        "ANALYZE TABLE a",
    ] {
        scene.run(harmless).await;
        let now = inspect::fingerprint(&user).await.unwrap();
        assert_eq!(now, before, "{harmless}");
    }
    scene.run("RENAME TABLE a TO c, b TO a, c TO b").await;
    assert_ne!(inspect::fingerprint(&user).await.unwrap(), before);
}
