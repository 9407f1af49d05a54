//! Running a handler: what it reads is collected, and its response kept if it may be.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use headers::{ContentLength, HeaderMapExt as _};
use http::{
    HeaderName, HeaderValue, Request, Response,
    header::{CONTENT_TYPE, DATE, ETAG},
    response::Parts,
};
use http_body::Body;
use tower_service::Service;

use super::{
    answer,
    body::{Read, ResponseBody, Watch, Why, read},
    etag::EntityTag,
    lifetime::{Span, is_private},
    place::{Place, Seat},
    request,
    stored::{self, StoredResponse, Term},
    tags,
};
use crate::cache::{Cause, Found, Lookup, Made, Scope, Unfollowed};

/// For how long the beginning of a body is held back at most, to see whether it is short.
const HOLD_BACK: Duration = Duration::from_secs(2);

/// A handler's answer that is not kept as it is.
pub(super) struct Passed<B: Body, E> {
    pub(super) answer: Result<Response<ResponseBody<B>>, E>,
    pub(super) why: &'static str,
    pub(super) validators: Validators,
}

/// What the validators of a response that passes stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validators {
    /// They are the handler's, and all of it.
    Whole,
    /// What was read until the headers were sent. Only when the body has ended is it known whether that was all.
    Beginning,
}

/// Asks a service that may not be ready yet.
pub(super) async fn ask<S: Service<R>, R>(
    mut service: S,
    request: R,
) -> Result<S::Response, S::Error> {
    poll_fn(|context| service.poll_ready(context)).await?;
    service.call(request).await
}

/// Runs the handler in a scope.
///
/// # Cancel safety
/// Dropping the future drops the handler's; nothing is kept.
pub(super) async fn make<S, A, B>(
    place: Arc<Place>,
    seat: Arc<Seat>,
    service: S,
    request: Request<A>,
) -> Made<StoredResponse, Passed<B, S::Error>>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    let scope = Scope::new(place.engine());
    // Before anything is read: a request that changes something under this URI moves it (RFC 9111 §4.4).
    scope.read(place.engine(), seat.target_stamp(place.engine()).await);
    make_inside(&scope, &place, seat, service, request).await
}

async fn make_inside<S, A, B>(
    scope: &Scope,
    place: &Arc<Place>,
    seat: Arc<Seat>,
    service: S,
    mut request: Request<A>,
) -> Made<StoredResponse, Passed<B, S::Error>>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    let policy = &place.policy;
    let pass = |parts, body, why| {
        Made::Passed(Passed {
            answer: Ok(Response::from_parts(parts, body)),
            why,
            validators: Validators::Whole,
        })
    };
    request::show_keyed(policy, request.headers_mut());
    let response = match scope.run(ask(service, request)).await {
        Ok(response) => response,
        Err(error) => {
            return Made::Passed(Passed {
                answer: Err(error),
                why: "error",
                validators: Validators::Whole,
            });
        }
    };
    let (mut parts, body) = response.into_parts();
    // RFC 9110 §6.6.1: what has no date is of now. `Expires` counts from it.
    if !parts.headers.contains_key(DATE) {
        let now = place.engine().time().date();
        parts.headers.typed_insert(headers::Date::from(now));
    }
    let term = match stored::judge(
        policy,
        seat.audience.credentials,
        parts.status,
        &parts.headers,
    ) {
        Ok(term) if !is_stream(&parts) => term,
        Ok(_) => return pass(parts, ResponseBody::passed(body), "stream"),
        Err(why) => return pass(parts, ResponseBody::passed(body), why),
    };
    let announced = parts
        .headers
        .typed_get::<ContentLength>()
        .map(|length| length.0);
    let late = place.engine().time().sleep(HOLD_BACK);
    let body = scope
        .run(read(body, policy.max_body, announced, late))
        .await;
    let (found, term) = match followed(scope, &seat, term) {
        Ok(found) => found,
        Err(why) => {
            let body = match body {
                Read::Whole(bytes) => ResponseBody::whole(bytes),
                Read::Begun(body, _) => body,
            };
            return pass(parts, body, why);
        }
    };
    if matches!(body, Read::Begun(_, Why::Long) | Read::Whole(_))
        && !is_private(policy, seat.audience.credentials)
    {
        tags::name(policy.tagging, found.stamp.tags(), &mut parts.headers);
    }
    match body {
        Read::Begun(body, Why::Unfit) => pass(parts, body, "body"),
        Read::Begun(body, Why::Long) => {
            let validators = match EntityTag::of(&parts.headers) {
                Some(_) => Validators::Whole,
                None => Validators::Beginning,
            };
            if validators == Validators::Beginning
                && let Some(etag) = last_told(place, &seat, &found)
            {
                parts.headers.insert(ETAG, etag);
            }
            let told = stored::Body::Told(found.stamp.state(place.salt(), &seat.key.params));
            let kept = keep(&parts, told, term);
            // Told what it would be told if it were kept.
            if let Some(etag) = kept.etag() {
                parts.headers.insert(ETAG, etag.clone());
            }
            let span = Span {
                age: term.age,
                left: policy.kept_for().min(term.fresh_at_most),
            };
            answer::tell(policy, seat.audience, span, &mut parts.headers);
            let validator = Validator {
                scope: scope.clone(),
                place: place.clone(),
                seat,
                found,
                kept,
            };
            let body = body.watched(validator, announced);
            Made::Passed(Passed {
                answer: Ok(Response::from_parts(parts, body)),
                why: "body-size",
                validators,
            })
        }
        Read::Whole(bytes) => Made::Kept {
            value: keep(&parts, stored::Body::Kept(bytes), term),
            stamp: found.stamp,
        },
    }
}

