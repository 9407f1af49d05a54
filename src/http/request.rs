//! Which requests the cache is asked for, and what of them the handler sees.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{
        AUTHORIZATION, CONTENT_LENGTH, COOKIE, HOST, IF_RANGE, RANGE, TRANSFER_ENCODING, UPGRADE,
    },
    request::Parts,
};

use super::{
    cache_status::Forward,
    conditional::CONDITIONS,
    directives::Wanted,
    key::{ROUTING, Routed},
    policy::{Policy, Requests},
};

/// A request for the cache.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) reads: Reads,
    pub(super) extent: Extent,
    pub(super) audience: Audience,
    /// What the policy's function makes of it.
    pub(super) own_key: Option<String>,
    pub(super) wanted: Wanted,
}

impl Ask {
    /// Whether what the handler gives to it can be kept: what HEAD gives has no body, and a part is not all.
    pub(super) fn makes_whole(&self) -> bool {
        self.reads == Reads::Whole && self.extent == Extent::Whole
    }
}

/// What a request reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Whole,
    /// HEAD: what GET would give, without the body.
    Head,
}

/// How much of a response a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// A part would do. It may be answered with the whole (RFC 9110 §14.2), but only the handler makes a part.
    Part,
}

/// Whether a request says who its user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credentials {
    Absent,
    /// The key tells its user from others.
    Keyed,
}

/// What of a request decides whom its answer may be given to by caches on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Audience {
    pub(super) credentials: Credentials,
    pub(super) routed: Routed,
}

/// Why a request goes past the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) why: Forward,
    pub(super) detail: Option<&'static str>,
}

/// Whether a request has a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    Empty,
    /// It has, or nobody can tell.
    Some,
}

/// Frameworks that take one of these for the method would make something else of a GET.
static OVERRIDES: [HeaderName; 3] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
];

/// Seen by every handler: part of the key, and always zero here.
static HARMLESS: [HeaderName; 2] = [HOST, CONTENT_LENGTH];

/// Seen by every handler where it has its fixed form, which no response depends on.
static TRACE: HeaderName = HeaderName::from_static("traceparent");

/// Whether the cache is asked for a request.
pub(super) fn judge(policy: &Policy, parts: &Parts, load: Load) -> Result<Ask, Pass> {
    let reads = match parts.method {
        Method::GET => Reads::Whole,
        Method::HEAD => Reads::Head,
        _ => {
            return Err(Pass {
                why: Forward::Method,
                detail: None,
            });
        }
    };
    let headers = &parts.headers;
    if names_websocket(headers) {
        return Err(bypass("upgrade"));
    }
    if OVERRIDES.iter().any(|name| headers.contains_key(name)) {
        return Err(bypass("method-override"));
    }
    // The content of a GET has no meaning (RFC 9110 §9.3.1), but a handler may give it one, and it is not in the key.
    if load == Load::Some || announces_content(headers) {
        return Err(bypass("content"));
    }
    let audience = Audience {
        credentials: credentials(policy, headers)?,
        routed: Routed::of(headers),
    };
    let own_key = match &policy.key {
        Some(key) => Some(key(parts).ok_or(bypass("key"))?),
        None => None,
    };
    let extent = match headers.contains_key(RANGE) || headers.contains_key(IF_RANGE) {
        true => Extent::Part,
        false => Extent::Whole,
    };
    let wanted = match policy.requests {
        Requests::Ignored => Wanted::default(),
        Requests::Obeyed => Wanted::read(headers),
    };
    if wanted.no_store {
        return Err(Pass {
            why: Forward::Request,
            detail: Some("no-store"),
        });
    }
    Ok(Ask {
        reads,
        extent,
        audience,
        own_key,
        wanted,
    })
}

