//! What a result depends on: tags, and the slots that stand for them.
//!
//! A tag is hashed onto one of a fixed number of slots, so that the memory of the version clock is bounded
//! whatever names occur. Two tags on one slot cost a needless miss, never a wrong answer.

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

use smallvec::SmallVec;
use twox_hash::XxHash3_64;

mod label;

/// How many slots there are. The mapping below is the same in every process and release, because processes
/// that share a clock must agree on it.
#[cfg(not(shuttle))]
pub(super) const SLOTS: usize = 1 << 16;
/// Shuttle tracks every atomic: a schedule with 65,536 of them would take seconds.
#[cfg(shuttle)]
pub(super) const SLOTS: usize = 16;

/// The slot that stands for everything; every stamp of a load holds it.
pub(super) const EVERYTHING: u16 = 0;

/// The slot of the database's definitions. It is nobody else's: what moves it makes a process read its catalog again.
pub const DEFINITIONS: u16 = last_slot();

const fn last_slot() -> u16 {
    // SLOTS is at most 65,536.
    (SLOTS - 1) as u16
}

/// One thing that results can depend on and writes can change.
///
/// # Rows
/// A table `t` has a tag that every write of it moves, for those who depend on all of it ([`Tag::table`]). Whoever depends
/// on the rows with the values `v` in a key `k` alone depends on three others instead: `t` *unpinned*, moved by writes
/// that are told to no rows ([`Tag::unpinned`]); `t[k]`, moved by writes that are told to the rows of another key
/// ([`Tag::key`]); and `t[k]=v` ([`Tag::row`]). Nothing is kept for a row but the slot that it shares with others.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    slot: u16,
    /// The slot of the tag that stands for this one and its like; its own where there is none.
    wide: u16,
    name: Arc<str>,
}

/// One seed for each kind of tag keeps them apart: `Tag::table("a")` and `Tag::user("a")` are different tags.
#[derive(Clone, Copy)]
enum Seed {
    Table,
    Below,
    Unpinned,
    Key,
    Row,
    User,
}

impl Seed {
    const fn number(self) -> u64 {
        match self {
            Seed::Table => 0x7461_626c_6500_0001,
            Seed::Below => 0x6265_6c6f_7700_0001,
            Seed::Unpinned => 0x756e_7069_6e00_0001,
            Seed::Key => 0x6b65_7900_0000_0001,
            Seed::Row => 0x726f_7700_0000_0001,
            Seed::User => 0x7573_6572_0000_0001,
        }
    }
}

impl Tag {
    /// A table: moved by every write of its rows. The name is taken as it is: the caller folds case and names the schema.
    pub fn table(name: impl Into<Arc<str>>) -> Self {
        Self::whole(Seed::Table, name.into())
    }

    /// What stands below a table in an inheritance or partitioning: moved by writes that go through the table, for those who
    /// read a table below it.
    pub fn below(name: impl Into<Arc<str>>) -> Self {
        Self::whole(Seed::Below, name.into())
    }

    /// A table's rows, as far as a write cannot tell which it changes.
    pub fn unpinned(name: impl Into<Arc<str>>) -> Self {
        Self::whole(Seed::Unpinned, name.into())
    }

    /// A key of a table, for writes that can tell the rows they change by other keys only.
    pub fn key(name: impl Into<Arc<str>>, columns: &str) -> Self {
        let name = name.into();
        let slot = slot(Seed::Key, &[name.as_bytes(), columns.as_bytes()]);
        Self {
            slot,
            wide: slot,
            name,
        }
    }

    /// The rows of a table with some values in a key; [`Tag::key`] stands for all of them.
    pub fn row(name: impl Into<Arc<str>>, columns: &str, values: &[u8]) -> Self {
        let name = name.into();
        Self {
            slot: slot(Seed::Row, &[name.as_bytes(), columns.as_bytes(), values]),
            wide: slot(Seed::Key, &[name.as_bytes(), columns.as_bytes()]),
            name,
        }
    }

    /// A word of the user's choice.
    pub fn user(word: &str) -> Self {
        Self::whole(Seed::User, word.into())
    }

    /// The definitions in the database, as DDL changes them.
    pub fn definitions() -> Self {
        Self {
            slot: DEFINITIONS,
            wide: DEFINITIONS,
            name: "definitions".into(),
        }
    }

    /// The table's name or the user's word. All tags of a table have its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is called where tags of different kinds stand in one list: the table's name or the user's word; for what is
    /// told of a table's rows also a number that many rows share. Whatever is not an ASCII letter, a digit or one of
    /// `-._~/:!$&'()*+;=@?` is percent-encoded, so that it can stand in a header and be compared as it is.
    pub fn label(&self) -> String {
        let whole = [Seed::Table, Seed::User].map(|seed| slot(seed, &[self.name.as_bytes()]));
        let mut label = label::spelled(&self.name);
        if !whole.contains(&self.slot) {
            // Writing to a string does not fail.
            let _ = write!(label, "/{:04x}", self.slot);
        }
        label
    }

