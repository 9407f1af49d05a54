//! Encrypts bodies with XChaCha20-Poly1305. Its nonces are long enough to be drawn at random by any number of processes.

use chacha20poly1305::{
    KeyInit as _, Tag, XChaCha20Poly1305, XNonce,
    aead::{AeadInOut as _, Generate as _},
};

use super::{Flaw, SealError, cursor::Cursor};

const ID: usize = 8;
const NONCE: usize = 24;
const TAG: usize = 16;

/// What stands in front of the encrypted bytes: the secret's id and the nonce.
pub(super) const FRONT: usize = ID + NONCE;
/// By how much a body grows.
pub(super) const GROWTH: usize = FRONT + TAG;

/// A secret, ready for use.
pub(super) struct Secret {
    /// Tells secrets apart, and tells nothing about them.
    id: [u8; ID],
    cipher: XChaCha20Poly1305,
    /// For names alone, so that no nonce serves both.
    names: XChaCha20Poly1305,
}

impl Secret {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        let cipher = XChaCha20Poly1305::new(secret.into());
        let id = stream(&cipher, &[0; NONCE]);
        let names = XChaCha20Poly1305::new(&stream::<32>(&cipher, &[1; NONCE]).into());
        Self { id, cipher, names }
    }

    /// A keyed hash of a hash: the cipher's stream under a nonce made of it. Two keys of one hash have one name, as without a
    /// secret; nothing else can be told of it without the secret.
    pub(super) fn name(&self, hash: u128) -> u128 {
        let mut nonce = [0; NONCE];
        nonce[..16].copy_from_slice(&hash.to_le_bytes());
        u128::from_le_bytes(stream(&self.names, &nonce))
    }

    /// A nonce from the operating system.
    pub(super) fn nonce() -> Result<[u8; NONCE], SealError> {
        <[u8; NONCE]>::try_generate().map_err(|_| SealError::NoRandomness)
    }

    pub(super) fn front(&self, nonce: [u8; NONCE]) -> [u8; FRONT] {
        let mut front = [0; FRONT];
        front[..ID].copy_from_slice(&self.id);
        front[ID..].copy_from_slice(&nonce);
        front
    }

    /// Encrypts what stands between the [front](Self::front) and the room for the tag at the end of `body`.
    pub(super) fn seal(&self, header: &[u8], body: &mut [u8]) -> Result<(), SealError> {
        let (front, rest) = body
            .split_first_chunk_mut::<FRONT>()
            .ok_or(SealError::Cipher)?;
        let (text, tag) = rest
            .split_last_chunk_mut::<TAG>()
            .ok_or(SealError::Cipher)?;
        let nonce = XNonce::try_from(&front[ID..]).map_err(|_| SealError::Cipher)?;
        *tag = self
            .cipher
            .encrypt_inout_detached(&nonce, header, text.into())
            .map_err(|_| SealError::Cipher)?
            .into();
        Ok(())
    }
}

/// The beginning of the cipher's stream under `nonce`. No envelope's nonce is one that is used here: those are drawn at
/// random from 2¹⁹².
fn stream<const N: usize>(cipher: &XChaCha20Poly1305, nonce: &[u8; NONCE]) -> [u8; N] {
    let mut bytes = [0; N];
    cipher
        .encrypt_inout_detached(&XNonce::from(*nonce), &[], bytes.as_mut_slice().into())
        .expect("a few bytes are not too long for the cipher");
    bytes
}

/// Decrypts `body` with the one of `secrets` that it names.
pub(super) fn open(secrets: &[Secret], header: &[u8], body: &[u8]) -> Result<Vec<u8>, Flaw> {
    let mut cursor = Cursor::new(body);
    let id = cursor.array()?;
    let nonce = XNonce::from(cursor.array::<NONCE>()?);
    let (text, tag) = cursor
        .rest()
        .split_last_chunk::<TAG>()
        .ok_or(Flaw::Truncated)?;
    let secret = secrets
        .iter()
        .find(|secret| secret.id == id)
        .ok_or(Flaw::UnknownSecret)?;
    let mut text = text.to_vec();
    secret
        .cipher
        .decrypt_inout_detached(&nonce, header, text.as_mut_slice().into(), &Tag::from(*tag))
        .map_err(|_| Flaw::Tampered)?;
    Ok(text)
}
