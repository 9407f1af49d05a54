//! RFC 9110 §13: conditional requests.

use axum::http::Method;

use crate::kit::{Answer, Case, Origin, case, hold};

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

fn tagged(etag: &'static str) -> Origin {
    Answer::page().header("etag", etag).into()
}

fn dated() -> Origin {
    Answer::page().header("last-modified", DATE).into()
}

fn both() -> Origin {
    let answer = Answer::page().header("etag", "\"a\"");
    answer.header("last-modified", DATE).into()
}

/// A request with one condition, once the page is kept.
fn condition(
    section: &'static str,
    sentence: &'static str,
    origin: Origin,
    (name, value): (&'static str, &'static str),
    status: u16,
) -> Case {
    case(section, sentence)
        .origin(origin)
        .get("/")
        .is(200)
        .get("/")
        .with(name, value)
        .is(status)
        .body(if status == 200 { "v1" } else { "" })
        .kept()
}

#[tokio::test]
async fn an_entity_tag_that_the_client_has_is_answered_with_304() {
    let matches = |sentence, etag, value, status| {
        let condition_ = ("if-none-match", value);
        condition(
            "RFC 9110 §13.1.2",
            sentence,
            tagged(etag),
            condition_,
            status,
        )
    };
    hold([
        matches("the tag itself", "\"a\"", "\"a\"", 304),
        matches("one of a list", "\"a\"", "\"b\", \"a\" , \"c\"", 304),
        matches(
            "empty elements of a list count for nothing",
            "\"a\"",
            ", ,\"a\",",
            304,
        ),
        matches("any", "\"a\"", "*", 304),
        matches(
            "weak comparison: the client's is weak",
            "\"a\"",
            "W/\"a\"",
            304,
        ),
        matches(
            "weak comparison: the response's is weak",
            "W/\"a\"",
            "\"a\"",
            304,
        ),
        matches("weak comparison: both are weak", "W/\"a\"", "W/\"a\"", 304),
        matches("another tag", "\"a\"", "\"b\"", 200),
        matches("tags differ in case", "\"a\"", "\"A\"", 200),
        matches(
            "a backslash in a tag escapes nothing",
            "\"a\"",
            "\"\\\", \"a\"",
            304,
        ),
        matches("a comma in a tag parts nothing", "\"a,b\"", "\"a,b\"", 304),
        matches(
            "half of a tag with a comma is no tag",
            "\"a,b\"",
            "\"a\", \"b\"",
            200,
        ),
        matches("without quotes it is no tag", "\"a\"", "a", 200),
        matches("a tag that is not closed is none", "\"a\"", "\"a", 200),
        matches("nothing", "\"a\"", "", 200),
        matches("an empty tag is a tag", "\"\"", "\"\"", 304),
        case("RFC 9110 §13.1.2", "a list over several lines is one list")
            .origin(tagged("\"a\""))
            .get("/")
            .get("/")
            .with("if-none-match", "\"b\"")
            .with("if-none-match", "\"a\"")
            .is(304)
            .kept(),
        case(
            "RFC 9110 §13.1.2",
            "it is also answered when it has to be made anew",
        )
        .origin(Answer::text("the same"))
        .get("/")
        .write()
        .get("/")
        .with("if-none-match", "{etag}")
        .is(304)
        .body("")
        .made(),
        case("RFC 9110 §13.1.2", "what has changed is sent")
            .get("/")
            .write()
            .get("/")
            .with("if-none-match", "{etag}")
            .is(200)
            .body("v2"),
        case(
            "RFC 9110 §13.1.2",
            "a GET that is 304 is kept whole for the next",
        )
        .origin(tagged("\"a\""))
        .get("/")
        .with("if-none-match", "\"a\"")
        .is(304)
        .made()
        .get("/")
        .is(200)
        .body("v1")
        .kept(),
        case("RFC 9110 §13.1.2", "for other methods it is the handler's")
            .origin(Answer::seen("if-none-match"))
            .ask(Method::PUT, "/")
            .with("if-none-match", "*")
            .is(200)
            .body("*"),
    ])
    .await;
}