    /// The tag that stands for all rows, if this is one of rows; else itself.
    #[must_use]
    pub fn widened(&self) -> Self {
        Self {
            slot: self.wide,
            wide: self.wide,
            name: self.name.clone(),
        }
    }

    fn whole(seed: Seed, name: Arc<str>) -> Self {
        let slot = slot(seed, &[name.as_bytes()]);
        Self {
            slot,
            wide: slot,
            name,
        }
    }
}

/// The slot of a name in parts. What stands between the parts keeps `("a", "b")` and `("ab", "")` apart: at worst two names
/// share a slot.
fn slot(seed: Seed, parts: &[&[u8]]) -> u16 {
    let hash = match parts {
        [name] => XxHash3_64::oneshot_with_seed(seed.number(), name),
        parts => XxHash3_64::oneshot_with_seed(seed.number(), &parts.join(&0)),
    };
    let spread = hash % (SLOTS as u64 - 2);
    1 + u16::try_from(spread).expect("a remainder below 65,534 fits 16 bits")
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
    /// Its slots and not [`EVERYTHING`].
    Definitions,
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

    /// Everything there is, and the definitions too.
    pub fn everything_and_definitions() -> Self {
        Self(Arc::new(Set {
            slots: SmallVec::from_slice(&[EVERYTHING, DEFINITIONS]),
            names: Box::default(),
            reach: Reach::Everything,
        }))
    }

    /// The definitions alone, for whoever keeps what was read from a catalog: that rows changed, even everywhere, says nothing
    /// about them.
    pub fn definitions() -> Self {
        Self(Arc::new(Set {
            slots: SmallVec::from_slice(&[DEFINITIONS]),
            names: Box::new([Tag::definitions()]),
            reach: Reach::Definitions,
        }))
    }

    /// Those of a read that depends on these slots and whose names nobody here knows.
    pub(super) fn of_slots(slots: &[u16]) -> Self {
        Self::named(slots.iter().copied(), Vec::new())
    }

    /// Of these slots; the names are those of some of them.
    fn named(slots: impl Iterator<Item = u16>, mut names: Vec<Tag>) -> Self {
        names.sort_unstable();
        names.dedup();
        let mut all: SmallVec<[u16; 8]> = SmallVec::with_capacity(names.len() + 1);
        all.push(EVERYTHING);
        all.extend(slots);
        all.sort_unstable();
        all.dedup();
        Self(Arc::new(Set {
            slots: all,
            names: names.into(),
            reach: Reach::Named,
        }))
    }

    /// The tags of both.
    #[must_use]
    pub fn union(&self, other: &Tags) -> Self {
        Self::of_all([self, other])
    }

    /// The tags of all of them.
    pub(crate) fn of_all<'a>(all: impl IntoIterator<Item = &'a Tags>) -> Self {
        let (mut slots, mut names) = (SmallVec::<[u16; 16]>::new(), Vec::new());
        let mut everything = false;
        for tags in all {
            slots.extend_from_slice(&tags.0.slots);
            names.extend_from_slice(&tags.0.names);
            everything |= tags.is_everything();
        }
        match (everything, slots.contains(&DEFINITIONS)) {
            (false, _) => Self::named(slots.into_iter(), names),
            (true, false) => Self::everything(),
            (true, true) => Self::everything_and_definitions(),
        }
    }

    /// Whether a write with these tags changes nothing.
    pub fn is_empty(&self) -> bool {
        self.write_slots().is_empty()
    }

    /// Whether everything is among these.
    pub fn is_everything(&self) -> bool {
        self.0.reach == Reach::Everything
    }

    /// How many tags there are by name.
    pub fn len(&self) -> usize {
        self.0.names.len()
    }

    /// The names of tables and the user's words, in order, each once.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self.0.names.iter().map(Tag::name).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter()
    }

    /// The [label](Tag::label) of each tag.
    pub fn labels(&self) -> impl Iterator<Item = String> {
        self.0.names.iter().map(Tag::label)
    }

    /// The [names](Self::names) as [labels](Tag::label): fewer, and each write of a row moves its table's.
    pub fn wide_labels(&self) -> impl Iterator<Item = String> {
        self.names().map(label::spelled)
    }

    /// Whether a write of these moves what a read of `other` depends on.
    pub fn reach(&self, other: &Tags) -> bool {
        let slots = self.write_slots();
        other.read_slots().iter().any(|slot| slots.contains(slot))
    }

    /// The slots that a read depends on: the one for everything first.
    #[inline]
    pub(super) fn read_slots(&self) -> &[u16] {
        &self.0.slots
    }

    /// The slots that a write moves.
    pub(super) fn write_slots(&self) -> &[u16] {
        match self.0.reach {
            Reach::Everything | Reach::Definitions => &self.0.slots,
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
        let names: Vec<Tag> = tags.into_iter().collect();
        let slots: SmallVec<[u16; 8]> = names.iter().map(|tag| tag.slot).collect();
        Self::named(slots.into_iter(), names)
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
