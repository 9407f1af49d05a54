//! What tells one response from another.
//!
//! Promises that two requests have the same bytes only if the handler sees the same of them, the mount apart. Each part stands
//! behind its kind and its length, so no two lists of parts are the same bytes. Nothing is made canonical: two spellings of
//! one URI are two entries, since a handler may tell them apart.

use http::{HeaderMap, HeaderName, header::HOST, request::Parts};

use super::{original, policy::Policy};
use crate::cache::Params;

/// Headers by which proxies tell a service what they were asked for. Handlers make links and redirects of them, so they are
/// always in the key, and never seen without being in it.
pub(super) static ROUTING: [HeaderName; 10] = [
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-prefix"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-server"),
    HeaderName::from_static("x-host"),
    HeaderName::from_static("x-http-host-override"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
];

/// Which of [`ROUTING`] a request has: a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Routed(u16);

impl Routed {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let present = ROUTING.iter().enumerate();
        let present = present.filter(|(_, name)| headers.contains_key(*name));
        Self(present.fold(0, |bits, (at, _)| bits | 1 << at))
    }

    pub(super) fn names(self) -> impl Iterator<Item = &'static HeaderName> {
        let all = ROUTING.iter().enumerate();
        all.filter_map(move |(at, name)| (self.0 & 1 << at != 0).then_some(name))
    }
}

/// The kinds of parts. Their numbers are in the bytes.
#[derive(Clone, Copy)]
enum Part {
    Scheme = 1,
    Authority = 2,
    Host = 3,
    Target = 4,
    OriginalTarget = 5,
    Name = 6,
    Value = 7,
    Own = 8,
}

/// The bytes of a request's key, without what the place of the layer adds. `own` is what the policy's function made.
pub(super) fn params(policy: &Policy, parts: &Parts, own: Option<&str>) -> Params {
    let mut key = Params::new();
    let uri = &parts.uri;
    if let Some(scheme) = uri.scheme_str() {
        // The parser of URIs has made it lower case.
        part(&mut key, Part::Scheme, scheme.as_bytes());
    }
    if let Some(authority) = uri.authority() {
        part(
            &mut key,
            Part::Authority,
            &lower(authority.as_str().as_bytes()),
        );
    }
    for host in parts.headers.get_all(HOST) {
        part(&mut key, Part::Host, &lower(host.as_bytes()));
    }
    part(&mut key, Part::Target, target(uri));
    // A nested router has cut the prefix off the URI, so that two places look the same.
    if let Some(original) = original::uri(parts).filter(|original| *original != uri) {
        if let Some(authority) = original.authority() {
            part(
                &mut key,
                Part::Authority,
                &lower(authority.as_str().as_bytes()),
            );
        }
        part(&mut key, Part::OriginalTarget, target(original));
    }
    for name in ROUTING.iter().chain(&policy.vary) {
        let mut values = parts.headers.get_all(name).iter().peekable();
        if values.peek().is_some() {
            part(&mut key, Part::Name, name.as_str().as_bytes());
        }
        for value in values {
            part(&mut key, Part::Value, value.as_bytes());
        }
    }
    if let Some(own) = own {
        part(&mut key, Part::Own, own.as_bytes());
    }
    key
}

