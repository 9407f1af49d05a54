//! Handlers that say what they are told to, and count how often they are asked.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, Response, StatusCode},
    routing::any,
};
use cachedpool::{
    CacheExt as _, CachedPool,
    http::{Policy, ResponseCacheLayer},
};
use http_body::Frame;
use sqlx::Sqlite;

/// What a handler says each time that it is asked: the first answer first, the last one from then on.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    answers: Vec<Answer>,
}

/// One answer of a handler. All of them read a page first.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: Vec<(&'static str, &'static str)>,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    /// `v` and the version of the page.
    Page,
    Text(&'static str),
    /// The value of a header of the request, as the handler sees it; `-` where it sees none.
    Seen(&'static str),
    Frames(Frames),
}

/// A body of which nobody knows the length.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames(VecDeque<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Data(Bytes),
    Trailer(&'static str, &'static str),
    Failure,
}

/// How often a handler was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked(Arc<AtomicUsize>);

impl Answer {
    /// 200 with the page.
    pub(crate) fn page() -> Self {
        Self {
            status: StatusCode::OK,
            headers: Vec::new(),
            content: Content::Page,
        }
    }

    pub(crate) fn text(text: &'static str) -> Self {
        Self {
            content: Content::Text(text),
            ..Self::page()
        }
    }

    pub(crate) fn seen(header: &'static str) -> Self {
        Self {
            content: Content::Seen(header),
            ..Self::page()
        }
    }

    pub(crate) fn frames(frames: Frames) -> Self {
        Self {
            content: Content::Frames(frames),
            ..Self::page()
        }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap();
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    async fn give(self, pool: &CachedPool<Sqlite>, request: &HeaderMap) -> Response<Body> {
        let version: i64 = sqlx::query_scalar("SELECT version FROM pages WHERE id = 1")
            .cached(pool)
            .fetch_one()
            .await
            .unwrap();
        let body = match self.content {
            Content::Page => Body::from(format!("v{version}")),
            Content::Text("") => Body::empty(),
            Content::Text(text) => Body::from(text),
            Content::Seen(name) => Body::from(seen(request, name)),
            Content::Frames(frames) => Body::new(frames),
        };
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(body).unwrap()
    }
}

impl From<Answer> for Origin {
    fn from(answer: Answer) -> Self {
        Self {
            answers: vec![answer],
        }
    }
}

impl<const N: usize> From<[Answer; N]> for Origin {
    fn from(answers: [Answer; N]) -> Self {
        Self {
            answers: answers.into(),
        }
    }
}

impl Origin {
    /// A service that answers everything so, behind the layer.
    pub(crate) fn behind(self, policy: Policy, pool: &CachedPool<Sqlite>, asked: &Asked) -> Router {
        let (own, asked) = (pool.clone(), asked.clone());
        let handler = move |request: Request| {
            let (pool, answers, nth) = (own.clone(), self.answers.clone(), asked.note());
            async move {
                let answer = answers[nth.min(answers.len() - 1)].clone();
                answer.give(&pool, request.headers()).await
            }
        };
        Router::new()
            .fallback(any(handler))
            .layer(ResponseCacheLayer::new(pool, policy))
    }
}

impl Asked {
    /// Counts one more; gives how often it was before.
    pub(crate) fn note(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Frames {
    pub(crate) fn data(mut self, data: impl Into<Bytes>) -> Self {
        self.0.push_back(Piece::Data(data.into()));
        self
    }

    pub(crate) fn trailer(mut self, name: &'static str, value: &'static str) -> Self {
        self.0.push_back(Piece::Trailer(name, value));
        self
    }

    /// It breaks off.
    pub(crate) fn failure(mut self) -> Self {
        self.0.push_back(Piece::Failure);
        self
    }
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.pop_front().map(|piece| match piece {
            Piece::Data(data) => Ok(Frame::data(data)),
            Piece::Trailer(name, value) => {
                let mut trailers = HeaderMap::new();
                trailers.insert(name, value.parse().unwrap());
                Ok(Frame::trailers(trailers))
            }
            Piece::Failure => Err(std::io::Error::other("it breaks off")),
        }))
    }
}

/// The value of a header of the request, as the handler sees it; `-` where it sees none.
pub(crate) fn seen(request: &HeaderMap, name: &str) -> String {
    let values: Vec<_> = request
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect();
    match values.as_slice() {
        [] => "-".to_owned(),
        values => values.join("|"),
    }
}
