//! The answer that a reader holds: a shared value and where it came from.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    ops::Deref,
    sync::Arc,
    time::Duration,
};

use serde::Serialize;

use super::{Cause, Entry, Freshness, Meta, Tick, weigh};

/// A result behind a shared pointer: nothing is cloned to hand it out.
///
/// Derefs to the value. A clone shares it.
pub struct Cached<T> {
    held: Held<T>,
    age: Duration,
    /// How long it is fresh in all; none where it is not kept.
    lifetime: Option<Duration>,
    freshness: Freshness,
    source: Source,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// From the database: by this read or by a concurrent one of the same.
    Database,
    /// From this process's memory.
    Local,
    /// From the tier that processes share: another process loaded it, or this one has since forgotten it.
    Shared,
}

enum Held<T> {
    Whole(Arc<Entry<T>>),
    Part(Arc<dyn Part<T>>),
}

/// Something that a `T` is a part of, and certainly there.
trait Part<T>: Send + Sync {
    fn part(&self) -> &T;
    fn meta(&self) -> &Meta;
}

/// What the optional part of something holds.
struct Inside<T>(Arc<dyn Part<Option<T>>>);

impl<T> Cached<T> {
    pub(super) fn new(
        entry: Arc<Entry<T>>,
        now: Tick,
        freshness: Freshness,
        source: Source,
        lifetime: Option<Duration>,
    ) -> Self {
        let age = now.since(entry.meta.created());
        Self {
            held: Held::Whole(entry),
            age,
            lifetime,
            freshness,
            source,
        }
    }

    /// The same value, answered now for another reason.
    pub(super) fn restated(self, now: Tick, cause: Cause) -> Self {
        Self {
            age: now.since(self.meta().created()),
            freshness: Freshness::Stale(cause),
            ..self
        }
    }

    /// How old the value was when it was handed out, counted from the beginning of its load.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// Whether it was fresh by the terms of the read, and if not, why it was answered.
    pub fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// How long it is fresh by the terms of the read, counted as its [`age`](Self::age) is; `None` for a value that came
    /// past the cache and was not kept.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }

    /// How long it is still fresh; zero for a stale value and for one that was not kept.
    pub fn fresh_for(&self) -> Duration {
        self.lifetime.unwrap_or_default().saturating_sub(self.age)
    }

    /// What HTTP's `Cache-Control` (RFC 9111 §5.2.2) can say of a response made of it: `private, max-age=` the whole seconds that
    /// it is still fresh, and `no-cache` where there are none.
    ///
    /// # Staleness
    /// A client that keeps the response for that long does not see writes meanwhile; nor is it told who may see it, so it is
    /// never called public.
    pub fn cache_control(&self) -> String {
        match self.fresh_for().as_secs() {
            0 => "no-cache".to_owned(),
            left => format!("private, max-age={left}"),
        }
    }

    /// Where it came from.
    pub fn source(&self) -> Source {
        self.source
    }

    /// What the stored value takes, about, in bytes; zero for one that was not stored.
    pub fn bytes(&self) -> usize {
        self.meta().bytes()
    }

    /// The names of the tables and the words of the user that it depends on.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.meta().stamp.tags().names()
    }

    /// The value itself; a clone of it where others share it.
    pub fn into_owned(self) -> T
    where
        T: Clone,
    {
        match self.held {
            Held::Whole(entry) => Arc::try_unwrap(entry)
                .map_or_else(|shared| shared.value.clone(), |entry| entry.value),
            Held::Part(part) => part.part().clone(),
        }
    }

    pub(crate) fn meta(&self) -> &Meta {
        self.held.meta()
    }
}

impl<T: Serialize> Cached<T> {
    /// A strong validator of the content in its quoted form, for HTTP's `ETag` (RFC 9110 §8.8.3): equal content
    /// of one type has an equal tag, in every process.
    ///
    /// A value that was not stored is encoded here, at each call; one that cannot be encoded gets a tag that
    /// never matches another.
    pub fn etag(&self) -> String {
        match self
            .meta()
            .digest
            .map_or_else(|| weigh(&**self).map(|weight| weight.digest), Ok)
        {
            Ok(digest) => format!("\"{digest:032x}\""),
            Err(_) => {
                // Two states of one process never agree, since the keys of each are its own.
                let nonce = RandomState::new();
                format!("\"u{:016x}{:016x}\"", nonce.hash_one(0), nonce.hash_one(1))
            }
        }
    }
}