#[tokio::test]
async fn a_date_is_compared_where_no_entity_tag_is_asked_for() {
    let since = |sentence, value, status| {
        let condition_ = ("if-modified-since", value);
        condition("RFC 9110 §13.1.3", sentence, dated(), condition_, status)
    };
    hold([
        since("the date itself", DATE, 304),
        since("a later one", LATER, 304),
        since("an earlier one", EARLIER, 200),
        since("what is no date is ignored", "yesterday", 200),
        since("a number is no date", "784111777", 200),
        since(
            "two dates are none",
            "Sun, 06 Nov 1994 08:49:38 GMT, Sun, 06 Nov 1994 08:49:38 GMT",
            200,
        ),
        condition(
            "RFC 9110 §5.6.7",
            "the form of RFC 850 is a date",
            dated(),
            ("if-modified-since", "Sunday, 06-Nov-94 08:49:37 GMT"),
            304,
        ),
        condition(
            "RFC 9110 §5.6.7",
            "the form of asctime is a date",
            dated(),
            ("if-modified-since", "Sun Nov  6 08:49:37 1994"),
            304,
        ),
        condition(
            "RFC 9110 §13.1.3",
            "without Last-Modified it counts for nothing",
            tagged("\"a\""),
            ("if-modified-since", LATER),
            200,
        ),
        case("RFC 9110 §13.1.3", "of two lines neither counts")
            .origin(dated())
            .get("/")
            .get("/")
            .with("if-modified-since", LATER)
            .with("if-modified-since", LATER)
            .is(200),
    ])
    .await;
}

#[tokio::test]
async fn a_client_that_wants_what_it_knows_is_told_when_it_has_changed() {
    hold([
        condition(
            "RFC 9110 §13.1.1",
            "one of the tags",
            tagged("\"a\""),
            ("if-match", "\"b\", \"a\""),
            200,
        ),
        condition(
            "RFC 9110 §13.1.1",
            "none of the tags",
            tagged("\"a\""),
            ("if-match", "\"b\""),
            412,
        ),
        condition(
            "RFC 9110 §13.1.1",
            "any",
            tagged("\"a\""),
            ("if-match", "*"),
            200,
        ),
        condition(
            "RFC 9110 §13.1.1",
            "strong comparison: the client's is weak",
            tagged("\"a\""),
            ("if-match", "W/\"a\""),
            412,
        ),
        condition(
            "RFC 9110 §13.1.1",
            "strong comparison: both are weak",
            tagged("W/\"a\""),
            ("if-match", "W/\"a\""),
            412,
        ),
        condition(
            "RFC 9110 §13.1.4",
            "unmodified since a later date",
            dated(),
            ("if-unmodified-since", LATER),
            200,
        ),
        condition(
            "RFC 9110 §13.1.4",
            "unmodified since that very date",
            dated(),
            ("if-unmodified-since", DATE),
            200,
        ),
        condition(
            "RFC 9110 §13.1.4",
            "modified since an earlier date",
            dated(),
            ("if-unmodified-since", EARLIER),
            412,
        ),
        condition(
            "RFC 9110 §13.1.4",
            "what is no date is ignored",
            dated(),
            ("if-unmodified-since", "yesterday"),
            200,
        ),
    ])
    .await;
}

#[tokio::test]
async fn conditions_are_taken_in_their_order() {
    let two = |sentence, first: (_, _), second: (_, _), status| {
        case("RFC 9110 §13.2.2", sentence)
            .origin(both())
            .get("/")
            .get("/")
            .with(first.0, first.1)
            .with(second.0, second.1)
            .is(status)
            .kept()
    };
    hold([
        two(
            "If-Match before If-None-Match",
            ("if-match", "\"b\""),
            ("if-none-match", "\"a\""),
            412,
        ),
        two(
            "when If-Match holds, If-None-Match counts",
            ("if-match", "\"a\""),
            ("if-none-match", "\"a\""),
            304,
        ),
        two(
            "If-Match keeps If-Unmodified-Since out",
            ("if-match", "\"a\""),
            ("if-unmodified-since", EARLIER),
            200,
        ),
        two(
            "If-Unmodified-Since before If-Modified-Since",
            ("if-unmodified-since", EARLIER),
            ("if-modified-since", LATER),
            412,
        ),
        two(
            "an If-None-Match that does not match keeps If-Modified-Since out",
            ("if-none-match", "\"b\""),
            ("if-modified-since", LATER),
            200,
        ),
        two(
            "an If-None-Match that matches does too",
            ("if-none-match", "\"a\""),
            ("if-modified-since", EARLIER),
            304,
        ),
        case("RFC 9110 §13.2.1", "what is not a success is sent as it is")
            .origin(Answer::page().status(404).header("etag", "\"a\""))
            .get("/")
            .get("/")
            .with("if-none-match", "\"a\"")
            .is(404)
            .body("v1")
            .kept()
            .get("/")
            .with("if-match", "\"b\"")
            .is(404),
    ])
    .await;
}
