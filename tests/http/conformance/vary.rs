//! RFC 9111 §4.1: what tells the responses of one URI apart.

use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE};
use cachedpool::http::Policy;

use crate::kit::{Answer, Case, case, hold, minute};

const SECTION: &str = "RFC 9111 §4.1";
const LANGUAGE: &str = "accept-language";

fn by_language() -> Policy {
    minute().vary([ACCEPT_LANGUAGE])
}

fn passed(sentence: &'static str, answer: Answer) -> Case {
    case(SECTION, sentence)
        .policy(by_language())
        .origin(answer)
        .get("/")
        .get("/")
        .made()
}

#[tokio::test]
async fn a_handler_that_depends_on_more_than_the_key_is_asked_each_time() {
    let vary = |value| Answer::page().header("vary", value);
    hold([
        passed("Vary names another header", vary("accept")),
        passed(
            "Vary names one header of the key and another",
            vary("accept-language, accept"),
        ),
        passed(
            "Vary names another on a second line",
            vary(LANGUAGE).header("vary", "accept"),
        ),
        passed("Vary names everything", vary("*")),
        passed(
            "Vary names everything among others",
            vary("accept-language, *"),
        ),
        passed("Vary names what is no name", vary("accept language")),
    ])
    .await;
}

#[tokio::test]
async fn each_value_of_a_header_of_the_key_has_a_response_of_its_own() {
    let two = |sentence| {
        case(SECTION, sentence)
            .policy(by_language())
            .origin(Answer::seen(LANGUAGE).header("vary", "Accept-Language"))
    };
    hold([
        two("another value")
            .get("/")
            .with(LANGUAGE, "de")
            .body("de")
            .get("/")
            .with(LANGUAGE, "en")
            .body("en")
            .made()
            .get("/")
            .with(LANGUAGE, "de")
            .body("de")
            .kept(),
        two("no value")
            .get("/")
            .with(LANGUAGE, "de")
            .get("/")
            .body("-")
            .made(),
        two("an empty value is not none")
            .get("/")
            .body("-")
            .get("/")
            .with(LANGUAGE, "")
            .body(""),
        two("values on two lines, in their order")
            .get("/")
            .with(LANGUAGE, "de")
            .with(LANGUAGE, "en")
            .body("de|en")
            .get("/")
            .with(LANGUAGE, "en")
            .with(LANGUAGE, "de")
            .body("en|de")
            .made(),
        two("a value that runs on is another")
            .get("/")
            .with(LANGUAGE, "de, en")
            .body("de, en")
            .get("/")
            .with(LANGUAGE, "de")
            .with(LANGUAGE, "en")
            .body("de|en"),
    ])
    .await;
}

#[tokio::test]
async fn clients_are_told_what_responses_depend_on() {
    let both = minute().vary([ACCEPT_LANGUAGE, ACCEPT]);
    hold([
        case("RFC 9110 §12.5.5", "the headers of the policy")
            .policy(both.clone())
            .get("/")
            .mentions("vary", "accept-language")
            .mentions("vary", "accept")
            .get("/")
            .kept()
            .mentions("vary", "accept-language")
            .get("/")
            .with("if-none-match", "{etag}")
            .is(304)
            .mentions("vary", "accept-language"),
        case(
            "RFC 9110 §12.5.5",
            "what the handler names itself too, on a response that passes",
        )
        .policy(by_language())
        .origin(Answer::page().header("vary", "x-other"))
        .get("/")
        .mentions("vary", "x-other"),
        case(
            "RFC 9110 §12.5.5",
            "of a response that cannot be kept as well",
        )
        .policy(by_language())
        .origin(Answer::page().header("cache-control", "no-store"))
        .get("/")
        .mentions("vary", "accept-language"),
    ])
    .await;
}
