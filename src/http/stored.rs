//! A response as it is kept, and whether it may be.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use headers::HeaderMapExt as _;
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        AGE, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
        CONTENT_RANGE, CONTENT_TYPE, COOKIE, ETAG, EXPIRES, HOST, PROXY_AUTHENTICATE, SET_COOKIE,
        TE, TRAILER, TRANSFER_ENCODING, UPGRADE, VARY,
    },
};
use twox_hash::{XxHash3_128, xxhash3_128};

use super::{
    directives::{Said, items},
    etag::EntityTag,
    key::ROUTING,
    policy::Policy,
    request::Credentials,
};
use crate::cache::{Codec, EncodeError, Stay, Value, Weight, decode, encode, weigh};

mod wire;

/// A response as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StoredResponse {
    pub(super) status: StatusCode,
    /// Those that belong to the response and not to a connection, with a `Date`, and as a rule an `ETag`.
    pub(super) headers: HeaderMap,
    /// `None` where only the validator is kept, for a body that is not.
    pub(super) body: Option<Bytes>,
    /// How long it is fresh at most: what its handler said, and what was read for it.
    pub(super) fresh_at_most: Duration,
    /// How old it was when it was made, where the handler had it from elsewhere.
    pub(super) age: Duration,
    pub(super) once_stale: OnceStale,
}

/// What may be done with it when it is not fresh any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnceStale {
    AsThePolicySays,
    /// Nothing (RFC 9111 §5.2.2.2, §5.2.2.8).
    Never,
}

/// What a handler's headers say of keeping its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) fresh_at_most: Duration,
    pub(super) age: Duration,
    pub(super) once_stale: OnceStale,
}

/// Of one connection, not of the response (RFC 9110 §7.6.1), beside what `Connection` names.
static HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Whether a response may be kept by what its status and headers say (RFC 9111 §3), and for how long.
///
/// # Errors
/// The reason why not.
pub(super) fn judge(
    policy: &Policy,
    credentials: Credentials,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Term, &'static str> {
    if !policy.statuses.contains(&status) || status == StatusCode::PARTIAL_CONTENT {
        return Err("status");
    }
    if headers.contains_key(SET_COOKIE) {
        return Err("set-cookie");
    }
    if headers.contains_key(CONTENT_RANGE) {
        return Err("content-range");
    }
    // What will come behind the body.
    if headers.contains_key(TRAILER) {
        return Err("trailer");
    }
    if !is_covered(policy, headers) {
        return Err("vary");
    }
    let said = Said::read(headers);
    if said.no_store {
        return Err("no-store");
    }
    if said.no_cache {
        return Err("no-cache");
    }
    // The key tells users apart only where it holds who they are.
    if said.private && credentials == Credentials::Absent {
        return Err("private");
    }
    let age = headers
        .typed_get::<headers::Age>()
        .map_or(Duration::ZERO, |age| Duration::from_secs(age.as_secs()));
    let fresh_for = said.fresh_for().or_else(|| until_expires(headers));
    let fresh_at_most = fresh_for.unwrap_or(Duration::MAX).saturating_sub(age);
    if fresh_at_most.is_zero() {
        return Err("expired");
    }
    let once_stale = if said.must_revalidate || said.proxy_revalidate || said.s_maxage.is_some() {
        OnceStale::Never
    } else {
        OnceStale::AsThePolicySays
    };
    Ok(Term {
        fresh_at_most,
        age,
        once_stale,
    })
}

/// Takes the headers off that belong to a connection.
pub(super) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| items(line.as_bytes()))
        .filter_map(|option| HeaderName::from_bytes(option.trim_ascii()).ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

/// The strong validator (RFC 9110 §8.8.3) of a response with these headers and this body.
pub(super) fn etag_of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> HeaderValue {
    let mut hasher = xxhash3_128::Hasher::new();
    hasher.write(&status.as_u16().to_le_bytes());
    for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE] {
        for value in headers.get_all(&name) {
            hasher.write(&(value.len() as u64).to_le_bytes());
            hasher.write(value.as_bytes());
        }
        hasher.write(&[0xff; 8]);
    }
    // In one piece, since the hasher is fast on long ones only.
    hasher.write(&XxHash3_128::oneshot(body).to_le_bytes());
    value_of(format_args!("\"{:032x}\"", hasher.finish_128()))
}