/// Takes off what the handler of a kept response must not see: everything that the key does not hold, but for what changes no
/// response. The conditions too: the layer answers them, and a 304 is nothing to keep.
pub(super) fn show_keyed(policy: &Policy, headers: &mut HeaderMap) {
    let credentials = [AUTHORIZATION, COOKIE];
    let is_trace = headers.get_all(&TRACE).iter().all(names_trace);
    let shown = is_trace
        .then_some(&TRACE)
        .into_iter()
        .chain(&HARMLESS)
        .chain(&ROUTING)
        .chain(&policy.vary)
        .chain(&policy.pass_headers)
        .chain(policy.key.iter().flat_map(|_| &credentials))
        .filter(|name| !CONDITIONS.contains(name));
    let mut keyed = HeaderMap::with_capacity(8);
    for name in shown {
        // One that is named twice is taken once.
        if let http::header::Entry::Occupied(entry) = headers.entry(name) {
            let (name, values) = entry.remove_entry_mult();
            for value in values {
                keyed.append(name.clone(), value);
            }
        }
    }
    *headers = keyed;
}

/// W3C Trace Context §3.2: the numbers of a trace and nothing else, so that nobody can say anything with it.
fn names_trace(value: &HeaderValue) -> bool {
    let mut parts = value.as_bytes().split(|&byte| byte == b'-');
    let mut digits = |count| {
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        parts
            .next()
            .is_some_and(|part| part.len() == count && part.iter().all(is_digit))
    };
    digits(2) && digits(32) && digits(16) && digits(2) && parts.next().is_none()
}

fn credentials(policy: &Policy, headers: &HeaderMap) -> Result<Credentials, Pass> {
    let mut found = Credentials::Absent;
    for name in [AUTHORIZATION, COOKIE] {
        if headers.contains_key(&name) {
            if policy.key.is_none() && !policy.vary.contains(&name) {
                return Err(bypass("credentials"));
            }
            found = Credentials::Keyed;
        }
    }
    Ok(found)
}

fn announces_content(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get_all(CONTENT_LENGTH)
            .iter()
            .any(|length| length != "0")
}

/// Whether a request asks for another protocol that is not HTTP. A server may ignore it (RFC 9110 §7.8), and clients ask for
/// HTTP/2 with any GET.
fn names_websocket(headers: &HeaderMap) -> bool {
    headers.get_all(UPGRADE).iter().any(|line| {
        line.as_bytes()
            .split(|&byte| byte == b',')
            .any(|protocol| protocol.trim_ascii().eq_ignore_ascii_case(b"websocket"))
    })
}

