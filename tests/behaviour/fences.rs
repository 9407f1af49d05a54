//! A strict write that the other processes cannot be told of is not sent, and leaves everything as it was.

use cachedpool::{CacheExt as _, Consistency, Source, is_fence_unavailable};

use crate::kit::{
    LONG, Person, Scene, Server, Setting, TestDatabase, Tier, live, query, read, run,
};

tests!(sqlite, postgres, mariadb => [
    a_statement_is_not_sent,
    a_commit_becomes_a_rollback,
    a_commit_in_text_leaves_the_transaction_open,
    a_rollback_is_never_refused,
    a_released_savepoint_needs_no_fence,
    reads_need_no_fence,
    a_migration_does_not_begin,
    a_write_that_met_definitions_of_which_it_had_not_heard_moves_everything,
]);

const RENAME: &str = "UPDATE people SET name = 'Eve' WHERE id = 1";

/// A strict pool with one connection.
async fn strict<DB: TestDatabase>() -> (Scene<DB>, Tier) {
    let tier = Tier::new();
    let own = tier.clone();
    let scene = Setting::<DB>::usual()
        .connections(1)
        .pool(|builder| builder.shared_tier(own).consistency(Consistency::Strict))
        .scene()
        .await;
    live(&scene.pool).await;
    (scene, tier)
}

async fn name<DB: TestDatabase>(scene: &Scene<DB>) -> String {
    scene.truth("people").await[0].name.clone().unwrap()
}

async fn a_statement_is_not_sent<DB: TestDatabase>() {
    let (scene, tier) = strict::<DB>().await;
    tier.refuse_holds(true);
    let refused = query::<DB>(RENAME, []).execute(&scene.pool).await;
    assert!(is_fence_unavailable(&refused.unwrap_err()));
    assert_eq!(name(&scene).await, "Ada");
    scene.assert_true("after the refusal").await;

    tier.refuse_holds(false);
    assert_eq!(scene.through(RENAME).await, 1);
    assert_eq!(tier.holds(), 1);
    assert_eq!(name(&scene).await, "Eve");
    scene.assert_true("after the write").await;
}

async fn a_commit_becomes_a_rollback<DB: TestDatabase>() {
    let (scene, tier) = strict::<DB>().await;
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, RENAME).await;
    tier.refuse_holds(true);
    assert!(is_fence_unavailable(&tx.commit().await.unwrap_err()));
    assert_eq!(name(&scene).await, "Ada");
    // The only connection is back, and nothing is open on it.
    tier.refuse_holds(false);
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_eq!(scene.truth("pets").await.len(), 1);
    assert_eq!(name(&scene).await, "Ada");
    scene.assert_true("after another write").await;
}

async fn a_commit_in_text_leaves_the_transaction_open<DB: TestDatabase>() {
    let (scene, tier) = strict::<DB>().await;
    let mut connection = scene.pool.acquire().await.unwrap();
    run(&mut connection, "BEGIN").await;
    run(&mut connection, RENAME).await;
    tier.refuse_holds(true);
    let refused = query::<DB>("COMMIT", []).execute(&mut *connection).await;
    assert!(is_fence_unavailable(&refused.unwrap_err()));
    assert_eq!(name(&scene).await, "Ada");
    // What it wrote is still known: the second attempt holds and invalidates it.
    tier.refuse_holds(false);
    let before = tier.holds();
    run(&mut connection, "COMMIT").await;
    assert_eq!(tier.holds(), before + 1);
    assert_eq!(name(&scene).await, "Eve");
    run(&mut connection, "BEGIN").await;
    run(&mut connection, "DELETE FROM people").await;
    tier.refuse_holds(true);
    let refused = query::<DB>("COMMIT", []).execute(&mut *connection).await;
    assert!(is_fence_unavailable(&refused.unwrap_err()));
    // Given back with the transaction open, the connection rolls it back.
    drop(connection);
    tier.refuse_holds(false);
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_eq!(scene.truth("people").await.len(), 2);
    scene.assert_true("at the end").await;
}

