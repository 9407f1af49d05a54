//! Values as PostgreSQL's binary formats carry them.

use crate::{driver::front::LONGEST, schema::Canonical};

/// The length of a NULL.
pub(crate) const NULL: i32 = -1;

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

/// The first value in bytes in which each follows its length, as the messages of the protocol have them, and what follows it; `None` if there is no whole one.
pub(crate) fn split(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    match i32::from_be_bytes(*length) {
        NULL => Some((None, rest)),
        length => {
            let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some((Some(value), rest))
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
