//! What a route lets be kept: the one thing that its author writes.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderName, StatusCode, request};

/// For how long an entry answers where the policy names no time at all: the default of cached queries too.
const KEEP: Duration = Duration::from_secs(60);

/// What the responses of a route may be kept by, for how long, and what tells them apart.
///
/// The defaults are cautious: clients ask each time (and get a `304 Not Modified` where nothing has changed), requests with
/// credentials go past the cache, and what clients say of caching is not listened to.
///
/// Durations are said to clients in whole seconds, rounded down.
///
/// # Example
/// ```
/// use cachedpool::http::Policy;
/// use http::header::ACCEPT_LANGUAGE;
/// use std::time::Duration;
///
/// let policy = Policy::new()
///     .max_age(Duration::from_secs(10))
///     .s_maxage(Duration::from_secs(60))
///     .stale_while_revalidate(Duration::from_secs(300))
///     .vary([ACCEPT_LANGUAGE]);
/// # let _ = policy;
/// ```
#[derive(Clone)]
#[must_use]
pub struct Policy {
    pub(super) max_age: Option<Duration>,
    pub(super) s_maxage: Option<Duration>,
    pub(super) keep: Option<Duration>,
    pub(super) stale_while_revalidate: Duration,
    pub(super) stale_if_error: Duration,
    pub(super) visibility: Visibility,
    pub(super) storing: Storing,
    pub(super) vary: Vec<HeaderName>,
    pub(super) key: Option<KeyFn>,
    pub(super) statuses: Vec<StatusCode>,
    pub(super) max_body: usize,
    pub(super) requests: Requests,
    pub(super) shared_as: Option<Arc<str>>,
    pub(super) tagging: Tagging,
    pub(super) pass_headers: Vec<HeaderName>,
}

/// Makes a request's own part of its key.
pub(super) type KeyFn = Arc<dyn Fn(&request::Parts) -> Option<String> + Send + Sync>;

/// Which header names a response's tags to a cache on the way, spelled as `Builder::on_invalidation` is told them: whatever is
/// not an ASCII letter, a digit or one of `-._~/:!$&'()*+;=@?` is percent-encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tagging {
    /// None.
    #[default]
    Off,
    /// `Cache-Tag`, with commas between the tags.
    CacheTag,
    /// `Surrogate-Key`, with spaces between the tags.
    SurrogateKey,
}

/// Whom the responses are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Visibility {
    /// Not said: for whoever may have it by RFC 9111 §3.
    Unsaid,
    Public,
    Private,
}

/// Whether the layer does anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storing {
    On,
    Off,
}

/// What the `Cache-Control` of requests counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requests {
    Ignored,
    Obeyed,
}

impl Policy {
    /// The defaults: kept for a minute by the layer, for no time by clients, not shared among processes.
    pub fn new() -> Self {
        Self {
            max_age: None,
            s_maxage: None,
            keep: None,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            visibility: Visibility::Unsaid,
            storing: Storing::On,
            vary: Vec::new(),
            key: None,
            statuses: [200, 203, 204, 300, 301, 308, 404, 410]
                .into_iter()
                .map(|code| StatusCode::from_u16(code).expect("each is a status code"))
                .collect(),
            max_body: 1 << 20,
            requests: Requests::Ignored,
            shared_as: None,
            tagging: Tagging::Off,
            pass_headers: Vec::new(),
        }
    }

    /// For how long a client may use its own copy without asking: `max-age` (RFC 9111 §5.2.2.1).
    ///
    /// No write reaches what a client keeps, so this is for how long it may show older data. Where neither this nor the handler
    /// says so, it asks each time.
    ///
    /// A response that anybody gets is then told to vary by `Authorization` and `Cookie`, here and with `s_maxage`: whoever
    /// logs in would otherwise see the copy until its time is over. [`public`](Self::public) says that there is no such
    /// difference.
    pub fn max_age(mut self, span: Duration) -> Self {
        self.max_age = Some(span);
        self
    }

    /// For how long shared caches on the way may use a copy without asking, and this layer unless
    /// [`keep`](Self::keep) says otherwise: `s-maxage` (RFC 9111 §5.2.2.10).
    ///
    /// Not said to anybody unless it is set here; shared caches then go by `max-age`.
    pub fn s_maxage(mut self, span: Duration) -> Self {
        self.s_maxage = Some(span);
        self
    }

    /// For how long this layer answers from an entry that no write has invalidated, if it is another time than
    /// `s_maxage`. The default is `s_maxage`, else `max_age`, else a minute. A handler can shorten it (RFC 9111 §4.2.1).
    pub fn keep(mut self, span: Duration) -> Self {
        self.keep = Some(span);
        self
    }

    /// For how long after that an expired response is answered at once while one request in the background renews it (RFC
    /// 5861 §3). The default is zero.
    ///
    /// It is this layer that does so, and never with what a write has invalidated. It is not said to clients, since no write
    /// would reach them; a handler can say so in its own `Cache-Control`.
    pub fn stale_while_revalidate(mut self, span: Duration) -> Self {
        self.stale_while_revalidate = span;
        self
    }

    /// For how long after that an expired response stands in where the handler answers with 500, 502, 503 or 504, or the service
    /// fails (RFC 5861 §4). The default is zero. Not said to clients, as
    /// [`stale_while_revalidate`](Self::stale_while_revalidate).
    pub fn stale_if_error(mut self, span: Duration) -> Self {
        self.stale_if_error = span;
        self
    }

