//! What is answered while the database is slow or away.

use std::pin::pin;

use cachedpool::{
    CacheExt as _, CachePolicy,
    observe::{Cause, Event},
};
use cachedpool_test_support::wait_until;
use futures_util::poll;
use sqlx::Error;

use crate::{
    freshness::{HIT, LOADED, SQL, kind, people, refreshed, secs, stale},
    kit::{LONG, Person, Setting, TestDatabase, read},
};

tests!(sqlite, postgres, mariadb => [a_slow_load_gives_way_to_a_stale_answer]);
tests!(servers => [
    a_stale_answer_stands_in_for_a_server_that_is_away,
    a_refresh_that_fails_leaves_the_stale_answer,
]);

async fn a_slow_load_gives_way_to_a_stale_answer<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual()
        .connections(1)
        .pool(|builder| builder.soft_timeout(secs(2)))
        .scene()
        .await;
    let policy = CachePolicy::new().ttl(secs(10)).stale_if_error(secs(20));
    people(&scene, &policy).await;
    scene.hand.advance(secs(11));
    // The load waits for the only connection.
    let held = scene.pool.inner().acquire().await.unwrap();
    {
        let mut answer = pin!(people(&scene, &policy));
        assert!(poll!(&mut answer).is_pending());
        scene.hand.advance(secs(2));
        assert_eq!(kind(&answer.await), stale(Cause::LoadSlow));
    }
    // A write in the meantime takes that away.
    {
        let mut answer = pin!(people(&scene, &policy));
        assert!(poll!(&mut answer).is_pending());
        scene.pool.invalidate_tables(["people"]).await.unwrap();
        scene.hand.advance(secs(2));
        assert!(poll!(&mut answer).is_pending());
        drop(held);
        assert_eq!(kind(&answer.await), LOADED);
    }
    // A load that was too slow for its own reader goes on for the next one.
    people(&scene, &policy).await;
    scene.hand.advance(secs(11));
    let held = scene.pool.inner().acquire().await.unwrap();
    {
        let mut answer = pin!(people(&scene, &policy));
        assert!(poll!(&mut answer).is_pending());
        scene.hand.advance(secs(2));
        assert_eq!(kind(&answer.await), stale(Cause::LoadSlow));
    }
    drop(held);
    wait_until(LONG, "the slow load has been seen through", async || {
        let read = read::<DB, Person>(SQL, []).cached(&scene.pool);
        read.policy(&policy)
            .only_if_cached()
            .fetch_all()
            .await
            .is_ok()
    })
    .await;
}

async fn a_stale_answer_stands_in_for_a_server_that_is_away<DB: TestDatabase>() {
    let scene = Setting::<DB>::usual().wired().scene().await;
    let policy = CachePolicy::new().ttl(secs(10)).stale_if_error(secs(20));
    people(&scene, &policy).await;
    scene.hand.advance(secs(11));
    scene.wire().cut();
    assert_eq!(
        kind(&people(&scene, &policy).await),
        stale(Cause::LoadFailed)
    );
    // Who does not ask for it gets the error.
    let plain = read::<DB, Person>(SQL, [])
        .cached(&scene.pool)
        .ttl(secs(10))
        .fetch_all()
        .await;
    assert!(matches!(plain, Err(Error::Io(_))), "{plain:?}");
    scene.hand.advance(secs(19));
    let late = read::<DB, Person>(SQL, [])
        .cached(&scene.pool)
        .policy(&policy)
        .fetch_all()
        .await;
    assert!(late.is_err());
    scene.wire().mend();
    assert_eq!(kind(&people(&scene, &policy).await), LOADED);

    // An error that the query itself causes is nobody's outage.
    scene.hand.advance(secs(11));
    scene.behind("DROP TABLE people").await;
    let own = read::<DB, Person>(SQL, [])
        .cached(&scene.pool)
        .policy(&policy)
        .fetch_all()
        .await;
    assert!(own.unwrap_err().as_database_error().is_some());
}

async fn a_refresh_that_fails_leaves_the_stale_answer<DB: TestDatabase>() {
    let mut scene = Setting::<DB>::usual().wired().scene().await;
    let policy = CachePolicy::new()
        .ttl(secs(10))
        .stale_while_revalidate(secs(20));
    people(&scene, &policy).await;
    scene.hand.advance(secs(11));
    scene.wire().cut();
    for times in 1..=3 {
        assert_eq!(kind(&people(&scene, &policy).await), stale(Cause::Expired));
        refreshed(&scene, times).await;
    }
    assert_eq!(scene.pool.stats().refreshes_failed, 3);
    assert!(scene.events().contains(&Event::RefreshFailed));
    scene.wire().mend();
    people(&scene, &policy).await;
    refreshed(&scene, 4).await;
    assert_eq!(kind(&people(&scene, &policy).await), HIT);
}
