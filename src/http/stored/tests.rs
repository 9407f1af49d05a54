#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use http::header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, LOCATION};
use proptest::prelude::*;

use super::*;

fn map(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn judged(lines: &[(&'static str, &str)]) -> Result<Term, &'static str> {
    judge(
        &Policy::new(),
        Credentials::Absent,
        StatusCode::OK,
        &map(lines),
    )
}

fn stored(lines: &[(&'static str, &str)], body: &'static [u8]) -> StoredResponse {
    let headers = map(lines);
    let term = judged(lines).unwrap();
    StoredResponse::new(
        StatusCode::OK,
        headers,
        Body::Kept(Bytes::from_static(body)),
        term,
    )
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn what_is_for_one_client_or_one_request_is_not_kept() {
    for (name, value, why) in [
        ("set-cookie", "a=1", "set-cookie"),
        ("content-range", "bytes 0-1/2", "content-range"),
        ("trailer", "x-sum", "trailer"),
        ("cache-control", "no-store", "no-store"),
        ("cache-control", "no-cache", "no-cache"),
        ("cache-control", "no-cache=\"x\"", "no-cache"),
        ("cache-control", "private", "private"),
        ("cache-control", "private=\"x\"", "private"),
        ("cache-control", "max-age=0", "expired"),
        ("cache-control", "max-age=9, s-maxage=0", "expired"),
        ("cache-control", "max-age=x", "expired"),
        ("expires", "0", "expired"),
        ("vary", "*", "vary"),
        ("vary", "accept-encoding", "vary"),
    ] {
        assert_eq!(judged(&[(name, value)]), Err(why), "{name}: {value}");
    }
    for status in [201, 206, 302, 304, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        let verdict = judge(
            &Policy::new(),
            Credentials::Absent,
            status,
            &HeaderMap::new(),
        );
        assert_eq!(verdict, Err("status"), "{status}");
    }
    let all = Policy::new().statuses([StatusCode::PARTIAL_CONTENT]);
    let partial = judge(
        &all,
        Credentials::Absent,
        StatusCode::PARTIAL_CONTENT,
        &HeaderMap::new(),
    );
    assert_eq!(partial, Err("status"));
}

#[test]
fn what_is_private_is_kept_for_its_user() {
    let private = map(&[("cache-control", "private, max-age=9")]);
    let verdict = judge(&Policy::new(), Credentials::Keyed, StatusCode::OK, &private);
    assert_eq!(verdict.unwrap().fresh_at_most, secs(9));
}

#[test]
fn what_a_response_varies_by_must_be_in_the_key() {
    let policy = Policy::new().vary([ACCEPT_ENCODING, ACCEPT_LANGUAGE]);
    let verdict = |vary| {
        judge(
            &policy,
            Credentials::Absent,
            StatusCode::OK,
            &map(&[("vary", vary)]),
        )
    };
    assert!(verdict("Accept-Encoding, ,accept-language").is_ok());
    assert_eq!(verdict("accept-encoding, origin"), Err("vary"));
    assert_eq!(verdict("accept-encoding, *"), Err("vary"));
    assert_eq!(verdict("accept encoding"), Err("vary"));
}

#[test]
fn the_handlers_own_lifetime_is_the_most() {
    let at_most = |lines: &[_]| judged(lines).unwrap().fresh_at_most;
    assert_eq!(at_most(&[]), Duration::MAX);
    assert_eq!(at_most(&[("cache-control", "max-age=9")]), secs(9));
    assert_eq!(
        at_most(&[("cache-control", "max-age=9, s-maxage=20")]),
        secs(20)
    );
    assert_eq!(
        at_most(&[("cache-control", "max-age=9"), ("age", "4")]),
        secs(5)
    );
    let date = ("date", "Sat, 29 Oct 1994 19:43:31 GMT");
    let expires = ("expires", "Sat, 29 Oct 1994 19:44:01 GMT");
    assert_eq!(at_most(&[date, expires]), secs(30));
    assert_eq!(
        at_most(&[date, expires, ("cache-control", "max-age=9")]),
        secs(9)
    );
    assert_eq!(judged(&[expires]), Err("expired"));
}

#[test]
fn what_must_be_revalidated_does_not_stand_in() {
    for (said, expected) in [
        ("must-revalidate", OnceStale::Never),
        ("proxy-revalidate", OnceStale::Never),
        ("s-maxage=9", OnceStale::Never),
        ("max-age=9", OnceStale::AsThePolicySays),
    ] {
        assert_eq!(
            judged(&[("cache-control", said)]).unwrap().once_stale,
            expected,
            "{said}"
        );
    }
}

#[test]
fn what_belongs_to_a_connection_is_not_kept() {
    let kept = stored(
        &[
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("content-length", "3"),
            ("age", "0"),
            ("location", "/"),
        ],
        b"abc",
    );
    let mut names: Vec<_> = kept.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["etag", LOCATION.as_str()]);
}

#[test]
fn the_validator_follows_what_is_sent() {
    let etag = |lines: &[_], body| stored(lines, body).etag().unwrap().clone();
    let plain = etag(&[], b"abc");
    assert_eq!(plain, etag(&[("x-request-id", "1")], b"abc"));
    for (lines, body) in [
        (&[][..], &b"xyz"[..]),
        (&[("content-type", "text/plain")], b"abc"),
        (&[("content-encoding", "text/plain")], b"abc"),
        (&[("content-language", "de")], b"abc"),
    ] {
        assert_ne!(plain, etag(lines, body), "{lines:?}");
    }
    assert!(plain.to_str().unwrap().starts_with('"'));
    assert_eq!(etag(&[("etag", "W/\"own\"")], b"abc"), "W/\"own\"");
    assert_eq!(etag(&[("etag", "own")], b"abc"), plain);
}

#[test]
fn a_kept_response_fits_what_is_told_of_its_bytes() {
    let kept = stored(&[("x", "1"), ("x", "\u{fc}")], b"abc");
    let codec = StoredResponse::codec().unwrap();
    let packed = (codec.pack)(&kept).unwrap();
    assert_eq!((codec.weight)(&packed), kept.weight().unwrap());
    assert_eq!((codec.unpack)(&packed).unwrap(), kept);
}

#[test]
fn bytes_that_are_no_response_are_refused() {
    let unpack = StoredResponse::codec().unwrap().unpack;
    let mut packed =
        (StoredResponse::codec().unwrap().pack)(&stored(&[("x-y", "1")], b"abc")).unwrap();
    assert!(unpack(&packed[..packed.len() - 1]).is_err());
    let at = packed.windows(3).position(|bytes| bytes == b"x-y").unwrap();
    packed[at] = b' ';
    assert!(unpack(&packed).is_err());
}

proptest! {
    #[test]
    fn a_response_comes_back_as_it_went(
        status in 200_u16..600,
        lines in prop::collection::vec(("[a-z-]{1,12}", prop::collection::vec(0x20_u8..0x7f, 0..20)), 0..6),
        body in prop::option::of(prop::collection::vec(any::<u8>(), 0..200)),
        fresh_at_most in prop::option::of(0_u64..1 << 60),
        stands_in: bool,
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(
                HeaderName::try_from(name).unwrap(),
                HeaderValue::from_bytes(&value).unwrap(),
            );
        }
        let response = StoredResponse {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: body.map(Bytes::from),
            fresh_at_most: fresh_at_most.map_or(Duration::MAX, Duration::from_nanos),
            age: secs(3),
            once_stale: if stands_in { OnceStale::AsThePolicySays } else { OnceStale::Never },
        };
        let packed = encode(&response).unwrap();
        prop_assert_eq!(decode::<StoredResponse>(&packed), Ok(response));
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = decode::<StoredResponse>(&bytes);
    }
}
