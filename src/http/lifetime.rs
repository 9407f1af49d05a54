//! What clients are told of keeping a response: the policy's word, the handler's, and what is left of the entry, whichever is
//! least.

use std::{fmt::Write as _, time::Duration};

use http::{HeaderMap, HeaderValue, header::CACHE_CONTROL};

use super::{
    directives::Said,
    policy::{Policy, Visibility},
    request::Credentials,
};

/// How old a response is, and for how long it is still fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) age: Duration,
    pub(super) left: Duration,
}

/// Who may use a copy of a response without asking, by what was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copies {
    /// Nobody.
    None,
    /// The client that was answered.
    Own,
    /// Caches that answer others with it too.
    Shared,
}

/// Whether a response is for its user alone.
pub(super) fn is_private(policy: &Policy, credentials: Credentials) -> bool {
    match (credentials, policy.visibility) {
        (Credentials::Keyed, _) | (_, Visibility::Private) => true,
        // Caches on the way do not know what the function looks at.
        (Credentials::Absent, Visibility::Unsaid) => policy.key.is_some(),
        (Credentials::Absent, Visibility::Public) => false,
    }
}

/// Puts `Cache-Control` in the place of what the handler said (RFC 9111 §5.2.2).
///
/// A client takes `max-age` less `Age` for what is left (§4.2). So that this is never more than what is left, the lifetime that
/// is told at most is the sum of the two in whole seconds, each rounded down.
pub(super) fn tell(
    policy: &Policy,
    credentials: Credentials,
    span: Span,
    headers: &mut HeaderMap,
) -> Copies {
    let said = Said::read(headers);
    let most = Duration::from_secs(span.left.as_secs().saturating_add(span.age.as_secs()));
    let least = |own: Option<Duration>, handlers: Option<Duration>| {
        [own, handlers, Some(most)].into_iter().flatten().min()
    };
    let private = is_private(policy, credentials) || said.private;
    let max_age = match (policy.max_age, said.max_age) {
        (None, None) => None,
        (own, handlers) => least(own, handlers),
    }
    .map_or(0, |span| span.as_secs());
    let s_maxage = match (policy.s_maxage, said.s_maxage) {
        _ if private => None,
        (None, None) => None,
        (own, handlers) => least(own, handlers),
    }
    .map(|span| span.as_secs());

    let mut line = String::with_capacity(64);
    let mut add = |directive: std::fmt::Arguments<'_>| {
        let comma = if line.is_empty() { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(line, "{comma}{directive}");
    };
    if private {
        add(format_args!("private"));
    } else if policy.visibility == Visibility::Public || said.public {
        add(format_args!("public"));
    }
    match (max_age, s_maxage) {
        (0, None | Some(0)) => add(format_args!("no-cache")),
        (max_age, None) => add(format_args!("max-age={max_age}")),
        (max_age, Some(s_maxage)) => add(format_args!("max-age={max_age}, s-maxage={s_maxage}")),
    }
    if said.must_revalidate {
        add(format_args!("must-revalidate"));
    }
    if said.proxy_revalidate {
        add(format_args!("proxy-revalidate"));
    }
    for other in &said.others {
        add(format_args!("{other}"));
    }
    if let Ok(value) = HeaderValue::try_from(line) {
        headers.insert(CACHE_CONTROL, value);
    }
    match (max_age, s_maxage) {
        _ if !private && s_maxage.unwrap_or(max_age) > 0 => Copies::Shared,
        (0, None | Some(0)) => Copies::None,
        _ => Copies::Own,
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

    use http::header::AUTHORIZATION;
    use proptest::prelude::*;

    use super::*;

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn told_to(
        policy: &Policy,
        credentials: Credentials,
        said: &str,
        age: u64,
        left: u64,
    ) -> String {
        let mut headers = HeaderMap::new();
        if !said.is_empty() {
            headers.insert(CACHE_CONTROL, HeaderValue::from_str(said).unwrap());
        }
        let span = Span {
            age: secs(age),
            left: secs(left),
        };
        tell(policy, credentials, span, &mut headers);
        headers[CACHE_CONTROL].to_str().unwrap().to_owned()
    }

    fn told(policy: &Policy, said: &str, age: u64, left: u64) -> String {
        told_to(policy, Credentials::Absent, said, age, left)
    }

    #[test]
    fn clients_ask_each_time_unless_told_otherwise() {
        assert_eq!(told(&Policy::new(), "", 0, 60), "no-cache");
        assert_eq!(
            told(&Policy::new().private(), "", 0, 60),
            "private, no-cache"
        );
        let shared = Policy::new().public().s_maxage(secs(30));
        assert_eq!(told(&shared, "", 0, 60), "public, max-age=0, s-maxage=30");
    }

    #[test]
    fn the_least_of_all_lifetimes_is_told() {
        let policy = Policy::new().max_age(secs(30)).s_maxage(secs(50));
        assert_eq!(told(&policy, "", 0, 60), "max-age=30, s-maxage=50");
        assert_eq!(told(&policy, "", 10, 25), "max-age=30, s-maxage=35");
        assert_eq!(told(&policy, "", 10, 5), "max-age=15, s-maxage=15");
        assert_eq!(
            told(&policy, "max-age=9, s-maxage=70", 0, 60),
            "max-age=9, s-maxage=50"
        );
        assert_eq!(told(&Policy::new(), "max-age=9", 0, 60), "max-age=9");
        assert_eq!(told(&Policy::new(), "max-age=9", 0, 4), "max-age=4");
    }

    #[test]
    fn the_rest_of_what_the_handler_said_stays() {
        let policy = Policy::new().max_age(secs(5));
        assert_eq!(
            told(
                &policy,
                "must-revalidate, immutable, public, x=\"a,b\"",
                0,
                60
            ),
            "public, max-age=5, must-revalidate, immutable, x=\"a,b\""
        );
    }

    #[test]
    fn what_is_for_one_user_is_private() {
        let policy = Policy::new()
            .public()
            .max_age(secs(5))
            .s_maxage(secs(9))
            .vary([AUTHORIZATION]);
        assert_eq!(
            told_to(&policy, Credentials::Keyed, "", 0, 60),
            "private, max-age=5"
        );
        assert_eq!(told(&policy, "", 0, 60), "public, max-age=5, s-maxage=9");
        let by_function = Policy::new().max_age(secs(5)).key(|_| None);
        assert_eq!(told(&by_function, "", 0, 60), "private, max-age=5");
        assert_eq!(told(&by_function.public(), "", 0, 60), "public, max-age=5");
        assert_eq!(
            told(&Policy::new().max_age(secs(5)), "private", 0, 60),
            "private, max-age=5"
        );
    }

    proptest! {
        #[test]
        fn no_client_keeps_it_longer_than_it_is_fresh(
            own in 0_u64..100, shared in 0_u64..100,
            age in 0_u64..100_000, left in 0_u64..100_000,
        ) {
            let (age, left) = (Duration::from_millis(age), Duration::from_millis(left));
            let policy = Policy::new().max_age(secs(own)).s_maxage(secs(shared));
            let mut headers = HeaderMap::new();
            tell(&policy, Credentials::Absent, Span { age, left }, &mut headers);
            let said = Said::read(&headers);
            for told in [said.max_age, said.s_maxage].into_iter().flatten() {
                prop_assert!(told.saturating_sub(secs(age.as_secs())) <= left);
            }
        }
    }
}