impl<T: Send + Sync + 'static> Cached<Option<T>> {
    /// What the option holds, without cloning it.
    pub fn transpose(self) -> Option<Cached<T>> {
        let Self {
            held,
            age,
            lifetime,
            freshness,
            source,
        } = self;
        held.value().as_ref()?;
        let part: Arc<dyn Part<T>> = match held {
            Held::Whole(entry) => entry,
            Held::Part(part) => Arc::new(Inside(part)),
        };
        Some(Cached {
            held: Held::Part(part),
            age,
            lifetime,
            freshness,
            source,
        })
    }
}

impl<T> Deref for Cached<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.held.value()
    }
}

impl<T> AsRef<T> for Cached<T> {
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Self {
        let held = match &self.held {
            Held::Whole(entry) => Held::Whole(entry.clone()),
            Held::Part(part) => Held::Part(part.clone()),
        };
        Self {
            held,
            age: self.age,
            lifetime: self.lifetime,
            freshness: self.freshness,
            source: self.source,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Cached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cached")
            .field("value", &**self)
            .field("age", &self.age)
            .field("freshness", &self.freshness)
            .field("source", &self.source)
            .finish()
    }
}

impl<T> Held<T> {
    fn value(&self) -> &T {
        match self {
            Held::Whole(entry) => &entry.value,
            Held::Part(part) => part.part(),
        }
    }

    fn meta(&self) -> &Meta {
        match self {
            Held::Whole(entry) => &entry.meta,
            Held::Part(part) => part.meta(),
        }
    }
}

impl<T: Send + Sync> Part<T> for Entry<Option<T>> {
    fn part(&self) -> &T {
        some(&self.value)
    }

    fn meta(&self) -> &Meta {
        &self.meta
    }
}

impl<T> Part<T> for Inside<T> {
    fn part(&self) -> &T {
        some(self.0.part())
    }

    fn meta(&self) -> &Meta {
        self.0.meta()
    }
}

fn some<T>(value: &Option<T>) -> &T {
    value
        .as_ref()
        .expect("a part is made of a value that is there, and values never change")
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::{
        super::{EngineSettings, Terms, testkit},
        *,
    };

    #[test]
    fn what_an_option_holds_is_reached_without_a_clone() {
        struct NotClone(u8);
        let cached = testkit::cached(Some(Some(NotClone(7))));
        let inner = cached.clone().transpose().and_then(Cached::transpose);
        assert_eq!(inner.map(|held| held.0), Some(7));
        assert!(testkit::cached(None::<u8>).transpose().is_none());
    }

    #[test]
    fn an_etag_follows_the_content_and_nothing_else() {
        let (one, same, other) = (
            testkit::cached(vec![1, 2]),
            testkit::cached(vec![1, 2]),
            testkit::cached(vec![2]),
        );
        assert_eq!(one.etag(), same.etag());
        assert_ne!(one.etag(), other.etag());
        assert!(one.etag().starts_with('"') && one.etag().ends_with('"'));
        assert_eq!(
            testkit::cached(Some(3)).transpose().map(|held| held.etag()),
            Some(testkit::cached(3).etag())
        );
    }

    #[tokio::test]
    async fn a_row_that_is_null_and_no_row_have_etags_of_their_own() {
        let handle = tokio::runtime::Handle::current();
        let (engine, _) = testkit::engine(EngineSettings::default(), handle);
        let kept = |row: Option<Option<i64>>| {
            let question = testkit::question(1, testkit::tables(["a"]), Terms::default());
            let stamp = engine.stamp(&question.tags);
            engine.store(question, stamp, row)
        };
        let passed = |row: Option<Option<i64>>| engine.pass(testkit::stamp(Tick::BEGIN), row);
        assert_ne!(kept(Some(None)).etag(), kept(None).etag());
        for row in [Some(None), Some(Some(1)), None] {
            assert_eq!(kept(row).etag(), passed(row).etag(), "{row:?}");
        }
    }

    #[test]
    fn an_unshared_value_is_moved_out() {
        let value = vec![String::from("Ada")];
        let place = value.as_ptr();
        let moved = testkit::cached(value).into_owned();
        assert_eq!(moved.as_ptr(), place);
    }
}
