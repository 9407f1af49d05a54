//! Concurrent misses of one read are one query.

use cachedpool::CacheExt as _;
use futures_util::{
    future::{join, join_all},
    poll,
};
use std::pin::pin;

use cachedpool_test_support::wait_until;

use crate::kit::{LONG, Number, Scene, Setting, TestDatabase, read};

tests!(sqlite, postgres, mariadb => [
    a_hundred_misses_are_one_query,
    a_leader_that_is_dropped_hands_over,
    an_error_is_not_shared,
    a_read_that_starts_after_a_write_does_not_join_one_from_before,
    different_arguments_fly_apart,
    past_the_limit_each_reader_loads_for_itself,
    nobody_waits_for_ever_for_a_leader_that_is_not_polled,
]);

/// A count of the people.
async fn count<DB: TestDatabase>(scene: &Scene<DB>) -> i64 {
    let read = read::<DB, Number>("SELECT count(*) FROM people", []);
    read.cached(&scene.pool).fetch_one().await.unwrap().0
}

async fn a_hundred_misses_are_one_query<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    let counts = join_all((0..100).map(|_| count(&scene))).await;
    assert_eq!(counts, [2; 100]);
    let stats = scene.pool.stats();
    assert_eq!(
        (stats.misses, stats.loads, stats.coalesced, stats.in_flight),
        (100, 1, 99, 0)
    );
}

async fn a_leader_that_is_dropped_hands_over<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(1).scene().await;
    // Nobody can load before all have asked.
    let held = scene.pool.inner().acquire().await.unwrap();
    let mut followers = Vec::new();
    {
        let mut leader = pin!(count(&scene));
        // A shared tier may have to be asked first.
        wait_until(LONG, "the leader loads", async || {
            assert!(poll!(&mut leader).is_pending());
            scene.pool.stats().loads == 1
        })
        .await;
        for _ in 0..3 {
            let mut follower = Box::pin(count(&scene));
            assert!(poll!(&mut follower).is_pending());
            followers.push(follower);
        }
        assert_eq!(
            (scene.pool.stats().loads, scene.pool.stats().in_flight),
            (1, 1)
        );
    }
    // The next in line may go as well.
    let mut followers = followers.into_iter();
    let mut second = followers.next().unwrap();
    wait_until(LONG, "the second loads", async || {
        assert!(poll!(&mut second).is_pending());
        scene.pool.stats().loads == 2
    })
    .await;
    drop((second, held));
    assert_eq!(join_all(followers).await, [2, 2]);
    let stats = scene.pool.stats();
    assert_eq!((stats.loads, stats.coalesced, stats.in_flight), (3, 1, 0));
}

async fn an_error_is_not_shared<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let extra = || {
        read::<DB, Number>("SELECT extra AS id FROM people", [])
            .cached(&scene.pool)
            .fetch_all()
    };
    let errors = join_all((0..5).map(|_| extra())).await;
    assert!(errors.iter().all(Result::is_err));
    let stats = scene.pool.stats();
    assert_eq!(
        (stats.loads, stats.load_failures, stats.in_flight),
        (5, 5, 0)
    );
}

async fn a_read_that_starts_after_a_write_does_not_join_one_from_before<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let mut before = pin!(count(&scene));
    let ended = poll!(&mut before).is_ready();
    scene.through("INSERT INTO people VALUES (3, 'Eve')").await;
    assert_eq!(count(&scene).await, 3);
    if !ended {
        before.await;
    }
    // What the earlier load brought, whatever it saw, is not kept as the later one's.
    assert_eq!(count(&scene).await, 3);
    assert_eq!(scene.pool.stats().loads, 2);
}

async fn different_arguments_fly_apart<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let sql = "SELECT id FROM people WHERE id = $1";
    let one = |id: i64| {
        read::<DB, Number>(sql, [id.into()])
            .cached(&scene.pool)
            .fetch_optional()
    };
    let rows = join_all([1, 2, 3, 1, 2, 3].map(one)).await;
    let rows: Vec<_> = rows
        .into_iter()
        .map(|row| row.unwrap().map(|row| row.0))
        .collect();
    assert_eq!(rows, [Some(1), Some(2), None, Some(1), Some(2), None]);
    assert_eq!(scene.pool.stats().loads, 3);
}

async fn past_the_limit_each_reader_loads_for_itself<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .connections(1)
        .pool(|builder| builder.max_in_flight(1))
        .scene()
        .await;
    let other = || {
        read::<DB, Number>("SELECT id FROM people WHERE id = 2", [])
            .cached(&scene.pool)
            .fetch_one()
    };
    // Nobody can load before all have asked.
    let held = scene.pool.inner().acquire().await.unwrap();
    let mut first = pin!(count(&scene));
    assert!(poll!(&mut first).is_pending());
    let mut others = [Box::pin(other()), Box::pin(other())];
    for other in &mut others {
        assert!(poll!(other).is_pending());
    }
    drop(held);
    // Together: each may be the next to get the connection.
    let (first, others) = join(first, join_all(others)).await;
    assert_eq!(first, 2);
    for other in others {
        assert_eq!(other.unwrap(), Number(2));
    }
    assert_eq!(scene.pool.stats().uncoalesced, 2);
}

async fn nobody_waits_for_ever_for_a_leader_that_is_not_polled<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().connections(2).scene().await;
    // Nobody can load before both have asked.
    let inner = scene.pool.inner();
    let held = (
        inner.acquire().await.unwrap(),
        inner.acquire().await.unwrap(),
    );
    let mut leader = pin!(count(&scene));
    assert!(poll!(&mut leader).is_pending());
    let mut waiter = pin!(count(&scene));
    assert!(poll!(&mut waiter).is_pending());
    drop(held);
    scene.hand.advance(std::time::Duration::from_secs(6));
    // The leader is alive all the while, and this task does not poll it.
    assert_eq!(waiter.await, 2);
    assert_eq!(leader.await, 2);
}
