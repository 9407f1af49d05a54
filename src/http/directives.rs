//! `Cache-Control`: read from requests and responses, written to responses (RFC 9111 §5.2).
//!
//! Not by the type of the crate `headers`: one malformed directive makes it drop the whole line, so that `no-store,
//! max-age=x` would be kept; it does not know `private="…"`, `max-stale` without a value, nor extensions; and of two values it
//! takes the last where the smaller is the safe one.

use std::{borrow::Cow, time::Duration};

use http::{
    HeaderMap,
    header::{CACHE_CONTROL, PRAGMA},
};

/// What a request says of caching.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) no_cache: bool,
    pub(super) no_store: bool,
    pub(super) only_if_cached: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) min_fresh: Option<Duration>,
    pub(super) max_stale: Option<Duration>,
}

/// What a handler says of caching its response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) no_cache: bool,
    pub(super) no_store: bool,
    pub(super) private: bool,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    pub(super) proxy_revalidate: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) s_maxage: Option<Duration>,
    /// Whatever else, as it was written.
    pub(super) others: Vec<String>,
}

impl Wanted {
    /// What the headers of a request say. A directive that is malformed is ignored; `max-age` then asks for an answer that is
    /// not of the cache, which is always allowed.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let mut wanted = Self::default();
        if !headers.contains_key(CACHE_CONTROL) {
            // §5.4: it counts only where there is no Cache-Control.
            wanted.no_cache = headers.get_all(PRAGMA).iter().any(|line| {
                items(line.as_bytes())
                    .any(|item| item.trim_ascii().eq_ignore_ascii_case(b"no-cache"))
            });
            return wanted;
        }
        each_directive(headers, |name, value, _| match name {
            "no-cache" => wanted.no_cache = true,
            "no-store" => wanted.no_store = true,
            "only-if-cached" => wanted.only_if_cached = true,
            "max-age" => smaller(&mut wanted.max_age, value.and_then(seconds)),
            "min-fresh" => larger(&mut wanted.min_fresh, value.and_then(seconds)),
            // §5.2.1.2: without a value, however stale.
            "max-stale" => smaller(
                &mut wanted.max_stale,
                value.map_or(Some(Duration::MAX), seconds),
            ),
            _ => {}
        });
        wanted
    }
}

impl Said {
    /// What the headers of a response say.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let mut said = Self::default();
        each_directive(headers, |name, value, whole| match name {
            // With names of fields they speak of these alone; a cache may take them for the whole (§5.2.2.4, §5.2.2.7).
            "no-cache" => said.no_cache = true,
            "private" => said.private = true,
            "no-store" => said.no_store = true,
            "public" => said.public = true,
            "must-revalidate" => said.must_revalidate = true,
            "proxy-revalidate" => said.proxy_revalidate = true,
            // §4.2.1: what is no number counts as expired; of two the smaller is the safe one.
            "max-age" => smaller(
                &mut said.max_age,
                Some(value.and_then(seconds).unwrap_or_default()),
            ),
            "s-maxage" => smaller(
                &mut said.s_maxage,
                Some(value.and_then(seconds).unwrap_or_default()),
            ),
            _ => said.others.push(whole.to_owned()),
        });
        said
    }

    /// For how long a shared cache may use the response (§4.2.1).
    pub(super) fn fresh_for(&self) -> Option<Duration> {
        self.s_maxage.or(self.max_age)
    }
}

/// Calls `with` with each directive's name in lower case, its value without quotes, and the whole of it.
fn each_directive(headers: &HeaderMap, mut with: impl FnMut(&str, Option<&str>, &str)) {
    for line in headers.get_all(CACHE_CONTROL) {
        for item in items(line.as_bytes()) {
            let Ok(whole) = str::from_utf8(item.trim_ascii()) else {
                continue;
            };
            let (name, value) = match whole.split_once('=') {
                Some((name, value)) => (name.trim_end(), Some(unquoted(value.trim_start()))),
                None => (whole, None),
            };
            if !name.is_empty() {
                with(&name.to_ascii_lowercase(), value.as_deref(), whole);
            }
        }
    }
}

/// The items of a list (RFC 9110 §5.6.1): a comma in quotes does not part them.
pub(super) fn items(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(move |&byte| {
        match (quoted, escaped, byte) {
            (true, true, _) => escaped = false,
            (true, false, b'\\') => escaped = true,
            (_, _, b'"') => quoted = !quoted,
            (false, _, b',') => return true,
            _ => {}
        }
        false
    })
}