/// What was read for a response, if it may be kept by that, and for how long it then may.
fn followed(scope: &Scope, seat: &Seat, term: Term) -> Result<(Found, Term), &'static str> {
    let found = scope.found().map_err(|Unfollowed(why)| why)?;
    // What the user limits to a scope of theirs is for whom the key names, and for nobody else.
    if found.scoped && !seat.is_personal {
        return Err("scope");
    }
    let fresh_at_most = term
        .fresh_at_most
        .min(found.fresh_for.unwrap_or(Duration::MAX));
    if fresh_at_most.is_zero() {
        return Err("stale-read");
    }
    let term = Term {
        fresh_at_most,
        ..term
    };
    Ok((found, term))
}

/// The validator of the last body like this one, if that was made to its end of nothing but what this one was begun with.
fn last_told(place: &Place, seat: &Seat, found: &Found) -> Option<HeaderValue> {
    let (Lookup::Fresh(kept) | Lookup::Stale(kept, Cause::Early)) = place
        .engine()
        .peek::<StoredResponse>(&seat.key, &seat.terms)
    else {
        return None;
    };
    let is_like = kept.body.is_none() && *kept.meta().stamp() == found.stamp;
    kept.headers.get(ETAG).filter(|_| is_like).cloned()
}

fn keep(parts: &Parts, body: stored::Body, term: Term) -> StoredResponse {
    StoredResponse::new(parts.status, parts.headers.clone(), body, term)
}

/// Whether parts of a body mean something before its end comes.
fn is_stream(parts: &Parts) -> bool {
    static UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");
    let kind = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let begins = |with: &str| {
        kind.and_then(|kind| kind.get(..with.len()))
            .is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
    };
    begins("text/event-stream")
        || begins("multipart/x-mixed-replace")
        || begins("application/grpc")
        || parts
            .headers
            .get(&UNBUFFERED)
            .is_some_and(|value| value == "no")
}

/// Keeps the validator of a body that passes, once it has passed to its end and nothing else was read for the rest of it.
struct Validator {
    scope: Scope,
    place: Arc<Place>,
    seat: Arc<Seat>,
    found: Found,
    kept: StoredResponse,
}

impl Watch for Validator {
    fn during(&self, poll: &mut dyn FnMut()) {
        let once = pin!(self.scope.run(poll_fn(|_| {
            poll();
            Poll::Ready(())
        })));
        // It is ready at once, and the body's own waker is within `poll`.
        let _ = once.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    }

    fn ended(self: Box<Self>) {
        let Self {
            scope,
            place,
            seat,
            found,
            mut kept,
        } = *self;
        let Ok(now) = scope.found() else {
            return;
        };
        // What was read for the rest may be older.
        let fresh_for = now.fresh_for.unwrap_or(Duration::MAX);
        kept.fresh_at_most = kept.fresh_at_most.min(fresh_for);
        let is_same = now.stamp == found.stamp && now.scoped == found.scoped;
        if is_same && !kept.fresh_at_most.is_zero() {
            let question = seat.question(found.stamp.tags().clone());
            place.engine().store(question, found.stamp, kept);
        }
    }
}
