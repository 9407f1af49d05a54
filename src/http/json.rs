//! For handlers of axum that want less magic: a cached value as JSON with its validator, and conditions answered by hand.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG},
    request::Parts,
};
use serde::Serialize;

use super::{answer, conditional, stored::etag_of};
use crate::cache::Cached;

/// A cached value as a JSON response, with a strong `ETag` of its bytes and [`Cached::cache_control`].
///
/// A responder does not see the request: [`Conditions`] answers those that come with one. Inside a
/// [`ResponseCacheLayer`](super::ResponseCacheLayer) the layer does.
///
/// # Example
/// ```
/// use cachedpool::{cache::Cached, http::{CachedJson, Conditions}};
///
/// async fn user(conditions: Conditions) -> axum::response::Response {
///     # fn read() -> Cached<Vec<i64>> { unimplemented!() }
///     let user = read(); // .cached(&pool).fetch_one_shared().await
///     conditions.answer(CachedJson(user))
/// }
/// # let _ = user;
/// ```
#[derive(Clone, Debug)]
pub struct CachedJson<T>(pub Cached<T>);

/// The conditions of a request (RFC 9110 §13), as an extractor.
#[derive(Clone, Debug, Default)]
pub struct Conditions(HeaderMap);

impl Conditions {
    /// Those among the headers of a GET or HEAD request.
    pub fn of(headers: &HeaderMap) -> Self {
        Self(conditional::of(headers))
    }

    /// Answers with `response`, or with 304 or 412 where its `ETag` or `Last-Modified` says so.
    pub fn answer(&self, response: impl IntoResponse) -> Response {
        let mut response = response.into_response();
        if let Some(code) = answer::settle(&self.0, response.status(), response.headers_mut()) {
            *response.status_mut() = code;
            *response.body_mut() = axum::body::Body::empty();
        }
        response
    }
}

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

impl<T: Serialize> IntoResponse for CachedJson<T> {
    /// A value that cannot be written as JSON becomes a 500 that says no more: the cause may quote the value.
    fn into_response(self) -> Response {
        let Ok(body) = serde_json::to_vec(&*self.0) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ETAG, etag_of(StatusCode::OK, &headers, &body));
        if let Ok(line) = HeaderValue::try_from(self.0.cache_control()) {
            headers.insert(CACHE_CONTROL, line);
        }
        (headers, Bytes::from(body)).into_response()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use http::header::IF_NONE_MATCH;
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::cache::testkit::cached;

    fn conditions(value: Option<&HeaderValue>) -> Conditions {
        let mut headers = HeaderMap::new();
        headers.extend(value.map(|value| (IF_NONE_MATCH, value.clone())));
        Conditions::of(&headers)
    }

    #[tokio::test]
    async fn a_cached_value_is_sent_with_what_a_client_may_do_with_it() {
        let first = conditions(None).answer(CachedJson(cached(vec![1, 2])));
        assert_eq!(first.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(first.headers()[CACHE_CONTROL], "private, max-age=60");
        let etag = first.headers()[ETAG].clone();
        let body = first.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "[1,2]");

        let known = conditions(Some(&etag)).answer(CachedJson(cached(vec![1, 2])));
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        assert!(!known.headers().contains_key(CONTENT_TYPE));
        let body = known.into_body().collect().await.unwrap().to_bytes();
        assert!(body.is_empty());

        let changed = conditions(Some(&etag)).answer(CachedJson(cached(vec![3])));
        assert_eq!(changed.status(), StatusCode::OK);
    }

    #[test]
    fn what_is_no_json_is_an_error_that_quotes_nothing() {
        let keys: std::collections::BTreeMap<Vec<u8>, u8> = [(vec![7], 1)].into();
        let response = CachedJson(cached(keys)).into_response();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
