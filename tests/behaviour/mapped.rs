//! `.map` and `.try_map`: what is cached is what the closure made of the rows.

use std::{cell::Cell, time::Duration};

use cachedpool::{CacheExt as _, Freshness, Source, observe::Cause};
use cachedpool_test_support::wait_until;
use sqlx::Error;

use crate::kit::{LONG, Scene, TestDatabase, TestRow as _, query};

tests!(sqlite, postgres, mariadb => [
    a_mapped_query_is_cached_in_every_shape,
    two_closures_on_one_query_do_not_share,
    a_closure_that_captures_is_never_cached,
    the_error_of_a_closure_reaches_the_caller_and_is_not_cached,
    a_mapped_write_is_noticed,
    a_stale_answer_leaves_fresh_rows_to_the_next_caller,
    rows_left_to_the_next_caller_die_with_a_write,
]);

const SQL: &str = "SELECT id, name FROM people ORDER BY id";

async fn a_mapped_query_is_cached_in_every_shape<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    // Counts the calls without capturing anything. Each test has a thread.
    thread_local!(static CALLS: Cell<u64> = const { Cell::new(0) });
    let first = || {
        query::<DB>(
            "SELECT id, name FROM people WHERE id > $1 ORDER BY id",
            [0.into()],
        )
        .map(|row: DB::Row| row.text(1).unwrap().unwrap())
        .cached(&scene.pool)
    };
    let counted = async || {
        query::<DB>(SQL, [])
            .try_map(|row: DB::Row| {
                CALLS.set(CALLS.get() + 1);
                row.int(0)
            })
            .cached(&scene.pool)
            .fetch_all_shared()
            .await
            .unwrap()
    };
    for source in [Source::Database, Source::Local] {
        let all = first().fetch_all_shared().await.unwrap();
        assert_eq!(
            (all.source(), all.as_slice()),
            (source, &["Ada".to_owned(), "Bob".to_owned()][..])
        );
        assert_eq!(first().fetch_all().await.unwrap(), *all);
        assert_eq!(*first().fetch_one_shared().await.unwrap(), "Ada");
        assert_eq!(first().fetch_one().await.unwrap(), "Ada");
        assert_eq!(
            first().fetch_optional().await.unwrap().as_deref(),
            Some("Ada")
        );
        assert_eq!((counted().await.source(), CALLS.get()), (source, 2));
    }
    scene.through("DELETE FROM people WHERE id = 1").await;
    assert_eq!(first().fetch_all().await.unwrap(), ["Bob"]);
    assert_eq!(*counted().await, [2]);
    scene.through("DELETE FROM people").await;
    assert_eq!(first().fetch_optional().await.unwrap(), None);
    assert!(matches!(first().fetch_one().await, Err(Error::RowNotFound)));
}

async fn two_closures_on_one_query_do_not_share<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    for _ in ["miss", "hit"] {
        let ids = query::<DB>(SQL, []).map(|row: DB::Row| row.int(0).unwrap());
        assert_eq!(ids.cached(&scene.pool).fetch_all().await.unwrap(), [1, 2]);
        let less = query::<DB>(SQL, []).map(|row: DB::Row| -row.int(0).unwrap());
        assert_eq!(
            less.cached(&scene.pool).fetch_all().await.unwrap(),
            [-1, -2]
        );
        let chained = query::<DB>(SQL, [])
            .map(|row: DB::Row| row.int(0).unwrap())
            .map(|id| id * 10);
        assert_eq!(
            chained.cached(&scene.pool).fetch_all().await.unwrap(),
            [10, 20]
        );
    }
    assert_eq!(scene.pool.stats().hits_local, 3);
}

