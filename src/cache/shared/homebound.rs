//! The types of which something stays in this process, since it would not come back from another one as it went.

use std::{
    any::{TypeId, type_name},
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use super::fidelity::Stay;
use crate::observe::{Event, Observer};

/// What of a type stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Some,
    All,
}

/// A program has so many types and no more, so this is bounded.
#[derive(Default)]
pub(super) struct Homebound(RwLock<HashMap<TypeId, Extent>>);

impl Homebound {
    /// Whether nothing of this type is shared any more.
    pub(super) fn holds<T: 'static>(&self) -> bool {
        // Each entry is written in one step, so a panic elsewhere leaves nothing half done.
        let types = self.0.read().unwrap_or_else(PoisonError::into_inner);
        types.get(&TypeId::of::<T>()) == Some(&Extent::All)
    }

    /// Takes note of a value that stays: always counted, told once a type, and once more when that is so of the whole type.
    pub(super) fn add<T: 'static>(&self, why: Stay, observer: &Observer) {
        let extent = if why.is_of_the_type() {
            Extent::All
        } else {
            Extent::Some
        };
        observer.counters.withheld.add(why.label());
        let mut types = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let known = types.get(&TypeId::of::<T>()).copied();
        if known.is_none() || (known, extent) == (Some(Extent::Some), Extent::All) {
            types.insert(TypeId::of::<T>(), extent);
            drop(types);
            observer.emit(Event::SharedStoreWithheld {
                value: type_name::<T>(),
                why: why.label(),
            });
        }
    }
}
