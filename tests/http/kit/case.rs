//! One sentence of an RFC, and the conversation that shows whether it holds.

use std::{fmt::Write as _, time::Duration};

use axum::http::Method;
use cachedpool::http::Policy;
use cachedpool_test_support::wait_until;

use super::{
    origin::{Answer, Asked, Origin},
    site::{Reply, SOON, Site},
};

/// A case of the suite.
pub(crate) struct Case {
    section: &'static str,
    sentence: &'static str,
    policy: Policy,
    origin: Origin,
    steps: Vec<Step>,
}

enum Step {
    Ask(Ask),
    /// The clock is turned by so many seconds.
    After(u64),
    /// The page is written, through the pool: its version goes up by one.
    Write,
    /// What goes on in the background ends, and the handler has been asked so often in all.
    Asked(usize),
}

struct Ask {
    method: Method,
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    expected: Vec<Expected>,
}

/// What must hold of a response.
enum Expected {
    Status(u16),
    Body(&'static str),
    /// All values of a header, as one list.
    Says(&'static str, &'static str),
    Mentions(&'static str, &'static str),
    Omits(&'static str, &'static str),
    Lacks(&'static str),
    Has(&'static str),
    /// The handler was asked for it.
    Made,
    /// The handler was not asked for it.
    Kept,
}

/// A case about a page that is kept for a minute, by clients too.
pub(crate) fn case(section: &'static str, sentence: &'static str) -> Case {
    Case {
        section,
        sentence,
        policy: minute(),
        origin: Answer::page().into(),
        steps: Vec::new(),
    }
}

pub(crate) fn minute() -> Policy {
    Policy::new().max_age(Duration::from_secs(60))
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Plays all cases, and tells of all that fail.
pub(crate) async fn hold(cases: impl IntoIterator<Item = Case>) {
    let (mut count, mut failures) = (0, String::new());
    for case in cases {
        count += 1;
        let (section, sentence) = (case.section, case.sentence);
        if let Err(failure) = case.play().await {
            writeln!(failures, "{section}: {sentence}\n    {failure}").unwrap();
        }
    }
    assert!(count > 0);
    assert!(
        failures.is_empty(),
        "of {count} cases these fail:\n{failures}"
    );
}

impl Case {
    pub(crate) fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    pub(crate) fn origin(mut self, origin: impl Into<Origin>) -> Self {
        self.origin = origin.into();
        self
    }

    pub(crate) fn get(self, path: &'static str) -> Self {
        self.ask(Method::GET, path)
    }

    pub(crate) fn head(self, path: &'static str) -> Self {
        self.ask(Method::HEAD, path)
    }

    pub(crate) fn ask(mut self, method: Method, path: &'static str) -> Self {
        self.steps.push(Step::Ask(Ask {
            method,
            path,
            headers: Vec::new(),
            expected: Vec::new(),
        }));
        self
    }

    /// The last request has this header; `{etag}` in its value is the entity tag of the last response that had one.
    pub(crate) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.last().headers.push((name, value));
        self
    }

    pub(crate) fn is(self, status: u16) -> Self {
        self.expect(Expected::Status(status))
    }

    pub(crate) fn body(self, text: &'static str) -> Self {
        self.expect(Expected::Body(text))
    }

    pub(crate) fn says(self, header: &'static str, value: &'static str) -> Self {
        self.expect(Expected::Says(header, value))
    }

    pub(crate) fn mentions(self, header: &'static str, part: &'static str) -> Self {
        self.expect(Expected::Mentions(header, part))
    }

    pub(crate) fn omits(self, header: &'static str, part: &'static str) -> Self {
        self.expect(Expected::Omits(header, part))
    }

    pub(crate) fn has(self, header: &'static str) -> Self {
        self.expect(Expected::Has(header))
    }

    pub(crate) fn lacks(self, header: &'static str) -> Self {
        self.expect(Expected::Lacks(header))
    }

    pub(crate) fn made(self) -> Self {
        self.expect(Expected::Made)
    }

    pub(crate) fn kept(self) -> Self {
        self.expect(Expected::Kept)
    }

    pub(crate) fn after(mut self, seconds: u64) -> Self {
        self.steps.push(Step::After(seconds));
        self
    }

    pub(crate) fn write(mut self) -> Self {
        self.steps.push(Step::Write);
        self
    }

    pub(crate) fn asked(mut self, times: usize) -> Self {
        self.steps.push(Step::Asked(times));
        self
    }

    fn expect(mut self, expected: Expected) -> Self {
        self.last().expected.push(expected);
        self
    }

    fn last(&mut self) -> &mut Ask {
        match self.steps.last_mut() {
            Some(Step::Ask(ask)) => ask,
            _ => panic!("{}: there is no request before this", self.sentence),
        }
    }

    async fn play(self) -> Result<(), String> {
        let asked = Asked::default();
        let site = Site::new(|pool| self.origin.behind(self.policy, pool, &asked)).await;
        let mut etag = String::new();
        for (at, step) in self.steps.into_iter().enumerate() {
            match step {
                Step::Ask(ask) => {
                    let before = asked.times();
                    let reply = ask.send(&site, &etag).await;
                    etag = reply.header("etag").unwrap_or(etag);
                    let made = asked.times() > before;
                    for expected in &ask.expected {
                        expected.check(&reply, made).map_err(|wrong| {
                            format!("step {at}, {} {}: {wrong}; {reply:?}", ask.method, ask.path)
                        })?;
                    }
                }
                Step::After(seconds) => site.after(seconds),
                Step::Write => {
                    site.write("UPDATE pages SET version = version + 1 WHERE id = 1")
                        .await;
                }
                Step::Asked(times) => {
                    wait_until(SOON, self.sentence, async || {
                        asked.times() >= times && site.pool.stats().in_flight == 0
                    })
                    .await;
                    if asked.times() != times {
                        return Err(format!("step {at}: asked {} times", asked.times()));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Ask {
    async fn send(&self, site: &Site, etag: &str) -> Reply {
        let values: Vec<String> = self
            .headers
            .iter()
            .map(|(_, value)| value.replace("{etag}", etag))
            .collect();
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .zip(&values)
            .map(|((name, _), value)| (*name, value.as_str()))
            .collect();
        site.ask(self.method.clone(), self.path, &headers).await
    }
}

impl Expected {
    fn check(&self, reply: &Reply, made: bool) -> Result<(), String> {
        let said = |name| reply.header(name).unwrap_or_default();
        let (holds, what) = match self {
            Self::Status(status) => (reply.status == *status, format!("its status is {status}")),
            Self::Body(text) => (
                reply.body.as_deref() == Ok(text),
                format!("its body is {text:?}"),
            ),
            Self::Says(name, value) => (
                reply.header(name).as_deref() == Some(value),
                format!("it says {name}: {value}"),
            ),
            Self::Mentions(name, part) => {
                (said(name).contains(part), format!("{name} has {part:?}"))
            }
            Self::Omits(name, part) => (
                !said(name).contains(part),
                format!("{name} does not have {part:?}"),
            ),
            Self::Has(name) => (reply.headers.contains_key(*name), format!("it has {name}")),
            Self::Lacks(name) => (
                !reply.headers.contains_key(*name),
                format!("it has no {name}"),
            ),
            Self::Made => (made, "the handler is asked".to_owned()),
            Self::Kept => (!made, "the handler is not asked".to_owned()),
        };
        if holds {
            Ok(())
        } else {
            Err(format!("it does not hold that {what}"))
        }
    }
}
