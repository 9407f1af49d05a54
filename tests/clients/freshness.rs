//! Fresh, stale while revalidating, gone: by a clock that is turned by hand.

use std::{pin::pin, time::Duration};

use cachedpool::{
    CachePolicy, Cached, Consistency, Freshness, Source,
    observe::{Cause, Event},
    tokio_postgres::{GenericClient as _, Rows},
};
use cachedpool_test_support::wait_until;
use futures_util::{future::join_all, poll};

use crate::kit::{LONG, Scene, Setting};

pub(super) const SQL: &str = "SELECT id, name FROM people ORDER BY id";

pub(super) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// All people, by a policy.
pub(super) async fn people(scene: &Scene, policy: &CachePolicy) -> Cached<Rows> {
    let read = scene.client.cached(SQL, &[]).policy(policy);
    read.query_shared().await.unwrap()
}

/// Where an answer came from, and how fresh it was.
pub(super) fn kind<T>(cached: &Cached<T>) -> (Source, Freshness) {
    (cached.source(), cached.freshness())
}

pub(super) const LOADED: (Source, Freshness) = (Source::Database, Freshness::Fresh);
pub(super) const HIT: (Source, Freshness) = (Source::Local, Freshness::Fresh);

pub(super) fn stale(cause: Cause) -> (Source, Freshness) {
    (Source::Local, Freshness::Stale(cause))
}

/// Waits for the end of so many refreshes.
pub(super) async fn refreshed(scene: &Scene, times: u64) {
    wait_until(LONG, "the refresh ends", async || {
        let stats = scene.client.stats();
        stats.refreshes_started == times && stats.in_flight == 0
    })
    .await;
}

#[tokio::test]
async fn an_entry_expires_by_the_terms_of_its_reader() {
    let scene = Scene::new().await;
    let short = CachePolicy::new().ttl(secs(10));
    let long = CachePolicy::new().ttl(secs(100));
    assert_eq!(kind(&people(&scene, &long).await), LOADED);
    scene.hand.advance(secs(9));
    let hit = people(&scene, &short).await;
    assert_eq!((kind(&hit), hit.age()), (HIT, secs(9)));
    scene.hand.advance(secs(1));
    assert_eq!(kind(&people(&scene, &long).await), HIT);
    assert_eq!(kind(&people(&scene, &short).await), LOADED);
    let zero = CachePolicy::new().ttl(Duration::ZERO);
    assert_eq!(kind(&people(&scene, &zero).await), LOADED);
    assert_eq!(kind(&people(&scene, &long).await), HIT);
}

#[tokio::test]
async fn a_result_without_rows_expires_sooner() {
    let scene = Setting::usual()
        .pool(|builder| builder.empty_ttl(secs(3)))
        .scene()
        .await;
    scene.warm().await;
    scene.hand.advance(secs(3) - Duration::from_nanos(1));
    assert_eq!(scene.source("pets").await, Source::Local);
    scene.hand.advance(Duration::from_nanos(1));
    assert_eq!(scene.source("pets").await, Source::Database);
    assert_eq!(scene.source("people").await, Source::Local);
}

#[tokio::test]
async fn many_stale_answers_start_one_refresh() {
    let mut scene = Scene::new().await;
    let policy = CachePolicy::new()
        .ttl(secs(10))
        .stale_while_revalidate(secs(20));
    people(&scene, &policy).await;
    scene.behind("DELETE FROM people WHERE id = 1").await;
    scene.hand.advance(secs(29));
    let answers = join_all((0..20).map(|_| people(&scene, &policy))).await;
    for answer in answers {
        assert_eq!((kind(&answer), answer.len()), (stale(Cause::Expired), 2));
        assert_eq!(answer.age(), secs(29));
    }
    refreshed(&scene, 1).await;
    let fresh = people(&scene, &policy).await;
    assert_eq!((kind(&fresh), fresh.len()), (HIT, 1));
    let stats = scene.client.stats();
    assert_eq!((stats.loads, stats.stale_hits), (2, 20));
    let served = Event::StaleServed {
        cause: Cause::Expired,
    };
    let events = scene.events().into_iter();
    assert_eq!(events.filter(|event| *event == served).count(), 20);
    // Past the window a read waits for the database.
    scene.hand.advance(secs(30));
    assert_eq!(kind(&people(&scene, &policy).await), LOADED);
    assert_eq!(scene.client.stats().refreshes_started, 1);
}

