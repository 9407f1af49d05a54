//! Where entries are kept, as the engine sees it.

use std::sync::Arc;

use super::{AnyEntry, Key, Meta};

/// A bounded place for entries. It may forget any of them at any time and decides nothing: whether an entry may
/// be served is up to the engine.
pub trait Store: Send + Sync + 'static {
    /// The entry under `key`.
    fn get(&self, key: &Key) -> Option<Arc<dyn AnyEntry>>;

    /// Puts `entry` under `key`, unless `keeps` says that the entry which is there must stay. The question and
    /// the deed are one step: no other insert under the key comes between.
    fn insert(&self, key: Key, entry: Arc<dyn AnyEntry>, keeps: &dyn Fn(&Meta) -> bool) -> Stored;

    /// Takes the entry under `key` out.
    fn remove(&self, key: &Key) -> Option<Arc<dyn AnyEntry>>;

    /// How many entries there are, about.
    fn entries(&self) -> u64;

    /// What they take, about, in bytes.
    fn bytes(&self) -> u64;

    /// Does the housekeeping that is due, so that [`entries`](Self::entries) and [`bytes`](Self::bytes) are exact.
    fn sync(&self);
}

/// What became of an entry that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is there.
    Inserted,
    /// A newer one was there and stays.
    Superseded,
    /// It is too large for the store.
    TooLarge,
}
