//! What goes past the cache, and what of it stays out.

use super::{kit::text, *};

#[tokio::test]
async fn a_request_that_passes_is_seen_as_it_came() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, request| {
        let all = ["authorization", "if-none-match", "x-any"];
        assert!(all.iter().all(|name| request.headers().contains_key(*name)));
        kit.next()
    });
    let lines = [
        ("authorization", "Basic eDp5"),
        ("if-none-match", "*"),
        ("x-any", "1"),
    ];
    for expected in ["1", "2"] {
        let answer = app.with(&lines).await;
        assert_eq!((answer.code, answer.text()), (StatusCode::OK, expected));
        assert_eq!(
            answer.status(),
            "cachedpool; fwd=bypass; detail=credentials"
        );
        assert_eq!(answer.header("cache-control"), None);
    }
}

#[tokio::test]
async fn what_the_handler_forbids_is_not_kept() {
    for (name, value, detail) in [
        ("set-cookie", "a=1", "set-cookie"),
        ("cache-control", "no-store", "no-store"),
        ("cache-control", "private", "private"),
        ("vary", "origin", "vary"),
    ] {
        let kit = Kit::new(Policy::new());
        let app = kit.app(move |kit, _| async move {
            let mut response = kit.next();
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
            response
        });
        app.get("/").await;
        let answer = app.get("/").await;
        assert_eq!(answer.text(), "2");
        assert_eq!(answer.header(name), Some(value));
        assert_eq!(
            answer.status(),
            format!("cachedpool; fwd=miss; detail={detail}")
        );
    }
}

#[tokio::test]
async fn only_some_statuses_are_kept() {
    for (status, policy, kept) in [
        (200, Policy::new(), true),
        (404, Policy::new(), true),
        (302, Policy::new(), false),
        (500, Policy::new(), false),
        (404, Policy::new().statuses([StatusCode::OK]), false),
        (302, Policy::new().statuses([StatusCode::FOUND]), true),
    ] {
        let kit = Kit::new(policy);
        let app = kit.app(move |kit, _| async move {
            let mut response = kit.next();
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response
        });
        app.get("/").await;
        let again = app.get("/").await;
        assert_eq!((again.text() == "1", again.code.as_u16()), (kept, status));
    }
}

#[tokio::test]
async fn a_header_that_is_not_in_the_key_poisons_nothing() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |_, request| {
        let seen = request
            .headers()
            .values()
            .map(|value| value.to_str().unwrap());
        text(seen.collect::<Vec<_>>().join(" "))
    });
    let evil = app
        .with(&[
            ("x-evil", "evil"),
            ("accept-language", "evil"),
            ("origin", "evil"),
        ])
        .await;
    assert!(!evil.text().contains("evil"), "{}", evil.text());
    let routed = app.with(&[("x-forwarded-host", "evil")]).await;
    assert!(routed.text().contains("evil"));
    assert!(!app.get("/").await.text().contains("evil"));
}

#[tokio::test]
async fn a_part_is_answered_with_the_whole_where_that_is_kept() {
    let policy = Policy::new().keep(10 * SECOND);
    let kit = Kit::new(policy.stale_while_revalidate(30 * SECOND));
    let app = kit.app(async |kit, request| {
        let mut response = kit.next();
        if request.headers().contains_key("range") {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        response
    });
    let part = [("range", "bytes=0-0"), ("if-range", "\"a\"")];
    for expected in ["1", "2"] {
        let answer = app.with(&part).await;
        assert_eq!(
            (answer.code, answer.text(), answer.status()),
            (
                StatusCode::PARTIAL_CONTENT,
                expected,
                "cachedpool; fwd=bypass; detail=range"
            )
        );
    }
    assert_eq!(app.get("/").await.text(), "3");
    let answer = app.with(&part).await;
    assert_eq!(
        (answer.code, answer.text(), answer.status()),
        (StatusCode::OK, "3", "cachedpool; hit; ttl=10")
    );
    // Nor does it renew what is stale, since the handler would see that it asks for a part if the policy let it.
    kit.hand.advance(13 * SECOND);
    assert_eq!(app.with(&part).await.text(), "3");
    tokio::task::yield_now().await;
    assert_eq!(kit.count(), 3);
}

#[tokio::test]
async fn who_offers_another_version_of_http_is_answered_from_the_cache() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, request| {
        assert!(!request.headers().contains_key("upgrade"));
        kit.next()
    });
    let curl = [
        ("connection", "Upgrade, HTTP2-Settings"),
        ("upgrade", "h2c"),
        ("http2-settings", "AAMAAABkAAQAoAAAAAIAAAAA"),
    ];
    for _ in 0..2 {
        assert_eq!(app.with(&curl).await.text(), "1");
    }
}
