//! What an account may not see.

use cachedpool::inspect;
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
