//! RFC 9111 §3: what may be kept.

use axum::http::{Method, StatusCode, header};

use crate::kit::{Answer, Case, Frames, case, hold, minute};

const SECTION: &str = "RFC 9111 §3";

/// Asked twice, the handler is asked once.
fn kept(section: &'static str, sentence: &'static str, answer: Answer) -> Case {
    case(section, sentence)
        .origin(answer)
        .get("/")
        .made()
        .get("/")
        .kept()
}

/// Asked twice, the handler is asked twice, and both times its answer arrives.
fn passed(section: &'static str, sentence: &'static str, answer: Answer) -> Case {
    case(section, sentence)
        .origin(answer)
        .get("/")
        .made()
        .body("v1")
        .get("/")
        .made()
        .body("v1")
}

fn says(directives: &'static str) -> Answer {
    Answer::page().header("cache-control", directives)
}

#[tokio::test]
async fn only_reads_are_kept() {
    let unsafe_ones = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let others = [Method::OPTIONS, Method::TRACE];
    let twice = |method: &Method, sentence| {
        case(SECTION, sentence)
            .get("/")
            .ask(method.clone(), "/")
            .made()
            .ask(method.clone(), "/")
            .made()
            .says("cache-status", "cachedpool; fwd=method")
            .get("/")
    };
    hold(others.map(|method| twice(&method, "a safe method other than GET").kept())).await;
    let section = "RFC 9111 §4.4";
    for method in unsafe_ones {
        hold([
            twice(&method, "an unsafe method").made(),
            case(
                section,
                "an unsafe method changes what it is asked of, and nothing else",
            )
            .get("/a?b")
            .get("/a?c")
            .ask(method.clone(), "/a?b")
            .get("/a?b")
            .made()
            .get("/a?c")
            .kept(),
            case(section, "one that redirects has changed it too")
                .origin([
                    Answer::page(),
                    Answer::page().status(303).header("location", "/"),
                    Answer::page(),
                ])
                .get("/")
                .ask(method.clone(), "/")
                .is(303)
                .get("/")
                .made(),
            case(section, "one that fails changes nothing")
                .origin([Answer::page(), Answer::page().status(403)])
                .get("/")
                .ask(method.clone(), "/")
                .is(403)
                .get("/")
                .kept(),
            case(section, "another host has another page")
                .get("/")
                .ask(method, "/")
                .with("host", "other.example")
                .get("/")
                .kept(),
        ])
        .await;
    }
}

#[tokio::test]
async fn statuses_are_kept_that_any_cache_may_keep() {
    let page = |status| Answer::page().status(status);
    let may = [200, 203, 300, 301, 308, 404, 410];
    hold(may.map(|status| kept("RFC 9110 §15.1", "a final status", page(status)).is(status))).await;
    let may_not = [201, 202, 302, 303, 307, 400, 401, 403, 405, 429, 500, 503];
    hold(may_not.map(|status| passed(SECTION, "another status", page(status)).is(status))).await;
    let teapot = StatusCode::IM_A_TEAPOT;
    hold([
        kept(
            "RFC 9110 §15.1",
            "a status without content",
            Answer::text("").status(204),
        )
        .is(204),
        kept(SECTION, "a status that the policy names", page(418))
            .policy(minute().statuses([teapot])),
        passed(SECTION, "one that it does not name", page(200)).policy(minute().statuses([teapot])),
    ])
    .await;
}

#[tokio::test]
async fn a_handler_forbids_to_keep_its_response() {
    let forbidden = |sentence, directives| passed("RFC 9111 §5.2.2", sentence, says(directives));
    hold([
        forbidden("no-store", "no-store"),
        forbidden("no-store among others", "max-age=60, no-store"),
        forbidden("in other letters", "No-Store"),
        forbidden("behind one that is malformed", "max-age=x, no-store"),
        forbidden("behind a comma in quotes", "x=\"a,b\", no-store"),
        forbidden("private", "private"),
        forbidden("private to the named fields", "private=\"x-own\""),
        forbidden("no-cache", "no-cache"),
        forbidden("no-cache of the named fields", "no-cache=\"x-own\""),
        forbidden(
            "no-store, whatever must be understood",
            "must-understand, no-store",
        ),
        forbidden("fresh for no time", "max-age=0"),
        forbidden("for a negative time", "max-age=-1"),
        forbidden("for what is no time", "max-age=soon"),
        passed(
            "RFC 9111 §5.2",
            "on a second line",
            says("max-age=60").header("cache-control", "no-store"),
        ),
        kept(
            "RFC 9111 §5.2.3",
            "what nobody knows counts for nothing",
            says("community=\"UCI\", x"),
        ),
        kept(
            "RFC 9111 §5.2",
            "a directive in a quoted value is none",
            says("x=\"no-store\""),
        ),
        kept("RFC 9111 §5.2.2.9", "public", says("public, max-age=60")),
    ])
    .await;
}

