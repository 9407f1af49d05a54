//! Tells one version of a row type from another, without a value of it.
//!
//! Promises: two types whose fields differ in number, name, order or kind have different fingerprints, as far as serde lets
//! one see it; one type has one fingerprint in every process that was built alike. It runs the type's `Deserialize` on made-up
//! input and notes what it asks for. It must not know what rows are, nor fail: what cannot be seen is noted as such, and
//! `docs/envelope.md` says what that is.

mod access;
mod explore;
mod probe;
mod samples;
#[cfg(all(test, not(shuttle)))]
mod tests;
mod walk;

use std::{
    any::{TypeId, type_name},
    collections::{BTreeSet, HashMap},
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use serde::de::DeserializeOwned;
use twox_hash::xxhash3_128::Hasher;

pub(in crate::cache) use walk::{Asked, Named};

/// A program has so many types and no more, so this is bounded.
static KNOWN: LazyLock<RwLock<HashMap<TypeId, Known>>> = LazyLock::new(RwLock::default);

/// What is known of a type.
#[derive(Clone)]
struct Known {
    print: u128,
    asked: Arc<Asked>,
}

/// The fingerprint of `T`: of its name, its size, and the names and kinds of its fields and of theirs.
///
/// The first call for a type takes microseconds to a few milliseconds, later ones look it up.
pub fn fingerprint<T: DeserializeOwned + 'static>() -> u128 {
    known::<T>().print
}

/// The fields that `T` asks for, and all within it: as far as serde lets one see them.
pub(in crate::cache) fn asked<T: DeserializeOwned + 'static>() -> Arc<Asked> {
    known::<T>().asked
}

fn known<T: DeserializeOwned + 'static>() -> Known {
    let id = TypeId::of::<T>();
    // Each entry is written in one step, so a panic elsewhere leaves nothing half done.
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.get(&id) {
        return known.clone();
    }
    drop(known);
    // Foreign code runs in here: not under the lock.
    let survey = explore::survey::<T>();
    let new = Known {
        print: hash::<T>(&survey.shape),
        asked: Arc::new(survey.asked()),
    };
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    known.insert(id, new.clone());
    new
}

fn hash<T>(shape: &BTreeSet<String>) -> u128 {
    let mut hasher = Hasher::new();
    hasher.write(type_name::<T>().as_bytes());
    // Fields that serde does not see change these at least.
    for number in [size_of::<T>(), align_of::<T>(), shape.len()] {
        hasher.write(&(number as u64).to_le_bytes());
    }
    for line in shape {
        hasher.write(&(line.len() as u64).to_le_bytes());
        hasher.write(line.as_bytes());
    }
    hasher.finish_128()
}
