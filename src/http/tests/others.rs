//! Several requests for the same.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::{kit::text, *};
use crate::cache::Consistency;

#[tokio::test]
async fn requests_for_the_same_wait_for_one_handler() {
    let kit = Kit::new(Policy::new());
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let app = kit.app(move |kit, _| {
        let held = held.clone();
        async move {
            kit.reads("users");
            let _permit = held.acquire().await.unwrap();
            kit.next()
        }
    });
    let asked: Vec<_> = (0..10)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { app.get("/").await })
        })
        .collect();
    tokio::task::yield_now().await;
    gate.add_permits(1);
    let mut collapsed = 0;
    for answer in asked {
        let answer = answer.await.unwrap();
        assert_eq!(answer.text(), "1");
        collapsed += usize::from(answer.status() == "cachedpool; fwd=miss; collapsed");
    }
    assert_eq!((kit.count(), collapsed), (1, 9));
}

#[tokio::test]
async fn what_one_process_made_another_gives_until_either_changes_it() {
    for consistency in [Consistency::Bounded, Consistency::Strict] {
        let kits = Kit::two(&Policy::new().shared_as("test")).await;
        let apps = kits.each_ref().map(|kit| {
            let kit = kit.under(consistency);
            kit.app(async |kit, _| {
                kit.next();
                text("made")
            })
        });
        let rest = async || {
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
        };
        for (writer, calls) in [(0, (1, 0)), (1, (3, 0))] {
            let first = apps[0].get("/").await;
            assert_eq!(first.status(), "cachedpool; fwd=miss; stored");
            rest().await;
            for app in &apps {
                let answer = app.get("/").await;
                assert!(answer.status().contains("; hit"), "{consistency:?}");
            }
            assert_eq!((kits[0].count(), kits[1].count()), calls);
            let post = get("/").method("POST").body(Default::default()).unwrap();
            apps[writer].send(post).await;
            rest().await;
        }
    }
}

#[tokio::test]
async fn what_depends_on_a_word_is_given_by_other_processes_too() {
    let kits = Kit::two(&Policy::new().shared_as("test")).await;
    let [one, other] = kits.each_ref().map(|kit| {
        kit.app(async |kit, _| {
            depends_on_tag("prices").await;
            kit.next();
            text("made")
        })
    });
    let rest = async || {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    };
    one.get("/").await;
    rest().await;
    assert_eq!(other.get("/").await.text(), "made");
    assert_eq!((kits[0].count(), kits[1].count()), (1, 0));
    let prices = crate::cache::Tag::user("prices");
    kits[0].engine.invalidate(&[prices].into_iter().collect());
    rest().await;
    other.get("/").await;
    assert_eq!((kits[0].count(), kits[1].count()), (1, 1));
}

#[tokio::test]
async fn what_is_never_kept_does_not_make_requests_queue() {
    let kit = Kit::new(Policy::new());
    let gate = Arc::new(Semaphore::new(1));
    let held = gate.clone();
    let app = kit.app(move |kit, _| {
        let held = held.clone();
        async move {
            uncacheable();
            held.acquire().await.unwrap().forget();
            kit.next()
        }
    });
    app.get("/").await;
    let asked: Vec<_> = (0..10)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { app.get("/").await })
        })
        .collect();
    tokio::task::yield_now().await;
    // All of them are inside the handler: one permit each lets all go on.
    assert_eq!(kit.engine.stats().in_flight, 0);
    gate.add_permits(10);
    for answer in asked {
        answer.await.unwrap();
    }
    assert_eq!(kit.count(), 11);
}

#[tokio::test]
async fn what_can_be_kept_again_is_kept_at_once() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        let response = kit.next();
        if kit.count() == 1 {
            uncacheable();
        }
        response
    });
    for expected in ["1", "2", "2"] {
        assert_eq!(app.get("/").await.text(), expected);
    }
}

#[tokio::test]
async fn a_request_that_is_dropped_leaves_its_place_to_the_next() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        let response = kit.next();
        if kit.count() == 1 {
            std::future::pending::<()>().await;
        }
        response
    });
    let first = tokio::spawn({
        let app = app.clone();
        async move { app.get("/").await }
    });
    while kit.count() == 0 {
        tokio::task::yield_now().await;
    }
    let second = tokio::spawn({
        let app = app.clone();
        async move { app.get("/").await }
    });
    tokio::task::yield_now().await;
    first.abort();
    assert_eq!(second.await.unwrap().text(), "2");
    assert_eq!(app.get("/").await.text(), "2");
}

#[tokio::test]
async fn a_write_while_the_handler_runs_keeps_its_response_from_being_given_again() {
    let policy = Policy::new().max_age(5 * SECOND).s_maxage(9 * SECOND);
    let kit = Kit::new(policy);
    let app = kit.app(async |kit, _| {
        kit.reads("users");
        if kit.count() == 0 {
            kit.writes("users");
        }
        kit.next()
    });
    let first = app.get("/").await;
    assert_eq!(
        (first.text(), first.status()),
        ("1", "cachedpool; fwd=miss")
    );
    // Nor may a cache on the way: the purge has come before the response.
    assert_eq!(first.header("cache-control"), Some("no-cache"));
    assert_eq!(app.get("/").await.text(), "2");
    assert_eq!(app.get("/").await.text(), "2");
}
