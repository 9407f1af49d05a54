//! A result as it is kept: the value and what is known of it.

use std::{any::Any, sync::Arc, time::Duration};

use super::{Key, Source, Stamp, Tick, freshness::Share};

/// What is known of a kept value.
#[derive(Clone, Debug)]
pub struct Meta {
    /// Noted before the load; while it equals the clock the value is true.
    pub(super) stamp: Stamp,
    /// Rows of the value.
    pub(super) rows: usize,
    /// The part of its time to live that this entry gives up, so that entries made together do
    /// not expire together.
    pub(super) jitter: Share,
    /// How long it is fresh at most, whatever a reader's terms say.
    pub(super) fresh_at_most: Duration,
    /// For how long it can be of use to the reader who stored it.
    pub(super) life: Duration,
    /// What it takes in the store, in bytes.
    pub(super) bytes: usize,
    /// Of the encoded value; absent for what was never measured.
    pub(super) digest: Option<u128>,
    /// Where it came from into this process.
    pub(super) origin: Source,
}

/// What an entry takes beside its value and its key: its own fields and the store's book-keeping, about.
const OVERHEAD: usize = 256;

impl Meta {
    /// What an entry takes whose value is `encoded` bytes long when it is encoded.
    pub(super) fn bytes_of<T>(key: &Key, encoded: usize) -> usize {
        encoded
            .saturating_add(key.bytes())
            .saturating_add(size_of::<T>())
            .saturating_add(OVERHEAD)
    }

    /// The stamp that the value was loaded under.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// When the load began.
    pub fn created(&self) -> Tick {
        self.stamp.noted()
    }

    /// For how long, from now on, a store should keep it.
    pub fn life(&self) -> Duration {
        self.life
    }

    /// What it takes in a store: the encoded size of the value, the key, and what the entry adds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

/// A kept value of one type.
#[derive(Debug)]
pub struct Entry<T> {
    pub(super) meta: Meta,
    pub(super) value: T,
}

impl<T> Entry<T> {
    /// What is known of the value.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }
}

/// A kept value of any type, as stores hold it.
pub trait AnyEntry: Any + Send + Sync {
    /// What is known of the value.
    fn meta(&self) -> &Meta;
}

impl<T: Send + Sync + 'static> AnyEntry for Entry<T> {
    fn meta(&self) -> &Meta {
        &self.meta
    }
}

/// The entry with its type back. `None` if it is of another type, which its key rules out.
pub(super) fn downcast<T: Send + Sync + 'static>(
    entry: Arc<dyn AnyEntry>,
) -> Option<Arc<Entry<T>>> {
    let any: Arc<dyn Any + Send + Sync> = entry;
    any.downcast().ok()
}
