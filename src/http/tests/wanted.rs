//! RFC 9111 §5.2.1: what requests want, behind the switch.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::*;
use crate::cache::Consistency;

async fn answer(policy: Policy, age: u32, line: (&str, &str)) -> (String, String) {
    let kit = Kit::new(policy.keep(10 * SECOND));
    let app = kit.app(async |kit, _| kit.next());
    app.get("/").await;
    kit.hand.advance(age * SECOND);
    let answer = app.with(&[line]).await;
    let text = answer
        .body
        .as_ref()
        .map(|body| String::from_utf8_lossy(body).into_owned());
    (text.unwrap_or_default(), answer.status().to_owned())
}

#[tokio::test]
async fn a_request_is_obeyed_only_behind_the_switch() {
    for line in [
        ("cache-control", "no-cache"),
        ("cache-control", "max-age=0"),
        ("pragma", "no-cache"),
    ] {
        assert_eq!(answer(Policy::new(), 1, line).await.0, "1", "{line:?}");
        let (text, status) = answer(Policy::new().obey_requests(), 1, line).await;
        assert_eq!(
            (&*text, &*status),
            ("2", "cachedpool; fwd=request; stored"),
            "{line:?}"
        );
    }
}

#[tokio::test]
async fn a_request_says_how_old_an_answer_may_be() {
    for (age, line, expected) in [
        (4, "max-age=4", "1"),
        (5, "max-age=4", "2"),
        (4, "min-fresh=6", "1"),
        (5, "min-fresh=6", "2"),
        (12, "max-stale=2", "1"),
        (13, "max-stale=2", "2"),
        (13, "max-stale", "1"),
        (13, "max-stale, max-age=12", "2"),
        (13, "max-stale, max-age=13", "1"),
        (13, "max-stale, no-cache", "2"),
        (5, "max-age=x, min-fresh=, only-if-cached=", "1"),
    ] {
        // What is stale must still be there.
        let policy = Policy::new().obey_requests().stale_if_error(100 * SECOND);
        let (text, _) = answer(policy, age, ("cache-control", line)).await;
        assert_eq!(text, expected, "{line} after {age} s");
    }
    for (line, expected) in [
        ("max-age=100", "2"),
        ("min-fresh=1", "2"),
        ("max-stale=9", "1"),
        ("x", "1"),
    ] {
        let policy = Policy::new()
            .obey_requests()
            .stale_while_revalidate(100 * SECOND);
        let (text, _) = answer(policy, 13, ("cache-control", line)).await;
        assert_eq!(text, expected, "{line}");
    }
}

#[tokio::test]
async fn only_if_cached_never_asks_the_handler() {
    let kit = Kit::new(Policy::new().obey_requests());
    let app = kit.app(async |kit, _| kit.next());
    let line = [("cache-control", "only-if-cached")];
    let nothing = app.with(&line).await;
    assert_eq!(nothing.code, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(nothing.status(), "cachedpool; detail=only-if-cached");
    app.get("/").await;
    assert_eq!(app.with(&line).await.text(), "1");
    assert_eq!(kit.count(), 1);
}

#[tokio::test]
async fn only_if_cached_neither_waits_nor_keeps_others_waiting() {
    let kit = Kit::new(Policy::new().obey_requests());
    let gate = Arc::new(Semaphore::new(0));
    let held = gate.clone();
    let app = kit.app(move |kit, _| {
        let held = held.clone();
        async move {
            let response = kit.next();
            let _permit = held.acquire().await.unwrap();
            response
        }
    });
    let asked = tokio::spawn({
        let app = app.clone();
        async move { app.get("/").await }
    });
    while kit.count() == 0 {
        tokio::task::yield_now().await;
    }
    let line = [("cache-control", "only-if-cached")];
    assert_eq!(app.with(&line).await.code, StatusCode::GATEWAY_TIMEOUT);
    gate.add_permits(1);
    assert_eq!(asked.await.unwrap().text(), "1");
    assert_eq!(app.with(&line).await.text(), "1");
}

#[tokio::test]
async fn only_if_cached_is_answered_by_what_another_process_made() {
    for consistency in [Consistency::Bounded, Consistency::Strict] {
        let kits = Kit::two(&Policy::new().shared_as("test").obey_requests()).await;
        let [one, other] = kits.each_ref().map(|kit| {
            let kit = kit.under(consistency);
            kit.app(async |kit, _| {
                kit.next();
                super::kit::text("made")
            })
        });
        one.get("/").await;
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        let line = [("cache-control", "only-if-cached")];
        assert_eq!(other.with(&line).await.text(), "made", "{consistency:?}");
        assert_eq!(kits[1].count(), 0);
    }
}

#[tokio::test]
async fn no_store_keeps_nothing() {
    let kit = Kit::new(Policy::new().obey_requests());
    let app = kit.app(async |kit, _| kit.next());
    let answer = app.with(&[("cache-control", "no-store")]).await;
    assert_eq!(answer.status(), "cachedpool; fwd=request; detail=no-store");
    assert_eq!(app.get("/").await.text(), "2");
}