/// A quoted string's content (RFC 9110 §5.6.4); anything else as it is.
fn unquoted(value: &str) -> Cow<'_, str> {
    match value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
    {
        Some(inner) if inner.contains('\\') => Cow::Owned(inner.replace('\\', "")),
        Some(inner) => Cow::Borrowed(inner),
        None => Cow::Borrowed(value),
    }
}

/// RFC 9111 §1.2.2: a number too large is a very large one.
fn seconds(value: &str) -> Option<Duration> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| Duration::from_secs(value.parse().unwrap_or(1 << 31)))
}

fn smaller(present: &mut Option<Duration>, other: Option<Duration>) {
    *present = [*present, other].into_iter().flatten().min();
}

fn larger(present: &mut Option<Duration>, other: Option<Duration>) {
    *present = (*present).max(other);
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn headers(lines: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn said(line: &str) -> Said {
        Said::read(&headers(&[(CACHE_CONTROL, line)]))
    }

    const fn secs(n: u64) -> Option<Duration> {
        Some(Duration::from_secs(n))
    }

    #[test]
    fn a_malformed_directive_does_not_hide_the_others() {
        assert!(said("max-age=x, No-Store").no_store);
        assert!(said("=, ,;, no-cache=\"a, b\" , private = \"x\"").no_cache);
        assert!(said("no-cache=\"a, b\" , private = \"x\"").private);
        assert!(said("x=\"a\\\", b\", no-store").no_store);
    }

    #[test]
    fn a_lifetime_that_is_no_number_is_over() {
        assert_eq!(said("max-age=abc").fresh_for(), secs(0));
        assert_eq!(said("max-age").fresh_for(), secs(0));
        assert_eq!(said("max-age=-1").fresh_for(), secs(0));
        assert_eq!(said("max-age=\"5\"").fresh_for(), secs(5));
        assert_eq!(
            said("max-age=99999999999999999999").fresh_for(),
            secs(1 << 31)
        );
        assert_eq!(said("no-transform").fresh_for(), None);
    }

    #[test]
    fn of_two_lifetimes_the_smaller_counts() {
        assert_eq!(said("max-age=60, max-age=5").max_age, secs(5));
        let two = headers(&[
            (CACHE_CONTROL, "s-maxage=3"),
            (CACHE_CONTROL, "s-maxage=9, max-age=1"),
        ]);
        assert_eq!(Said::read(&two).fresh_for(), secs(3));
    }

    #[test]
    fn what_is_not_known_is_kept_as_it_was_written() {
        let said = said("no-transform, Stale-If-Error=5, community=\"U, C\"");
        assert_eq!(
            said.others,
            ["no-transform", "Stale-If-Error=5", "community=\"U, C\""]
        );
    }

    #[test]
    fn pragma_counts_only_without_cache_control() {
        let alone = headers(&[(PRAGMA, "x, No-Cache")]);
        assert!(Wanted::read(&alone).no_cache);
        let both = headers(&[(PRAGMA, "no-cache"), (CACHE_CONTROL, "max-age=9")]);
        assert!(!Wanted::read(&both).no_cache);
    }

    #[test]
    fn a_request_says_what_it_takes() {
        let wanted = headers(&[(
            CACHE_CONTROL,
            "max-age=9, min-fresh=2, max-stale, only-if-cached",
        )]);
        assert_eq!(
            Wanted::read(&wanted),
            Wanted {
                only_if_cached: true,
                max_age: secs(9),
                min_fresh: secs(2),
                max_stale: Some(Duration::MAX),
                ..Wanted::default()
            }
        );
        let malformed = headers(&[(CACHE_CONTROL, "max-age=x, min-fresh=, max-stale=y")]);
        assert_eq!(Wanted::read(&malformed), Wanted::default());
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(line in "[ -~]{0,40}") {
            let headers = headers(&[(CACHE_CONTROL, line.as_str())]);
            Said::read(&headers);
            Wanted::read(&headers);
        }

        #[test]
        fn no_store_is_found_among_anything(before in "[a-z=0-9 ;]{0,12}", after in "[ -~]{0,12}") {
            let line = format!("{before},no-store,{after}");
            prop_assert!(said(&line).no_store);
        }
    }
}
