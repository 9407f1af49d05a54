//! A read, as the engine is asked it.

use super::{Key, Tags, Terms};

/// A read: what it is told apart by, what it depends on and how it may be answered.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its key in this process.
    pub key: Key,
    /// What it depends on.
    pub tags: Tags,
    /// How it may be answered.
    pub terms: Terms,
    /// Its key among processes; `None` keeps it in this one.
    pub whole: Option<WholeKey>,
}

/// What tells a read from all others in every process: normal form, database, session, mapping, scope, arguments, each
/// with its length before it. Compared whole.
#[derive(Clone, PartialEq, Eq)]
pub struct WholeKey(pub Box<[u8]>);

impl std::fmt::Debug for WholeKey {
    /// Leaves the bytes out: they hold the user's data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WholeKey").finish_non_exhaustive()
    }
}