fn part(key: &mut Params, kind: Part, bytes: &[u8]) {
    key.push(kind as u8);
    // Seven bits a byte, the low ones first: most lengths are one byte.
    let mut length = bytes.len();
    while length >= 0x80 {
        key.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    key.push(length as u8);
    key.extend_from_slice(bytes);
}

fn target(uri: &http::Uri) -> &[u8] {
    uri.path_and_query()
        .map_or(&[][..], |target| target.as_str().as_bytes())
}

/// Names of hosts are the same in either case (RFC 9110 §4.2.3).
fn lower(host: &[u8]) -> Params {
    host.iter().map(u8::to_ascii_lowercase).collect()
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

    use http::{
        HeaderValue, Request,
        header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE},
    };
    use proptest::prelude::*;

    use super::*;

    fn key(policy: &Policy, uri: &str, lines: &[(&str, &str)]) -> Params {
        let mut request = Request::builder().uri(uri);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        params(policy, &request.body(()).unwrap().into_parts().0, None)
    }

    fn plain(uri: &str, lines: &[(&str, &str)]) -> Params {
        key(&Policy::new(), uri, lines)
    }

    #[test]
    fn another_spelling_is_another_key() {
        let spellings = [
            "/a?x=1&y=2",
            "/a?y=2&x=1",
            "/a?x=1&y=2&",
            "/a",
            "/a?",
            "/a/",
            "/A",
            "/%61",
            "//a",
            "/a;x",
            "/a%2Fb",
            "/a/b",
            "/a%2fb",
            "/a/../b",
            "/",
            "http://a.example/a",
            "https://a.example/a",
            "http://a.example:80/a",
        ];
        for (at, one) in spellings.iter().enumerate() {
            for other in &spellings[..at] {
                assert_ne!(plain(one, &[]), plain(other, &[]), "{one} {other}");
            }
        }
    }

    #[test]
    fn hosts_are_told_apart_without_regard_to_case() {
        let host = |host| plain("/", &[("host", host)]);
        assert_eq!(host("Example.COM"), host("example.com"));
        assert_ne!(host("example.com"), host("example.org"));
        assert_ne!(host("example.com"), host("example.com:80"));
        assert_ne!(host("example.com"), plain("/", &[]));
        assert_ne!(
            plain("http://a.example/", &[("host", "b.example")]),
            plain("http://b.example/", &[("host", "a.example")])
        );
    }

    #[test]
    fn every_header_that_proxies_route_by_counts() {
        for name in &ROUTING {
            let with = |value| plain("/", &[(name.as_str(), value)]);
            assert_ne!(with("a"), with("b"), "{name}");
            assert_ne!(with(""), plain("/", &[]), "{name}");
        }
        assert_eq!(plain("/", &[("user-agent", "a")]), plain("/", &[]));
    }

    #[test]
    fn all_lines_of_a_header_count_in_their_order() {
        let policy = Policy::new().vary([ACCEPT_LANGUAGE, ACCEPT_ENCODING]);
        let with = |lines: &[(&str, &str)]| key(&policy, "/", lines);
        let cases = [
            with(&[]),
            with(&[("accept-language", "")]),
            with(&[("accept-language", "de")]),
            with(&[("accept-encoding", "de")]),
            with(&[("accept-language", "de"), ("accept-language", "en")]),
            with(&[("accept-language", "en"), ("accept-language", "de")]),
            with(&[("accept-language", "de, en")]),
            with(&[("accept-language", "de"), ("accept-encoding", "en")]),
        ];
        for (at, one) in cases.iter().enumerate() {
            assert!(!cases[..at].contains(one), "{at}");
        }
    }

    #[test]
    fn what_a_function_makes_is_none_of_the_other_parts() {
        let parts = Request::builder().uri("/").body(()).unwrap().into_parts().0;
        let own = |own| params(&Policy::new(), &parts, own);
        assert_ne!(own(None), own(Some("")));
        assert_ne!(own(Some("a")), own(Some("b")));
    }

    proptest! {
        /// The lines are read back from the key, so none is lost and none runs into the next.
        #[test]
        fn no_two_lists_of_headers_are_the_same_bytes(
            values in prop::collection::vec("[ -~]{0,300}", 0..4),
            others in prop::collection::vec("[ -~]{0,300}", 0..4),
        ) {
            let with = |values: &[String]| {
                let mut parts = Request::new(()).into_parts().0;
                for value in values {
                    parts.headers.append(ACCEPT_LANGUAGE, HeaderValue::from_str(value).unwrap());
                }
                params(&Policy::new().vary([ACCEPT_LANGUAGE]), &parts, None)
            };
            prop_assert_eq!(with(&values) == with(&others), values == others);
        }
    }
}
