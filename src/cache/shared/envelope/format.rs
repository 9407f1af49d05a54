//! The bytes of format version 1: where each part stands, and nothing of what the parts mean.
//!
//! All numbers are little-endian. The page `docs/envelope.md` has the same as a table.

use twox_hash::XxHash3_64;

use super::{Flaw, MAX_BODY, Note, SealError, Word, Words, cursor::Cursor};

/// No UTF-8 text starts with these bytes.
const MAGIC: [u8; 4] = [0x8c, b'c', b'p', b'e'];
const VERSION: u8 = 1;

/// Magic and checksum stand in front of what the checksum, and the seal, are taken of.
const CHECKED: usize = 12;
const FLAGS: usize = 13;
const BODY_LENGTH: usize = 54;
/// Up to the slots.
const FIXED: usize = 60;
/// A slot's number, epoch and version.
const SLOT: usize = 18;

/// What was done to the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const COMPRESSED: Self = Self(1);
    pub(super) const SEALED: Self = Self(2);

    pub(super) fn insert(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    fn parse(bits: u8) -> Result<Self, Flaw> {
        if bits & !(Self::COMPRESSED.0 | Self::SEALED.0) == 0 {
            Ok(Self(bits))
        } else {
            Err(Flaw::Version)
        }
    }
}

/// An envelope in its parts.
pub(super) struct Parts<'a> {
    pub(super) flags: Flags,
    pub(super) created: u64,
    pub(super) rows: u64,
    pub(super) fingerprint: u128,
    /// Lengths in the clear body.
    pub(super) key: usize,
    pub(super) payload: usize,
    slots: &'a [u8],
    /// What a seal vouches for beside the body.
    pub(super) header: &'a [u8],
    pub(super) body: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Takes `bytes` apart. What comes back agrees with itself and with the checksum; all of it may still be forged.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Flaw> {
        let mut cursor = Cursor::new(bytes);
        if cursor.array() != Ok(MAGIC) {
            return Err(Flaw::Foreign);
        }
        let checksum = cursor.u64()?;
        if cursor.array()? != [VERSION] {
            return Err(Flaw::Version);
        }
        let [flags] = cursor.array()?;
        let created = cursor.u64()?;
        let rows = cursor.u64()?;
        let fingerprint = cursor.u128()?;
        let key = cursor.u32()?;
        let payload = cursor.u32()?;
        let body = cursor.u32()?;
        let count = usize::from(cursor.u16()?);
        let slots = cursor.take(count * SLOT)?;
        let rest = cursor.rest();
        let body_length = usize::try_from(body).map_err(|_| Flaw::TooLarge)?;
        if rest.len() < body_length {
            return Err(Flaw::Truncated);
        }
        // Before anything is believed: the lengths above are only known not to lead out of the bytes.
        if XxHash3_64::oneshot(&bytes[CHECKED..]) != checksum {
            return Err(Flaw::Checksum);
        }
        if rest.len() != body_length {
            return Err(Flaw::Malformed);
        }
        let flags = Flags::parse(flags)?;
        if u64::from(key) + u64::from(payload) > MAX_BODY as u64 {
            return Err(Flaw::TooLarge);
        }
        Ok(Self {
            flags,
            created,
            rows,
            fingerprint,
            // Both are at most `MAX_BODY`.
            key: key as usize,
            payload: payload as usize,
            slots,
            header: &bytes[CHECKED..FIXED + slots.len()],
            body: rest,
        })
    }

    pub(super) fn slots(&self) -> Result<Vec<u16>, Flaw> {
        let slots = self.slots.chunks_exact(SLOT);
        slots.map(|slot| Cursor::new(slot).u16()).collect()
    }

    /// The words, if they are those of exactly `slots` in that order.
    pub(super) fn words(&self, slots: &[u16]) -> Result<Words, Flaw> {
        if self.slots.len() != slots.len() * SLOT {
            return Err(Flaw::OtherSlots);
        }
        let mut cursor = Cursor::new(self.slots);
        slots
            .iter()
            .map(|&slot| {
                if cursor.u16()? != slot {
                    return Err(Flaw::OtherSlots);
                }
                Ok(Word {
                    epoch: cursor.u64()?,
                    version: cursor.u64()?,
                })
            })
            .collect()
    }
}

/// An envelope that is being written: the header, then whatever is added to `bytes`.
pub(super) struct Draft {
    pub(super) bytes: Vec<u8>,
    /// Where the body begins.
    pub(super) body: usize,
}

impl Draft {
    /// Writes the header, with room for `more` bytes after it.
    pub(super) fn new(note: &Note<'_>, payload: &[u8], more: usize) -> Result<Self, SealError> {
        if note.slots.len() != note.words.len() {
            return Err(SealError::Uneven);
        }
        let slots = u16::try_from(note.slots.len()).map_err(|_| SealError::TooLarge)?;
        let size = note.key.len().saturating_add(payload.len());
        if size > MAX_BODY {
            return Err(SealError::TooLarge);
        }
        let [key, payload_length] = [note.key, payload].map(|part| part.len() as u32);
        let body = FIXED + note.slots.len() * SLOT;
        let mut bytes = Vec::with_capacity(body + size + more);
        bytes.extend(MAGIC);
        bytes.extend([0; 8]); // the checksum, by `finish`
        bytes.extend([VERSION, 0]); // the flags, by `close`
        bytes.extend(note.created.to_le_bytes());
        bytes.extend(note.rows.to_le_bytes());
        bytes.extend(note.fingerprint.to_le_bytes());
        bytes.extend(key.to_le_bytes());
        bytes.extend(payload_length.to_le_bytes());
        bytes.extend([0; 4]); // the body's length, by `close`
        bytes.extend(slots.to_le_bytes());
        for (slot, word) in note.slots.iter().zip(note.words) {
            bytes.extend(slot.to_le_bytes());
            bytes.extend(word.epoch.to_le_bytes());
            bytes.extend(word.version.to_le_bytes());
        }
        Ok(Self { bytes, body })
    }

    /// Ends the header: from here on the body may change, not its length.
    pub(super) fn close(&mut self, flags: Flags) -> Result<(), SealError> {
        let body = u32::try_from(self.bytes.len() - self.body).map_err(|_| SealError::TooLarge)?;
        self.bytes[FLAGS] = flags.0;
        self.bytes[BODY_LENGTH..BODY_LENGTH + 4].copy_from_slice(&body.to_le_bytes());
        Ok(())
    }

    /// What a seal vouches for beside the body, and the body.
    pub(super) fn split(&mut self) -> (&[u8], &mut [u8]) {
        let (header, body) = self.bytes.split_at_mut(self.body);
        (&header[CHECKED..], body)
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let checksum = XxHash3_64::oneshot(&self.bytes[CHECKED..]);
        self.bytes[CHECKED - 8..CHECKED].copy_from_slice(&checksum.to_le_bytes());
        self.bytes
    }
}
