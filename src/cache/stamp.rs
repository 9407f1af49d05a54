//! What a load noted before it asked the database.

use std::hash::{Hash, Hasher};

use smallvec::SmallVec;
use twox_hash::XxHash3_128;

use super::{
    Tags, Tick,
    shared::{Word, Words},
};

/// The slot words of some tags, noted before a load. [`clock`](super::clock) says what it proves.
///
/// Two stamps are equal if they noted the same versions of the same slots; when they did does not count.
#[derive(Clone, Debug)]
pub struct Stamp {
    pub(super) tags: Tags,
    /// In the order of the tags' slots, writers in flight masked away. Inline for up to three tags.
    pub(super) versions: SmallVec<[u64; 4]>,
    pub(super) noted: Tick,
    pub(super) standing: Standing,
    /// The words of the shared clock, if they were read before the load too.
    pub(super) outside: Option<Outside>,
}

/// Where the shared clock stood.
#[derive(Clone, Debug)]
pub(super) struct Outside {
    /// In the order of the tags' slots.
    pub(super) words: Words,
    /// By the shared tier's time, in milliseconds.
    pub(super) at: u64,
}

/// What may be done with a load under a stamp, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It may be stored and shared.
    Clear,
    /// As `Clear` for a bounded reader; a strict one keeps its result to itself.
    WriterInFlight,
    /// A write of unknown outcome may still take effect: the result belongs to its caller alone.
    Quarantined,
    /// The tags are everything there is, and a write of one table would not move that slot.
    Everything,
}

impl Stamp {
    /// What the load depends on.
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// When it was noted: before the load that it stands for, so an age counted from here is never too young.
    pub fn noted(&self) -> Tick {
        self.noted
    }

    /// A number that is another one when a slot or its version is, for one `seed` and `salt`.
    pub fn state(&self, seed: u64, salt: &[u8]) -> u128 {
        let mut bytes = salt.to_vec();
        for slot in self.tags.read_slots() {
            bytes.extend_from_slice(&slot.to_le_bytes());
        }
        for version in &self.versions {
            bytes.extend_from_slice(&version.to_le_bytes());
        }
        XxHash3_128::oneshot_with_seed(seed, &bytes)
    }

    /// The stamp of both loads together; `None` if a write came between them, so that nothing made of both is true at any
    /// one time.
    pub(super) fn joined(&self, other: &Stamp) -> Option<Stamp> {
        let tags = match self.tags.same_slots(&other.tags) {
            true => self.tags.clone(),
            false => self.tags.union(&other.tags),
        };
        let versions = together(
            tags.read_slots(),
            |stamp, slot| stamp.version(slot),
            (self, other),
        )?;
        let outside = match (&self.outside, &other.outside) {
            (Some(own), Some(others)) => Some(Outside {
                words: together(
                    tags.write_slots(),
                    |stamp, slot| stamp.word(slot),
                    (self, other),
                )?,
                // An age counted from the later one is still too great: what was made of both came after.
                at: own.at.max(others.at),
            }),
            _ => None,
        };
        Some(Self {
            tags,
            versions,
            noted: self.noted.min(other.noted),
            standing: self.standing.max(other.standing),
            outside,
        })
    }

    fn version(&self, slot: u16) -> Option<u64> {
        let at = self.tags.read_slots().binary_search(&slot).ok()?;
        self.versions.get(at).copied()
    }

    fn word(&self, slot: u16) -> Option<Word> {
        let at = self.tags.write_slots().binary_search(&slot).ok()?;
        self.outside.as_ref()?.words.get(at).copied()
    }

    /// Whether a write of unknown outcome could still take effect when it was noted.
    #[inline]
    pub(crate) fn is_quarantined(&self) -> bool {
        self.standing == Standing::Quarantined
    }

    /// The same stamp for a load that begins only now. The versions stay: they were noted before it as well.
    pub(super) fn renewed(&self, now: Tick) -> Self {
        Self {
            noted: now,
            ..self.clone()
        }
    }
}

/// What either stamp noted of each slot, if they noted the same.
fn together<T: PartialEq, C: FromIterator<T>>(
    slots: &[u16],
    noted: impl Fn(&Stamp, u16) -> Option<T>,
    (one, other): (&Stamp, &Stamp),
) -> Option<C> {
    slots
        .iter()
        .map(|&slot| match (noted(one, slot), noted(other, slot)) {
            (Some(own), Some(others)) => (own == others).then_some(own),
            (own, others) => own.or(others),
        })
        .collect()
}

impl PartialEq for Stamp {
    fn eq(&self, other: &Self) -> bool {
        // The slots too: the numbers of two different tables may well be equal.
        let words = |stamp: &'_ Self| stamp.outside.as_ref().map(|outside| outside.words.clone());
        self.versions == other.versions
            && self.tags.same_slots(&other.tags)
            && words(self) == words(other)
    }
}

impl Eq for Stamp {}

impl Hash for Stamp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.versions.hash(state);
    }
}
