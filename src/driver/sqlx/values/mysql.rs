//! MySQL and MariaDB: types and NULL bitmap as `Debug` shows them, and the values of all that are not NULL, back to back.

use smallvec::SmallVec;
use sqlx::mysql::MySqlArguments;

use super::{Canonical, LONGEST, Values};

/// How a value of some type stands among the bytes, and what it is (protocol manual, "Binary Protocol Value").
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// So many bytes.
    Signed(usize),
    Unsigned(usize),
    /// Text behind its length as an integer of variable length.
    Text,
    /// The same, without a canonical form.
    Bytes,
    /// So many bytes without a canonical form.
    Fixed(usize),
    /// Something behind its length as one byte.
    Time,
    /// Nobody knows where it ends.
    Unknown,
}

impl Kind {
    /// The type that is printed as `element`.
    fn of(element: &[u8]) -> Kind {
        let Some((name, flags)) = named(element) else {
            return Kind::Unknown;
        };
        let integer = |width| match flags {
            "BINARY" => Kind::Signed(width),
            "UNSIGNED | BINARY" => Kind::Unsigned(width),
            _ => Kind::Fixed(width),
        };
        match name {
            "Tiny" => integer(1),
            "Short" => integer(2),
            "Long" => integer(4),
            "LongLong" => integer(8),
            "Float" => Kind::Fixed(4),
            "Double" => Kind::Fixed(8),
            "VarString" if flags == "0x0" => Kind::Text,
            "VarString" | "VarChar" | "String" | "Enum" | "Blob" | "NewDecimal" | "Json" => {
                Kind::Bytes
            }
            "Date" | "Datetime" | "Timestamp" | "Time" => Kind::Time,
            _ => Kind::Unknown,
        }
    }

    /// Takes a value off the front of `bytes`. `None` if there is none.
    fn take(self, bytes: &mut &[u8]) -> Option<Option<Canonical>> {
        let length = match self {
            Kind::Signed(width) | Kind::Unsigned(width) | Kind::Fixed(width) => width,
            Kind::Time => take(bytes, 1)?[0].into(),
            Kind::Text | Kind::Bytes => length(bytes)?,
            Kind::Unknown => return None,
        };
        let value = take(bytes, length)?;
        Some(match self {
            Kind::Signed(_) => Some(Canonical::Integer(signed(value))),
            Kind::Unsigned(_) => unsigned(value).map(Canonical::Integer),
            Kind::Text if value.len() <= LONGEST => std::str::from_utf8(value)
                .ok()
                .map(|text| Canonical::Text(text.into())),
            _ => None,
        })
    }
}

/// Types and NULL bitmap.
#[derive(Default)]
pub(crate) struct Shape {
    kinds: SmallVec<[Kind; 16]>,
    nulls: SmallVec<[u8; 8]>,
}

/// The shape of arguments whose values have been taken out: in their place `Debug` prints an empty list.
pub(crate) fn shape(emptied: &MySqlArguments) -> Shape {
    let mut shape = Shape::default();
    super::elements(emptied, 2, |list, element| match list {
        1 => shape.kinds.push(Kind::of(element)),
        2 => shape.nulls.extend(
            std::str::from_utf8(element)
                .ok()
                .and_then(|byte| byte.parse::<u8>().ok()),
        ),
        _ => {}
    });
    shape
}

/// The values in `bytes`; empty if it does not hold what the shape says.
pub(crate) fn values(shape: &Shape, mut bytes: &[u8]) -> Values {
    let mut next = |(at, kind): (usize, &Kind)| {
        let null = shape.nulls.get(at / 8)? >> (at % 8) & 1 == 1;
        if null {
            Some(None)
        } else {
            kind.take(&mut bytes)
        }
    };
    let values: Option<Values> = shape.kinds.iter().enumerate().map(&mut next).collect();
    values.filter(|_| bytes.is_empty()).unwrap_or_default()
}

/// Name and flags in `MySqlTypeInfo { type: LongLong, flags: ColumnFlags(BINARY), … }`.
fn named(element: &[u8]) -> Option<(&str, &str)> {
    let element = std::str::from_utf8(element).ok()?;
    let (name, rest) = element
        .strip_prefix("MySqlTypeInfo { type: ")?
        .split_once(", flags: ColumnFlags(")?;
    Some((name, rest.split_once(')')?.0))
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// A length in the protocol's variable form.
fn length(bytes: &mut &[u8]) -> Option<usize> {
    let width = match take(bytes, 1)?[0] {
        short @ ..=250 => return Some(short.into()),
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        _ => return None,
    };
    usize::try_from(unsigned(take(bytes, width)?)?).ok()
}

/// A little-endian integer of up to eight bytes; `None` if it does not fit.
fn unsigned(bytes: &[u8]) -> Option<i64> {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    i64::try_from(u64::from_le_bytes(wide)).ok()
}

/// A little-endian integer of up to eight bytes, in two's complement.
fn signed(bytes: &[u8]) -> i64 {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = [if negative { 0xff } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(wide)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::sqlx::backend::Driver as _;
    use sqlx::{Arguments as _, MySql};

    #[test]
    fn integers_of_every_width_and_sign_are_their_own_values() {
        let mut arguments = MySqlArguments::default();
        arguments.add(-1_i8).unwrap();
        arguments.add(255_u8).unwrap();
        arguments.add(-2_i16).unwrap();
        arguments.add(65_535_u16).unwrap();
        arguments.add(-3_i32).unwrap();
        arguments.add(u32::MAX).unwrap();
        arguments.add(-4_i64).unwrap();
        arguments.add(7_u64).unwrap();
        arguments.add(u64::MAX).unwrap();
        arguments.add(None::<u64>).unwrap();
        arguments.add(false).unwrap();
        let integers = [-1, 255, -2, 65_535, -3, i64::from(u32::MAX), -4, 7];
        let mut expected: Values = integers.map(|n| Some(Canonical::Integer(n))).into();
        expected.extend([None, None, Some(Canonical::Integer(0))]);
        assert_eq!(MySql::values(&mut arguments), expected);
    }

    #[test]
    fn texts_of_every_form_of_length_are_stepped_over() {
        for bytes in [0, 1, 250, 251, 256, 257, 65_535, 65_536, 70_000] {
            let text = "x".repeat(bytes);
            let mut arguments = MySqlArguments::default();
            arguments.add(text.as_str()).unwrap();
            arguments.add(text.as_bytes()).unwrap();
            arguments.add(7_i16).unwrap();
            let known = (bytes <= LONGEST).then(|| Canonical::Text(text.into()));
            let expected = [known, None, Some(Canonical::Integer(7))];
            assert_eq!(MySql::values(&mut arguments), expected, "{bytes} bytes");
        }
    }

    #[test]
    fn bytes_that_do_not_fit_the_shape_show_nothing() {
        let shape = Shape {
            kinds: SmallVec::from_slice(&[Kind::Signed(2), Kind::Text]),
            nulls: SmallVec::from_slice(&[0]),
        };
        assert_eq!(values(&shape, &[1, 0, 1, b'a']).len(), 2);
        assert!(values(&shape, &[1, 0, 2, b'a']).is_empty());
        assert!(values(&shape, &[1, 0, 1, b'a', 0]).is_empty());
        assert!(values(&shape, &[1]).is_empty());
        let short = Shape {
            nulls: SmallVec::new(),
            ..shape
        };
        assert!(values(&short, &[1, 0, 1, b'a']).is_empty());
    }
}