    /// Says that any cache may keep the responses (RFC 9111 §5.2.2.9). Where credentials are part of the key they are private
    /// all the same. Requests with credentials that are not in the key go past this layer, but a cache on the way answers
    /// them with what anybody gets.
    pub fn public(mut self) -> Self {
        self.visibility = Visibility::Public;
        self
    }

    /// Says that only the client may keep the responses (RFC 9111 §5.2.2.7). This layer still keeps them.
    pub fn private(mut self) -> Self {
        self.visibility = Visibility::Private;
        self
    }

    /// Switches the layer off: requests and responses pass untouched.
    pub fn no_store(mut self) -> Self {
        self.storing = Storing::Off;
        self
    }

    /// Headers of the request that responses may depend on: part of the key, named in `Vary` (RFC 9110 §12.5.5), and seen by the
    /// handler, which sees few others ([`pass_headers`](Self::pass_headers)).
    ///
    /// With `AUTHORIZATION` or `COOKIE` here each user has entries of their own, and responses are private.
    pub fn vary(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.vary.extend(names);
        self
    }

    /// Makes a part of the key; with `None` the request goes past the cache.
    ///
    /// It answers for all credentials: two requests whose users must not see each other's responses must get different
    /// strings. It is also the place for whatever else a handler is told by outer layers, such as extensions. Responses are
    /// private unless [`public`](Self::public) is set and the request has no credentials.
    pub fn key(
        mut self,
        key: impl Fn(&request::Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.key = Some(Arc::new(key));
        self
    }

    /// Which statuses are kept, in place of 200, 203, 204, 300, 301, 308, 404 and 410: those that RFC 9110 §15.1 lets any
    /// cache keep, without 206 (never kept) and the ones that speak of a request's form (405, 414, 501).
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.statuses = statuses.into_iter().collect();
        self
    }

    /// The largest body that is kept, in bytes; a larger or endless one passes through as it comes. The default is 1 MiB.
    ///
    /// At most this much is held back before a body passes.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Obeys `Cache-Control` and `Pragma` of requests (RFC 9111 §5.2.1 and §5.4): `no-cache`, `no-store`, `max-age`,
    /// `max-stale`, `min-fresh`, `only-if-cached`.
    ///
    /// Off by default: anybody could send `no-cache` with every request, and the handler would have the load that the cache
    /// is there to take. A browser's reload does.
    pub fn obey_requests(mut self) -> Self {
        self.requests = Requests::Obeyed;
        self
    }

    /// Keeps responses in the shared tier as well, under this name.
    ///
    /// Processes that run the same executable on the same database share what they keep under one name. Two services, or two
    /// places of one, in which a URI means different things need two names.
    pub fn shared_as(mut self, name: impl Into<Arc<str>>) -> Self {
        self.shared_as = Some(name.into());
        self
    }

    /// Names the tags that a response depends on in a header, for a CDN that can be purged by them. Off by default: the names
    /// of tables are told to whoever asks. Private responses have none; one that depends on more than fits 8 KiB becomes private.
    pub fn cache_tags(mut self, tagging: Tagging) -> Self {
        self.tagging = tagging;
        self
    }

    /// Headers of the request that the handler sees though they are no part of the key.
    ///
    /// A handler whose response may be kept sees `Host`, `traceparent`, the headers that proxies route by (part of the key
    /// where present), and what [`vary`](Self::vary) names; with a [`key`](Self::key), credentials too. What it cannot see
    /// cannot get into a response that others are given. Name only what never changes a response.
    pub fn pass_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.pass_headers.extend(names);
        self
    }

    /// For how long the layer itself answers from an entry.
    pub(super) fn kept_for(&self) -> Duration {
        let told = self.s_maxage.or(self.max_age);
        self.keep.or(told).unwrap_or(KEEP)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("max_age", &self.max_age)
            .field("s_maxage", &self.s_maxage)
            .field("kept_for", &self.kept_for())
            .field("stale_while_revalidate", &self.stale_while_revalidate)
            .field("stale_if_error", &self.stale_if_error)
            .field("visibility", &self.visibility)
            .field("storing", &self.storing)
            .field("vary", &self.vary)
            .field("has_key", &self.key.is_some())
            .field("statuses", &self.statuses)
            .field("max_body", &self.max_body)
            .field("requests", &self.requests)
            .field("shared_as", &self.shared_as)
            .field("tagging", &self.tagging)
            .field("pass_headers", &self.pass_headers)
            .finish()
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn the_layer_keeps_as_long_as_shared_caches_unless_told_otherwise() {
        let seconds = Duration::from_secs;
        assert_eq!(Policy::new().kept_for(), KEEP);
        assert_eq!(Policy::new().max_age(seconds(5)).kept_for(), seconds(5));
        let shared = Policy::new().max_age(seconds(5)).s_maxage(seconds(7));
        assert_eq!(shared.clone().kept_for(), seconds(7));
        assert_eq!(shared.keep(seconds(9)).kept_for(), seconds(9));
        assert_eq!(
            Policy::new().s_maxage(Duration::ZERO).kept_for(),
            Duration::ZERO
        );
    }
}
