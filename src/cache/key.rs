//! What tells one cached read from another.

use std::any::TypeId;

use smallvec::SmallVec;

/// Identifies a cached result. Compared whole: a hash is never trusted where parameters may be hostile.
///
/// What a read depends on follows from its key: two questions with one key have the same tags.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The id of the statement's normal form and of what it depends on. Ids are never reused.
    pub statement: u64,
    /// The type that a row was made into.
    pub row: TypeId,
    /// How many rows were asked for.
    pub shape: Shape,
    /// Argument types and bytes, scope, user tags: each with its length before it, so that no two lists
    /// of them are the same bytes.
    pub params: Params,
}

/// How many rows a read asks for, and in which form they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// All rows, mapped.
    All,
    /// The first row if there is one, mapped.
    First,
    /// The rows as the driver gave them, left by a refresh that could not map them.
    Rows,
}

/// Argument types and bytes, scope and the user's tags. Most keys fit without an allocation.
pub type Params = SmallVec<[u8; 96]>;

impl Key {
    /// What the key itself takes in memory.
    pub(super) fn bytes(&self) -> usize {
        let spilled = if self.params.spilled() {
            self.params.len()
        } else {
            0
        };
        size_of::<Self>() + spilled
    }
}

impl std::fmt::Debug for Key {
    /// Leaves the parameters out: they are the user's data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("statement", &self.statement)
            .field("shape", &self.shape)
            .finish_non_exhaustive()
    }
}
