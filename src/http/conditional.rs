//! Conditional requests (RFC 9110 §13): whether a client already has what it asks for.

use std::time::SystemTime;

use headers::{HeaderMapExt as _, IfModifiedSince, IfUnmodifiedSince, LastModified};
use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE},
};

use super::etag::{EntityTag, Named};

/// The headers of §13.1, which the layer answers in the handler's place.
pub(super) static CONDITIONS: [HeaderName; 5] = [
    IF_MATCH,
    IF_NONE_MATCH,
    IF_MODIFIED_SINCE,
    IF_UNMODIFIED_SINCE,
    IF_RANGE,
];

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Precondition {
    /// There is none, or all hold: the response is sent.
    Holds,
    /// 304: the client has it.
    NotModified,
    /// 412: it has changed where the client wants it unchanged.
    Failed,
}

/// Judges the conditions of a GET or HEAD request against the response that it would get, in the order of §13.2.2. Malformed ones
/// are ignored.
pub(super) fn judge(request: &HeaderMap, status: StatusCode, response: &HeaderMap) -> Precondition {
    // §13.2.1: what would not have succeeded is sent as it is.
    if !status.is_success() || !CONDITIONS.iter().any(|name| request.contains_key(name)) {
        return Precondition::Holds;
    }
    let etag = EntityTag::of(response);
    let modified = || response.typed_get::<LastModified>().map(SystemTime::from);

    match Named::read(request, &IF_MATCH) {
        Some(named) if !named.match_strongly(etag) => return Precondition::Failed,
        Some(_) => {}
        None if request.contains_key(IF_MATCH) => {}
        None => {
            if let (Some(condition), Some(modified)) =
                (request.typed_get::<IfUnmodifiedSince>(), modified())
                && !condition.precondition_passes(modified)
            {
                return Precondition::Failed;
            }
        }
    }

    if request.contains_key(IF_NONE_MATCH) {
        // Also a malformed one keeps If-Modified-Since out (§13.1.3); it matches nothing.
        let named = Named::read(request, &IF_NONE_MATCH);
        return match named.is_some_and(|named| named.match_weakly(etag)) {
            true => Precondition::NotModified,
            false => Precondition::Holds,
        };
    }
    match (request.typed_get::<IfModifiedSince>(), modified()) {
        (Some(condition), Some(modified)) if !condition.is_modified(modified) => {
            Precondition::NotModified
        }
        _ => Precondition::Holds,
    }
}

