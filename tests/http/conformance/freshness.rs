//! RFC 9111 §4.2: for how long what is kept is fresh, and §5.1: how old it is.

use cachedpool::http::Policy;

use crate::kit::{Answer, Case, case, hold, minute, seconds};

/// Kept for just so long, under a policy of an hour.
fn fresh_for(section: &'static str, sentence: &'static str, answer: Answer, left: u64) -> Case {
    case(section, sentence)
        .policy(Policy::new().max_age(seconds(3600)))
        .origin(answer)
        .get("/")
        .after(left - 1)
        .get("/")
        .kept()
        .after(2)
        .get("/")
        .made()
}

fn says(directives: &'static str) -> Answer {
    Answer::page().header("cache-control", directives)
}

const MADE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const HALF_A_MINUTE_LATER: &str = "Sun, 06 Nov 1994 08:50:07 GMT";

fn expires() -> Answer {
    let answer = Answer::page().header("date", MADE);
    answer.header("expires", HALF_A_MINUTE_LATER)
}

#[tokio::test]
async fn the_shorter_of_policy_and_handler_counts() {
    let section = "RFC 9111 §4.2.1";
    hold([
        fresh_for(section, "as the policy says", Answer::page(), 3600),
        fresh_for(section, "max-age", says("max-age=10"), 10),
        fresh_for(
            section,
            "s-maxage over max-age",
            says("max-age=10, s-maxage=20"),
            20,
        ),
        fresh_for(
            section,
            "s-maxage over max-age, when it is shorter",
            says("s-maxage=5, max-age=10"),
            5,
        ),
        fresh_for(
            section,
            "max-age over Expires",
            expires().header("cache-control", "max-age=10"),
            10,
        ),
        fresh_for(
            section,
            "s-maxage over Expires",
            expires().header("cache-control", "s-maxage=40"),
            40,
        ),
        fresh_for("RFC 9111 §5.3", "Expires, counted from Date", expires(), 30),
        fresh_for(
            "RFC 9111 §5.2",
            "a value in quotes",
            says("max-age=\"10\""),
            10,
        ),
        fresh_for("RFC 9111 §5.2", "in other letters", says("MAX-AGE=10"), 10),
        fresh_for(
            section,
            "of two values the smaller",
            says("max-age=10, max-age=20"),
            10,
        ),
        fresh_for(
            "RFC 9111 §1.2.2",
            "a number that nobody can count to is a large one",
            says("max-age=99999999999999999999999"),
            3600,
        ),
        fresh_for(
            "RFC 9111 §4.2.3",
            "less the age that it came with",
            says("max-age=30").header("age", "10"),
            20,
        ),
        case("RFC 9111 §5.3", "what is no date has expired")
            .origin(Answer::page().header("expires", "0"))
            .get("/")
            .get("/")
            .made(),
        case(section, "the policy's own, where the handler's is longer")
            .origin(says("max-age=600"))
            .get("/")
            .after(61)
            .get("/")
            .made(),
        case(section, "the policy's s-maxage over its max-age")
            .policy(minute().s_maxage(seconds(5)))
            .get("/")
            .after(4)
            .get("/")
            .kept()
            .after(2)
            .get("/")
            .made(),
        case(section, "what this layer keeps for longer than others")
            .policy(Policy::new().keep(seconds(30)))
            .get("/")
            .after(29)
            .get("/")
            .kept()
            .omits("cache-control", "max-age=3")
            .after(2)
            .get("/")
            .made(),
    ])
    .await;
}

#[tokio::test]
async fn a_write_ends_freshness_at_once() {
    hold([
        case("RFC 9111 §4.4", "what has been written is made anew")
            .get("/")
            .body("v1")
            .write()
            .get("/")
            .body("v2")
            .made()
            .get("/")
            .body("v2")
            .kept(),
        case("RFC 9111 §4.4", "whatever its path and query")
            .get("/a?b")
            .get("/a?c")
            .write()
            .get("/a?b")
            .body("v2")
            .get("/a?c")
            .body("v2"),
    ])
    .await;
}

#[tokio::test]
async fn a_kept_response_says_how_old_it_is() {
    let section = "RFC 9111 §5.1";
    hold([
        case(section, "in whole seconds")
            .get("/")
            .get("/")
            .says("age", "0")
            .after(7)
            .get("/")
            .says("age", "7")
            .head("/")
            .says("age", "7"),
        case(section, "one that was just made does not")
            .get("/")
            .lacks("age"),
        case("RFC 9111 §4.2.3", "with the age that it came with")
            .origin(Answer::page().header("age", "10"))
            .get("/")
            .says("age", "10")
            .after(7)
            .get("/")
            .says("age", "17"),
        case(section, "again from nothing when it has been made anew")
            .get("/")
            .after(61)
            .get("/")
            .made()
            .get("/")
            .says("age", "0"),
    ])
    .await;
}

#[tokio::test]
async fn nobody_is_told_to_keep_it_for_longer_than_it_is_kept() {
    hold([
        case("RFC 9111 §5.2.2.1", "as the policy says")
            .get("/")
            .mentions("cache-control", "max-age=60")
            .after(30)
            .get("/")
            .says("age", "30")
            .mentions("cache-control", "max-age=60"),
        case("RFC 9111 §5.2.2.1", "as the handler says, if that is less")
            .origin(says("max-age=10"))
            .get("/")
            .mentions("cache-control", "max-age=10")
            .omits("cache-control", "max-age=60")
            .get("/")
            .mentions("cache-control", "max-age=10"),
        case("RFC 9111 §5.2.2.10", "shared caches by their own time")
            .policy(minute().s_maxage(seconds(90)))
            .get("/")
            .mentions("cache-control", "max-age=60")
            .mentions("cache-control", "s-maxage=90"),
        case(
            "RFC 9111 §5.2.2.10",
            "which is not longer than the handler's",
        )
        .policy(minute().s_maxage(seconds(90)))
        .origin(says("max-age=10"))
        .get("/")
        .omits("cache-control", "s-maxage=90")
        .get("/")
        .omits("cache-control", "s-maxage=90"),
        case("RFC 9111 §5.2.2.9", "public")
            .policy(minute().public())
            .get("/")
            .mentions("cache-control", "public"),
        case("RFC 9111 §5.2.2.7", "private")
            .policy(minute().private())
            .get("/")
            .mentions("cache-control", "private")
            .get("/")
            .kept()
            .mentions("cache-control", "private"),
        case("RFC 9111 §5.2.2.1", "not at all, by default")
            .policy(Policy::new())
            .get("/")
            .omits("cache-control", "max-age=6")
            .get("/")
            .kept(),
        case(
            "RFC 9111 §5.2.2.5",
            "not at all, what the handler forbids to keep",
        )
        .origin(says("no-store"))
        .get("/")
        .says("cache-control", "no-store"),
        case("RFC 9111 §5.2.3", "what nobody knows is passed on")
            .origin(says("max-age=10, community=\"UCI\""))
            .get("/")
            .mentions("cache-control", "community=\"UCI\""),
        case(
            "RFC 9111 §5.2.2.2",
            "what its handler demands of caches is passed on",
        )
        .origin(says("max-age=10, must-revalidate"))
        .get("/")
        .mentions("cache-control", "must-revalidate")
        .get("/")
        .mentions("cache-control", "must-revalidate"),
    ])
    .await;
}