async fn a_closure_that_captures_is_never_cached<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    for factor in [1, 2, 3] {
        let scaled = query::<DB>(SQL, []).map(move |row: DB::Row| row.int(0).unwrap() * factor);
        let ids = scaled.cached(&scene.pool).fetch_all_shared().await.unwrap();
        assert_eq!(
            (ids.source(), ids.as_slice()),
            (Source::Database, &[factor, 2 * factor][..])
        );
    }
    let mut calls = 0;
    let counting = query::<DB>(SQL, []).map(|row: DB::Row| {
        calls += 1;
        row.int(0).unwrap()
    });
    assert_eq!(counting.cached(&scene.pool).fetch_one().await.unwrap(), 1);
    assert_eq!(calls, 1);
    let stats = scene.pool.stats();
    assert_eq!((stats.entries, stats.bypasses["capturing_closure"]), (0, 4));
}

async fn the_error_of_a_closure_reaches_the_caller_and_is_not_cached<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    let odd = || {
        query::<DB>(SQL, [])
            .try_map(|row: DB::Row| match row.int(0)? {
                id if id % 2 == 1 => Ok(id),
                id => Err(Error::Decode(format!("{id} is even").into())),
            })
            .cached(&scene.pool)
    };
    for _ in 0..2 {
        let error = odd().fetch_all().await.unwrap_err();
        assert!(error.to_string().contains("2 is even"), "{error}");
        assert_eq!(odd().fetch_one().await.unwrap(), 1);
    }
    assert_eq!(scene.pool.stats().entries, 1);
    scene.through("DELETE FROM people WHERE id = 2").await;
    assert_eq!(odd().fetch_all().await.unwrap(), [1]);
}

async fn a_mapped_write_is_noticed<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    scene.warm().await;
    let insert = query::<DB>("INSERT INTO people VALUES (3, 'Eve') RETURNING id", [])
        .map(|row: DB::Row| row.int(0).unwrap());
    assert_eq!(insert.cached(&scene.pool).fetch_one().await.unwrap(), 3);
    scene.assert_true("after the insert").await;
}

/// A mapped read with a window in which it may be stale.
async fn ids<DB: TestDatabase>(scene: &Scene<DB>) -> cachedpool::Cached<Vec<i64>> {
    query::<DB>(SQL, [])
        .map(|row: DB::Row| row.int(0).unwrap())
        .cached(&scene.pool)
        .ttl(Duration::from_secs(10))
        .stale_while_revalidate(Duration::from_secs(100))
        .fetch_all_shared()
        .await
        .unwrap()
}

async fn refreshed<DB: TestDatabase>(scene: &Scene<DB>, times: u64) {
    wait_until(LONG, "the refresh ends", async || {
        let stats = scene.pool.stats();
        stats.refreshes_started == times && stats.in_flight == 0
    })
    .await;
}

async fn a_stale_answer_leaves_fresh_rows_to_the_next_caller<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    assert_eq!(*ids(&scene).await, [1, 2]);
    scene.behind("INSERT INTO people VALUES (3, 'Eve')").await;
    scene.hand.advance(Duration::from_secs(11));
    let stale = ids(&scene).await;
    assert_eq!(stale.as_slice(), [1, 2]);
    assert_eq!(stale.freshness(), Freshness::Stale(Cause::Expired));
    refreshed(&scene, 1).await;
    let loads = scene.pool.stats().loads;
    assert_eq!(*ids(&scene).await, [1, 2, 3]);
    let hit = ids(&scene).await;
    assert_eq!(
        (hit.source(), hit.freshness()),
        (Source::Local, Freshness::Fresh)
    );
    assert_eq!(scene.pool.stats().loads, loads);
}

async fn rows_left_to_the_next_caller_die_with_a_write<DB: TestDatabase>() {
    let scene = Scene::<DB>::new().await;
    ids(&scene).await;
    scene.hand.advance(Duration::from_secs(11));
    ids(&scene).await;
    refreshed(&scene, 1).await;
    scene.through("INSERT INTO people VALUES (3, 'Eve')").await;
    assert_eq!(*ids(&scene).await, [1, 2, 3]);
}
