//! The form in which an entry travels to other processes, and back.
//!
//! Promises: what comes out of an envelope is what was put in, for the key, the row type and the slots that are asked
//! for; anything else is a [`Flaw`], whatever the bytes are. It knows the layout (`docs/envelope.md`), not what a key or a
//! payload means, whether the words are still valid, or how the bytes travel.

mod compression;
mod cursor;
mod flaw;
mod format;
mod seal;
mod secret;
#[cfg(all(test, not(shuttle)))]
mod tests;

use std::{borrow::Cow, fmt};

use super::{Word, Words};

pub use flaw::{Flaw, SealError};
pub use seal::Sealer;

/// The most that key and payload of one envelope may be together, uncompressed, in bytes.
pub const MAX_BODY: usize = 64 << 20;

/// What is noted of an entry beside its payload.
#[derive(Clone, Copy)]
pub struct Note<'a> {
    /// The whole key, to be compared whole: the name of an entry in the tier is only a hash of it.
    pub key: &'a [u8],
    /// The [fingerprint](super::fingerprint::fingerprint) of the rows' type.
    pub fingerprint: u128,
    /// What the entry depends on.
    pub slots: &'a [u16],
    /// Their words, read before the load began.
    pub words: &'a [Word],
    /// The tier's time in milliseconds when the words were read.
    pub created: u64,
    /// How many rows it is.
    pub rows: u64,
}

impl fmt::Debug for Note<'_> {
    /// Leaves the key out: it holds the user's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Note")
            .field("fingerprint", &self.fingerprint)
            .field("slots", &self.slots)
            .field("words", &self.words)
            .field("created", &self.created)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// What came out of an envelope.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The words of the slots that were asked for, in that order.
    pub words: Words,
    /// As in [`Note`].
    pub created: u64,
    /// As in [`Note`].
    pub rows: u64,
    body: Cow<'a, [u8]>,
    /// Where the key ends in the body.
    key: usize,
}

impl Opened<'_> {
    /// The encoded value.
    pub fn payload(&self) -> &[u8] {
        &self.body[self.key..]
    }
}

impl fmt::Debug for Opened<'_> {
    /// Leaves key and payload out: they hold the user's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("words", &self.words)
            .field("created", &self.created)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
