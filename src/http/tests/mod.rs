//! The layer around services made for the test, on an engine with time turned by hand.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod conditions;
mod keys;
mod kit;
mod large;
#[cfg(feature = "axum")]
mod nested;
mod others;
mod passing;
mod stale;
mod wanted;

use std::time::Duration;

use http::{HeaderName, HeaderValue, Request, StatusCode};

use super::*;
use kit::{Answer, Kit, get};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_response_is_kept_until_what_was_read_is_written() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        kit.reads("users");
        kit.next()
    });
    let first = app.get("/").await;
    assert_eq!(
        (first.text(), first.status()),
        ("1", "cachedpool; fwd=miss; stored")
    );
    assert_eq!(first.header("age"), None);
    kit.hand.advance(3 * SECOND);
    let second = app.get("/").await;
    assert_eq!(
        (second.text(), second.status()),
        ("1", "cachedpool; hit; ttl=57")
    );
    assert_eq!(second.header("age"), Some("3"));
    assert_eq!(second.header("etag"), first.header("etag"));
    assert_eq!(second.header("date"), first.header("date"));

    kit.writes("orders");
    assert_eq!(app.get("/").await.text(), "1");
    kit.writes("users");
    assert_eq!(app.get("/").await.text(), "2");
    kit.hand.advance(60 * SECOND);
    assert_eq!(app.get("/").await.text(), "3");
}

#[tokio::test]
async fn what_a_handler_writes_or_reads_unseen_is_not_kept() {
    for refusal in ["write", "volatile function"] {
        let kit = Kit::new(Policy::new());
        let app = kit.app(move |kit, _| async move {
            crate::cache::Scope::current().unwrap().refuse(refusal);
            kit.next()
        });
        for expected in ["1", "2"] {
            assert_eq!(app.get("/").await.text(), expected);
        }
    }
}

#[tokio::test]
async fn helpers_speak_for_what_is_not_sql() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        depends_on_tag("prices").await;
        kit.next()
    });
    for expected in ["1", "1"] {
        assert_eq!(app.get("/").await.text(), expected);
    }
    kit.engine
        .invalidate(&[crate::cache::Tag::user("prices")].into_iter().collect());
    assert_eq!(app.get("/").await.text(), "2");

    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        uncacheable();
        kit.next()
    });
    assert_eq!(app.get("/").await.text(), "1");
    let again = app.get("/").await;
    assert_eq!(
        (again.text(), again.status()),
        ("2", "cachedpool; fwd=miss; detail=uncacheable")
    );
}

#[tokio::test]
async fn a_spawned_task_reads_for_the_response_if_it_is_carried_along() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        let inner = kit.clone();
        let read = in_scope(async move { inner.reads("users") });
        tokio::spawn(read).await.unwrap();
        kit.next()
    });
    for expected in ["1", "1"] {
        assert_eq!(app.get("/").await.text(), expected);
    }
    kit.writes("users");
    assert_eq!(app.get("/").await.text(), "2");
}

#[tokio::test]
async fn what_is_read_for_somebody_is_kept_only_where_the_key_names_them() {
    let limited = async |kit: Kit, _: Request<_>| {
        kit.reads("users");
        crate::cache::Scope::current().unwrap().limit_to_some();
        kit.next()
    };
    let kit = Kit::new(Policy::new());
    let app = kit.app(limited);
    app.get("/").await;
    assert_eq!(app.get("/").await.text(), "2");
    let kit = Kit::new(Policy::new().key(|_| Some("tenant".to_owned())));
    let app = kit.app(limited);
    app.get("/").await;
    assert_eq!(app.get("/").await.text(), "1");
}

#[tokio::test]
async fn one_layer_inside_another_tells_it_what_it_depends_on() {
    let kit = Kit::new(Policy::new());
    let app = kit.twice(async |kit, _| {
        kit.reads("users");
        kit.next()
    });
    for (written, expected) in [("x", "1"), ("x", "1"), ("users", "2"), ("x", "2")] {
        kit.writes(written);
        assert_eq!(app.get("/").await.text(), expected);
    }
}

#[tokio::test]
async fn an_outer_layer_keeps_no_longer_what_an_inner_one_answered_from_its_cache() {
    let kit = Kit::new(Policy::new());
    let app = kit.twice(async |kit, _| {
        kit.reads("users");
        kit.next()
    });
    app.get("/").await;
    // Gone from the outer one alone: it has another key.
    let other = get("/")
        .header("x-host", "h")
        .body(Default::default())
        .unwrap();
    assert_eq!(app.send(other).await.text(), "2");
    kit.writes("users");
    assert_eq!(app.get("/").await.text(), "3");
}

