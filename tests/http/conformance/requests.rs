//! RFC 9111 §5.2.1 and §5.4: what clients say of caching, where they are listened to.

use cachedpool::http::Policy;

use crate::kit::{Answer, Case, case, hold, minute, seconds};

const CONTROL: &str = "cache-control";

fn obeyed() -> Policy {
    minute().obey_requests()
}

/// A page that has been kept for half a minute, and what the next client says.
fn old(section: &'static str, sentence: &'static str, value: &'static str) -> Case {
    case(section, sentence)
        .policy(obeyed())
        .origin([Answer::text("1"), Answer::text("2")])
        .get("/")
        .after(30)
        .get("/")
        .with(CONTROL, value)
}

/// A page that expired half a minute ago, and what the next client says.
fn expired(sentence: &'static str, value: &'static str) -> Case {
    case("RFC 9111 §5.2.1.2", sentence)
        .policy(obeyed().stale_if_error(seconds(100)))
        .origin([Answer::text("1"), Answer::text("2")])
        .get("/")
        .after(90)
        .get("/")
        .with(CONTROL, value)
}

#[tokio::test]
async fn a_client_says_how_old_its_response_may_be() {
    let (section, fresh) = ("RFC 9111 §5.2.1.1", "RFC 9111 §5.2.1.3");
    hold([
        old(section, "older than that", "max-age=29")
            .made()
            .body("2"),
        old(section, "just so old", "max-age=30").kept(),
        old(section, "younger than that", "max-age=31").kept(),
        old(section, "new", "max-age=0").made().body("2"),
        old(section, "by the smaller of two", "max-age=31, max-age=29").made(),
        old("RFC 9111 §5.2", "what is no number is ignored", "max-age=x").kept(),
        old(fresh, "fresh for longer", "min-fresh=31")
            .made()
            .body("2"),
        old(fresh, "fresh for so long", "min-fresh=29").kept(),
        old(fresh, "what is no number is ignored", "min-fresh=x").kept(),
    ])
    .await;
}

#[tokio::test]
async fn a_client_takes_what_has_expired() {
    hold([
        expired("not for so long", "max-stale=29").made().body("2"),
        expired("for so long", "max-stale=31")
            .body("1")
            .says("age", "90"),
        expired("however long ago", "max-stale").body("1"),
        expired("what is no number is ignored", "max-stale=x").made(),
        expired("unless it wants it younger", "max-stale, max-age=80").made(),
        case("RFC 9111 §5.2.1.2", "never what a write has invalidated")
            .policy(obeyed().stale_if_error(seconds(100)))
            .get("/")
            .write()
            .get("/")
            .with(CONTROL, "max-stale")
            .body("v2"),
        case(
            "RFC 9111 §5.2.2.2",
            "nor what its handler forbids to serve stale",
        )
        .policy(obeyed().stale_if_error(seconds(100)))
        .origin([
            Answer::text("1").header(CONTROL, "must-revalidate"),
            Answer::text("2"),
        ])
        .get("/")
        .after(90)
        .get("/")
        .with(CONTROL, "max-stale")
        .body("2"),
    ])
    .await;
}

#[tokio::test]
async fn a_client_goes_past_the_cache() {
    let (no_cache, no_store) = ("RFC 9111 §5.2.1.4", "RFC 9111 §5.2.1.5");
    hold([
        old(no_cache, "to the handler", "no-cache").made().body("2"),
        old(no_cache, "and the next find what it said", "no-cache")
            .get("/")
            .kept()
            .body("2"),
        old(no_cache, "in other letters, among others", "x=1, No-Cache").made(),
        old(no_store, "and leaves nothing in it", "no-store")
            .made()
            .body("2")
            .get("/")
            .kept()
            .body("1"),
        case(no_store, "where there is nothing yet as well")
            .policy(obeyed())
            .get("/")
            .with(CONTROL, "no-store")
            .made()
            .get("/")
            .made(),
        old(no_cache, "and the status tells why", "no-cache")
            .mentions("cache-status", "fwd=request"),
    ])
    .await;
}

#[tokio::test]
async fn a_client_wants_nothing_but_the_cache() {
    let section = "RFC 9111 §5.2.1.7";
    hold([
        old(section, "which has it", "only-if-cached")
            .kept()
            .is(200)
            .body("1"),
        case(section, "which does not have it")
            .policy(obeyed())
            .get("/")
            .with(CONTROL, "only-if-cached")
            .is(504)
            .kept()
            .get("/")
            .made()
            .is(200),
        case(section, "which has what a write has invalidated")
            .policy(obeyed())
            .get("/")
            .write()
            .get("/")
            .with(CONTROL, "only-if-cached")
            .is(504)
            .kept(),
        old(section, "which has it too old", "only-if-cached, max-age=5")
            .is(504)
            .kept(),
    ])
    .await;
}

#[tokio::test]
async fn pragma_counts_where_there_is_no_cache_control() {
    let section = "RFC 9111 §5.4";
    let old = |sentence| {
        case(section, sentence)
            .policy(obeyed())
            .get("/")
            .get("/")
            .with("pragma", "no-cache")
    };
    hold([
        old("as no-cache").made(),
        old("not beside Cache-Control")
            .with(CONTROL, "max-age=60")
            .kept(),
        case(section, "another word counts for nothing")
            .policy(obeyed())
            .get("/")
            .get("/")
            .with("pragma", "x-no-cache")
            .kept(),
    ])
    .await;
}

#[tokio::test]
async fn clients_are_not_listened_to_unless_the_policy_says_so() {
    let deaf = |value| {
        case("RFC 9111 §5.2.1", "by default nobody empties the cache")
            .get("/")
            .after(30)
            .get("/")
            .with(CONTROL, value)
            .kept()
            .is(200)
    };
    hold([
        deaf("no-cache"),
        deaf("no-store"),
        deaf("max-age=0"),
        deaf("min-fresh=100"),
        deaf("max-age=0").with("pragma", "no-cache"),
        case("RFC 9111 §5.2.1.7", "nor keeps it from being filled")
            .get("/")
            .with(CONTROL, "only-if-cached")
            .is(200)
            .made(),
    ])
    .await;
}
