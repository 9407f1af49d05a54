//! What can be cached.

use serde::{Serialize, de::DeserializeOwned};

use super::{
    codec::{DecodeError, EncodeError, Weight, decode, encode, weigh},
    shared::fingerprint,
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
}

/// How a value leaves the process and comes back.
#[derive(Debug)]
pub struct Codec<T> {
    /// To the bytes that [`Value::weight`] measures.
    pub encode: fn(&T) -> Result<Vec<u8>, EncodeError>,
    /// From these bytes.
    pub decode: fn(&[u8]) -> Result<T, DecodeError>,
    /// Tells types of different names or fields apart.
    pub fingerprint: fn() -> u128,
}

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> {
    /// By serde.
    fn serde() -> Self {
        Self {
            encode: encode::<T>,
            decode: decode::<T>,
            fingerprint: fingerprint::<T>,
        }
    }
}

impl<O: Serialize + DeserializeOwned + Send + Sync + 'static> Value for Vec<O> {
    fn rows(&self) -> usize {
        self.len()
    }

    fn weight(&self) -> Result<Weight, EncodeError> {
        weigh(self)
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::serde())
    }
}

impl<O: Serialize + DeserializeOwned + Send + Sync + 'static> Value for Option<O> {
    fn rows(&self) -> usize {
        usize::from(self.is_some())
    }

    fn weight(&self) -> Result<Weight, EncodeError> {
        weigh(self)
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::serde())
    }
}