pub(super) const fn bypass(detail: &'static str) -> Pass {
    Pass {
        why: Forward::Bypass,
        detail: Some(detail),
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

    use http::{
        HeaderValue, Request,
        header::{ACCEPT_LANGUAGE, CACHE_CONTROL, IF_NONE_MATCH},
    };

    use super::*;

    fn parts(method: Method, lines: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn judged(policy: &Policy, lines: &[(&str, &str)]) -> Result<Ask, Pass> {
        judge(policy, &parts(Method::GET, lines), Load::Empty)
    }

    #[test]
    fn only_get_and_head_are_for_the_cache() {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get", "QUERY"] {
            let parts = parts(Method::from_bytes(method.as_bytes()).unwrap(), &[]);
            let pass = judge(&Policy::new(), &parts, Load::Empty).unwrap_err();
            assert_eq!(pass.why, Forward::Method, "{method}");
        }
        let head = judge(&Policy::new(), &parts(Method::HEAD, &[]), Load::Empty);
        assert_eq!(head.unwrap().reads, Reads::Head);
    }

    #[test]
    fn what_the_key_does_not_hold_goes_past_the_cache() {
        for (name, value, detail) in [
            ("upgrade", "websocket", "upgrade"),
            ("upgrade", "h2c, WebSocket", "upgrade"),
            ("x-http-method-override", "DELETE", "method-override"),
            ("x-http-method", "DELETE", "method-override"),
            ("x-method-override", "DELETE", "method-override"),
            ("content-length", "4", "content"),
            ("transfer-encoding", "chunked", "content"),
            ("authorization", "Basic eDp5", "credentials"),
            ("cookie", "session=1", "credentials"),
        ] {
            let pass = judged(&Policy::new(), &[(name, value)]).unwrap_err();
            assert_eq!((pass.why, pass.detail), (Forward::Bypass, Some(detail)));
        }
        let fat = judge(&Policy::new(), &parts(Method::GET, &[]), Load::Some);
        assert_eq!(fat.unwrap_err().detail, Some("content"));
        assert!(judged(&Policy::new(), &[("content-length", "0")]).is_ok());
        let curl = [
            ("connection", "Upgrade, HTTP2-Settings"),
            ("upgrade", "h2c"),
        ];
        assert!(judged(&Policy::new(), &curl).is_ok());
    }

    #[test]
    fn each_kind_of_credentials_must_be_in_the_key() {
        let both = [("authorization", "Basic eDp5"), ("cookie", "session=1")];
        let by_one = Policy::new().vary([AUTHORIZATION]);
        assert_eq!(
            judged(&by_one, &both).unwrap_err().detail,
            Some("credentials")
        );
        assert_eq!(
            judged(&by_one, &both[..1]).unwrap().audience.credentials,
            Credentials::Keyed
        );
        assert_eq!(
            judged(&by_one, &[]).unwrap().audience.credentials,
            Credentials::Absent
        );
        let by_two = by_one.vary([COOKIE]);
        assert_eq!(
            judged(&by_two, &both).unwrap().audience.credentials,
            Credentials::Keyed
        );

        let by_function = Policy::new().key(|parts| {
            let user = parts.headers.get(AUTHORIZATION)?;
            Some(user.to_str().ok()?.to_owned())
        });
        let ask = judged(&by_function, &both).unwrap();
        assert_eq!(ask.own_key.as_deref(), Some("Basic eDp5"));
        assert_eq!(
            judged(&by_function, &both[1..]).unwrap_err().detail,
            Some("key")
        );
    }

    #[test]
    fn what_clients_say_of_caching_counts_behind_a_switch() {
        let line = [("cache-control", "no-store")];
        assert!(judged(&Policy::new(), &line).is_ok());
        let pass = judged(&Policy::new().obey_requests(), &line).unwrap_err();
        assert_eq!(pass.why, Forward::Request);
        let ask = judged(&Policy::new().obey_requests(), &[("pragma", "no-cache")]);
        assert!(ask.unwrap().wanted.no_cache);
    }

    #[test]
    fn the_handler_sees_what_the_key_holds() {
        let policy = Policy::new()
            .vary([ACCEPT_LANGUAGE, IF_NONE_MATCH])
            .pass_headers([HeaderName::from_static("x-note")]);
        let mut headers = HeaderMap::new();
        for name in [
            "host",
            "accept-language",
            "x-note",
            "x-forwarded-host",
            "traceparent",
            "user-agent",
            "if-none-match",
            "x-evil",
            "cache-control",
            "content-type",
            "x-request-id",
            "x-forwarded-for",
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        headers.append(ACCEPT_LANGUAGE, HeaderValue::from_static("2"));
        show_keyed(&policy, &mut headers);
        let mut seen: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        seen.sort_unstable();
        assert_eq!(
            seen,
            ["accept-language", "host", "x-forwarded-host", "x-note"]
        );
        assert_eq!(headers.get_all(ACCEPT_LANGUAGE).iter().count(), 2);
        assert!(!headers.contains_key(CACHE_CONTROL));
    }

    #[test]
    fn the_handler_sees_the_trace_where_it_is_nothing_but_numbers() {
        const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (lines, expected) in [
            (&[TRACE][..], 1),
            (&[TRACE, "evil"], 0),
            (&["evil"], 0),
            (
                &["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"],
                0,
            ),
            (
                &["00-4bf92f3577b34da6a3ce929d0e0e473X-00f067aa0ba902b7-01"],
                0,
            ),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("traceparent", HeaderValue::from_static(line));
            }
            show_keyed(&Policy::new(), &mut headers);
            assert_eq!(headers.len(), expected, "{lines:?}");
        }
    }

    #[test]
    fn with_a_key_of_its_own_the_handler_sees_credentials() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1"));
        let mut same = headers.clone();
        show_keyed(&Policy::new().key(|_| Some(String::new())), &mut headers);
        assert!(headers.contains_key(COOKIE));
        show_keyed(&Policy::new(), &mut same);
        assert!(same.is_empty());
    }
}
