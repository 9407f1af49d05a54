//! A pool that is an engine and nothing else, and services around a closure.

use std::{
    any::TypeId,
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, request::Builder};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use tokio::runtime::Handle;
use tower_layer::Layer as _;
use tower_service::Service;

use crate::{
    cache::{
        Consistency, Engine, EngineSettings, Key, Lookup, ManualTime, Params, Question, Scope,
        Shape, Terms, WholeKey,
        testkit::{self, tables},
    },
    http::{Policy, ResponseCache, ResponseCacheLayer, ResponseStore},
};

pub(super) type Content = BoxBody<Bytes, std::io::Error>;
type Reply = Pin<Box<dyn Future<Output = Result<Response<Content>, Infallible>> + Send>>;

/// What a test holds.
#[derive(Clone)]
pub(super) struct Kit {
    pub(super) engine: Arc<Engine>,
    pub(super) hand: ManualTime,
    policy: Policy,
    consistency: Consistency,
    calls: Arc<AtomicU64>,
    /// What the hook was told.
    pub(super) told: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Place(Arc<Engine>, Consistency);

impl ResponseStore for Place {
    fn engine(&self) -> &Arc<Engine> {
        &self.0
    }

    fn consistency(&self) -> Consistency {
        self.1
    }

    fn shared_key(&self, name: &str, key: &[u8]) -> Option<WholeKey> {
        Some(WholeKey([name.as_bytes(), key].concat().into()))
    }
}

impl Kit {
    pub(super) fn new(policy: Policy) -> Self {
        let (settings, told) = testkit::telling(EngineSettings {
            ttl_jitter: 0.0,
            ..EngineSettings::default()
        });
        let (engine, hand) = testkit::engine(settings, Handle::current());
        Self {
            engine,
            hand,
            policy,
            consistency: Consistency::Bounded,
            calls: Arc::default(),
            told,
        }
    }

    /// Two processes on one shared tier.
    pub(super) async fn two(policy: &Policy) -> [Self; 2] {
        let settings = EngineSettings {
            ttl_jitter: 0.0,
            ..EngineSettings::default()
        };
        let (engines, hand) = testkit::engines(settings, Handle::current()).await;
        engines.map(|engine| Self {
            engine,
            hand: hand.clone(),
            policy: policy.clone(),
            consistency: Consistency::Bounded,
            calls: Arc::default(),
            told: Arc::default(),
        })
    }

    /// A read of a table, as a front-end tells of it.
    pub(super) fn reads(&self, table: &'static str) {
        let stamp = self.engine.stamp(&tables([table]));
        if let Some(scope) = Scope::current() {
            scope.read(&self.engine, stamp);
        }
    }

    /// A read of a table that the cache answers, with so much of its time left.
    pub(super) fn answers(&self, table: &'static str, left: Duration) {
        let terms = Terms {
            ttl: left,
            stale_while_revalidate: Duration::MAX,
            ..Terms::default()
        };
        let question = Question {
            key: Key {
                statement: 1,
                row: TypeId::of::<u64>(),
                shape: Shape::All,
                params: Params::new(),
            },
            tags: tables([table]),
            terms,
            whole: None,
        };
        let (key, stamp) = (question.key.clone(), self.engine.stamp(&question.tags));
        self.engine.store(question, stamp, vec![1_u64]);
        let found = self.engine.lookup::<Vec<u64>>(&key, &terms);
        let (Lookup::Fresh(cached) | Lookup::Stale(cached, _)) = found else {
            panic!("it was kept");
        };
        if let Some(scope) = Scope::current() {
            scope.answer(&self.engine, &cached);
        }
    }

    pub(super) fn writes(&self, table: &'static str) {
        self.engine.write(tables([table])).committed();
    }

    /// A response that says the how manieth it is.
    pub(super) fn next(&self) -> Response<Content> {
        let count = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        text(count.to_string())
    }

