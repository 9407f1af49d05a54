//! A response as it is sent: from a kept one or from the handler's, with what clients and caches on the way are told.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Response, StatusCode,
    header::{
        AGE, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
        CONTENT_TYPE, COOKIE, DATE, ETAG, LAST_MODIFIED, TRANSFER_ENCODING, VARY,
    },
};
use http_body::Body;

use super::{
    body::ResponseBody,
    cache_status::CacheStatus,
    conditional::{self, Precondition},
    directives::items,
    lifetime::{self, Copies, Span},
    make::Validators,
    policy::{Policy, Visibility},
    request::{Audience, Credentials, Reads},
    stored::StoredResponse,
};
use crate::cache::Cached;

/// Who asked, as far as the answer depends on it.
pub(super) struct Asker {
    pub(super) reads: Reads,
    pub(super) audience: Audience,
    /// The conditions that the request came with.
    pub(super) conditions: HeaderMap,
}

/// Whether an answer was there before it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Cache,
    Handler,
    /// From the handler too, and a write has changed it meanwhile: no purge of it is still to come.
    Overtaken,
}

/// What a 304 leaves out: it speaks of a representation that the client has (RFC 9110 §15.4.5).
static OF_THE_CONTENT: [HeaderName; 9] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    TRANSFER_ENCODING,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("repr-digest"),
];

/// Answers with a kept response; `None` if that takes a body, and there is only its validator.
pub(super) fn of_kept<B: Body<Data = Bytes>>(
    policy: &Policy,
    asker: &Asker,
    kept: &Cached<StoredResponse>,
    origin: Origin,
    status: CacheStatus,
) -> Option<Response<ResponseBody<B>>> {
    let verdict = conditional::judge(&asker.conditions, kept.status, &kept.headers);
    if kept.body.is_none() && verdict == Precondition::Holds && asker.reads == Reads::Whole {
        return None;
    }
    let mut headers = kept.headers.clone();
    let age = kept.age().saturating_add(kept.age);
    let span = Span {
        age,
        left: match origin {
            Origin::Cache | Origin::Handler => kept.fresh_for(),
            Origin::Overtaken => Duration::ZERO,
        },
    };
    tell(policy, asker.audience, span, &mut headers);
    if origin == Origin::Cache || !kept.age.is_zero() {
        // RFC 9111 §5.1.
        headers.insert(AGE, HeaderValue::from(age.as_secs()));
    }
    let body = kept.body.clone().unwrap_or_default();
    let (code, body) = match (verdict, asker.reads) {
        (Precondition::Holds, Reads::Whole) => (kept.status, body),
        (Precondition::Holds, Reads::Head) => {
            if kept.body.is_some() {
                headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            }
            (kept.status, Bytes::new())
        }
        (Precondition::NotModified, _) => (not_modified(&mut headers), Bytes::new()),
        (Precondition::Failed, _) => (failed(&mut headers), Bytes::new()),
    };
    status.append_to(&mut headers);
    let mut response = Response::new(ResponseBody::whole(body));
    *response.status_mut() = code;
    *response.headers_mut() = headers;
    Some(response)
}

/// Completes a response that the handler gave to a request without its conditions, and that passes.
pub(super) fn of_passed<B: Body<Data = Bytes>>(
    policy: &Policy,
    asker: &Asker,
    mut response: Response<ResponseBody<B>>,
    validators: Validators,
    status: CacheStatus,
) -> Response<ResponseBody<B>> {
    tell_apart(policy, response.headers_mut());
    // Of a beginning nobody can tell yet whether the client has the rest.
    if validators == Validators::Whole
        && let Some(code) = settle(&asker.conditions, response.status(), response.headers_mut())
    {
        *response.status_mut() = code;
        *response.body_mut() = ResponseBody::whole(Bytes::new());
    }
    status.append_to(response.headers_mut());
    response
}

/// The status, without a body, that conditions make of a response by its own validators; `None` if it is sent as it is.
pub(super) fn settle(
    conditions: &HeaderMap,
    status: StatusCode,
    headers: &mut HeaderMap,
) -> Option<StatusCode> {
    match conditional::judge(conditions, status, headers) {
        Precondition::Holds => None,
        Precondition::NotModified => Some(not_modified(headers)),
        Precondition::Failed => Some(failed(headers)),
    }
}

/// Tells what all answers of the layer tell.
pub(super) fn tell(policy: &Policy, audience: Audience, span: Span, headers: &mut HeaderMap) {
    let copies = lifetime::tell(policy, audience.credentials, span, headers);
    tell_apart(policy, headers);
    // A cache with a copy of what anybody gets would answer with it those whom this layer passes on with who they are.
    let is_for_anybody = audience.credentials == Credentials::Absent
        && policy.visibility != Visibility::Public
        && policy.key.is_none();
    if copies != Copies::None && is_for_anybody {
        tell_vary(&AUTHORIZATION, headers);
        tell_vary(&COOKIE, headers);
    }
    if copies == Copies::Shared {
        // These are in the layer's key, but in no other cache's.
        for name in audience.routed.names() {
            tell_vary(name, headers);
        }
    }
}

/// Names what the handler's answers depend on (RFC 9110 §12.5.5), also where only caches on the way may keep them.
fn tell_apart(policy: &Policy, headers: &mut HeaderMap) {
    for name in &policy.vary {
        tell_vary(name, headers);
    }
}

fn tell_vary(name: &HeaderName, headers: &mut HeaderMap) {
    let said = headers
        .get_all(VARY)
        .iter()
        .flat_map(|line| items(line.as_bytes()))
        .any(|said| {
            said.trim_ascii()
                .eq_ignore_ascii_case(name.as_str().as_bytes())
        });
    if !said {
        headers.append(VARY, HeaderValue::from(name.clone()));
    }
}

/// The seconds that are left of a lifetime, fewer than none where it is over (RFC 9211 §2.4).
pub(super) fn ttl(kept: &Cached<StoredResponse>) -> i64 {
    let signed = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    match (kept.lifetime().unwrap_or_default(), kept.age()) {
        (lifetime, age) if age <= lifetime => signed(lifetime - age),
        (lifetime, age) => -signed(age - lifetime),
    }
}

fn not_modified(headers: &mut HeaderMap) -> StatusCode {
    for name in &OF_THE_CONTENT {
        headers.remove(name);
    }
    if headers.contains_key(ETAG) {
        headers.remove(LAST_MODIFIED);
    }
    StatusCode::NOT_MODIFIED
}

/// What has changed is not shown: only its validator, and when it was made.
fn failed(headers: &mut HeaderMap) -> StatusCode {
    let kept = [DATE, ETAG, VARY].map(|name| (headers.remove(&name), name));
    headers.clear();
    for (value, name) in kept {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    StatusCode::PRECONDITION_FAILED
}
