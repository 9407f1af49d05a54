//! What an account may not see.

use cachedpool::{CachedPool, inspect};
use sqlx::{AssertSqlSafe, MySqlPool};

use super::Scene;

/// What a database shows a user, or why it is not enough.
async fn told(user: &MySqlPool) -> Result<Vec<String>, String> {
    inspect::catalog(user).await
}

const TABLE_WITH_TRIGGER: &str = "CREATE TABLE t (a INT); CREATE TABLE u (a INT);
     CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW DELETE FROM u";

#[tokio::test]
async fn a_user_without_the_privilege_trigger_is_told_the_grant() {
    let scene = Scene::with(TABLE_WITH_TRIGGER).await;
    for grants in [
        "SELECT ON {db}.*",
        "INSERT, UPDATE, DELETE ON {db}.*",
        "TRIGGER ON {db}.t",
        "SELECT (a), REFERENCES (a) ON {db}.u",
    ] {
        let user = scene.user(&[grants]).await;
        let error = told(&user).await.unwrap_err();
        let (query, remedy) = error.split_once('\n').unwrap();
        assert!(query.contains("information_schema.triggers"), "{query}");
        let name = scene.name.replace('_', "\\_");
        assert_eq!(
            remedy,
            scene.text(&format!("GRANT TRIGGER ON `{name}`.* TO '{{db}}'@'%'")),
            "after {grants}"
        );
        // What is said helps.
        if grants.starts_with("SELECT (a)") {
            scene.run(remedy).await;
            let lines = told(&scene.sign_in().await).await.unwrap();
            assert!(
                lines.iter().any(|line| line.starts_with("trigger tr on ")),
                "{lines:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_privilege_may_come_from_anywhere() {
    for grants in [
        &["SELECT, SHOW VIEW, TRIGGER ON *.*"][..],
        &["ALL PRIVILEGES ON {db}.*"],
        &["SELECT, TRIGGER ON {db}.t", "SELECT, TRIGGER ON {db}.u"],
        &["ALL ON `{db}%`.*"],
    ] {
        let scene = Scene::with(TABLE_WITH_TRIGGER).await;
        let user = scene.user(grants).await;
        let lines = told(&user).await.unwrap();
        assert!(
            lines.iter().any(|line| line.starts_with("trigger tr on ")),
            "{grants:?}"
        );
    }
    let scene = Scene::with(TABLE_WITH_TRIGGER).await;
    scene
        .run("CREATE ROLE {db}_role; GRANT SELECT, TRIGGER ON {db}.* TO {db}_role")
        .await;
    scene.user(&["{db}_role"]).await;
    scene.run("SET DEFAULT ROLE {db}_role FOR '{db}'@'%'").await;
    let lines = told(&scene.sign_in().await).await.unwrap();
    assert!(
        lines.iter().any(|line| line.starts_with("trigger tr on ")),
        "by a role"
    );
}

#[tokio::test]
async fn of_two_grants_that_fit_the_exact_one_counts() {
    let scene = Scene::with(TABLE_WITH_TRIGGER).await;
    let user = scene.user(&["ALL ON `{db}%`.*", "SELECT ON {db}.*"]).await;
    assert!(told(&user).await.is_err());
    let shown: Option<String> = sqlx::query_scalar(AssertSqlSafe(scene.text(
        "SELECT CONVERT(action_statement USING utf8mb4) FROM information_schema.triggers WHERE trigger_schema = '{db}'",
    )))
    .fetch_optional(&user)
    .await
    .unwrap()
    .flatten();
    assert_eq!(shown, None, "the server sees it so");
}

#[tokio::test]
async fn a_user_who_may_not_see_a_views_query_is_told_the_grant() {
    let scene = Scene::with("CREATE TABLE t (a INT); CREATE VIEW v AS SELECT a FROM t").await;
    for grants in [&["INSERT, TRIGGER ON {db}.*"][..], &["SELECT ON {db}.*"]] {
        let user = scene.user(grants).await;
        let error = told(&user).await.unwrap_err();
        let (query, remedy) = error.split_once('\n').unwrap();
        assert!(query.contains("information_schema.views"), "{query}");
        let name = scene.name.replace('_', "\\_");
        assert_eq!(
            remedy,
            scene.text(&format!(
                "GRANT SELECT, SHOW VIEW ON `{name}`.* TO '{{db}}'@'%'"
            ))
        );
    }
    let user = scene.user(&["SHOW VIEW ON {db}.*"]).await;
    told(&user).await.unwrap();
}

#[tokio::test]
async fn what_reads_a_hidden_table_is_not_known() {
    let scene = Scene::with(
        "CREATE TABLE t (id INT PRIMARY KEY); CREATE TABLE u (id INT PRIMARY KEY);
         CREATE TABLE hidden (id INT PRIMARY KEY, a INT);
         CREATE VIEW v AS SELECT id, a FROM hidden;
         CREATE FUNCTION counted() RETURNS INT DETERMINISTIC READS SQL DATA RETURN (SELECT COUNT(*) FROM hidden);
         CREATE FUNCTION shown() RETURNS INT DETERMINISTIC READS SQL DATA RETURN (SELECT COUNT(*) FROM u);
         CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW BEGIN DECLARE n INT; SELECT COUNT(*) INTO n FROM hidden; END;
         CREATE TRIGGER ur AFTER INSERT ON u FOR EACH ROW BEGIN DECLARE n INT; SELECT COUNT(*) INTO n FROM t; END;",
    )
    .await;
    let user = scene
        .user(&[
            "SELECT, INSERT, TRIGGER ON {db}.t",
            "SELECT, INSERT, TRIGGER ON {db}.u",
            "SELECT, UPDATE, SHOW VIEW ON {db}.v",
            "EXECUTE, SHOW CREATE ROUTINE ON {db}.*",
        ])
        .await;
    let pool = CachedPool::builder(user).build().await.unwrap();
    assert_eq!(pool.schema().relation(&scene.text("{db}.hidden")).len(), 0);
    for (sql, known) in [
        ("INSERT INTO {db}.t VALUES (1)", false),
        ("INSERT INTO {db}.u VALUES (1)", true),
        ("UPDATE {db}.v SET a = 1", false),
    ] {
        let effects = pool.explain(&scene.text(sql)).effects.unwrap();
        assert_eq!(effects.everything.is_none(), known, "{sql}: {effects:?}");
    }
    for (sql, known) in [
        ("SELECT id FROM {db}.v", false),
        ("SELECT {db}.counted() FROM {db}.t", false),
        ("SELECT {db}.shown() FROM {db}.t", true),
    ] {
        let explained = pool.explain(&scene.text(sql)).statement;
        assert_eq!(explained.cacheable, known, "{sql}: {:?}", explained.reason);
    }
}

#[tokio::test]
async fn rows_are_not_told_apart_where_columns_of_keys_are_hidden() {
    let scene = Scene::with("CREATE TABLE t (id INT PRIMARY KEY, a INT, KEY (a))").await;
    let user = scene
        .user(&["SELECT (id), UPDATE (id) ON {db}.t", "TRIGGER ON {db}.t"])
        .await;
    let lines = told(&user).await.unwrap();
    let of_this = |start: &str| {
        let start = scene.text(start);
        lines.iter().filter(|line| line.starts_with(&start)).count()
    };
    assert_eq!(of_this("column {db}.t.id"), 1, "{lines:?}");
    assert_eq!(of_this("column {db}.t.a"), 0);
    assert_eq!(of_this("key {db}.t("), 0);
}
