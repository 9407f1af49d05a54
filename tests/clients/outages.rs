//! What is answered while the database is slow or away.

use std::pin::pin;

use cachedpool::{
    CachePolicy,
    observe::{Cause, Event},
    tokio_postgres::{Error, GenericClient as _},
};
use cachedpool_test_support::wait_until;
use futures_util::poll;

use crate::{
    freshness::{HIT, LOADED, SQL, kind, people, refreshed, secs, stale},
    kit::{LONG, Setting},
};

#[tokio::test]
async fn a_slow_load_gives_way_to_a_stale_answer() {
    let scene = Setting::usual()
        .connections(1)
        .pool(|builder| builder.soft_timeout(secs(2)))
        .scene()
        .await;
    let policy = CachePolicy::new().ttl(secs(10)).stale_if_error(secs(20));
    people(&scene, &policy).await;
    scene.hand.advance(secs(11));
    // The load waits for the only connection.
    let held = scene.client.inner().get().await.unwrap();
    {
        let mut answer = pin!(people(&scene, &policy));
        assert!(poll!(&mut answer).is_pending());
        scene.hand.advance(secs(2));
        assert_eq!(kind(&answer.await), stale(Cause::LoadSlow));
    }
    // A load that was too slow for its own reader goes on for the next one.
    drop(held);
    wait_until(LONG, "the slow load has been seen through", async || {
        let read = scene.client.cached(SQL, &[]).policy(&policy);
        read.only_if_cached().query().await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_stale_answer_stands_in_for_a_server_that_is_away() {
    let scene = Setting::usual().proxied().scene().await;
    let policy = CachePolicy::new().ttl(secs(10)).stale_if_error(secs(20));
    people(&scene, &policy).await;
    scene.hand.advance(secs(11));
    scene.proxy().cut();
    for _ in 0..2 {
        // By a connection that breaks, and by one that cannot be made.
        let answer = people(&scene, &policy).await;
        assert_eq!(kind(&answer), stale(Cause::LoadFailed));
    }
    // Who does not ask for it gets the error.
    let plain = scene.client.cached(SQL, &[]).ttl(secs(10)).query().await;
    assert!(
        matches!(plain, Err(Error::Postgres(_) | Error::Pool(_))),
        "{plain:?}"
    );
    let only = scene.client.cached(SQL, &[]).ttl(secs(10)).only_if_cached();
    assert!(matches!(only.query().await, Err(Error::NotCached)));
    scene.hand.advance(secs(19));
    let late = scene.client.cached(SQL, &[]).policy(&policy).query().await;
    assert!(late.is_err());
    scene.proxy().pass();
    assert_eq!(kind(&people(&scene, &policy).await), LOADED);

    // An error that the query itself causes is nobody's outage.
    scene.hand.advance(secs(11));
    scene.behind("DROP TABLE people").await;
    let own = scene.client.cached(SQL, &[]).policy(&policy).query().await;
    assert_eq!(own.unwrap_err().code().unwrap().code(), "42P01");
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_the_stale_answer() {
    let mut scene = Setting::usual().proxied().scene().await;
    let policy = CachePolicy::new()
        .ttl(secs(10))
        .stale_while_revalidate(secs(20));
    people(&scene, &policy).await;
    scene.hand.advance(secs(11));
    scene.proxy().cut();
    for times in 1..=3 {
        assert_eq!(kind(&people(&scene, &policy).await), stale(Cause::Expired));
        refreshed(&scene, times).await;
    }
    assert_eq!(scene.client.stats().refreshes_failed, 3);
    assert!(scene.events().contains(&Event::RefreshFailed));
    scene.proxy().pass();
    people(&scene, &policy).await;
    refreshed(&scene, 4).await;
    assert_eq!(kind(&people(&scene, &policy).await), HIT);
}

#[tokio::test]
async fn a_statement_that_times_out_is_an_outage_and_costs_no_connection() {
    let impatient = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = ''3s''', \
        current_database()); END $$";
    let scene = Setting::usual()
        .connections(1)
        .with([impatient])
        .scene()
        .await;
    let policy = CachePolicy::new().ttl(secs(10)).stale_if_error(secs(20));
    people(&scene, &policy).await;
    scene.hand.advance(secs(11));
    let pid = async || {
        let row = scene.client.query_one("SELECT pg_backend_pid()", &[]).await;
        row.unwrap().get::<_, i32>(0)
    };
    let before = pid().await;
    // The read waits for whoever has the table, and is told to stop.
    let mut aside = scene.aside.get().await.unwrap();
    let lock = aside.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE people").await.unwrap();
    assert_eq!(
        kind(&people(&scene, &policy).await),
        stale(Cause::LoadFailed)
    );
    let write = scene.client.execute("DELETE FROM people", &[]).await;
    assert_eq!(write.unwrap_err().code().unwrap().code(), "57014");
    lock.rollback().await.unwrap();
    assert_eq!(kind(&people(&scene, &policy).await), LOADED);
    assert_eq!(pid().await, before);
}
