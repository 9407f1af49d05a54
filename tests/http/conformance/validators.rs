//! RFC 9110 §8.8 (validators), §9.3.2 (HEAD), §14 (ranges) and §15.4.5 (304).

use axum::http::header::ACCEPT;

use crate::kit::{Answer, Origin, case, hold, minute};

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn tagged(etag: &'static str) -> Origin {
    Answer::page().header("etag", etag).into()
}

#[tokio::test]
async fn a_304_has_the_headers_that_update_what_the_client_has() {
    let full = Answer::page()
        .header("etag", "\"a\"")
        .header("content-location", "/here")
        .header("expires", "Thu, 01 Dec 2044 16:00:00 GMT")
        .header("last-modified", DATE)
        .header("content-type", "text/plain")
        .header("content-language", "en")
        .header("x-own", "1");
    hold([
        case("RFC 9110 §15.4.5", "those that 200 would have had")
            .origin(full)
            .policy(minute().vary([ACCEPT]))
            .get("/")
            .get("/")
            .with("if-none-match", "\"a\"")
            .is(304)
            .mentions("cache-control", "max-age=60")
            .says("content-location", "/here")
            .has("date")
            .says("etag", "\"a\"")
            .says("expires", "Thu, 01 Dec 2044 16:00:00 GMT")
            .mentions("vary", "accept")
            .body(""),
        case("RFC 9110 §15.4.5", "and none of the content")
            .origin(
                Answer::page()
                    .header("etag", "\"a\"")
                    .header("content-type", "text/plain")
                    .header("content-language", "en"),
            )
            .get("/")
            .get("/")
            .with("if-none-match", "\"a\"")
            .is(304)
            .lacks("content-type")
            .lacks("content-language")
            .lacks("content-encoding")
            .lacks("transfer-encoding"),
        case("RFC 9111 §5.1", "and its age")
            .origin(tagged("\"a\""))
            .get("/")
            .after(7)
            .get("/")
            .with("if-none-match", "\"a\"")
            .is(304)
            .says("age", "7"),
    ])
    .await;
}

#[tokio::test]
async fn every_kept_response_has_a_validator() {
    hold([
        case("RFC 9110 §8.8.3", "the handler's own is left as it is")
            .origin(tagged("W/\"a\\b\""))
            .get("/")
            .get("/")
            .says("etag", "W/\"a\\b\""),
        case("RFC 9110 §8.8.3", "the layer's is strong, and quoted")
            .get("/")
            .has("etag")
            .omits("etag", "W/")
            .mentions("etag", "\"")
            .get("/")
            .with("if-match", "{etag}")
            .is(200)
            .kept(),
        case("RFC 9110 §8.8.1", "what changes the content changes it")
            .get("/")
            .write()
            .get("/")
            .with("if-match", "{etag}")
            .is(412)
            .get("/")
            .with("if-match", "{etag}")
            .is(200),
        case("RFC 9110 §8.8.3", "what is none is not compared as one")
            .origin(tagged("a"))
            .get("/")
            .get("/")
            .with("if-none-match", "a")
            .is(200),
        case("RFC 9110 §8.8.3", "nor what has a space in it")
            .origin(tagged("\"a b\""))
            .get("/")
            .get("/")
            .with("if-none-match", "\"a b\"")
            .is(200)
            .kept(),
    ])
    .await;
}

#[tokio::test]
async fn head_is_what_get_is_without_the_content() {
    hold([
        case("RFC 9110 §9.3.2", "from what GET has kept")
            .origin(Answer::page().header("content-type", "text/plain"))
            .get("/")
            .head("/")
            .is(200)
            .body("")
            .kept()
            .says("content-type", "text/plain")
            .says("content-length", "2")
            .has("etag"),
        case("RFC 9110 §9.3.2", "its answer is not kept for GET")
            .head("/")
            .is(200)
            .body("")
            .made()
            .get("/")
            .body("v1")
            .made(),
        case("RFC 9110 §13.1.2", "entity tags count for it")
            .origin(tagged("\"a\""))
            .get("/")
            .head("/")
            .with("if-none-match", "\"a\"")
            .is(304)
            .kept(),
        case("RFC 9110 §13.1.3", "dates count for it")
            .origin(Answer::page().header("last-modified", DATE))
            .get("/")
            .head("/")
            .with("if-modified-since", DATE)
            .is(304)
            .kept(),
        case("RFC 9110 §13.1.1", "preconditions count for it")
            .origin(tagged("\"a\""))
            .get("/")
            .head("/")
            .with("if-match", "\"b\"")
            .is(412)
            .kept(),
        case("RFC 9111 §4", "after a write it is made anew")
            .origin([
                Answer::page().header("x-nth", "1"),
                Answer::page().header("x-nth", "2"),
            ])
            .get("/")
            .write()
            .head("/")
            .says("x-nth", "2"),
    ])
    .await;
}

#[tokio::test]
async fn a_part_of_a_response_is_the_handlers_own() {
    hold([
        case("RFC 9110 §14.2", "a range goes to the handler, who sees it")
            .origin(Answer::seen("range"))
            .get("/")
            .with("range", "bytes=0-1")
            .body("bytes=0-1")
            .made()
            .get("/")
            .body("-"),
        case(
            "RFC 9110 §14.2",
            "where the whole is kept, a range is ignored",
        )
        .origin(Answer::seen("range"))
        .get("/")
        .body("-")
        .get("/")
        .with("range", "bytes=0-1")
        .is(200)
        .body("-")
        .kept(),
        case("RFC 9110 §13.1.5", "so does its condition")
            .origin(Answer::seen("if-range"))
            .get("/")
            .with("range", "bytes=0-1")
            .with("if-range", "\"a\"")
            .body("\"a\"")
            .made(),
    ])
    .await;
}
