//! What a handler says because of something that the key does not hold is kept for nobody.

use axum::{Router, extract::Request, http::HeaderName, routing::any};
use cachedpool::{
    CachedPool,
    http::{Policy, ResponseCacheLayer},
};
use sqlx::Sqlite;

use crate::kit::{Site, minute};

/// A service that gives every header that its handler sees back.
fn echo(pool: &CachedPool<Sqlite>, policy: Policy) -> Router {
    let handler = |request: Request| async move {
        let mut told = format!("{} ", request.uri());
        for (name, value) in request.headers() {
            told += &format!("{name}={} ", value.to_str().unwrap());
        }
        told
    };
    Router::new()
        .fallback(any(handler))
        .layer(ResponseCacheLayer::new(pool, policy))
}

/// Headers that services have been poisoned by, and some that anybody can think of.
const SENT: &[(&str, &str)] = &[
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "evil"),
    ("x-forwarded-scheme", "evil"),
    ("x-forwarded-port", "666"),
    ("x-forwarded-prefix", "/evil"),
    ("x-forwarded-server", "evil.example"),
    ("x-forwarded-for", "6.6.6.6"),
    ("x-original-url", "/evil"),
    ("x-rewrite-url", "/evil"),
    ("x-original-host", "evil.example"),
    ("x-host", "evil.example"),
    ("x-http-host-override", "evil.example"),
    ("x-real-ip", "6.6.6.6"),
    ("forwarded", "host=evil.example"),
    ("true-client-ip", "6.6.6.6"),
    ("x-request-id", "evil"),
    ("x-anything", "evil"),
    ("user-agent", "evil"),
    ("referer", "http://evil.example/"),
    ("origin", "http://evil.example"),
    ("accept", "text/evil"),
    ("accept-encoding", "evil"),
    ("accept-language", "evil"),
    ("content-type", "text/evil"),
    ("dnt", "evil"),
    ("via", "1.1 evil"),
    ("te", "evil"),
    ("max-forwards", "666"),
    ("if-none-match", "\"evil\""),
    ("if-modified-since", "evil"),
    ("proxy-authorization", "evil"),
    ("tracestate", "evil=1"),
    ("baggage", "user=evil"),
    ("traceparent", "evil"),
];

#[tokio::test]
async fn what_a_header_says_is_kept_for_nobody_who_does_not_say_it_too() {
    let mut poisoned = Vec::new();
    for (name, value) in SENT {
        let site = Site::new(|pool| echo(pool, minute())).await;
        let evil = site.get_with("/", &[(name, value)]).await;
        assert_eq!(evil.status, 200, "{name}");
        let next = site.get("/").await;
        let told = next.text().to_owned();
        if ["evil", "666", "6.6.6"]
            .iter()
            .any(|word| told.contains(word))
        {
            poisoned.push((*name, told));
        }
        let hit = site.get("/").await;
        assert!(hit.is_hit(), "{name}: {hit:?}");
    }
    assert!(poisoned.is_empty(), "{poisoned:#?}");
}

#[tokio::test]
async fn what_a_header_says_is_not_said_in_the_headers_of_what_is_kept() {
    let site = Site::new(|pool| {
        let handler = |request: Request| async move {
            let name = HeaderName::from_static("x-anything");
            let evil = request.headers().get(name);
            let link = evil.map_or("/".to_owned(), |evil| evil.to_str().unwrap().to_owned());
            (
                [("location", link)],
                axum::http::StatusCode::MOVED_PERMANENTLY,
            )
        };
        Router::new()
            .fallback(any(handler))
            .layer(ResponseCacheLayer::new(pool, minute()))
    })
    .await;
    site.get_with("/", &[("x-anything", "http://evil.example/")])
        .await;
    let reply = site.get("/").await;
    assert_eq!((reply.status, reply.is_hit()), (301, true));
    assert_eq!(reply.header("location").as_deref(), Some("/"));
}

#[tokio::test]
async fn a_request_that_passes_shows_its_handler_everything() {
    let site = Site::new(|pool| echo(pool, minute())).await;
    let passing = [
        ("authorization", "x"),
        ("x-anything", "mine"),
        ("x-forwarded-for", "1.1.1.1"),
        ("if-none-match", "\"a\""),
    ];
    let reply = site.get_with("/", &passing).await;
    for (name, value) in passing {
        let line = format!("{name}={value}");
        assert!(reply.text().contains(&line), "{line} {reply:?}");
    }
    assert!(!site.get("/").await.text().contains("mine"));
}

#[tokio::test]
async fn headers_of_proxies_have_entries_of_their_own() {
    let site = Site::new(|pool| echo(pool, minute())).await;
    for hit in [false, true] {
        for host in ["a.example", "b.example"] {
            let reply = site.get_with("/", &[("x-forwarded-host", host)]).await;
            assert!(reply.text().contains(host), "{reply:?}");
            assert_eq!(reply.is_hit(), hit);
        }
    }
}

#[tokio::test]
async fn a_header_that_the_policy_lets_through_is_seen() {
    let name = HeaderName::from_static("x-anything");
    let site = Site::new(|pool| echo(pool, minute().pass_headers([name]))).await;
    let reply = site.get_with("/", &[("x-anything", "mine")]).await;
    assert!(reply.text().contains("x-anything=mine"), "{reply:?}");
    // Its author has said that it changes nothing.
    assert!(site.get("/").await.is_hit());
}

#[tokio::test]
async fn an_error_is_kept_for_nobody() {
    let site = Site::new(|pool| {
        let handler = |request: Request| async move {
            match request.headers().get("x-forwarded-host") {
                Some(_) => axum::http::StatusCode::BAD_REQUEST,
                None => axum::http::StatusCode::OK,
            }
        };
        Router::new()
            .fallback(any(handler))
            .layer(ResponseCacheLayer::new(pool, minute()))
    })
    .await;
    let evil = [("x-forwarded-host", "\u{e9}vil")];
    for _ in 0..2 {
        assert_eq!(site.get_with("/", &evil).await.status, 400);
    }
    assert_eq!(site.get("/").await.status, 200);
}