    pub(super) fn count(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(super) fn layer(&self) -> ResponseCacheLayer {
        ResponseCacheLayer::new(
            &Place(self.engine.clone(), self.consistency),
            self.policy.clone(),
        )
    }

    /// The layer around a handler.
    pub(super) fn app<F, R>(&self, handler: F) -> App<ResponseCache<Handler>>
    where
        F: Fn(Kit, Request<Content>) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Content>> + Send + 'static,
    {
        App(self.layer().layer(self.handler(handler)))
    }

    /// The same pool and counter under another policy.
    pub(super) fn with(&self, policy: Policy) -> Self {
        Self {
            policy,
            ..self.clone()
        }
    }

    /// The same for a pool that reads in this way.
    pub(super) fn under(&self, consistency: Consistency) -> Self {
        Self {
            consistency,
            ..self.clone()
        }
    }

    /// Two layers around a handler.
    pub(super) fn twice<F, R>(
        &self,
        handler: F,
    ) -> App<ResponseCache<Boxed<ResponseCache<Handler>>>>
    where
        F: Fn(Kit, Request<Content>) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Content>> + Send + 'static,
    {
        self.around(self, handler)
    }

    /// As `twice`, with the policy of `inner` for the inner one.
    pub(super) fn around<F, R>(
        &self,
        inner: &Self,
        handler: F,
    ) -> App<ResponseCache<Boxed<ResponseCache<Handler>>>>
    where
        F: Fn(Kit, Request<Content>) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Content>> + Send + 'static,
    {
        let inner = inner.layer().layer(inner.handler(handler));
        App(self.layer().layer(Boxed(inner)))
    }

    fn handler<F, R>(&self, handler: F) -> Handler
    where
        F: Fn(Kit, Request<Content>) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Content>> + Send + 'static,
    {
        let kit = self.clone();
        Handler(Arc::new(move |request| {
            let reply = handler(kit.clone(), request);
            Box::pin(async { Ok(reply.await) })
        }))
    }
}

/// A closure as a service.
#[derive(Clone)]
pub(super) struct Handler(Arc<dyn Fn(Request<Content>) -> Reply + Send + Sync>);

impl Service<Request<Content>> for Handler {
    type Response = Response<Content>;
    type Error = Infallible;
    type Future = Reply;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Content>) -> Reply {
        (self.0)(request)
    }
}

/// A service whose bodies are boxed again.
#[derive(Clone)]
pub(super) struct Boxed<S>(S);

impl<S> Service<Request<Content>> for Boxed<S>
where
    S: Service<
            Request<Content>,
            Response = Response<crate::http::ResponseBody<Content>>,
            Error = Infallible,
        >,
    S::Future: Send + 'static,
{
    type Response = Response<Content>;
    type Error = Infallible;
    type Future = Reply;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Content>) -> Reply {
        let reply = self.0.call(request);
        Box::pin(async { Ok(reply.await?.map(BodyExt::boxed)) })
    }
}

/// A service to ask.
#[derive(Clone)]
pub(super) struct App<S>(pub(super) S);

impl<S, B> App<S>
where
    S: Service<Request<Content>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Data = Bytes, Error = std::io::Error>,
{
    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(get(path).body(Content::default()).unwrap()).await
    }

    pub(super) async fn with(&self, lines: &[(&str, &str)]) -> Answer {
        let mut request = get("/");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        self.send(request.body(Content::default()).unwrap()).await
    }

    pub(super) async fn send(&self, request: Request<Content>) -> Answer {
        let response = self.0.clone().call(request).await;
        let (parts, body) = response.unwrap_or_else(|never| match never {}).into_parts();
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes);
        Answer {
            code: parts.status,
            headers: parts.headers,
            body: body.ok(),
        }
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: StatusCode,
    pub(super) headers: HeaderMap,
    /// `None` if it broke off.
    pub(super) body: Option<Bytes>,
}

impl Answer {
    pub(super) fn text(&self) -> &str {
        str::from_utf8(self.body.as_ref().expect("the body is whole")).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    /// What the layer says of it.
    pub(super) fn status(&self) -> &str {
        self.header("cache-status").unwrap_or_default()
    }
}

pub(super) fn get(path: &str) -> Builder {
    Request::builder().uri(path).header("host", "h")
}

pub(super) fn text(text: impl Into<Bytes>) -> Response<Content> {
    Response::new(content(Full::new(text.into())))
}

pub(super) fn content<B>(body: B) -> Content
where
    B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Sync
        + 'static,
{
    body.map_err(std::io::Error::other).boxed()
}