#[tokio::test]
async fn what_a_write_has_invalidated_is_not_served_stale() {
    let scene = Scene::new().await;
    let policy = CachePolicy::new()
        .ttl(secs(10))
        .stale_while_revalidate(secs(100))
        .stale_if_error(secs(100));
    people(&scene, &policy).await;
    scene.hand.advance(secs(11));
    scene.through("DELETE FROM people WHERE id = 1").await;
    let answer = people(&scene, &policy).await;
    assert_eq!((kind(&answer), answer.len()), (LOADED, 1));
}

#[tokio::test]
async fn an_invalidated_result_is_served_to_who_tolerates_it() {
    let scene = Scene::new().await;
    let policy = CachePolicy::new().ttl(secs(100)).tolerate_stale(secs(20));
    people(&scene, &policy).await;
    scene.hand.advance(secs(20));
    scene.through("DELETE FROM people WHERE id = 1").await;
    let answer = people(&scene, &policy).await;
    assert_eq!(
        (kind(&answer), answer.len()),
        (stale(Cause::Invalidated), 2)
    );
    refreshed(&scene, 1).await;
    let answer = people(&scene, &policy).await;
    assert_eq!((kind(&answer), answer.len()), (HIT, 1));

    scene.hand.advance(secs(21));
    scene.through("DELETE FROM people").await;
    assert_eq!(kind(&people(&scene, &policy).await), LOADED);
    // A strict reader tolerates nothing.
    scene.through("INSERT INTO people VALUES (5, 'Eve')").await;
    let strict = policy.clone().consistency(Consistency::Strict);
    assert_eq!(people(&scene, &strict).await.len(), 1);
}

#[tokio::test]
async fn a_refresh_that_a_write_overtakes_is_not_kept() {
    let scene = Scene::new().await;
    let policy = CachePolicy::new()
        .ttl(secs(10))
        .stale_while_revalidate(secs(20));
    for round in 0..10 {
        people(&scene, &policy).await;
        scene.hand.advance(secs(11));
        assert_eq!(kind(&people(&scene, &policy).await), stale(Cause::Expired));
        // The refresh runs somewhere beside this.
        let write = format!("UPDATE people SET name = 'round {round}'");
        scene.through(&write).await;
        scene.assert_true("beside the refresh").await;
        refreshed(&scene, round + 1).await;
        scene.assert_true("after the refresh").await;
    }
}

#[tokio::test]
async fn a_fresh_hit_near_its_end_starts_a_refresh_early() {
    let scene = Setting::usual()
        .pool(|builder| builder.early_refresh(0.5).default_ttl(secs(10)))
        .scene()
        .await;
    let policy = CachePolicy::new();
    people(&scene, &policy).await;
    scene.behind("DELETE FROM people WHERE id = 1").await;
    scene.hand.advance(secs(4));
    assert_eq!(kind(&people(&scene, &policy).await), HIT);
    scene.hand.advance(secs(2));
    let early = people(&scene, &policy).await;
    assert_eq!((kind(&early), early.len()), (HIT, 2));
    refreshed(&scene, 1).await;
    let fresh = people(&scene, &policy).await;
    assert_eq!((kind(&fresh), fresh.len()), (HIT, 1));
    assert_eq!(fresh.age(), Duration::ZERO);
}

#[tokio::test]
async fn a_strict_read_waits_for_no_writer_and_trusts_none() {
    let scene = Scene::new().await;
    let bounded = CachePolicy::new();
    let strict = CachePolicy::new().consistency(Consistency::Strict);
    people(&scene, &bounded).await;
    assert_eq!(kind(&people(&scene, &strict).await), HIT);
    let mut aside = scene.aside.get().await.unwrap();
    let lock = aside.transaction().await.unwrap();
    lock.batch_execute("UPDATE people SET name = 'x' WHERE id = 1")
        .await
        .unwrap();
    let write = "UPDATE people SET name = 'y' WHERE id = 1";
    let mut write = pin!(scene.client.execute(write, &[]));
    wait_until(LONG, "the write is on its way", async || {
        assert!(poll!(&mut write).is_pending());
        people(&scene, &strict).await.source() == Source::Database
    })
    .await;
    // Nothing that a strict reader loads meanwhile is kept for others, and nothing is answered to it.
    assert_eq!(kind(&people(&scene, &bounded).await), HIT);
    for _ in 0..2 {
        assert_eq!(kind(&people(&scene, &strict).await), LOADED);
    }
    lock.rollback().await.unwrap();
    write.await.unwrap();
    assert_eq!(kind(&people(&scene, &strict).await), LOADED);
    assert_eq!(kind(&people(&scene, &strict).await), HIT);
    scene.assert_true("at the end").await;
}
