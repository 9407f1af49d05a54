//! The pool beneath: its ways to recycle, its end, and how its connections are taken and left.

use std::time::Duration;

use cachedpool::{
    CachedPool, ErrorKind,
    cache::Time,
    tokio_postgres::{Error, GenericClient as _},
};
use cachedpool_test_support::{poll_at_most, wait_until};
use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::NoTls;

use crate::kit::{LONG, Scene, Setting, pool_of, run};

#[tokio::test]
async fn each_way_to_recycle_serves() {
    let scene = Scene::new().await;
    for recycling_method in [
        RecyclingMethod::Fast,
        RecyclingMethod::Verified,
        RecyclingMethod::Clean,
    ] {
        let config = ManagerConfig { recycling_method };
        let manager = Manager::from_config(scene.config.clone(), NoTls, config);
        let inner = Pool::builder(manager).max_size(1).build().unwrap();
        let client = CachedPool::builder(inner).build().await.unwrap();
        let prepared = client
            .prepare("SELECT name FROM people WHERE id = $1")
            .await
            .unwrap();
        for _ in 0..3 {
            let row = client.query_one(&prepared, &[&1_i64]).await.unwrap();
            assert_eq!(row.get::<_, &str>(0), "Ada");
            let mut tx = client.transaction().await.unwrap();
            run(&mut tx, "DELETE FROM people").await;
            drop(tx);
            let mut connection = client.get().await.unwrap();
            run(&mut connection, "SET search_path TO pg_catalog").await;
            drop(connection);
        }
        assert_eq!(scene.truth("people").await.len(), 2);
    }
}

#[tokio::test]
async fn a_connection_is_taken_at_once_only_if_one_is_idle() {
    let scene = Setting::usual().connections(1).scene().await;
    scene.settled().await;
    let taken = scene.client.try_acquire();
    assert!(taken.is_some());
    assert!(scene.client.try_acquire().is_none());
    drop(taken);
    let mut again = scene.client.try_acquire().unwrap();
    run(&mut again, "DELETE FROM people").await;
    drop(again);
    scene.assert_true("after the write").await;
    let empty = CachedPool::builder(pool_of(&scene.config, 2))
        .build()
        .await
        .unwrap();
    let one = empty.try_acquire();
    assert!(one.is_some());
    // There is room for another, which would have to be made first.
    assert!(empty.try_acquire().is_none());
}

#[tokio::test]
async fn closing_waits_for_writes_whose_callers_have_gone() {
    let scene = Setting::usual().connections(2).scene().await;
    let slow = "INSERT INTO pets SELECT 1, 1, 'x' FROM pg_sleep(0.3)";
    let slow = scene.client.prepare(slow).await.unwrap();
    let write = scene.client.execute(&slow, &[]);
    wait_until(LONG, "there is a connection", async || {
        scene.client.num_idle() > 0
    })
    .await;
    assert!(poll_at_most(1, write).await.is_none());
    tokio::time::timeout(LONG, scene.client.close())
        .await
        .unwrap();
    assert_eq!(scene.truth("pets").await.len(), 1);
    assert!(scene.client.is_closed());
    assert_eq!(scene.client.size(), 0);
    let late = scene.client.query("SELECT 1", &[]).await;
    assert!(
        matches!(late, Err(Error::Pool(PoolError::Closed))),
        "{late:?}"
    );
    assert!(scene.client.transaction().await.is_err());
    assert!(scene.client.try_acquire().is_none());
}

#[tokio::test]
async fn a_pool_that_has_no_connection_left_is_told_in_its_own_words() {
    let scene = Scene::new().await;
    let manager = Manager::new(scene.config.clone(), NoTls);
    let inner = Pool::builder(manager)
        .max_size(1)
        .wait_timeout(Some(Duration::from_millis(20)))
        .runtime(Runtime::Tokio1)
        .build()
        .unwrap();
    let (time, _) = Time::manual();
    let client = CachedPool::builder(inner).time(time).build().await.unwrap();
    let sql = "SELECT id, name FROM people";
    client.cached(sql, &[]).query().await.unwrap();
    let held = client.get().await.unwrap();
    for error in [
        client.query(sql, &[]).await.map(drop).unwrap_err(),
        client
            .execute("DELETE FROM people", &[])
            .await
            .map(drop)
            .unwrap_err(),
        client
            .cached("SELECT 1 FROM people", &[])
            .query()
            .await
            .map(drop)
            .unwrap_err(),
        client.transaction().await.map(drop).unwrap_err(),
    ] {
        assert!(
            matches!(error, Error::Pool(PoolError::Timeout(_))),
            "{error:?}"
        );
    }
    // A hit needs none.
    assert_eq!(client.cached(sql, &[]).query().await.unwrap().len(), 2);
    drop(held);
    assert_eq!(client.stats().quarantined, 0);
    assert_eq!(client.execute("DELETE FROM people", &[]).await.unwrap(), 2);
}

#[tokio::test]
async fn a_server_that_refuses_everything_fails_the_build() {
    let scene = Scene::new().await;
    let mut config = scene.config.clone();
    config.dbname("nobody").password("S3CRET");
    let refused = CachedPool::builder(pool_of(&config, 1)).build().await;
    assert!(refused.is_err());
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Session);
    let printed = format!("{error:?} {error}");
    assert!(!printed.contains("S3CRET"), "{printed}");
}

#[tokio::test]
async fn what_goes_unseen_counts_as_a_write_to_everything_and_costs_the_connection() {
    let scene = Setting::usual().connections(1).scene().await;
    scene.warm().await;
    let mut connection = scene.client.get().await.unwrap();
    let unseen = connection.unseen().await.unwrap();
    unseen
        .batch_execute("DELETE FROM people; SET search_path TO pg_catalog")
        .await
        .unwrap();
    drop(connection);
    scene.assert_true("after what nobody saw").await;
    assert_eq!(scene.rows("people").await, []);
}
