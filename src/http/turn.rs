//! A request that memory could not answer: with others who ask the same, or alone.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use tower_service::Service;

use super::{
    answer::{self, Asker, Origin, ttl},
    body::ResponseBody,
    cache_status::{CacheStatus, Forward, Handling, Outcome},
    look::Renewal,
    make::{Passed, make},
    place::{Place, Seat},
    stored::{OnceStale, StoredResponse},
};
use crate::cache::{Cached, Cause, Gathered, Lookup, Made, Mode, Scope};

/// One request's turn at the handler.
pub(super) struct Turn<S, A> {
    pub(super) place: Arc<Place>,
    pub(super) seat: Arc<Seat>,
    pub(super) service: S,
    /// Taken by whoever runs the handler with it.
    pub(super) request: Option<Request<A>>,
    pub(super) asker: Asker,
    pub(super) why: Forward,
}

/// With whom the handler is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    Together,
    Alone,
}

type Answer<B, E> = Result<Response<ResponseBody<B>>, E>;

impl<S, A, B> Turn<S, A>
where
    S: Service<Request<A>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    A: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    /// # Cancel safety
    /// Dropping the future drops the handler's, if this one runs it; whoever waits for it goes on by itself.
    pub(super) async fn answer(mut self, course: Course) -> Answer<B, S::Error> {
        let (key, engine) = (&self.seat.key.params, self.place.engine());
        if course == Course::Alone || self.place.marks.holds(key, engine.now()) {
            return self.alone().await;
        }
        let errand = self.seat.errand();
        let work = {
            let (place, seat) = (self.place.clone(), self.seat.clone());
            let (service, request) = (self.service.clone(), &mut self.request);
            async move {
                let request = request.take().expect("a future begins once");
                make(place, seat, service, request).await
            }
        };
        match self.place.engine().gather(&errand, work).await {
            Ok(Gathered::Made(kept)) => self.made(&kept).await,
            Ok(Gathered::Collapsed(kept)) => {
                let status = CacheStatus::forwarded(self.why, Outcome::Collapsed);
                self.found(&kept, status).await
            }
            Ok(Gathered::Found(kept)) => self.found(&kept, CacheStatus::hit(ttl(&kept))).await,
            Ok(Gathered::Stale(kept, cause)) => self.stale(&kept, cause).await,
            Err(passed) => self.passed(passed),
        }
    }

    /// Without waiting for anybody, or anybody waiting.
    async fn alone(mut self) -> Answer<B, S::Error> {
        let request = self.request.take().expect("nobody has run the handler");
        let service = self.service.clone();
        match make(self.place.clone(), self.seat.clone(), service, request).await {
            Made::Kept { value, stamp } => {
                let question = self.seat.question(stamp.tags().clone());
                let kept = self.place.engine().store(question, stamp, value);
                self.place.marks.clear(&self.seat.key.params);
                self.made(&kept).await
            }
            Made::Passed(passed) => self.passed(passed),
        }
    }

    async fn made(self, kept: &Cached<StoredResponse>) -> Answer<B, S::Error> {
        // One that was not stored takes nothing.
        let outcome = match kept.bytes() {
            0 => Outcome::Passed,
            _ => Outcome::Stored,
        };
        let status = CacheStatus::forwarded(self.why, outcome);
        let origin = match self.place.engine().still_holds(kept.meta().stamp()) {
            true => Origin::Handler,
            false => Origin::Overtaken,
        };
        let (policy, asker) = (&self.place.policy, &self.asker);
        let response = answer::of_kept(policy, asker, kept, origin, status);
        Ok(response.expect("what was made with its body answers whatever is asked"))
    }

    async fn found(
        self,
        kept: &Cached<StoredResponse>,
        status: CacheStatus,
    ) -> Answer<B, S::Error> {
        match kept_answer(&self.place, &self.asker, kept, status) {
            Some(response) => Ok(response),
            None => self.alone().await,
        }
    }

    async fn stale(mut self, kept: &Cached<StoredResponse>, cause: Cause) -> Answer<B, S::Error> {
        let renewal = match cause {
            Cause::Early => Renewal::Early,
            _ if kept.once_stale == OnceStale::Never => return self.alone().await,
            _ => Renewal::Late,
        };
        match of_cache(&self.place, &self.asker, kept, renewal) {
            Some(response) => {
                let request = self.request.take().expect("nobody has run the handler");
                renew(&self.place, self.seat, self.service, request);
                Ok(response)
            }
            None => self.alone().await,
        }
    }

    fn passed(self, passed: Passed<B, S::Error>) -> Answer<B, S::Error> {
        let Passed {
            answer,
            why,
            validators,
        } = passed;
        let key = &self.seat.key.params;
        self.place.marks.mark(key, self.place.engine().now());
        if is_outage(&answer)
            && let Some(response) = self.stand_in()
        {
            return Ok(response);
        }
        let status = CacheStatus::forwarded(self.why, Outcome::Passed).detail(why);
        let policy = &self.place.policy;
        Ok(answer::of_passed(
            policy,
            &self.asker,
            answer?,
            validators,
            status,
        ))
    }

    /// What stands in for a handler that failed (RFC 5861 §4), by what is valid now.
    fn stand_in(&self) -> Option<Response<ResponseBody<B>>> {
        // Who wants it from the handler gets what the handler gives.
        if self.place.policy.stale_if_error.is_zero() || self.seat.terms.mode != Mode::Normal {
            return None;
        }
        let engine = self.place.engine();
        let kept = match engine.lookup::<StoredResponse>(&self.seat.key, &self.seat.terms) {
            Lookup::Fresh(kept) | Lookup::Stale(kept, _) | Lookup::Miss(Some(kept)) => kept,
            Lookup::Miss(None) => return None,
        };
        if kept.once_stale == OnceStale::Never && kept.fresh_for().is_zero() {
            return None;
        }
        let status = CacheStatus::forwarded(Forward::Stale, Outcome::Passed);
        kept_answer(
            &self.place,
            &self.asker,
            &kept,
            status.detail("stale-if-error"),
        )
    }
}

