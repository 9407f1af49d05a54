//! Puts entries into envelopes and takes them out.

use std::{borrow::Cow, fmt};

use twox_hash::XxHash3_128;

use super::{
    Flaw, Note, Opened, SealError,
    compression::{compress, decompress},
    format::{Draft, Flags, Parts},
    secret::{self, Secret},
};

/// Makes envelopes and opens them, encrypted if it has secrets.
///
/// With secrets it seals with the first and opens with all, and refuses what is not sealed: whoever can write to the tier
/// could otherwise pass its own values as ours.
pub struct Sealer {
    secrets: Vec<Secret>,
}

impl Sealer {
    /// Without `secrets`, envelopes are in the clear.
    pub fn new(secrets: &[[u8; 32]]) -> Self {
        Self {
            secrets: secrets.iter().map(Secret::new).collect(),
        }
    }

    /// The name that the entry for `key` has in the tier: short, since names take memory there.
    ///
    /// It is a hash, so the key stands in the envelope too and is compared. With secrets it takes the first of them to make
    /// it: whoever sees names could otherwise guess keys and see which of them there are.
    pub fn name(&self, key: &[u8]) -> String {
        let hash = XxHash3_128::oneshot(key);
        let name = self
            .secrets
            .first()
            .map_or(hash, |secret| secret.name(hash));
        format!("{name:032x}")
    }

    /// Puts `payload` and what is noted of it into an envelope.
    ///
    /// # Errors
    /// If it is too large, or cannot be encrypted.
    pub fn seal(&self, note: &Note<'_>, payload: &[u8]) -> Result<Vec<u8>, SealError> {
        self.seal_under(note, payload, Secret::nonce)
    }

    pub(super) fn seal_under(
        &self,
        note: &Note<'_>,
        payload: &[u8],
        nonce: impl FnOnce() -> Result<[u8; 24], SealError>,
    ) -> Result<Vec<u8>, SealError> {
        let mut draft = Draft::new(note, payload, secret::GROWTH)?;
        let secret = self.secrets.first();
        let mut flags = Flags::default();
        if let Some(secret) = secret {
            flags.insert(Flags::SEALED);
            draft.bytes.extend(secret.front(nonce()?));
        }
        let start = draft.bytes.len();
        draft.bytes.extend_from_slice(note.key);
        draft.bytes.extend_from_slice(payload);
        if let Some(packed) = compress(&draft.bytes[start..]) {
            flags.insert(Flags::COMPRESSED);
            draft.bytes.truncate(start);
            draft.bytes.extend(packed);
        }
        if let Some(secret) = secret {
            draft.bytes.extend([0; secret::GROWTH - secret::FRONT]);
            draft.close(flags)?;
            let (header, body) = draft.split();
            secret.seal(header, body)?;
        } else {
            draft.close(flags)?;
        }
        Ok(draft.finish())
    }

    /// The slots that the entry in `bytes` depends on, if there is one; [`open`](Self::open) says whether it is.
    ///
    /// # Errors
    /// If the bytes do not look like an envelope.
    pub fn slots(&self, bytes: &[u8]) -> Result<Vec<u16>, Flaw> {
        Parts::parse(bytes)?.slots()
    }

    /// Takes the entry for `key` out of `bytes`, if it is one: of rows of the type with this `fingerprint`, depending on
    /// exactly `slots`, in that order.
    ///
    /// # Errors
    /// If anything about it is not as asked for. Nothing is believed before it was checked, and no more memory is taken
    /// than [`MAX_BODY`](super::MAX_BODY) and the bytes themselves, whatever they are.
    pub fn open<'a>(
        &self,
        bytes: &'a [u8],
        key: &[u8],
        fingerprint: u128,
        slots: &[u16],
    ) -> Result<Opened<'a>, Flaw> {
        let parts = Parts::parse(bytes)?;
        if parts.fingerprint != fingerprint {
            return Err(Flaw::OtherType);
        }
        let words = parts.words(slots)?;
        if parts.key != key.len() {
            return Err(Flaw::OtherKey);
        }
        let body = self.body(&parts)?;
        if body.get(..parts.key) != Some(key) {
            return Err(Flaw::OtherKey);
        }
        Ok(Opened {
            words,
            created: parts.created,
            rows: parts.rows,
            body,
            key: parts.key,
        })
    }

    /// The body in the clear, as long as it was declared.
    fn body<'a>(&self, parts: &Parts<'a>) -> Result<Cow<'a, [u8]>, Flaw> {
        let packed = if parts.flags.contains(Flags::SEALED) {
            Cow::Owned(secret::open(&self.secrets, parts.header, parts.body)?)
        } else if self.secrets.is_empty() {
            Cow::Borrowed(parts.body)
        } else {
            return Err(Flaw::NotSealed);
        };
        let size = parts.key + parts.payload;
        if parts.flags.contains(Flags::COMPRESSED) {
            Ok(Cow::Owned(decompress(&packed, size)?))
        } else if packed.len() == size {
            Ok(packed)
        } else {
            Err(Flaw::Malformed)
        }
    }
}

impl fmt::Debug for Sealer {
    /// Leaves the secrets out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}
