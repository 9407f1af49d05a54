//! What a result depends on: tags, and the slots that stand for them.
//!
//! A tag is hashed onto one of a fixed number of slots, so that the memory of the version clock is bounded
//! whatever names occur. Two tags on one slot cost a needless miss, never a wrong answer.

use std::{fmt, sync::Arc};

use smallvec::SmallVec;
use twox_hash::XxHash3_64;

/// How many slots there are. The mapping below is the same in every process and release, because processes
/// that share a clock must agree on it.
#[cfg(not(shuttle))]
pub(super) const SLOTS: usize = 1 << 16;
/// Shuttle tracks every atomic: a schedule with 65,536 of them would take seconds.
#[cfg(shuttle)]
pub(super) const SLOTS: usize = 16;

/// The slot that stands for everything; every stamp holds it.
pub(super) const EVERYTHING: u16 = 0;

/// Two seeds keep tables and user words apart: `Tag::table("a")` and `Tag::user("a")` are different tags.
const TABLE_SEED: u64 = 0x7461_626c_6500_0001;
const USER_SEED: u64 = 0x7573_6572_0000_0001;

/// One thing that results can depend on and writes can change.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    slot: u16,
    name: Arc<str>,
}

impl Tag {
    /// A table. The name is taken as it is: the caller folds case and drops the schema.
    pub fn table(name: &str) -> Self {
        Self::new(TABLE_SEED, name)
    }

    /// A word of the user's choice.
    pub fn user(word: &str) -> Self {
        Self::new(USER_SEED, word)
    }

    /// The table's name or the user's word.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn new(seed: u64, name: &str) -> Self {
        let spread = XxHash3_64::oneshot_with_seed(seed, name.as_bytes()) % (SLOTS as u64 - 1);
        let slot = 1 + u16::try_from(spread).expect("a remainder below 65,535 fits 16 bits");
        Self {
            slot,
            name: name.into(),
        }
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{}", self.name, self.slot)
    }
}

/// A set of tags: what a read depends on, or what a write may have changed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tags(Arc<Set>);

#[derive(Debug)]
struct Set {
    /// [`EVERYTHING`], then the tags' slots in order, each once. Inline for up to seven, since a hit walks it.
    slots: SmallVec<[u16; 8]>,
    names: Box<[Tag]>,
    reach: Reach,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Named,
    Everything,
}

impl Tags {
    /// No tag: a read that depends on nothing, a write that changes nothing.
    pub fn none() -> Self {
        Self::from_iter([])
    }

    /// Everything there is: for a write whose targets are unknown. A read cannot be kept under it.
    pub fn everything() -> Self {
        Self(Arc::new(Set {
            slots: SmallVec::from_slice(&[EVERYTHING]),
            names: Box::default(),
            reach: Reach::Everything,
        }))
    }

    /// The tags of both.
    #[must_use]
    pub fn union(&self, other: &Tags) -> Self {
        if self.is_everything() || other.is_everything() {
            return Self::everything();
        }
        self.0.names.iter().chain(&other.0.names).cloned().collect()
    }

    /// Whether a write with these tags changes nothing.
    pub fn is_empty(&self) -> bool {
        self.0.names.is_empty() && !self.is_everything()
    }

    /// Whether these are [`Tags::everything`].
    pub fn is_everything(&self) -> bool {
        self.0.reach == Reach::Everything
    }

    /// How many tags there are by name.
    pub fn len(&self) -> usize {
        self.0.names.len()
    }

    /// The tags' names, without order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names.iter().map(Tag::name)
    }

    /// The slots that a read depends on: the one for everything first.
    #[inline]
    pub(super) fn read_slots(&self) -> &[u16] {
        &self.0.slots
    }

    /// The slots that a write moves.
    pub(super) fn write_slots(&self) -> &[u16] {
        match self.0.reach {
            Reach::Everything => &self.0.slots,
            Reach::Named => &self.0.slots[1..],
        }
    }

    /// Whether a read of `self` depends on exactly what a read of `other` does.
    #[inline]
    pub(super) fn same_slots(&self, other: &Tags) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.slots == other.0.slots && self.0.reach == other.0.reach)
    }
}

impl FromIterator<Tag> for Tags {
    fn from_iter<I: IntoIterator<Item = Tag>>(tags: I) -> Self {
        let mut names: Vec<Tag> = tags.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let mut slots: SmallVec<[u16; 8]> = SmallVec::with_capacity(names.len() + 1);
        slots.push(EVERYTHING);
        slots.extend(names.iter().map(|tag| tag.slot));
        // Sorted by slot already: equal slots stand side by side.
        slots.dedup();
        Self(Arc::new(Set {
            slots,
            names: names.into(),
            reach: Reach::Named,
        }))
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn slots_are_the_same_in_every_release() {
        let slots: Vec<u16> = [
            Tag::table("users"),
            Tag::table("orders"),
            Tag::user("users"),
            Tag::user("org:7"),
        ]
        .iter()
        .map(|tag| tag.slot)
        .collect();
        assert_eq!(slots, [5149, 3936, 23314, 19604]);
    }

    #[test]
    fn a_table_and_a_word_of_one_name_are_different_tags() {
        assert_ne!(Tag::table("users"), Tag::user("users"));
        let both: Tags = [Tag::table("users"), Tag::user("users")]
            .into_iter()
            .collect();
        assert_eq!(both.len(), 2);
    }

    #[test]
    fn a_set_is_sorted_and_holds_each_slot_once() {
        let tags: Tags = ["b", "a", "b", "c"].into_iter().map(Tag::table).collect();
        assert_eq!(tags.len(), 3);
        assert_eq!(tags.read_slots()[0], EVERYTHING);
        assert!(tags.read_slots().is_sorted());
        assert_eq!(tags.read_slots().len(), 4);
        assert_eq!(tags.write_slots(), &tags.read_slots()[1..]);
    }

    #[test]
    fn everything_swallows_what_it_is_joined_with() {
        let users: Tags = [Tag::table("users")].into_iter().collect();
        assert!(users.union(&Tags::everything()).is_everything());
        assert_eq!(Tags::everything().write_slots(), [EVERYTHING]);
        assert!(!Tags::everything().is_empty());
        assert!(Tags::none().is_empty());
        assert!(!Tags::none().same_slots(&Tags::everything()));
    }

    #[test]
    fn no_tag_lands_on_the_slot_of_everything() {
        assert!((0..100_000).all(|n| Tag::user(&n.to_string()).slot != EVERYTHING));
    }
}
