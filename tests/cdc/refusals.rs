//! Servers that are not set up for it.

use cachedpool::{
    CachedPool, Error, ErrorKind,
    cdc::{Follow, LogicalReplication},
};
use cachedpool_test_support::{logical_postgres, postgres, wait_until};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Postgres};

use super::kit::{SOON, USERS, builder, patient};

pub(crate) async fn refused(
    url: &str,
    settings: impl Follow<CachedPool<Postgres>>,
) -> (String, String) {
    let error: Error = builder(url)
        .follow_changes(settings)
        .build()
        .await
        .unwrap_err();
    match error.kind() {
        ErrorKind::Changes { problem, remedy } => {
            (problem.clone(), remedy.clone().unwrap_or_default())
        }
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection
        .execute(AssertSqlSafe(sql.to_owned()))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_server_that_writes_too_little_into_its_log_is_refused_by_the_settings_name() {
    let url = postgres().await.fresh_database().await;
    let (problem, remedy) = refused(&url, LogicalReplication::new()).await;
    assert!(problem.contains("`wal_level` is `replica`"), "{problem}");
    assert!(remedy.contains("wal_level = 'logical'"), "{remedy}");
}

#[tokio::test]
async fn a_publication_that_is_missing_or_leaves_something_out_is_refused_with_the_statement() {
    let url = logical_postgres().await.fresh_database().await;
    let (problem, remedy) = refused(&url, LogicalReplication::new()).await;
    assert!(problem.contains("no publication `cachedpool`"), "{problem}");
    assert_eq!(remedy, "CREATE PUBLICATION \"cachedpool\" FOR ALL TABLES");
    for with in ["publish = 'insert'", "publish_via_partition_root = true"] {
        run(&url, &format!("DROP PUBLICATION IF EXISTS cachedpool; CREATE PUBLICATION cachedpool FOR ALL TABLES WITH ({with})")).await;
        let (problem, remedy) = refused(&url, LogicalReplication::new()).await;
        assert!(
            problem.contains("leaves tables or operations out"),
            "{problem}"
        );
        assert!(
            remedy.starts_with("DROP PUBLICATION \"cachedpool\";"),
            "{remedy}"
        );
    }
}

#[tokio::test]
async fn a_publication_is_not_made_where_it_would_have_statements_refused() {
    let url = logical_postgres().await.fresh_database().await;
    run(&url, "CREATE TABLE bare (n int)").await;
    let create = LogicalReplication::new().create_publication();
    let (problem, remedy) = refused(&url, create.clone()).await;
    assert!(
        problem.contains("`public.bare` has no replica identity"),
        "{problem}"
    );
    assert!(
        remedy.contains("ALTER TABLE public.bare REPLICA IDENTITY FULL"),
        "{remedy}"
    );
    run(&url, "ALTER TABLE bare REPLICA IDENTITY FULL").await;
    builder(&url).follow_changes(create).build().await.unwrap();
}

#[tokio::test]
async fn a_role_that_may_not_replicate_is_refused_with_the_statement() {
    let server = logical_postgres().await;
    let url = server.fresh_database().await;
    run(&url, USERS).await;
    run(
        &url,
        "CREATE PUBLICATION cachedpool FOR ALL TABLES; CREATE ROLE meek LOGIN; GRANT SELECT ON users TO meek",
    )
    .await;
    let meek = url.replace("postgres:test@", "meek:test@");
    let (problem, remedy) = refused(&meek, LogicalReplication::new()).await;
    assert!(problem.contains("42501"), "{problem}");
    assert_eq!(remedy, "ALTER ROLE \"meek\" REPLICATION");
}

#[tokio::test]
async fn a_pool_beside_one_that_follows_may_not_follow_too_and_need_not() {
    let url = logical_postgres().await.fresh_database().await;
    let one = builder(&url)
        .follow_changes(patient())
        .build()
        .await
        .unwrap();
    let two = || builder(&url).beside(&one);
    let refused = two().follow_changes(patient()).build().await.unwrap_err();
    assert!(refused.to_string().contains("follow_changes"), "{refused}");
    let two = two().build().await.unwrap();
    wait_until(SOON, "both hear", async || two.stats().changes_live).await;
}
