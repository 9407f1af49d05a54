//! Where a layer stands: what all its requests have in common, and what one of them asks.

use std::{
    any::TypeId,
    hash::{BuildHasher as _, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::{Uri, header::HOST, request::Parts};
use twox_hash::XxHash3_128;

use super::{
    key,
    marks::Marks,
    original,
    policy::Policy,
    request::{Ask, Audience, Credentials},
    store::ResponseStore,
    stored::StoredResponse,
};
use crate::cache::{
    Consistency, Engine, Errand, Key, Mode, Question, Shape, Stamp, Tag, Tags, Terms, WholeKey,
};

/// What an entry takes beside its body, at most: its headers.
const HEADERS: usize = 64 << 10;

/// For how long a key whose answer could not be kept passes.
const PASSES: Duration = Duration::from_secs(10);

/// For how long a key whose renewal has failed is not renewed again: however many stale answers are given meanwhile, a handler
/// in trouble is asked so often at most.
const RESTS: Duration = Duration::from_secs(1);

/// Numbers of layers are never used again.
static LAYERS: AtomicU64 = AtomicU64::new(0);

/// What the requests of one layer, and of its clones, have in common.
pub(super) struct Place {
    store: Arc<dyn ResponseStore>,
    pub(super) policy: Policy,
    pub(super) marks: Marks,
    /// Keys whose renewal has failed.
    pub(super) failed: Marks,
    /// No validator that is made of numbers of this process is one of another's.
    nonce: u64,
    /// Counts the validators that were made of numbers.
    told: AtomicU64,
    number: u64,
    terms: Terms,
}

/// A request that is for the cache, as the engine is asked it.
pub(super) struct Seat {
    pub(super) key: Key,
    pub(super) terms: Terms,
    pub(super) audience: Audience,
    /// The key holds for whom the response is.
    pub(super) is_personal: bool,
    /// Moved when a request has changed something under this URI.
    pub(super) target: Tags,
    whole: Option<WholeKey>,
}

impl Place {
    pub(super) fn new(store: Arc<dyn ResponseStore>, policy: Policy) -> Self {
        let terms = Terms {
            ttl: policy.kept_for(),
            empty_ttl: policy.kept_for(),
            stale_while_revalidate: policy.stale_while_revalidate,
            stale_if_error: policy.stale_if_error,
            tolerate_stale: None,
            max_stale: Duration::MAX,
            consistency: store.consistency(),
            max_rows: usize::MAX,
            max_bytes: policy.max_body.saturating_add(HEADERS),
            mode: Mode::Normal,
        };
        Self {
            store,
            policy,
            marks: Marks::new(PASSES),
            failed: Marks::new(RESTS),
            nonce: RandomState::new().hash_one(0),
            told: AtomicU64::new(0),
            // Relaxed: only that they differ matters.
            number: LAYERS.fetch_add(1, Ordering::Relaxed),
            terms,
        }
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        self.store.engine()
    }

    /// What makes a validator another one than all that were made before. Two bodies that were begun with the same may go on
    /// with something else, and when they are told their validators, nobody knows yet.
    pub(super) fn salt(&self) -> u64 {
        // Relaxed: only that they differ matters.
        self.nonce
            .wrapping_add(self.told.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The key of a request in this process.
    pub(super) fn key(&self, parts: &Parts, ask: &Ask) -> Key {
        Key {
            statement: self.number,
            // No query makes rows of this type, so its number is none of a statement.
            row: TypeId::of::<StoredResponse>(),
            shape: Shape::All,
            params: key::params(&self.policy, parts, ask.own_key.as_deref()),
        }
    }

    pub(super) fn seat(&self, parts: &Parts, ask: &Ask, key: Key, mode: Mode) -> Seat {
        let name = self.policy.shared_as.as_deref();
        let name = name.filter(|_| self.engine().is_shared());
        Seat {
            whole: name.and_then(|name| self.store.shared_key(name, &key.params)),
            terms: Terms { mode, ..self.terms },
            audience: ask.audience,
            is_personal: ask.own_key.is_some() || ask.audience.credentials == Credentials::Keyed,
            target: target(parts),
            key,
        }
    }
}

impl Seat {
    pub(super) fn errand(&self) -> Errand {
        Errand {
            key: self.key.clone(),
            whole: self.whole.clone(),
            terms: self.terms,
        }
    }

    /// What is noted of its URI. By the tier if the response is looked for there: it takes the words of all that it depends on.
    pub(super) async fn target_stamp(&self, engine: &Engine) -> Stamp {
        match (&self.whole, self.terms.consistency) {
            (None, Consistency::Bounded) => engine.stamp(&self.target),
            (Some(_), _) | (None, Consistency::Strict) => {
                engine.stamp_by_the_tier(&self.target).await
            }
        }
    }

    /// As it is asked when it is known what the answer depends on.
    pub(super) fn question(&self, tags: Tags) -> Question {
        Question {
            key: self.key.clone(),
            tags,
            terms: self.terms,
            whole: self.whole.clone(),
        }
    }
}

/// What a request that changes something changes by RFC 9111 §4.4, whatever the database is told: the responses of its
/// target URI.
pub(super) fn target(parts: &Parts) -> Tags {
    let uri: &Uri = original::uri(parts).unwrap_or(&parts.uri);
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = uri.authority().map(|host| host.as_str()).or(host);
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let uri = format!("//{}{path}", host.unwrap_or_default().to_ascii_lowercase());
    // Of one length: the tags of an entry are not counted among its bytes, and are told to caches and the hook.
    let word = format!("uri:{:032x}", XxHash3_128::oneshot(uri.as_bytes()));
    [Tag::user(&word)].into_iter().collect()
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

    use super::*;

    fn label(host: &str, path: &str) -> String {
        let request = http::Request::builder().uri(path).header(HOST, host);
        let (parts, ()) = request.body(()).unwrap().into_parts();
        target(&parts).labels().next().unwrap()
    }

    #[test]
    fn the_tag_of_a_uri_is_short_and_its_own() {
        let long = format!("/{}", "a".repeat(60_000));
        assert_eq!(label("h", &long).len(), "uri:".len() + 32);
        assert_ne!(
            label("h", &long),
            label("h", &long[1..].replacen('a', "/", 1))
        );
        assert_ne!(label("h", "/a?b"), label("h", "/a"));
        assert_ne!(label("h", "/a"), label("g", "/a"));
        assert_eq!(label("h", "/a"), label("H", "/a"));
    }
}