#[tokio::test]
async fn what_an_inner_layer_lets_pass_is_read_for_the_outer_one_too() {
    use http_body_util::StreamBody;

    let kit = Kit::new(Policy::new());
    let small = kit.with(Policy::new().max_body(4).max_age(30 * SECOND));
    let app = kit.around(&small, async |kit, _| {
        let late = kit.clone();
        let rest = futures_util::stream::once(async move {
            late.reads("users");
            let count = late.next().status().as_u16();
            assert_eq!(count, 200);
            let text = format!("long enough {}", late.count());
            Ok::<_, std::io::Error>(http_body::Frame::data(bytes::Bytes::from(text)))
        });
        use futures_util::StreamExt as _;
        let head = futures_util::stream::iter(["12345"]);
        let head = head.map(|text| Ok(http_body::Frame::data(bytes::Bytes::from(text))));
        http::Response::new(kit::content(StreamBody::new(head.chain(rest))))
    });
    for (written, expected) in [("x", "1"), ("x", "1"), ("users", "2")] {
        kit.writes(written);
        let answer = app.get("/").await;
        assert_eq!(answer.text(), format!("12345long enough {expected}"));
    }
}

#[tokio::test]
async fn a_handler_that_panics_does_so_as_without_the_layer() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, _| {
        assert!(
            kit.next().status() != StatusCode::OK || kit.count() > 1,
            "on purpose"
        );
        kit.next()
    });
    let failed = tokio::spawn({
        let app = app.clone();
        async move { app.get("/").await }
    });
    assert!(failed.await.unwrap_err().is_panic());
    assert_eq!(app.get("/").await.text(), "3");
    assert_eq!(app.get("/").await.text(), "3");
}

#[tokio::test]
async fn a_request_that_changes_something_makes_its_uri_anew() {
    let kit = Kit::new(Policy::new());
    let app = kit.app(async |kit, request| {
        let fails = request.headers().contains_key("x-fail");
        let mut response = kit.next();
        if fails {
            *response.status_mut() = StatusCode::CONFLICT;
        }
        response
    });
    assert_eq!(app.get("/a").await.text(), "1");
    let post = |fails: &'static str| {
        let request = get("/a").method("POST").header(fails, "1");
        app.send(request.body(Default::default()).unwrap())
    };
    let failed = post("x-fail").await;
    assert_eq!(failed.status(), "cachedpool; fwd=method");
    assert_eq!(app.get("/a").await.text(), "1");
    post("x-done").await;
    assert_eq!(app.get("/a").await.text(), "4");
}

#[tokio::test]
async fn tags_are_named_for_caches_on_the_way() {
    let kit = Kit::new(Policy::new().cache_tags(Tagging::CacheTag));
    let app = kit.app(async |kit, _| {
        kit.reads("users");
        kit.next()
    });
    for _ in 0..2 {
        let tags = app.get("/x").await.header("cache-tag").map(str::to_owned);
        let tags = tags.expect("they are named");
        let mut tags: Vec<_> = tags.split(',').collect();
        tags.sort_unstable();
        let (uri, hash) = tags[0].split_at(4);
        assert_eq!((uri, hash.len(), tags[1]), ("uri:", 32, "users"));
        assert_eq!(tags.len(), 2);
    }
}

#[tokio::test]
async fn the_hook_is_told_tags_as_caches_on_the_way_are() {
    let kit = Kit::new(Policy::new().cache_tags(Tagging::CacheTag));
    let app = kit.app(async |kit, _| {
        depends_on_tag("two words, größe").await;
        kit.next()
    });
    let answer = app.get("/").await;
    let tags: Vec<_> = answer.header("cache-tag").unwrap().split(',').collect();
    assert_eq!(tags.len(), 2);
    let word = crate::cache::Tag::user("two words, größe");
    kit.engine.invalidate(&[word].into_iter().collect());
    let told = kit.told.lock().unwrap();
    assert_eq!(*told, ["two%20words%2C%20gr%C3%B6%C3%9Fe"]);
    assert!(tags.contains(&&*told[0]));
}

#[tokio::test]
async fn what_cannot_be_purged_is_kept_by_no_cache_on_the_way() {
    let policy = Policy::new()
        .max_age(5 * SECOND)
        .s_maxage(9 * SECOND)
        .max_body(4)
        .cache_tags(Tagging::SurrogateKey);
    let kit = Kit::new(policy);
    let app = kit.app(async |_, request| {
        if request.uri() != "/few" {
            depends_on_tag("x".repeat(9_000)).await;
        }
        kit::text(request.uri().path().to_owned())
    });
    for (path, line) in [
        ("/few", "max-age=5, s-maxage=9"),
        ("/", "private, max-age=5"),
        // Too long for the cache itself.
        ("/long", "private, max-age=5"),
    ] {
        for _ in 0..2 {
            let answer = app.get(path).await;
            assert_eq!(answer.header("cache-control"), Some(line), "{path}");
            let tags = answer.header("surrogate-key");
            assert_eq!(tags.is_some(), path == "/few");
        }
    }
}

#[tokio::test]
async fn a_policy_that_stores_nothing_touches_nothing() {
    let kit = Kit::new(Policy::new().no_store());
    let app = kit.app(async |kit, request| {
        assert!(request.headers().contains_key("x-any"));
        kit.next()
    });
    let request = || {
        get("/")
            .header("x-any", "1")
            .body(Default::default())
            .unwrap()
    };
    app.send(request()).await;
    let answer: Answer = app.send(request()).await;
    assert_eq!(answer.text(), "2");
    assert!(answer.headers.is_empty());
}
