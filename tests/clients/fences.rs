//! A strict write that the other processes cannot be told of is not sent, and leaves everything as it was.

use cachedpool::{
    Consistency, Source,
    tokio_postgres::{Error, GenericClient as _},
};
use cachedpool_test_support::wait_until;

use crate::kit::{LONG, Scene, Setting, Tier, run};

const RENAME: &str = "UPDATE people SET name = 'Eve' WHERE id = 1";

/// A strict client with one connection.
async fn strict() -> (Scene, Tier) {
    let tier = Tier::new();
    let own = tier.clone();
    let scene = Setting::usual()
        .connections(1)
        .pool(|builder| builder.shared_tier(own).consistency(Consistency::Strict))
        .scene()
        .await;
    wait_until(LONG, "it hears of the others", async || {
        scene.client.stats().shared_live
    })
    .await;
    (scene, tier)
}

async fn name(scene: &Scene) -> String {
    scene.truth("people").await[0].name.clone().unwrap()
}

fn is_refused<T>(ran: Result<T, Error>) -> bool {
    matches!(ran, Err(Error::Fence(_)))
}

#[tokio::test]
async fn a_statement_is_not_sent() {
    let (scene, tier) = strict().await;
    tier.refuse_holds(true);
    let client = &scene.client;
    let prepared = client.prepare(RENAME).await.unwrap();
    assert!(is_refused(client.execute(RENAME, &[]).await));
    assert!(is_refused(client.execute(&prepared, &[]).await));
    assert!(is_refused(client.execute_with_token(RENAME, &[]).await));
    assert!(is_refused(client.batch_execute(RENAME).await));
    assert_eq!(name(&scene).await, "Ada");
    scene.assert_true("after the refusal").await;

    tier.refuse_holds(false);
    assert_eq!(scene.through(RENAME).await, 1);
    assert_eq!(tier.holds(), 1);
    assert_eq!(name(&scene).await, "Eve");
    scene.assert_true("after the write").await;
}

#[tokio::test]
async fn a_commit_becomes_a_rollback() {
    let (scene, tier) = strict().await;
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, RENAME).await;
    tier.refuse_holds(true);
    assert!(is_refused(tx.commit().await));
    assert_eq!(name(&scene).await, "Ada");
    // The only connection is back, and nothing is open on it.
    tier.refuse_holds(false);
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_eq!(scene.truth("pets").await.len(), 1);
    assert_eq!(name(&scene).await, "Ada");
    scene.assert_true("after another write").await;
}

#[tokio::test]
async fn a_commit_in_text_leaves_the_transaction_open() {
    let (scene, tier) = strict().await;
    let mut connection = scene.client.get().await.unwrap();
    run(&mut connection, "BEGIN").await;
    run(&mut connection, RENAME).await;
    tier.refuse_holds(true);
    assert!(is_refused(connection.execute("COMMIT", &[]).await));
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
    assert!(is_refused(connection.batch_execute("COMMIT").await));
    // Given back with the transaction open, the connection rolls it back.
    drop(connection);
    tier.refuse_holds(false);
    scene.through("INSERT INTO pets VALUES (1, 1, 'Rex')").await;
    assert_eq!(scene.truth("people").await.len(), 2);
    scene.assert_true("at the end").await;
}

#[tokio::test]
async fn a_rollback_is_never_refused_and_a_read_never_asks() {
    let (scene, tier) = strict().await;
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, RENAME).await;
    tier.refuse_holds(true);
    tx.rollback().await.unwrap();
    let mut connection = scene.client.get().await.unwrap();
    for sql in ["BEGIN", RENAME, "ROLLBACK"] {
        run(&mut connection, sql).await;
    }
    drop(connection);
    assert_eq!(name(&scene).await, "Ada");
    assert_eq!(scene.source("people").await, Source::Database);
    let mut tx = scene.client.transaction().await.unwrap();
    run(&mut tx, "SELECT id FROM people").await;
    tx.commit().await.unwrap();
    assert_eq!(tier.holds(), 0);
    scene.assert_true("after two rollbacks").await;
}

#[tokio::test]
async fn a_released_savepoint_needs_no_fence() {
    let (scene, tier) = strict().await;
    let mut outer = scene.client.transaction().await.unwrap();
    tier.refuse_holds(true);
    let mut inner = outer.transaction().await.unwrap();
    run(&mut inner, RENAME).await;
    inner.commit().await.unwrap();
    tier.refuse_holds(false);
    outer.commit().await.unwrap();
    assert_eq!(tier.holds(), 1);
    assert_eq!(name(&scene).await, "Eve");
}
