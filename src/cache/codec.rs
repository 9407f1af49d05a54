//! Measures a value by encoding it, and keeps nothing of the encoding.
//!
//! The size decides what an entry costs in the local tier, the digest makes its ETag. The encoding is MessagePack
//! because the shared tier speaks it too: one value has one digest everywhere.

use std::{fmt, io};

use serde::Serialize;
use twox_hash::xxhash3_128::Hasher;

/// Size and digest of a value's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The encoded size in bytes.
    pub bytes: usize,
    /// xxh3-128 of the encoded bytes.
    pub digest: u128,
}

/// A value could not be encoded.
///
/// Says no more than that: the cause may quote the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError(());

impl EncodeError {
    /// For values with a [`Value::weight`](super::Value::weight) of their own.
    pub fn new() -> Self {
        Self(())
    }
}

impl Default for EncodeError {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be encoded")
    }
}

impl std::error::Error for EncodeError {}

/// Encodes `value` into a meter.
///
/// # Errors
/// When the value's `Serialize` fails.
pub fn weigh<T: Serialize + ?Sized>(value: &T) -> Result<Weight, EncodeError> {
    let mut meter = Meter::new();
    rmp_serde::encode::write(&mut meter, value).map_err(|_| EncodeError::new())?;
    Ok(meter.finish())
}

/// Counts and hashes what is written to it.
struct Meter {
    bytes: usize,
    hasher: Hasher,
    /// MessagePack is written a few bytes at a time, and the hasher is fast on long pieces only.
    buffer: [u8; 512],
    filled: usize,
}

impl Meter {
    fn new() -> Self {
        Self {
            bytes: 0,
            hasher: Hasher::new(),
            buffer: [0; 512],
            filled: 0,
        }
    }

    fn flush_buffer(&mut self) {
        self.hasher.write(&self.buffer[..self.filled]);
        self.filled = 0;
    }

    fn finish(mut self) -> Weight {
        self.flush_buffer();
        Weight {
            bytes: self.bytes,
            digest: self.hasher.finish_128(),
        }
    }
}

impl io::Write for Meter {
    #[inline]
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece)?;
        Ok(piece.len())
    }

    #[inline]
    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        self.bytes += piece.len();
        if self.buffer.len() - self.filled < piece.len() {
            self.flush_buffer();
            if piece.len() >= self.buffer.len() {
                self.hasher.write(piece);
                return Ok(());
            }
        }
        self.buffer[self.filled..self.filled + piece.len()].copy_from_slice(piece);
        self.filled += piece.len();
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use twox_hash::XxHash3_128;

    use super::*;

    #[test]
    fn the_digest_is_that_of_the_encoding_in_one_piece() {
        let rows: Vec<(i64, String)> = (0..300)
            .map(|n| (n, "x".repeat(usize::try_from(n).unwrap() * 3)))
            .collect();
        let encoded = rmp_serde::to_vec(&rows).unwrap();
        let weight = weigh(&rows).unwrap();
        assert_eq!(weight.bytes, encoded.len());
        assert_eq!(weight.digest, XxHash3_128::oneshot(&encoded));
    }

    #[test]
    fn a_present_row_weighs_what_the_row_weighs() {
        assert_eq!(weigh(&Some("Ada")), weigh("Ada"));
        assert_ne!(weigh(&Some("Ada")), weigh("Bob"));
    }

    #[test]
    fn a_failing_serialize_is_an_error_that_quotes_nothing() {
        struct Refuses;
        impl Serialize for Refuses {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("secret 4711"))
            }
        }
        let error = weigh(&Refuses).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("4711"));
    }
}
/// x
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    rmp_serde::to_vec(value).map_err(|_| EncodeError::new())
}
/// x
#[derive(Debug)]
pub struct DecodeError(());
/// x
pub fn decode<T: serde::de::DeserializeOwned>(b: &[u8]) -> Result<T, DecodeError> {
    rmp_serde::from_slice(b).map_err(|_| DecodeError(()))
}
