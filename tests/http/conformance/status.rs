//! RFC 9211 §2: what `Cache-Status` says.

use axum::http::Method;
use cachedpool::http::Policy;

use crate::kit::{Answer, case, hold, minute, seconds};

const STATUS: &str = "cache-status";

#[tokio::test]
async fn every_answer_says_what_the_layer_did() {
    let expired = minute().stale_while_revalidate(seconds(100));
    hold([
        case("RFC 9211 §2.2", "there was nothing, §2.5: it was kept")
            .get("/")
            .says(STATUS, "cachedpool; fwd=miss; stored"),
        case("RFC 9211 §2.1", "there was something, §2.4: for so long")
            .get("/")
            .after(20)
            .get("/")
            .says(STATUS, "cachedpool; hit; ttl=40"),
        case("RFC 9211 §2.4", "it expired so long ago")
            .policy(expired)
            .get("/")
            .after(63)
            .get("/")
            .mentions(STATUS, "cachedpool; hit; ttl=-3"),
        case("RFC 9211 §2.2", "what there was had expired")
            .policy(minute().stale_if_error(seconds(100)))
            .get("/")
            .after(61)
            .get("/")
            .mentions(STATUS, "cachedpool; fwd=stale; stored"),
        case("RFC 9211 §2.2", "what there was had been written to")
            .get("/")
            .write()
            .get("/")
            .mentions(STATUS, "cachedpool; fwd=")
            .mentions(STATUS, "stored")
            .omits(STATUS, "hit"),
        case("RFC 9211 §2.2", "it was not looked for: the method")
            .ask(Method::POST, "/")
            .says(STATUS, "cachedpool; fwd=method"),
        case("RFC 9211 §2.2", "it was not looked for: credentials")
            .get("/")
            .with("authorization", "x")
            .says(STATUS, "cachedpool; fwd=bypass; detail=credentials"),
        case("RFC 9211 §2.2", "the client did not want it")
            .policy(minute().obey_requests())
            .get("/")
            .get("/")
            .with("cache-control", "no-cache")
            .mentions(STATUS, "cachedpool; fwd=request; stored"),
        case("RFC 9211 §2.5", "it was not kept")
            .origin(Answer::page().header("cache-control", "no-store"))
            .get("/")
            .mentions(STATUS, "cachedpool; fwd=miss")
            .omits(STATUS, "stored"),
        case("RFC 9211 §2", "a 304 too")
            .get("/")
            .get("/")
            .with("if-none-match", "{etag}")
            .is(304)
            .says(STATUS, "cachedpool; hit; ttl=60"),
        case(
            "RFC 9211 §2",
            "behind what a cache nearer to the origin said",
        )
        .origin(Answer::page().header(STATUS, "Origin; fwd=miss"))
        .get("/")
        .says(STATUS, "Origin; fwd=miss, cachedpool; fwd=miss; stored"),
        case("RFC 9211 §2", "nothing, where the layer is switched off")
            .policy(Policy::new().no_store())
            .get("/")
            .lacks(STATUS)
            .lacks("etag")
            .lacks("age")
            .lacks("cache-control"),
    ])
    .await;
}
