//! RFC 9111 §5.2.1: what requests want, behind the switch.

use super::*;

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
async fn no_store_keeps_nothing() {
    let kit = Kit::new(Policy::new().obey_requests());
    let app = kit.app(async |kit, _| kit.next());
    let answer = app.with(&[("cache-control", "no-store")]).await;
    assert_eq!(answer.status(), "cachedpool; fwd=request; detail=no-store");
    assert_eq!(app.get("/").await.text(), "2");
}
