//! The service: from the cache if it may, else from the one inside.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{
    answer::Asker,
    body::ResponseBody,
    cache_status::{CacheStatus, Forward, Outcome},
    conditional,
    look::{Look, Renewal, look},
    make::ask,
    place::{Place, target},
    policy::Storing,
    request::{self, Extent, Load, Pass, bypass},
    turn::{Course, Turn, if_cached, of_cache, renew},
};
use crate::cache::Mode;

/// A service whose responses are kept. Made by [`ResponseCacheLayer`](super::ResponseCacheLayer).
///
/// It is always ready: what is answered from the cache asks nobody. The service inside is waited for when it is needed.
#[derive(Clone)]
pub struct ResponseCache<S> {
    inner: S,
    place: Arc<Place>,
    storing: Storing,
}

/// The answer of a [`ResponseCache`].
///
/// # Cancel safety
/// Dropping it drops the handler's future. Nothing of it is kept, and another request that waits for the same runs it.
pub struct ResponseFuture<B: Body, E>(Stage<B, E>);

enum Stage<B: Body, E> {
    Ready(Option<Response<ResponseBody<B>>>),
    Working(Work<B, E>),
}

type Work<B, E> = Pin<Box<dyn Future<Output = Result<Response<ResponseBody<B>>, E>> + Send>>;

impl<S> ResponseCache<S> {
    pub(super) fn new(inner: S, place: Arc<Place>, storing: Storing) -> Self {
        Self {
            inner,
            place,
            storing,
        }
    }
}

impl<S, A, B> Service<Request<A>> for ResponseCache<S>
where
    S: Service<Request<A>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    A: Body + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Send,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<B, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        // Made only where it is asked: a clone of axum's services takes several allocations.
        let service = || self.inner.clone();
        if self.storing == Storing::Off {
            let answer = ask(service(), request);
            return working(async { Ok(answer.await?.map(ResponseBody::passed)) });
        }
        let place = &self.place;
        let load = match request.body().is_end_stream() {
            true => Load::Empty,
            false => Load::Some,
        };
        let (parts, body) = request.into_parts();
        let asked = match request::judge(&place.policy, &parts, load) {
            Ok(asked) => asked,
            Err(why) => {
                let request = Request::from_parts(parts, body);
                return working(pass(place.clone(), service(), request, why));
            }
        };
        let asker = Asker {
            reads: asked.reads,
            audience: asked.audience,
            conditions: conditional::of(&parts.headers),
        };
        let key = place.key(&parts, &asked);
        let (why, mode, course) = match look(place.engine(), &key, place.terms(), &asked.wanted) {
            Look::Handler(why, mode) => (why, mode, Course::Together),
            Look::Answer(kept, renewal) => match of_cache(place, &asker, &kept, renewal) {
                Some(response) => {
                    if renewal != Renewal::No && asked.makes_whole() {
                        let seat = Arc::new(place.seat(&parts, &asked, key, Mode::Normal));
                        renew(place, seat, service(), Request::from_parts(parts, body));
                    }
                    return ResponseFuture(Stage::Ready(Some(response)));
                }
                // Its body is not kept, so there is nothing that others could wait for.
                None => (Forward::Miss, Mode::Normal, Course::Alone),
            },
        };
        let seat = Arc::new(place.seat(&parts, &asked, key, mode));
        if asked.wanted.only_if_cached {
            return working(if_cached(place.clone(), seat, asker));
        }
        if !asked.makes_whole() {
            let why = match asked.extent {
                Extent::Whole => Pass { why, detail: None },
                Extent::Part => bypass("range"),
            };
            let request = Request::from_parts(parts, body);
            return working(pass(place.clone(), service(), request, why));
        }
        working(
            Turn {
                place: place.clone(),
                seat,
                service: service(),
                request: Some(Request::from_parts(parts, body)),
                asker,
                why,
            }
            .answer(course),
        )
    }
}

impl<B: Body, E> Future for ResponseFuture<B, E> {
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Stage::Ready(response) => {
                let response = response.take();
                Poll::Ready(Ok(
                    response.expect("a future is not polled after it was ready")
                ))
            }
            Stage::Working(work) => work.as_mut().poll(context),
        }
    }
}

// The handler's future is in a box, and the response is not pinned.
impl<B: Body, E> Unpin for ResponseFuture<B, E> {}

impl<B: Body, E> fmt::Debug for ResponseFuture<B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for ResponseCache<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCache")
            .field("policy", &self.place.policy)
            .finish_non_exhaustive()
    }
}

fn working<B: Body, E>(
    work: impl Future<Output = Result<Response<ResponseBody<B>>, E>> + Send + 'static,
) -> ResponseFuture<B, E> {
    ResponseFuture(Stage::Working(Box::pin(work)))
}

/// Lets a request go past the cache.
async fn pass<S, A, B>(
    place: Arc<Place>,
    service: S,
    request: Request<A>,
    why: Pass,
) -> Result<Response<ResponseBody<B>>, S::Error>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    let (parts, body) = request.into_parts();
    let changes = (!parts.method.is_safe()).then(|| target(&parts));
    let mut response = ask(service, Request::from_parts(parts, body)).await?;
    let status = response.status();
    if let Some(target) = changes.filter(|_| status.is_success() || status.is_redirection()) {
        place.engine().invalidate(&target);
    }
    let passed = CacheStatus::forwarded(why.why, Outcome::Passed);
    CacheStatus {
        detail: why.detail,
        ..passed
    }
    .append_to(response.headers_mut());
    Ok(response.map(ResponseBody::passed))
}