/// The conditions of a request alone.
pub(super) fn of(request: &HeaderMap) -> HeaderMap {
    let mut conditions = HeaderMap::new();
    for name in &CONDITIONS {
        for value in request.get_all(name) {
            conditions.append(name, value.clone());
        }
    }
    conditions
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

    use http::{
        HeaderValue,
        header::{ETAG, LAST_MODIFIED},
    };

    use super::{Precondition::*, *};

    const EARLY: &str = "Sat, 29 Oct 1994 19:43:30 GMT";
    const THEN: &str = "Sat, 29 Oct 1994 19:43:31 GMT";
    const LATE: &str = "Sat, 29 Oct 1994 19:43:32 GMT";

    fn map(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[track_caller]
    fn is(request: &[(HeaderName, &str)], response: &[(HeaderName, &str)], expected: Precondition) {
        let verdict = judge(&map(request), StatusCode::OK, &map(response));
        assert_eq!(verdict, expected, "{request:?}");
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for (condition, etag, expected) in [
            ("\"a\"", "\"a\"", NotModified),
            ("W/\"a\"", "\"a\"", NotModified),
            ("\"a\"", "W/\"a\"", NotModified),
            ("\"b\"", "\"a\"", Holds),
            ("\"b\", W/\"a\"", "\"a\"", NotModified),
            ("\"b,\",\"a\"", "\"a\"", NotModified),
            ("\"a,b\"", "\"a\"", Holds),
            ("*", "\"a\"", NotModified),
            ("a", "\"a\"", Holds),
            ("\"a", "\"a\"", Holds),
            ("w/\"a\"", "\"a\"", Holds),
            ("", "\"a\"", Holds),
        ] {
            is(&[(IF_NONE_MATCH, condition)], &[(ETAG, etag)], expected);
        }
        is(
            &[(IF_NONE_MATCH, "\"x\""), (IF_NONE_MATCH, "\"a\"")],
            &[(ETAG, "\"a\"")],
            NotModified,
        );
        is(&[(IF_NONE_MATCH, "*")], &[], NotModified);
        is(&[(IF_NONE_MATCH, "\"a\"")], &[], Holds);
    }

    #[test]
    fn if_match_compares_strongly() {
        for (condition, etag, expected) in [
            ("\"a\"", "\"a\"", Holds),
            ("W/\"a\"", "W/\"a\"", Failed),
            ("\"a\"", "W/\"a\"", Failed),
            ("\"b\"", "\"a\"", Failed),
            ("\"b\", \"a\"", "\"a\"", Holds),
            ("*", "\"a\"", Holds),
            // Malformed.
            ("a", "\"a\"", Holds),
            ("\"b", "\"a\"", Holds),
        ] {
            is(&[(IF_MATCH, condition)], &[(ETAG, etag)], expected);
        }
        is(&[(IF_MATCH, "*")], &[], Holds);
        is(&[(IF_MATCH, "\"a\"")], &[], Failed);
    }

    #[test]
    fn dates_count_where_no_tags_are_asked_for() {
        let modified = [(LAST_MODIFIED, THEN)];
        is(&[(IF_MODIFIED_SINCE, THEN)], &modified, NotModified);
        is(&[(IF_MODIFIED_SINCE, LATE)], &modified, NotModified);
        is(&[(IF_MODIFIED_SINCE, EARLY)], &modified, Holds);
        is(&[(IF_MODIFIED_SINCE, THEN)], &[], Holds);
        is(&[(IF_MODIFIED_SINCE, "yesterday")], &modified, Holds);
        is(&[(IF_UNMODIFIED_SINCE, THEN)], &modified, Holds);
        is(&[(IF_UNMODIFIED_SINCE, EARLY)], &modified, Failed);
        is(&[(IF_UNMODIFIED_SINCE, EARLY)], &[], Holds);
        is(&[(IF_UNMODIFIED_SINCE, "0")], &modified, Holds);
        let both = [(LAST_MODIFIED, THEN), (ETAG, "\"a\"")];
        is(
            &[(IF_MODIFIED_SINCE, LATE), (IF_NONE_MATCH, "\"b\"")],
            &both,
            Holds,
        );
        is(
            &[(IF_MODIFIED_SINCE, LATE), (IF_NONE_MATCH, "b")],
            &both,
            Holds,
        );
        is(
            &[(IF_UNMODIFIED_SINCE, EARLY), (IF_MATCH, "\"a\"")],
            &both,
            Holds,
        );
        is(
            &[(IF_UNMODIFIED_SINCE, EARLY), (IF_MATCH, "a")],
            &both,
            Holds,
        );
    }

    #[test]
    fn what_must_be_unchanged_is_asked_first() {
        let both = [(IF_MATCH, "\"b\""), (IF_NONE_MATCH, "\"a\"")];
        is(&both, &[(ETAG, "\"a\"")], Failed);
        let both = [(IF_MATCH, "\"a\""), (IF_NONE_MATCH, "\"a\"")];
        is(&both, &[(ETAG, "\"a\"")], NotModified);
    }

    #[test]
    fn what_did_not_succeed_is_sent_as_it_is() {
        let request = map(&[(IF_NONE_MATCH, "*"), (IF_MATCH, "\"b\"")]);
        let response = map(&[(ETAG, "\"a\"")]);
        assert_eq!(judge(&request, StatusCode::NOT_FOUND, &response), Holds);
    }
}