/// The weak validator of what cannot be compared byte by byte, made of a number that changes with it.
pub(super) fn weak_etag(state: u128) -> HeaderValue {
    value_of(format_args!("W/\"{state:032x}\""))
}

impl StoredResponse {
    /// The response to keep: of a handler whose headers gave `term`, and whose body is here or is not to be kept. `state` is
    /// the number behind the validator in the second case.
    pub(super) fn new(status: StatusCode, mut headers: HeaderMap, body: Body, term: Term) -> Self {
        strip_hop_by_hop(&mut headers);
        // The kept body's length is known without, and a wrong one would have kept it out.
        headers.remove(CONTENT_LENGTH);
        headers.remove(AGE);
        // One that is malformed could not be asked for.
        if EntityTag::of(&headers).is_none() {
            headers.insert(
                ETAG,
                match &body {
                    Body::Kept(bytes) => etag_of(status, &headers, bytes),
                    Body::Told(state) => weak_etag(*state),
                },
            );
        }
        let body = match body {
            Body::Kept(bytes) => Some(bytes),
            Body::Told(_) => None,
        };
        Self {
            status,
            headers,
            body,
            fresh_at_most: term.fresh_at_most,
            age: term.age,
            once_stale: term.once_stale,
        }
    }

    pub(super) fn etag(&self) -> Option<&HeaderValue> {
        self.headers.get(ETAG)
    }
}

/// What there is of a body.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Kept(Bytes),
    /// It is too large to be kept, or has no end. The number stands for all that it was made of.
    Told(u128),
}

impl Value for StoredResponse {
    fn rows(&self) -> usize {
        1
    }

    fn weight(&self) -> Result<Weight, EncodeError> {
        weigh(self)
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec {
            pack: |response| encode(response).map_err(|_| Stay::Unencodable),
            unpack: decode,
            weight: |payload| Weight {
                bytes: payload.len(),
                digest: XxHash3_128::oneshot(payload),
            },
            fingerprint: || XxHash3_128::oneshot(wire::FORM.as_bytes()),
        })
    }

    fn fresh_at_most(&self) -> Duration {
        self.fresh_at_most
    }
}

/// Whether the key tells apart all that the handler says its response depends on (RFC 9111 §4.1). What the handler did not see
/// cannot have changed anything, but it may be said for the sake of a response to another request.
fn is_covered(policy: &Policy, headers: &HeaderMap) -> bool {
    headers.get_all(VARY).iter().all(|line| {
        items(line.as_bytes()).all(|name| {
            let name = name.trim_ascii();
            name.is_empty()
                || HeaderName::from_bytes(name).is_ok_and(|name| is_keyed(policy, &name))
        })
    })
}

/// Whether a header is told apart by the key.
fn is_keyed(policy: &Policy, name: &HeaderName) -> bool {
    policy.vary.contains(name)
        || ROUTING.contains(name)
        || *name == HOST
        // A request with credentials that the key does not hold is not for the cache. The function answers for all of them.
        || [AUTHORIZATION, COOKIE].contains(name)
}

/// RFC 9111 §5.3: counts where `Cache-Control` says nothing, and is over if it is no date.
fn until_expires(headers: &HeaderMap) -> Option<Duration> {
    if !headers.contains_key(EXPIRES) {
        return None;
    }
    let expires = headers.typed_get::<headers::Expires>();
    let made = headers.typed_get::<headers::Date>();
    Some(match (expires, made) {
        (Some(expires), Some(made)) => SystemTime::from(expires)
            .duration_since(made.into())
            .unwrap_or_default(),
        // Counted from when nobody knows.
        _ => Duration::ZERO,
    })
}

fn value_of(text: fmt::Arguments<'_>) -> HeaderValue {
    HeaderValue::try_from(text.to_string()).expect("digits and quotes may stand in a header")
}

#[cfg(all(test, not(shuttle)))]
mod tests;
