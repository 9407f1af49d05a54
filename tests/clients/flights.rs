//! Concurrent misses of one read are one query.

use std::pin::pin;

use cachedpool::tokio_postgres::{Error, GenericClient as _};
use cachedpool_test_support::wait_until;
use futures_util::{
    future::{join, join_all},
    poll,
};

use crate::kit::{LONG, Scene, Setting};

const COUNT: &str = "SELECT count(*) FROM people";

/// A count of the people.
async fn count(scene: &Scene) -> i64 {
    let row = scene.client.cached(COUNT, &[]).query_one().await;
    row.unwrap().get(0)
}

/// A scene of so many connections, which knows the types of the count and nothing else.
async fn knowing(connections: usize) -> Scene {
    let scene = Setting::usual().connections(connections).scene().await;
    scene.client.query(COUNT, &[]).await.unwrap();
    scene
}

#[tokio::test]
async fn a_hundred_misses_are_one_query() {
    let scene = Setting::usual().connections(1).scene().await;
    let counts = join_all((0..100).map(|_| count(&scene))).await;
    assert_eq!(counts, [2; 100]);
    let stats = scene.client.stats();
    assert_eq!((stats.misses, stats.loads, stats.in_flight), (100, 1, 0));
}

#[tokio::test]
async fn a_leader_that_is_dropped_hands_over() {
    let scene = knowing(1).await;
    // Nobody can load before all have asked.
    let held = scene.client.inner().get().await.unwrap();
    let mut followers = Vec::new();
    {
        let mut leader = pin!(count(&scene));
        assert!(poll!(&mut leader).is_pending());
        for _ in 0..3 {
            let mut follower = Box::pin(count(&scene));
            assert!(poll!(&mut follower).is_pending());
            followers.push(follower);
        }
        let stats = scene.client.stats();
        assert_eq!((stats.loads, stats.in_flight), (1, 1));
    }
    // The next in line may go as well.
    let mut followers = followers.into_iter();
    let mut second = followers.next().unwrap();
    wait_until(LONG, "the second loads", async || {
        assert!(poll!(&mut second).is_pending());
        scene.client.stats().loads == 2
    })
    .await;
    drop((second, held));
    assert_eq!(join_all(followers).await, [2, 2]);
    let stats = scene.client.stats();
    assert_eq!((stats.loads, stats.coalesced, stats.in_flight), (3, 1, 0));
}

#[tokio::test]
async fn an_error_is_not_shared() {
    let scene = Scene::new().await;
    let fails = "SELECT 1 / (id - 1) FROM people";
    scene.client.prepare(fails).await.unwrap();
    let all = (0..5).map(|_| scene.client.cached(fails, &[]).query());
    let errors = join_all(all).await;
    let divided = |answer: &Result<Vec<_>, Error>| {
        answer
            .as_ref()
            .is_err_and(|error| error.code().unwrap().code() == "22012")
    };
    assert!(errors.iter().all(divided));
    let stats = scene.client.stats();
    assert_eq!((stats.loads, stats.load_failures), (5, 5));
    assert_eq!((stats.in_flight, stats.entries), (0, 0));
}

#[tokio::test]
async fn a_read_that_starts_after_a_write_does_not_join_one_from_before() {
    let scene = knowing(4).await;
    let mut before = pin!(count(&scene));
    let ended = poll!(&mut before).is_ready();
    scene.through("INSERT INTO people VALUES (3, 'Eve')").await;
    assert_eq!(count(&scene).await, 3);
    if !ended {
        before.await;
    }
    // What the earlier load brought, whatever it saw, is not kept as the later one's.
    assert_eq!(count(&scene).await, 3);
    assert_eq!(scene.client.stats().loads, 2);
}

#[tokio::test]
async fn different_arguments_fly_apart() {
    let scene = Scene::new().await;
    let one = async |id: i64| {
        let sql = "SELECT id FROM people WHERE id = $1";
        let row = scene.client.cached(sql, &[&id]).query_opt().await;
        row.unwrap().map(|row| row.get::<_, i64>(0))
    };
    let rows = join_all([1, 2, 3, 1, 2, 3].map(one)).await;
    assert_eq!(rows, [Some(1), Some(2), None, Some(1), Some(2), None]);
    assert_eq!(scene.client.stats().loads, 3);
}

#[tokio::test]
async fn past_the_limit_each_reader_loads_for_itself() {
    let one = "SELECT id FROM people WHERE id = 2";
    let scene = Setting::usual()
        .connections(1)
        .pool(|builder| builder.max_in_flight(1))
        .scene()
        .await;
    for sql in [COUNT, one] {
        scene.client.query(sql, &[]).await.unwrap();
    }
    let other = async || -> i64 {
        let row = scene.client.cached(one, &[]).query_one().await;
        row.unwrap().get(0)
    };
    // Nobody can load before all have asked.
    let held = scene.client.inner().get().await.unwrap();
    let mut first = pin!(count(&scene));
    assert!(poll!(&mut first).is_pending());
    let mut others = [Box::pin(other()), Box::pin(other())];
    for other in &mut others {
        assert!(poll!(other).is_pending());
    }
    drop(held);
    // Together: each may be the next to get the connection.
    let (first, others) = join(first, join_all(others)).await;
    assert_eq!((first, others), (2, vec![2, 2]));
    assert_eq!(scene.client.stats().uncoalesced, 2);
}

#[tokio::test]
async fn nobody_waits_for_ever_for_a_reader_that_is_not_polled() {
    for known in [true, false] {
        let scene = Setting::usual().connections(2).scene().await;
        if known {
            scene.client.query(COUNT, &[]).await.unwrap();
        }
        // Nobody can load before both have asked.
        let inner = scene.client.inner();
        let held = (inner.get().await.unwrap(), inner.get().await.unwrap());
        let mut leader = pin!(count(&scene));
        assert!(poll!(&mut leader).is_pending());
        let mut waiter = pin!(count(&scene));
        assert!(poll!(&mut waiter).is_pending());
        drop(held);
        scene.hand.advance(std::time::Duration::from_secs(6));
        // The first is alive all the while, and this task does not poll it.
        assert_eq!(tokio::time::timeout(LONG, waiter).await.unwrap(), 2);
        assert_eq!(leader.await, 2);
    }
}