#[tokio::test]
async fn what_is_for_one_client_is_not_kept() {
    hold([
        passed(
            "RFC 9111 §7.3",
            "a response that sets a cookie",
            Answer::page().header("set-cookie", "id=1"),
        )
        .says("set-cookie", "id=1"),
        passed(
            "RFC 9111 §7.3",
            "even where its handler says that anybody may have it",
            says("public, max-age=60").header("set-cookie", "id=1"),
        ),
    ])
    .await;
    for (section, name) in [
        ("RFC 9111 §3.5", "authorization"),
        ("RFC 9111 §7.1", "cookie"),
    ] {
        hold([
            case(section, "a request with credentials goes to the handler")
                .origin(Answer::seen(name))
                .get("/")
                .body("-")
                .get("/")
                .with(name, "ada")
                .body("ada")
                .mentions("cache-status", "fwd=bypass")
                .get("/")
                .with(name, "bob")
                .body("bob")
                .get("/")
                .body("-")
                .kept(),
            case(section, "unless the key tells users apart")
                .policy(minute().vary([header::AUTHORIZATION, header::COOKIE]))
                .origin(Answer::seen(name))
                .get("/")
                .with(name, "ada")
                .body("ada")
                .get("/")
                .with(name, "bob")
                .body("bob")
                .made()
                .get("/")
                .with(name, "ada")
                .body("ada")
                .kept(),
            case(section, "what is kept of them is private")
                .policy(
                    minute()
                        .public()
                        .s_maxage(crate::kit::seconds(9))
                        .vary([header::AUTHORIZATION, header::COOKIE]),
                )
                .get("/")
                .with(name, "ada")
                .mentions("cache-control", "private")
                .omits("cache-control", "public")
                .omits("cache-control", "s-maxage")
                .get("/")
                .with(name, "ada")
                .kept()
                .mentions("cache-control", "private")
                .omits("cache-control", "public")
                .omits("cache-control", "s-maxage"),
        ])
        .await;
    }
}

#[tokio::test]
async fn what_is_not_whole_is_not_kept() {
    let partial = Answer::page()
        .status(206)
        .header("content-range", "bytes 0-1/9");
    hold([
        passed("RFC 9111 §3.3", "a part", partial.clone()).is(206),
        passed(
            "RFC 9111 §3.3",
            "a part, though the policy names its status",
            partial,
        )
        .policy(minute().statuses([StatusCode::PARTIAL_CONTENT])),
        passed(
            "RFC 9111 §3.3",
            "a part of another status",
            Answer::page().header("content-range", "bytes 0-1/9"),
        ),
        case("RFC 9111 §3.4", "a part that the handler gives is not kept")
            .origin([
                Answer::text("v")
                    .status(206)
                    .header("content-range", "bytes 0-0/2"),
                Answer::page(),
                Answer::text("not asked"),
            ])
            .get("/")
            .with("range", "bytes=0-0")
            .is(206)
            .body("v")
            .get("/")
            .is(200)
            .body("v1")
            .get("/")
            .is(200)
            .body("v1")
            .kept(),
        passed(
            "RFC 9110 §6.5",
            "one with trailers",
            Answer::frames(Frames::default().data("v1").trailer("x-sum", "1")),
        ),
        kept(
            "RFC 9112 §7.1",
            "one that comes in pieces is whole at its end",
            Answer::frames(Frames::default().data("v").data("1")),
        )
        .body("v1")
        .says("content-length", "2"),
    ])
    .await;
}

#[tokio::test]
async fn headers_of_a_connection_are_not_kept() {
    let answer = Answer::page()
        .header("connection", "x-of-this-hop")
        .header("x-of-this-hop", "1")
        .header("keep-alive", "timeout=5")
        .header("proxy-authenticate", "Basic")
        .header("x-own", "1")
        .header("x-own", "2");
    hold([kept("RFC 9111 §3.1", "nor what Connection names", answer)
        .lacks("x-of-this-hop")
        .lacks("keep-alive")
        .lacks("proxy-authenticate")
        .says("x-own", "1, 2")])
    .await;
}
