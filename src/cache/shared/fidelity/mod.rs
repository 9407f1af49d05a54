//! Whether a value comes back from its encoding as it went in.
//!
//! serde lets a type be written in one way and read in another: a field that is left out, or has another name, an
//! `Option` within an `Option`, of which MessagePack makes one. In the process that loaded it a value is what the database
//! gave; it must be the same in all others. So whatever is to be shared is read back first, here, and compared.
//!
//! Promises: what [`pack`] gives is read as a value that serde cannot tell from the one that was written, with no field
//! missing that serde lets one see. It must not know what is done with it. What it cannot see is told in
//! `docs/envelope.md`.

mod parts;
#[cfg(all(test, not(shuttle)))]
mod tests;
mod trace;

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use super::fingerprint::Asked;
use crate::cache::codec::{decode, encode};
use trace::trace;

/// Why a value stays in the process that loaded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// It cannot be encoded.
    Unencodable,
    /// An `Option` holds something whose encoding is that of `None`.
    NothingInOption,
    /// It is nested deeper than what is read may be.
    TooDeep,
    /// A field is read that was not written.
    FieldNotWritten,
    /// Read back, it is another value or none.
    Altered,
    /// Its type's code panicked.
    Panicked,
    /// Key and value are too large for an envelope, or it cannot be sealed.
    Unsealable,
}

impl Stay {
    /// The reason as counters and events name it.
    pub fn label(self) -> &'static str {
        match self {
            Stay::Unencodable => "unencodable",
            Stay::NothingInOption => "nothing in an option",
            Stay::TooDeep => "too deep",
            Stay::FieldNotWritten => "field not written",
            Stay::Altered => "altered",
            Stay::Panicked => "panicked",
            Stay::Unsealable => "unsealable",
        }
    }

    /// Whether other values of the type will not fare better.
    pub(super) fn is_of_the_type(self) -> bool {
        match self {
            Stay::FieldNotWritten | Stay::Altered | Stay::Panicked => true,
            Stay::Unencodable | Stay::NothingInOption | Stay::TooDeep | Stay::Unsealable => false,
        }
    }
}

impl fmt::Display for Stay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl std::error::Error for Stay {}

impl serde::ser::Error for Stay {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Unencodable
    }
}

/// Encodes a value that will come back as it is. `asked` are the fields that its type reads.
pub(in crate::cache) fn pack<T: Serialize + DeserializeOwned>(
    value: &T,
    asked: &Asked,
) -> Result<Vec<u8>, Stay> {
    // First, since it is not fooled by depth.
    let before = trace(value, asked)?;
    let payload = encode(value).map_err(|_| Stay::Unencodable)?;
    let back: T = decode(&payload).map_err(|_| Stay::Altered)?;
    if trace(&back, asked) == Ok(before) {
        Ok(payload)
    } else {
        Err(Stay::Altered)
    }
}
