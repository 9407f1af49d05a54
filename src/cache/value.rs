//! What can be cached.

use serde::Serialize;

use super::codec::{EncodeError, Weight, weigh};

/// A result that can be kept: it knows how many rows it has and what it weighs.
pub trait Value: Send + Sync + 'static {
    /// How many rows the result has. None means that the shorter life of an empty result applies.
    fn rows(&self) -> usize;

    /// The encoded size and a digest of the content.
    ///
    /// # Errors
    /// When the value cannot be encoded. It is then returned to its caller and not kept.
    fn weight(&self) -> Result<Weight, EncodeError>;
}

impl<O: Serialize + Send + Sync + 'static> Value for Vec<O> {
    fn rows(&self) -> usize {
        self.len()
    }

    fn weight(&self) -> Result<Weight, EncodeError> {
        weigh(self)
    }
}

impl<O: Serialize + Send + Sync + 'static> Value for Option<O> {
    fn rows(&self) -> usize {
        usize::from(self.is_some())
    }

    fn weight(&self) -> Result<Weight, EncodeError> {
        weigh(self)
    }
}
