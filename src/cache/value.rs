//! What can be cached.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    codec::{DecodeError, EncodeError, Weight, decode, weigh},
    shared::{
        fidelity::{Stay, pack},
        fingerprint::{asked, fingerprint},
    },
};

/// A result that can be kept: it knows how many rows it has and what it weighs.
pub trait Value: Sized + Send + Sync + 'static {
    /// How many rows the result has. None means that the shorter life of an empty result applies.
    fn rows(&self) -> usize;

    /// The encoded size and a digest of the content.
    ///
    /// # Errors
    /// When the value cannot be encoded. It is then returned to its caller and not kept.
    fn weight(&self) -> Result<Weight, EncodeError>;

    /// How it leaves the process and comes back; `None` for what stays.
    fn codec() -> Option<Codec<Self>>;

    /// How long after its load it is fresh at most, whatever a reader's terms say.
    fn fresh_at_most(&self) -> Duration {
        Duration::MAX
    }
}

/// How a value leaves the process and comes back.
#[derive(Debug)]
pub struct Codec<T> {
    /// To bytes, if they will be read as the same value.
    pub pack: fn(&T) -> Result<Vec<u8>, Stay>,
    /// From these bytes.
    pub unpack: fn(&[u8]) -> Result<T, DecodeError>,
    /// What [`Value::weight`] says of the value in these bytes.
    pub weight: fn(&[u8]) -> Weight,
    /// Tells types of different names or fields apart.
    pub fingerprint: fn() -> u128,
}

impl<O: Serialize + DeserializeOwned + Send + Sync + 'static> Value for Vec<O> {
    fn rows(&self) -> usize {
        self.len()
    }

    fn weight(&self) -> Result<Weight, EncodeError> {
        weigh(self)
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec {
            pack: |rows| pack(rows, &asked::<Self>()),
            unpack: decode,
            weight: Weight::of,
            fingerprint: fingerprint::<Self>,
        })
    }
}

/// Whether there is a row is written in front of it: what a row may be encoded like includes `None`.
const ABSENT: u8 = 0;
const PRESENT: u8 = 1;

impl<O: Serialize + DeserializeOwned + Send + Sync + 'static> Value for Option<O> {
    fn rows(&self) -> usize {
        usize::from(self.is_some())
    }

    /// That of the row; of no bytes at all where there is none, so that its digest is not that of a NULL.
    fn weight(&self) -> Result<Weight, EncodeError> {
        self.as_ref().map_or_else(|| Ok(Weight::of(&[])), weigh)
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec {
            pack: |row| match row {
                None => Ok(vec![ABSENT]),
                Some(row) => {
                    let mut payload = pack(row, &asked::<Self>())?;
                    payload.insert(0, PRESENT);
                    Ok(payload)
                }
            },
            unpack: |payload| match payload.split_first() {
                Some((&PRESENT, row)) => decode(row).map(Some),
                Some((&ABSENT, [])) => Ok(None),
                _ => Err(DecodeError::new()),
            },
            weight: |payload| Weight::of(payload.get(1..).unwrap_or_default()),
            fingerprint: fingerprint::<Self>,
        })
    }
}
