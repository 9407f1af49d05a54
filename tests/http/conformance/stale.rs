//! RFC 9111 §4.2.4 and RFC 5861: what is served when it is not fresh any more.

use cachedpool::http::Policy;

use crate::kit::{Answer, Case, case, hold, minute, seconds};

fn while_revalidating() -> Policy {
    minute().stale_while_revalidate(seconds(100))
}

fn if_error() -> Policy {
    minute().stale_if_error(seconds(100))
}

fn nth(nth: &'static str) -> Answer {
    Answer::text(nth)
}

#[tokio::test]
async fn an_expired_response_is_served_while_it_is_made_anew() {
    let section = "RFC 5861 §3";
    hold([
        case(section, "at once, and once in the background")
            .policy(while_revalidating())
            .origin([nth("1"), nth("2"), nth("3")])
            .get("/")
            .body("1")
            .after(70)
            .get("/")
            .is(200)
            .body("1")
            .says("age", "70")
            .mentions("cache-status", "hit")
            .mentions("cache-status", "ttl=-10")
            .asked(2)
            .get("/")
            .body("2")
            .says("age", "0")
            .kept(),
        case(section, "within the window")
            .policy(while_revalidating())
            .origin([nth("1"), nth("2")])
            .get("/")
            .after(161)
            .get("/")
            .body("2")
            .made(),
        case(section, "not by default")
            .origin([nth("1"), nth("2")])
            .get("/")
            .after(61)
            .get("/")
            .body("2"),
        case(section, "never after a write")
            .policy(while_revalidating())
            .get("/")
            .after(70)
            .write()
            .get("/")
            .body("v2"),
        case(section, "also when it is made anew in vain")
            .policy(while_revalidating())
            .origin([nth("1"), nth("2").status(500), nth("3")])
            .get("/")
            .after(70)
            .get("/")
            .body("1")
            .asked(2)
            // Not at once again.
            .get("/")
            .body("1")
            .after(2)
            .get("/")
            .is(200)
            .body("1")
            .asked(3)
            .get("/")
            .body("3")
            .kept(),
        case(section, "to a client that has it, by 304")
            .policy(while_revalidating())
            .origin([nth("1"), nth("2")])
            .get("/")
            .after(70)
            .get("/")
            .with("if-none-match", "{etag}")
            .is(304)
            .asked(2),
        case(section, "to HEAD, without the content")
            .policy(while_revalidating())
            .origin([nth("1"), nth("two")])
            .get("/")
            .after(70)
            .head("/")
            .is(200)
            .says("content-length", "1"),
    ])
    .await;
}

/// One that its handler forbids to serve stale.
fn never_stale(section: &'static str, directives: &'static str) -> Case {
    let strict = |text| nth(text).header("cache-control", directives);
    case(section, "its handler forbids it")
        .policy(while_revalidating().stale_if_error(seconds(100)))
        .origin([strict("1"), strict("2"), strict("3").status(500)])
        .get("/")
        .after(61)
        .get("/")
        .body("2")
        .made()
        .after(61)
        .get("/")
        .is(500)
        .body("3")
}

#[tokio::test]
async fn a_handler_forbids_to_serve_its_response_stale() {
    hold([
        never_stale("RFC 9111 §5.2.2.2", "must-revalidate"),
        never_stale("RFC 9111 §5.2.2.8", "proxy-revalidate"),
        never_stale("RFC 9111 §5.2.2.10", "s-maxage=60"),
        never_stale("RFC 9111 §5.2.2.2", "max-age=60, Must-Revalidate"),
    ])
    .await;
}

#[tokio::test]
async fn an_expired_response_stands_in_for_an_error() {
    let section = "RFC 5861 §4";
    let fails = |sentence, status| {
        case(section, sentence)
            .policy(if_error())
            .origin([nth("1"), nth("2").status(status), nth("3")])
            .get("/")
            .after(70)
            .get("/")
            .made()
    };
    for status in [500, 502, 503, 504] {
        hold([fails("an error of the service", status)
            .is(200)
            .body("1")
            .says("age", "70")
            .mentions("cache-status", "fwd=stale")
            .get("/")
            .body("3")
            .get("/")
            .body("3")
            .kept()])
        .await;
    }
    for status in [400, 404, 429, 501] {
        hold([fails("another status is not one", status)
            .is(status)
            .body("2")])
        .await;
    }
    hold([
        case(section, "not after its window")
            .policy(if_error())
            .origin([nth("1"), nth("2").status(503)])
            .get("/")
            .after(161)
            .get("/")
            .is(503)
            .body("2"),
        case(section, "not by default")
            .origin([nth("1"), nth("2").status(503)])
            .get("/")
            .after(61)
            .get("/")
            .is(503),
        case(section, "never after a write")
            .policy(if_error())
            .origin([nth("1"), nth("2").status(503)])
            .get("/")
            .after(70)
            .write()
            .get("/")
            .is(503)
            .body("2"),
        case(section, "as 304 where the client has it")
            .policy(if_error())
            .origin([nth("1"), nth("2").status(503)])
            .get("/")
            .after(70)
            .get("/")
            .with("if-none-match", "{etag}")
            .is(304)
            .made(),
    ])
    .await;
}

#[tokio::test]
async fn clients_are_not_told_to_serve_stale_what_a_write_may_have_changed() {
    hold([case("RFC 5861 §3", "the layer's own windows are its own")
        .policy(while_revalidating().stale_if_error(seconds(100)))
        .get("/")
        .omits("cache-control", "stale")
        .after(70)
        .get("/")
        .omits("cache-control", "stale")])
    .await;
}
