//! What the tests of this room share.

use std::{any::TypeId, collections::HashMap, sync::Arc};

#[cfg(all(
    not(shuttle),
    any(all(feature = "cdc", feature = "postgres"), feature = "http")
))]
use super::engine_tests::hub::Hub;
use super::{
    AnyEntry, Engine, EngineSettings, Key, ManualTime, Meta, Question, Shape, Stamp, Store, Stored,
    Tag, Tags, Terms, Tick, Time,
    stamp::Standing,
    sync::{Mutex, lock},
};
#[cfg(not(shuttle))]
use super::{Cached, Entry, Freshness, Source};

/// A store without limits and without housekeeping.
#[derive(Default)]
pub(super) struct PlainStore(Mutex<HashMap<Key, Arc<dyn AnyEntry>>>);

impl Store for PlainStore {
    fn get(&self, key: &Key) -> Option<Arc<dyn AnyEntry>> {
        lock(&self.0).get(key).cloned()
    }

    fn insert(&self, key: Key, entry: Arc<dyn AnyEntry>, keeps: &dyn Fn(&Meta) -> bool) -> Stored {
        let mut entries = lock(&self.0);
        if entries
            .get(&key)
            .is_some_and(|present| keeps(present.meta()))
        {
            return Stored::Superseded;
        }
        entries.insert(key, entry);
        Stored::Inserted
    }

    fn remove(&self, key: &Key) -> Option<Arc<dyn AnyEntry>> {
        lock(&self.0).remove(key)
    }

    fn entries(&self) -> u64 {
        lock(&self.0).len() as u64
    }

    fn bytes(&self) -> u64 {
        lock(&self.0)
            .values()
            .map(|entry| entry.meta().bytes() as u64)
            .sum()
    }

    fn sync(&self) {}
}

pub(super) fn key(statement: u64) -> Key {
    Key {
        statement,
        row: TypeId::of::<u64>(),
        shape: Shape::All,
        params: Default::default(),
    }
}

/// A read that stays in this process.
pub(super) fn question(statement: u64, tags: Tags, terms: Terms) -> Question {
    Question {
        key: key(statement),
        tags,
        terms,
        whole: None,
    }
}

pub(crate) fn tables<const N: usize>(names: [&str; N]) -> Tags {
    names.into_iter().map(Tag::table).collect()
}

/// A stamp of no tags, noted at `noted`.
pub(super) fn stamp(noted: Tick) -> Stamp {
    Stamp {
        tags: Tags::none(),
        versions: smallvec::smallvec![0],
        noted,
        standing: Standing::Clear,
        outside: None,
    }
}

#[cfg(not(shuttle))]
pub(super) fn meta(noted: Tick, rows: usize) -> Meta {
    Meta {
        stamp: stamp(noted),
        rows,
        jitter: super::freshness::Share(0),
        fresh_at_most: std::time::Duration::MAX,
        life: std::time::Duration::MAX,
        bytes: 0,
        digest: None,
        origin: Source::Database,
    }
}

#[cfg(not(shuttle))]
pub(crate) fn cached<T>(value: T) -> Cached<T> {
    let start = Tick::from_nanos(0);
    Cached::new(
        Arc::new(Entry {
            meta: meta(start, 1),
            value,
        }),
        start,
        Freshness::Fresh,
        Source::Local,
        Some(std::time::Duration::from_secs(60)),
    )
}

/// Two engines on one shared tier, once they may use it, and with time turned by hand.
#[cfg(all(not(shuttle), feature = "http"))]
pub(crate) async fn engines(
    settings: EngineSettings,
    handle: tokio::runtime::Handle,
) -> ([Arc<Engine>; 2], ManualTime) {
    let (engines, _, hand) = engines_on_hub(settings, handle).await;
    (engines, hand)
}

/// The same, with the tier.
#[cfg(all(
    not(shuttle),
    any(all(feature = "cdc", feature = "postgres"), feature = "http")
))]
pub(crate) async fn engines_on_hub(
    settings: EngineSettings,
    handle: tokio::runtime::Handle,
) -> ([Arc<Engine>; 2], Arc<Hub>, ManualTime) {
    let (hub, time, hand) = Hub::new();
    let engines = [(); 2].map(|()| {
        let shared = Some((hub.member(), super::SharedSettings::default()));
        let store = Arc::new(PlainStore::default());
        Engine::new(
            settings.clone(),
            shared,
            store,
            time.clone(),
            handle.clone(),
        )
    });
    while !engines.iter().all(|engine| engine.stats().shared_live) {
        tokio::task::yield_now().await;
    }
    (engines, hub, hand)
}

/// Settings whose hook notes the tags that it is told.
#[cfg(all(feature = "http", not(shuttle)))]
pub(crate) fn telling(
    settings: EngineSettings,
) -> (EngineSettings, Arc<std::sync::Mutex<Vec<String>>>) {
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let notes = told.clone();
    let hook = crate::observe::Hook::new(move |invalidation| {
        if let crate::observe::Invalidation::Tags(tags) = invalidation {
            notes.lock().unwrap().extend(tags.iter().cloned());
        }
    });
    let hook = Some(hook);
    (EngineSettings { hook, ..settings }, told)
}

/// An engine on a plain store, with time turned by hand.
pub(crate) fn engine(
    settings: EngineSettings,
    handle: tokio::runtime::Handle,
) -> (Arc<Engine>, ManualTime) {
    let (time, hand) = Time::manual();
    (
        Engine::new(
            settings,
            None,
            Arc::new(PlainStore::default()),
            time,
            handle,
        ),
        hand,
    )
}
