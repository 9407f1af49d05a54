//! Names of row types, of which two types can have the same.
//!
//! Promises that among the reads of a process at most one mapping is known to others by a name: `struct Row` in two blocks of
//! one function have one name, and so may those of two versions of a crate. Which of the two another process means by it, nobody can
//! tell. Two processes of which each reads with one of them only do not notice.

use std::{
    any::TypeId,
    collections::{HashMap, hash_map::Entry},
    sync::{LazyLock, Mutex, PoisonError},
};

use crate::driver::whole::RowIdentity;

/// A mapping as others know it; `None` if its name does not tell it from all others that this process has read with.
pub(crate) fn stands_for_itself(row: RowIdentity, mapping: TypeId) -> Option<RowIdentity> {
    /// For the life of the process, like the types themselves.
    static NAMES: LazyLock<Mutex<Names>> = LazyLock::new(Mutex::default);
    // A panic while it is held leaves nothing half done.
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    names.is_of_one(row, mapping).then_some(row)
}

/// Who was seen under each name; `None` if there were several.
#[derive(Default)]
struct Names(HashMap<RowIdentity, Option<TypeId>>);

impl Names {
    /// Generic code can make types without end; past this, names are taken for ambiguous.
    const MOST: usize = 10_000;

    fn is_of_one(&mut self, row: RowIdentity, mapping: TypeId) -> bool {
        let is_full = self.0.len() >= Self::MOST;
        match self.0.entry(row) {
            Entry::Occupied(mut known) if *known.get() != Some(mapping) => {
                known.insert(None);
                false
            }
            Entry::Occupied(_) => true,
            Entry::Vacant(_) if is_full => false,
            Entry::Vacant(unknown) => {
                unknown.insert(Some(mapping));
                true
            }
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    const ONE: RowIdentity = RowIdentity::Whole("app::Row");

    #[test]
    fn a_name_of_two_types_is_no_name_from_then_on() {
        let mut names = Names::default();
        let (first, second) = (TypeId::of::<u8>(), TypeId::of::<i8>());
        assert!(names.is_of_one(ONE, first));
        assert!(names.is_of_one(ONE, first));
        assert!(!names.is_of_one(ONE, second));
        assert!(!names.is_of_one(ONE, first));
        // The same name of the same type, read another way.
        assert!(names.is_of_one(RowIdentity::First("app::Row"), second));
    }

    #[test]
    fn names_are_bounded_and_those_that_are_known_stay() {
        let mut names = Names::default();
        assert!(names.is_of_one(ONE, TypeId::of::<u8>()));
        let name = |number: usize| RowIdentity::Whole(number.to_string().leak());
        for number in 1..Names::MOST {
            assert!(names.is_of_one(name(number), TypeId::of::<u8>()));
        }
        assert!(!names.is_of_one(name(Names::MOST), TypeId::of::<u8>()));
        assert_eq!(names.0.len(), Names::MOST);
        assert!(names.is_of_one(ONE, TypeId::of::<u8>()));
    }
}
