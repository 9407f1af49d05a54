//! Fresh, stale while revalidating, stale if the database is away, gone: by a clock that is turned by hand.

use std::{pin::pin, time::Duration};

use cachedpool::{
    CacheExt as _, CachePolicy, Cached, Consistency, Freshness, Source,
    observe::{Cause, Event},
};
use cachedpool_test_support::wait_until;
use futures_util::{future::join_all, poll};

use crate::kit::{LONG, Number, Person, Scene, Setting, TestDatabase, query, read};

tests!(sqlite, postgres, mariadb => [
    an_entry_expires_by_the_terms_of_its_reader,
    a_result_without_rows_expires_sooner,
    many_stale_answers_start_one_refresh,
    past_the_window_a_read_waits_for_the_database,
    what_a_write_has_invalidated_is_not_served_stale,
    an_invalidated_result_is_served_to_who_tolerates_it,
    nothing_is_served_past_the_greatest_age,
    a_refresh_that_a_write_overtakes_is_not_kept,
    a_fresh_hit_near_its_end_starts_a_refresh_early,
    a_strict_read_waits_for_no_writer_and_trusts_none,
    a_jitter_shortens_and_never_lengthens,
]);
pub(super) const SQL: &str = "SELECT id, name FROM people ORDER BY id";

pub(super) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// All people, by a policy.
pub(super) async fn people<DB: TestDatabase>(
    scene: &Scene<DB>,
    policy: &CachePolicy,
) -> Cached<Vec<Person>> {
    let read = read::<DB, Person>(SQL, []).cached(&scene.pool);
    read.policy(policy).fetch_all_shared().await.unwrap()
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
pub(super) async fn refreshed<DB: TestDatabase>(scene: &Scene<DB>, times: u64) {
    wait_until(LONG, "the refresh ends", async || {
        let stats = scene.pool.stats();
        stats.refreshes_started == times && stats.in_flight == 0
    })
    .await;
}

async fn an_entry_expires_by_the_terms_of_its_reader<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let (short, long) = (
        CachePolicy::new().ttl(secs(10)),
        CachePolicy::new().ttl(secs(100)),
    );
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

async fn a_result_without_rows_expires_sooner<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
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

async fn many_stale_answers_start_one_refresh<DB: TestDatabase>() {
    let mut scene = Scene::<DB>::new().await;
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
    let stats = scene.pool.stats();
    assert_eq!(
        (stats.loads, stats.stale_hits, stats.refreshes_failed),
        (2, 20, 0)
    );
    let served = Event::StaleServed {
        cause: Cause::Expired,
    };
    assert_eq!(
        scene
            .events()
            .into_iter()
            .filter(|event| *event == served)
            .count(),
        20
    );
}

async fn past_the_window_a_read_waits_for_the_database<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let policy = CachePolicy::new()
        .ttl(secs(10))
        .stale_while_revalidate(secs(20));
    people(&scene, &policy).await;
    scene.hand.advance(secs(30));
    assert_eq!(kind(&people(&scene, &policy).await), LOADED);
    assert_eq!(scene.pool.stats().refreshes_started, 0);
}

async fn what_a_write_has_invalidated_is_not_served_stale<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
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

async fn an_invalidated_result_is_served_to_who_tolerates_it<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
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

async fn nothing_is_served_past_the_greatest_age<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .pool(|builder| builder.max_stale(secs(50)))
        .scene()
        .await;
    let policy = CachePolicy::new()
        .ttl(secs(10))
        .stale_while_revalidate(secs(1000))
        .tolerate_stale(secs(1000));
    people(&scene, &policy).await;
    scene.hand.advance(secs(50));
    assert_eq!(kind(&people(&scene, &policy).await), stale(Cause::Expired));
    refreshed(&scene, 1).await;
    scene.hand.advance(secs(51));
    assert_eq!(kind(&people(&scene, &policy).await), LOADED);
    scene.hand.advance(secs(51));
    scene.through("DELETE FROM people").await;
    assert_eq!(kind(&people(&scene, &policy).await), LOADED);
}

async fn a_refresh_that_a_write_overtakes_is_not_kept<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let policy = CachePolicy::new()
        .ttl(secs(10))
        .stale_while_revalidate(secs(20));
    for round in 0..10 {
        people(&scene, &policy).await;
        scene.hand.advance(secs(11));
        assert_eq!(kind(&people(&scene, &policy).await), stale(Cause::Expired));
        // The refresh runs somewhere beside this.
        scene
            .through(&format!("UPDATE people SET name = 'round {round}'"))
            .await;
        scene.assert_true("beside the refresh").await;
        refreshed(&scene, round + 1).await;
        scene.assert_true("after the refresh").await;
    }
}

async fn a_fresh_hit_near_its_end_starts_a_refresh_early<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
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
    assert_eq!(
        (kind(&fresh), fresh.len(), fresh.age()),
        (HIT, 1, Duration::ZERO)
    );
    assert_eq!(scene.pool.stats().stale_hits, 0);
}

async fn a_strict_read_waits_for_no_writer_and_trusts_none<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let (bounded, strict) = (
        CachePolicy::new(),
        CachePolicy::new().consistency(Consistency::Strict),
    );
    people(&scene, &bounded).await;
    assert_eq!(kind(&people(&scene, &strict).await), HIT);
    let lock = DB::hold(&scene.aside, "UPDATE people SET name = 'x' WHERE id = 1").await;
    let write = query::<DB>("UPDATE people SET name = 'y' WHERE id = 1", []);
    let mut write = pin!(write.execute(&scene.pool));
    wait_until(LONG, "the write is on its way", async || {
        assert!(poll!(&mut write).is_pending());
        people(&scene, &strict).await.source() == Source::Database
    })
    .await;
    // Nothing that a strict reader loads meanwhile is kept for others, and nothing is answered to it.
    assert_eq!(kind(&people(&scene, &bounded).await), HIT);
    assert_eq!(kind(&people(&scene, &strict).await), LOADED);
    assert_eq!(kind(&people(&scene, &strict).await), LOADED);
    lock.rollback().await.unwrap();
    write.await.unwrap();
    assert_eq!(kind(&people(&scene, &strict).await), LOADED);
    assert_eq!(kind(&people(&scene, &strict).await), HIT);
    scene.assert_true("at the end").await;
}

async fn a_jitter_shortens_and_never_lengthens<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .pool(|builder| builder.default_ttl(secs(100)).ttl_jitter(0.2))
        .scene()
        .await;
    let source = async |id: i64| {
        let read = read::<DB, Number>("SELECT id FROM people WHERE id <> $1", [id.into()]);
        read.cached(&scene.pool)
            .fetch_all_shared()
            .await
            .unwrap()
            .source()
    };
    for id in 1..30 {
        source(id).await;
    }
    let hits = async || {
        let mut hits = 0;
        for id in 1..30 {
            let read = read::<DB, Number>("SELECT id FROM people WHERE id <> $1", [id.into()]);
            hits += usize::from(
                read.cached(&scene.pool)
                    .only_if_cached()
                    .fetch_all()
                    .await
                    .is_ok(),
            );
        }
        hits
    };
    scene.hand.advance(secs(80));
    assert_eq!(hits().await, 29);
    scene.hand.advance(secs(10));
    let half = hits().await;
    assert!((1..29).contains(&half), "{half}");
    scene.hand.advance(secs(10));
    assert_eq!(hits().await, 0);
}
