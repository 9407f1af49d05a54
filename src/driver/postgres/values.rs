//! Values as PostgreSQL's binary formats carry them.

use crate::schema::Canonical;

/// The bytes of the longest text that counts as a value. What is longer is hardly anybody's key.
const LONGEST: usize = 256;

/// A type with a canonical form.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Integer,
    Bool,
    Text,
    Uuid,
    Date,
    Other,
}

impl Kind {
    /// The value that the server reads from `bytes` (the binary formats of its `*recv` functions).
    pub(crate) fn value(self, bytes: &[u8]) -> Option<Canonical> {
        match self {
            Kind::Integer => integer(bytes).map(Canonical::Integer),
            Kind::Bool => match bytes {
                [byte] => Some(Canonical::Bool(*byte != 0)),
                _ => None,
            },
            Kind::Text if bytes.len() <= LONGEST => std::str::from_utf8(bytes)
                .ok()
                .map(|text| Canonical::Text(text.into())),
            Kind::Uuid => bytes.try_into().ok().map(Canonical::Uuid),
            Kind::Date => bytes
                .try_into()
                .ok()
                .map(|days| Canonical::Date(i32::from_be_bytes(days))),
            Kind::Text | Kind::Other => None,
        }
    }
}

fn integer(bytes: &[u8]) -> Option<i64> {
    match *bytes {
        [a, b] => Some(i16::from_be_bytes([a, b]).into()),
        [a, b, c, d] => Some(i32::from_be_bytes([a, b, c, d]).into()),
        _ => bytes.try_into().ok().map(i64::from_be_bytes),
    }
}
