//! Values as MessagePack: measured, written and read.
//!
//! The size decides what an entry costs in the local tier, the digest makes its ETag; the shared tier keeps the bytes
//! themselves. All three come from one encoding, so one value has one digest everywhere.
//!
//! Structs are written with the names of their fields. As bare arrays they would be smaller, but a field that a value
//! leaves out (`skip_serializing_if`) would hand its place to the next one: another value, read without an error.

use std::{fmt, io};

use serde::{Deserialize as _, Serialize, de::DeserializeOwned};
use twox_hash::{XxHash3_128, xxhash3_128::Hasher};

/// How deep a value that is read may be nested. A thread's stack has room for this many.
const MAX_DEPTH: usize = 128;

/// Size and digest of a value's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The encoded size in bytes.
    pub bytes: usize,
    /// xxh3-128 of the encoded bytes.
    pub digest: u128,
}

impl Weight {
    /// That of an encoding.
    pub fn of(encoded: &[u8]) -> Self {
        Self {
            bytes: encoded.len(),
            digest: XxHash3_128::oneshot(encoded),
        }
    }
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

/// Bytes are not a value of the type that was asked for.
///
/// Says no more than that: the cause may quote the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError(());

impl DecodeError {
    /// For values with a [`Codec`](super::Codec) of their own.
    pub fn new() -> Self {
        Self(())
    }
}

impl Default for DecodeError {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes are no value of this type")
    }
}

impl std::error::Error for DecodeError {}

/// Encodes `value` into a meter, and keeps nothing of the encoding.
///
/// # Errors
/// When the value's `Serialize` fails.
pub fn weigh<T: Serialize + ?Sized>(value: &T) -> Result<Weight, EncodeError> {
    let mut meter = Meter::new();
    write(&mut meter, value)?;
    Ok(meter.finish())
}

/// Encodes `value`: the bytes that [`weigh`] measures.
///
/// # Errors
/// When the value's `Serialize` fails.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::with_capacity(128);
    write(&mut bytes, value)?;
    Ok(bytes)
}

fn write<T: Serialize + ?Sized>(to: &mut impl io::Write, value: &T) -> Result<(), EncodeError> {
    rmp_serde::encode::write_named(to, value).map_err(|_| EncodeError::new())
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// When `payload` is anything but exactly one value of this type, nested no deeper than 128 levels.
pub fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    let mut from = rmp_serde::Deserializer::from_read_ref(payload);
    from.set_max_depth(MAX_DEPTH);
    let value = T::deserialize(&mut from).map_err(|_| DecodeError(()))?;
    // Only at the end of the bytes is there no marker of a further value.
    match bool::deserialize(&mut from) {
        Err(rmp_serde::decode::Error::InvalidMarkerRead(_)) => Ok(value),
        Ok(_) | Err(_) => Err(DecodeError(())),
    }
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
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sparse {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        first: Option<i64>,
        #[serde(default)]
        second: Option<i64>,
        kind: Kind,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Kind {
        Plain,
        One(String),
        Two(u8, f64),
        Named { a: u128, b: Option<char> },
    }

    #[test]
    fn the_digest_is_that_of_the_encoding_in_one_piece() {
        let rows: Vec<(i64, String)> = (0..300)
            .map(|n| (n, "x".repeat(usize::try_from(n).unwrap() * 3)))
            .collect();
        let encoded = encode(&rows).unwrap();
        let weight = weigh(&rows).unwrap();
        assert_eq!(weight, Weight::of(&encoded));
    }

    #[test]
    fn a_present_row_weighs_what_the_row_weighs() {
        assert_eq!(weigh(&Some("Ada")), weigh("Ada"));
        assert_ne!(weigh(&Some("Ada")), weigh("Bob"));
    }

    #[test]
    fn a_field_that_is_left_out_does_not_give_its_place_to_the_next() {
        for kind in [
            Kind::Plain,
            Kind::One("x".into()),
            Kind::Two(1, 2.5),
            Kind::Named {
                a: u128::MAX,
                b: Some('z'),
            },
        ] {
            let row = Sparse {
                first: None,
                second: Some(5),
                kind,
            };
            let rows = vec![Some(row)];
            assert_eq!(decode(&encode(&rows).unwrap()), Ok(rows));
        }
    }

    #[test]
    fn bytes_after_the_value_are_refused() {
        for more in [
            &[0xc0][..],
            &[0x01],
            &[0x91],
            &[0xd9],
            &[0x80],
            &[0xc1],
            &[0xc7],
            &[0xc4, 5],
        ] {
            let mut bytes = encode(&(1, "two")).unwrap();
            assert_eq!(decode(&bytes), Ok((1, "two".to_owned())));
            bytes.extend(more);
            assert_eq!(decode::<(i32, String)>(&bytes), Err(DecodeError(())));
        }
    }

    #[test]
    fn nesting_without_end_is_refused() {
        #[derive(Deserialize)]
        struct Nest(#[allow(dead_code, reason = "only its depth matters")] Vec<Nest>);
        assert!(decode::<Nest>(&[0x91; 1 << 20]).is_err());
        let mut within = vec![0x91; 100];
        within.push(0x90);
        assert!(decode::<Nest>(&within).is_ok());
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
