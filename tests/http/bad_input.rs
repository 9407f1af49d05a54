//! Handlers that fail, bodies that do not end as they should, and headers that nobody can read.

use std::sync::Arc;

use axum::{
    Router, body::Body, extract::Request, http::Method, middleware::map_request,
    response::Response, routing::any,
};
use cachedpool::http::{Policy, ResponseCacheLayer};
use cachedpool_test_support::wait_until;
use tokio::{sync::Semaphore, task::JoinHandle};

use crate::kit::{Answer, Asked, Frames, Origin, SOON, Site, case, hold, minute};

/// A handler that is let go by hand, or never.
struct Gate {
    asked: Asked,
    /// How many requests have come to the layer. The tests run on one thread, where a request that has come is in the
    /// handler, or waits, before anybody else runs.
    entered: Asked,
    passes: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Gate {
            asked: Asked::default(),
            entered: Asked::default(),
            passes: Arc::new(Semaphore::new(0)),
        }
    }

    /// The first to be asked waits for the gate and does then what `first` does; the others answer "later".
    async fn site(&self, first: fn() -> Response) -> Site {
        let (asked, passes) = (self.asked.clone(), self.passes.clone());
        let entered = self.entered.clone();
        let enter = move |request: Request| {
            entered.note();
            async { request }
        };
        let handler = move |_: Request| {
            let (nth, passes) = (asked.note(), passes.clone());
            async move {
                if nth > 0 {
                    return Response::new(Body::from("later"));
                }
                passes.acquire().await.unwrap().forget();
                first()
            }
        };
        Site::new(|pool| {
            Router::new()
                .fallback(any(handler))
                .layer(ResponseCacheLayer::new(pool, minute()))
                .layer(map_request(enter))
        })
        .await
    }

    /// A client who has come: the first is in the handler then, and the others wait for it.
    async fn comes(&self, site: &Site) -> JoinHandle<Result<String, reqwest::Error>> {
        let (url, before) = (format!("{}/", site.url), self.entered.times());
        let client = tokio::spawn(async move { reqwest::get(url).await?.text().await });
        wait_until(SOON, "the client comes", async || {
            self.entered.times() > before
        })
        .await;
        assert_eq!(self.asked.times(), 1);
        client
    }
}

#[tokio::test]
async fn a_handler_that_panics_keeps_nothing_and_wakes_who_waits() {
    let gate = Gate::new();
    let site = gate.site(|| panic!("as it was told to")).await;
    let first = gate.comes(&site).await;
    let waiting = gate.comes(&site).await;
    gate.passes.add_permits(1);
    assert!(first.await.unwrap().is_err(), "the connection is cut");
    assert_eq!(waiting.await.unwrap().unwrap(), "later");
    assert_eq!(gate.asked.times(), 2);
    assert_eq!(site.get("/").await.text(), "later");
}

#[tokio::test]
async fn a_handler_that_is_dropped_keeps_nothing_and_wakes_who_waits() {
    let gate = Gate::new();
    let site = gate.site(|| Response::new(Body::from("first"))).await;
    let first = gate.comes(&site).await;
    let waiting = gate.comes(&site).await;
    // The client goes away, and with it its connection and the handler.
    first.abort();
    assert_eq!(waiting.await.unwrap().unwrap(), "later");
    assert_eq!(site.get("/").await.text(), "later");
}

#[tokio::test]
async fn a_body_that_breaks_off_keeps_nothing_and_wakes_who_waits() {
    let gate = Gate::new();
    let broken = || Response::new(Body::new(Frames::default().data("fi").failure()));
    let site = gate.site(broken).await;
    let first = gate.comes(&site).await;
    let waiting = gate.comes(&site).await;
    gate.passes.add_permits(1);
    assert!(first.await.unwrap().is_err(), "the client sees it too");
    assert_eq!(waiting.await.unwrap().unwrap(), "later");
    assert_eq!(site.get("/").await.text(), "later");
}

#[tokio::test]
async fn many_who_ask_for_the_same_are_served_by_one_handler() {
    let gate = Gate::new();
    let site = gate.site(|| Response::new(Body::from("first"))).await;
    let first = gate.comes(&site).await;
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(gate.comes(&site).await);
    }
    gate.passes.add_permits(1);
    assert_eq!(first.await.unwrap().unwrap(), "first");
    for client in waiting {
        assert_eq!(client.await.unwrap().unwrap(), "first");
    }
    assert_eq!(gate.asked.times(), 1);
}