/// Answers from the cache, if what is asked for is there.
pub(super) fn of_cache<B: Body<Data = Bytes>>(
    place: &Place,
    asker: &Asker,
    kept: &Cached<StoredResponse>,
    renewal: Renewal,
) -> Option<Response<ResponseBody<B>>> {
    let status = CacheStatus::hit(ttl(kept));
    let status = match renewal {
        Renewal::No => status,
        Renewal::Early => status.detail("early-refresh"),
        Renewal::Late => status.detail("stale-while-revalidate"),
    };
    kept_answer(place, asker, kept, status)
}

/// Makes a response anew in the background, unless that has just failed.
pub(super) fn renew<S, A, B>(place: &Arc<Place>, seat: Arc<Seat>, service: S, request: Request<A>)
where
    S: Service<Request<A>, Response = Response<B>> + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    A: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    if place.failed.holds(&seat.key.params, place.engine().now()) {
        return;
    }
    let errand = seat.errand();
    let (engine, place) = (place.engine(), place.clone());
    engine.regather(errand, async move {
        // From here on: one that does not begin has not failed.
        let unless_kept = Failing(&place, &seat);
        let made = make(place.clone(), seat.clone(), service, request).await;
        if let Made::Kept { .. } = made {
            std::mem::forget(unless_kept);
        }
        made
    });
}

/// Marks the renewal as failed when it is dropped, in a panic of the handler's too.
struct Failing<'a>(&'a Place, &'a Seat);

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        let Self(place, seat) = self;
        place.failed.mark(&seat.key.params, place.engine().now());
    }
}

/// Answers without the handler, or not at all (RFC 9111 §5.2.1.7). Waits for no other request's, which would be to ask it.
pub(super) async fn if_cached<B: Body<Data = Bytes>, E>(
    place: Arc<Place>,
    seat: Arc<Seat>,
    asker: Asker,
) -> Answer<B, E> {
    let (engine, errand) = (place.engine(), seat.errand());
    let recalled = engine.recall_gathered::<StoredResponse>(&errand).await;
    let kept = recalled.and_then(|gathered| match gathered {
        Gathered::Made(kept) | Gathered::Collapsed(kept) | Gathered::Found(kept) => Some(kept),
        Gathered::Stale(kept, cause) => {
            let may_be = cause == Cause::Early || kept.once_stale == OnceStale::AsThePolicySays;
            may_be.then_some(kept)
        }
    });
    let found = kept.and_then(|kept| {
        let status = CacheStatus::hit(ttl(&kept));
        kept_answer(&place, &asker, &kept, status)
    });
    Ok(found.unwrap_or_else(|| {
        let mut response = Response::new(ResponseBody::whole(Bytes::new()));
        *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
        CacheStatus {
            handling: Handling::Refused,
            detail: Some("only-if-cached"),
        }
        .append_to(response.headers_mut());
        response
    }))
}

/// Answers with what somebody made before, and tells the caller's scope of it.
fn kept_answer<B: Body<Data = Bytes>>(
    place: &Place,
    asker: &Asker,
    kept: &Cached<StoredResponse>,
    status: CacheStatus,
) -> Option<Response<ResponseBody<B>>> {
    let response = answer::of_kept(&place.policy, asker, kept, Origin::Cache, status)?;
    if let Some(scope) = Scope::current() {
        scope.answer(place.engine(), kept);
    }
    Some(response)
}

/// RFC 5861 §4: what counts as an error.
fn is_outage<B, E>(answer: &Result<Response<B>, E>) -> bool {
    match answer {
        Ok(response) => matches!(response.status().as_u16(), 500 | 502 | 503 | 504),
        Err(_) => true,
    }
}