async fn a_rollback_is_never_refused<DB: TestDatabase>() {
    let (scene, tier) = strict::<DB>().await;
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, RENAME).await;
    tier.refuse_holds(true);
    tx.rollback().await.unwrap();
    let mut connection = scene.pool.acquire().await.unwrap();
    for sql in ["BEGIN", RENAME, "ROLLBACK"] {
        run(&mut connection, sql).await;
    }
    drop(connection);
    assert_eq!(name(&scene).await, "Ada");
    scene.assert_true("after two rollbacks").await;
}

async fn a_released_savepoint_needs_no_fence<DB: TestDatabase>() {
    let (scene, tier) = strict::<DB>().await;
    let mut outer = scene.pool.begin().await.unwrap();
    tier.refuse_holds(true);
    let mut inner = outer.begin().await.unwrap();
    run(&mut inner, RENAME).await;
    inner.commit().await.unwrap();
    tier.refuse_holds(false);
    outer.commit().await.unwrap();
    assert_eq!(tier.holds(), 1);
    assert_eq!(name(&scene).await, "Eve");
}

async fn reads_need_no_fence<DB: TestDatabase>() {
    let (scene, tier) = strict::<DB>().await;
    tier.refuse_holds(true);
    assert_eq!(scene.source("people").await, Source::Database);
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, "SELECT id FROM people").await;
    tx.commit().await.unwrap();
    assert_eq!(tier.holds(), 0);
}

async fn a_migration_does_not_begin<DB: TestDatabase>() {
    let (scene, tier) = strict::<DB>().await;
    let migrator = sqlx::migrate::Migrator::with_migrations(vec![sqlx::migrate::Migration::new(
        1,
        "more".into(),
        sqlx::migrate::MigrationType::Simple,
        sqlx::SqlSafeStr::into_sql_str("CREATE TABLE more (id BIGINT)"),
        false,
    )]);
    tier.refuse_holds(true);
    let refused = scene.pool.migrate(&migrator).await.unwrap_err();
    assert!(
        matches!(&refused, sqlx::migrate::MigrateError::Execute(error) if is_fence_unavailable(error)),
        "{refused}"
    );
    tier.refuse_holds(false);
    scene.pool.migrate(&migrator).await.unwrap();
    scene.through("INSERT INTO more VALUES (1)").await;
}

async fn a_write_that_met_definitions_of_which_it_had_not_heard_moves_everything<
    DB: TestDatabase,
>() {
    let (scene, tier) = strict::<DB>().await;
    let theirs = tier.clone();
    let other = scene
        .another(|builder| builder.shared_tier(theirs).consistency(Consistency::Strict))
        .await;
    live(&other).await;
    // Nothing to be learnt at the commit any more.
    scene.through(RENAME).await;
    tier.dawdle();
    for sql in trigger::<DB>() {
        query::<DB>(sql, []).execute(&other).await.unwrap();
    }
    let pets = || {
        let pets = read::<DB, Person>("SELECT id, name FROM pets", []);
        pets.cached(&other).fetch_all_shared()
    };
    let kept = async {
        while pets().await.unwrap().source() != Source::Local {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, kept).await.unwrap();
    // By the definitions that this pool knows, it is about people alone.
    let mut tx = scene.pool.begin().await.unwrap();
    run(&mut tx, RENAME).await;
    tx.commit().await.unwrap();
    assert_eq!(pets().await.unwrap().len(), 1);
}

/// Makes an update of people add a pet.
fn trigger<DB: TestDatabase>() -> Vec<&'static str> {
    match DB::SERVER {
        Server::Sqlite => vec![
            "CREATE TRIGGER adopt AFTER UPDATE ON people BEGIN INSERT INTO pets VALUES (7, 1, 'Rex'); END",
        ],
        Server::MariaDb => vec![
            "CREATE TRIGGER adopt AFTER UPDATE ON people FOR EACH ROW INSERT INTO pets VALUES (7, 1, 'Rex')",
        ],
        Server::Postgres => vec![
            "CREATE FUNCTION adopt() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN INSERT INTO pets VALUES (7, 1, 'Rex'); RETURN NULL; END $$",
            "CREATE TRIGGER adopt AFTER UPDATE ON people FOR EACH ROW EXECUTE FUNCTION adopt()",
        ],
    }
}
