//! The header that says what the layer did: `Cache-Status` (RFC 9211).

use std::fmt::{self, Write as _};

use http::{HeaderMap, HeaderName, HeaderValue};

/// Not among the names of the crate `http`.
static CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// What the layer did with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CacheStatus {
    pub(super) handling: Handling,
    /// Said in the cache's own words (RFC 9211 §2.8).
    pub(super) detail: Option<&'static str>,
}

/// How it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handling {
    /// From the cache, with so many seconds of freshness left (§2.1, §2.4); fewer than none where it was stale.
    Hit { ttl: i64 },
    /// By the handler (§2.2).
    Forwarded(Forward, Outcome),
    /// By neither.
    Refused,
}

/// Why the handler was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forward {
    /// The layer was told not to look.
    Bypass,
    /// The method is not one that it looks for.
    Method,
    /// There was nothing.
    Miss,
    /// What the request says forbade what there was.
    Request,
    /// What there was had expired or was invalidated.
    Stale,
}

/// What became of the handler's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// Kept (§2.5).
    Stored,
    /// That of another request, which this one waited for (§2.6).
    Collapsed,
}

impl CacheStatus {
    pub(super) fn hit(ttl: i64) -> Self {
        Self {
            handling: Handling::Hit { ttl },
            detail: None,
        }
    }

    pub(super) fn forwarded(why: Forward, outcome: Outcome) -> Self {
        Self {
            handling: Handling::Forwarded(why, outcome),
            detail: None,
        }
    }

    pub(super) fn detail(self, detail: &'static str) -> Self {
        Self {
            detail: Some(detail),
            ..self
        }
    }

    /// Adds it behind what caches nearer to the origin have said (§2).
    pub(super) fn append_to(self, headers: &mut HeaderMap) {
        let mut line = String::with_capacity(64);
        // Writing to a string cannot fail, and each word below is made of characters that a header may have.
        let written = write!(line, "{self}");
        if let (Ok(()), Ok(value)) = (written, HeaderValue::try_from(line)) {
            headers.append(&CACHE_STATUS, value);
        }
    }
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cachedpool")?;
        match self.handling {
            Handling::Hit { ttl } => write!(f, "; hit; ttl={ttl}")?,
            Handling::Forwarded(why, outcome) => {
                write!(f, "; fwd={}", why.token())?;
                f.write_str(match outcome {
                    Outcome::Passed => "",
                    Outcome::Stored => "; stored",
                    Outcome::Collapsed => "; collapsed",
                })?;
            }
            Handling::Refused => {}
        }
        match self.detail {
            Some(detail) if is_token(detail) => write!(f, "; detail={detail}"),
            Some(detail) => write!(f, "; detail=\"{detail}\""),
            None => Ok(()),
        }
    }
}

impl Forward {
    fn token(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::Miss => "miss",
            Self::Request => "request",
            Self::Stale => "stale",
        }
    }
}

/// Whether it may stand without quotes (RFC 9651 §3.3.4, of which our own words need no more than this).
fn is_token(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn each_handling_has_its_words() {
        let cases = [
            (CacheStatus::hit(42), "cachedpool; hit; ttl=42"),
            (
                CacheStatus::hit(-3).detail("stale-while-revalidate"),
                "cachedpool; hit; ttl=-3; detail=stale-while-revalidate",
            ),
            (
                CacheStatus::forwarded(Forward::Miss, Outcome::Stored),
                "cachedpool; fwd=miss; stored",
            ),
            (
                CacheStatus::forwarded(Forward::Stale, Outcome::Collapsed),
                "cachedpool; fwd=stale; collapsed",
            ),
            (
                CacheStatus::forwarded(Forward::Bypass, Outcome::Passed)
                    .detail("volatile function"),
                "cachedpool; fwd=bypass; detail=\"volatile function\"",
            ),
        ];
        for (status, expected) in cases {
            assert_eq!(status.to_string(), expected);
        }
    }

    #[test]
    fn it_stands_behind_what_other_caches_said() {
        let mut headers = HeaderMap::new();
        headers.insert(&CACHE_STATUS, HeaderValue::from_static("Origin; hit"));
        CacheStatus::hit(1).append_to(&mut headers);
        let lines: Vec<_> = headers.get_all(&CACHE_STATUS).iter().collect();
        assert_eq!(lines, ["Origin; hit", "cachedpool; hit; ttl=1"]);
    }
}