#[tokio::test]
async fn a_body_that_is_shorter_than_its_length_is_not_kept() {
    let short = Answer::frames(Frames::default().data("v1")).header("content-length", "3");
    let asked = Asked::default();
    let origin = Origin::from([short.clone(), short, Answer::page()]);
    let site = Site::new(|pool| origin.behind(minute(), pool, &asked)).await;
    for times in 1..=2 {
        // Whether anything arrives is up to the server; that it does not arrive whole is not.
        let request = reqwest::get(format!("{}/", site.url)).await;
        let whole = match request {
            Ok(response) => response.bytes().await.is_ok(),
            Err(_) => false,
        };
        assert!(!whole);
        assert_eq!(asked.times(), times);
    }
    assert_eq!(site.get("/").await.text(), "v1");
    assert!(site.get("/").await.is_hit());
}

#[tokio::test]
async fn what_is_too_large_passes_as_it_comes() {
    let policy = || minute().max_body(10);
    let asked = Asked::default();
    let pieces = || Frames::default().data("0123456").data("789").data("abc");
    let large = Answer::frames(pieces()).header("x-own", "1");
    let origin = Origin::from(large);
    let site = Site::new(|pool| origin.behind(policy(), pool, &asked)).await;
    for times in 1..=2 {
        let reply = site.get("/").await;
        assert_eq!(reply.text(), "0123456789abc");
        assert_eq!(reply.header("x-own").as_deref(), Some("1"));
        assert!(!reply.is_hit());
        assert_eq!(asked.times(), times);
    }
    let fits = Answer::frames(Frames::default().data("0123456").data("789"));
    hold([
        case("max_body", "what just fits is kept")
            .policy(policy())
            .origin(fits)
            .get("/")
            .body("0123456789")
            .get("/")
            .body("0123456789")
            .kept(),
        case("max_body", "what says that it is too large passes too")
            .policy(policy())
            .origin(Answer::text("0123456789a"))
            .get("/")
            .body("0123456789a")
            .says("content-length", "11")
            .get("/")
            .body("0123456789a")
            .made(),
        case(
            "max_body",
            "a client that has it is told so without its handler",
        )
        .policy(policy())
        .origin(Answer::text("0123456789a"))
        .get("/")
        .has("etag")
        .get("/")
        .with("if-none-match", "{etag}")
        .is(304)
        .body("")
        .kept(),
        case("max_body", "until what it was made of is written")
            .policy(policy())
            .origin(Answer::text("0123456789a"))
            .get("/")
            .write()
            .get("/")
            .with("if-none-match", "{etag}")
            .is(200)
            .body("0123456789a")
            .made(),
    ])
    .await;
}

#[tokio::test]
async fn the_beginning_of_an_endless_body_arrives() {
    let site = Site::new(|pool| {
        let endless = |_: Request| async {
            let lines = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("tick\n"));
            Response::new(Body::from_stream(lines))
        };
        Router::new()
            .fallback(any(endless))
            .layer(ResponseCacheLayer::new(pool, Policy::new().max_body(100)))
    })
    .await;
    let mut response = reqwest::get(format!("{}/", site.url)).await.unwrap();
    let mut seen = 0;
    while seen < 10_000 {
        seen += response.chunk().await.unwrap().unwrap().len();
    }
    drop(response);
    assert_eq!(site.pool.stats().in_flight, 0);
}

#[tokio::test]
async fn trailers_arrive_and_are_not_lost_to_the_next() {
    let answer = || {
        let frames = Frames::default().data("v").data("1").trailer("x-sum", "7");
        Answer::frames(frames)
    };
    for answer in [answer(), answer().header("trailer", "x-sum")] {
        let told = answer.clone();
        let asked = Asked::default();
        let site = Site::new(|pool| Origin::from(told).behind(minute(), pool, &asked)).await;
        for times in 1..=2 {
            let reply = site.ask(Method::GET, "/", &[("te", "trailers")]).await;
            assert_eq!(reply.text(), "v1");
            assert_eq!(asked.times(), times);
            if reply.headers.contains_key("trailer") {
                let trailers = reply.trailers.unwrap();
                assert_eq!(trailers.get("x-sum").unwrap(), "7");
            }
        }
    }
}

#[tokio::test]
async fn headers_that_nobody_can_read_are_ignored() {
    let section = "RFC 9110 §13.1";
    let wild = [
        "\u{e9}",
        "\"",
        ",",
        ";;=",
        "W/",
        "*, *",
        "\"a\"\"b\"",
        "\"a b\"",
        "\"a\tb\"",
    ];
    let names = [
        "if-none-match",
        "if-match",
        "if-modified-since",
        "if-unmodified-since",
        "cache-control",
        "pragma",
        "accept-language",
    ];
    for name in names {
        hold(wild.map(|value| {
            case(section, "an unreadable header is no header")
                .policy(minute().obey_requests())
                .get("/")
                .get("/")
                .with(name, value)
                .is(200)
                .body("v1")
                .kept()
        }))
        .await;
        hold(wild.map(|value| {
            case(section, "nor one of a response")
                .origin(Answer::page().header("x-own", value).header("etag", value))
                .get("/")
                .is(200)
                .body("v1")
                .get("/")
                .is(200)
                .body("v1")
        }))
        .await;
    }
}
