//! Values of which it can be told whether the database takes them for equal.

use smallvec::SmallVec;

/// How the values of a column are compared, as far as that can be done here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ColumnKind {
    /// An integer between these bounds.
    Integer { min: i64, max: i64 },
    /// Text that is equal if its bytes are, of at most so many characters. The column stores every text as it was given.
    Text { max_chars: Option<u32> },
    /// The same, but spaces at the end do not count (MySQL's `PAD SPACE`).
    PaddedText { max_chars: Option<u32> },
    /// A UUID.
    Uuid,
    /// A truth value.
    Bool,
    /// A day.
    Date,
    /// Anything else: two spellings of one value can differ, or two values be equal.
    Other,
}

/// A value in the one form that all equal values have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Canonical {
    /// An integer of any width.
    Integer(i64),
    /// Text.
    Text(Box<str>),
    /// A UUID.
    Uuid([u8; 16]),
    /// A truth value.
    Bool(bool),
    /// Days since 2000-01-01.
    Date(i32),
}

impl ColumnKind {
    /// The form that `value` has in a column of this kind: the column's rows that the database takes for equal to it have that
    /// form, and so has the row that it is written to. `None` if that cannot be told, and the value then pins nothing.
    ///
    /// A value of another kind is converted before it is compared or stored, often to a third type (in MySQL text and
    /// integers meet as doubles), so that many values can be equal to it. An integer out of bounds can be stored as the
    /// nearest bound (MySQL without strict mode), and a text that is too long can be stored without its end (PostgreSQL cuts
    /// spaces off, MySQL without strict mode anything).
    pub(crate) fn canonical(self, value: &Canonical) -> Option<Canonical> {
        let fits = |text: &str, most: Option<u32>| {
            most.is_none_or(|most| text.chars().take(most as usize + 1).count() <= most as usize)
        };
        match (self, value) {
            (ColumnKind::Integer { min, max }, Canonical::Integer(integer)) => {
                (min..=max).contains(integer).then(|| value.clone())
            }
            (ColumnKind::Text { max_chars }, Canonical::Text(text)) => {
                fits(text, max_chars).then(|| value.clone())
            }
            (ColumnKind::PaddedText { max_chars }, Canonical::Text(text)) => {
                fits(text, max_chars).then(|| Canonical::Text(text.trim_end_matches(' ').into()))
            }
            (ColumnKind::Uuid, Canonical::Uuid(_))
            | (ColumnKind::Bool, Canonical::Bool(_))
            | (ColumnKind::Date, Canonical::Date(_)) => Some(value.clone()),
            (
                ColumnKind::Integer { .. }
                | ColumnKind::Text { .. }
                | ColumnKind::PaddedText { .. }
                | ColumnKind::Uuid
                | ColumnKind::Bool
                | ColumnKind::Date
                | ColumnKind::Other,
                _,
            ) => None,
        }
    }
}

impl Canonical {
    /// The bytes that stand for the value in a tag: different for different values, the same in every process.
    pub(crate) fn bytes(&self) -> SmallVec<[u8; 24]> {
        let of = |kind: u8, value: &[u8]| {
            let mut bytes = SmallVec::with_capacity(1 + value.len());
            bytes.push(kind);
            bytes.extend_from_slice(value);
            bytes
        };
        match self {
            Canonical::Integer(value) => of(b'i', &value.to_le_bytes()),
            Canonical::Text(value) => of(b't', value.as_bytes()),
            Canonical::Uuid(value) => of(b'u', value),
            Canonical::Bool(value) => of(b'b', &[u8::from(*value)]),
            Canonical::Date(value) => of(b'd', &value.to_le_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Canonical {
        Canonical::Text(text.into())
    }

    #[test]
    fn a_value_of_another_kind_than_the_columns_has_no_form_in_it() {
        let integer = ColumnKind::Integer { min: 0, max: 100 };
        let one = Canonical::Integer(1);
        assert_eq!(integer.canonical(&one), Some(one.clone()));
        assert_eq!(integer.canonical(&text("1")), None);
        assert_eq!(integer.canonical(&Canonical::Bool(true)), None);
        assert_eq!(ColumnKind::Text { max_chars: None }.canonical(&one), None);
        assert_eq!(ColumnKind::Uuid.canonical(&text("0")), None);
        assert_eq!(ColumnKind::Date.canonical(&Canonical::Integer(0)), None);
        for value in [one, text("a"), Canonical::Bool(true), Canonical::Date(1)] {
            assert_eq!(ColumnKind::Other.canonical(&value), None);
        }
    }

    #[test]
    fn a_value_that_the_column_could_store_as_another_has_no_form_in_it() {
        let unsigned = ColumnKind::Integer { min: 0, max: 100 };
        for beyond in [-1, 101, i64::MIN, i64::MAX] {
            assert_eq!(unsigned.canonical(&Canonical::Integer(beyond)), None);
        }
        let short = ColumnKind::Text { max_chars: Some(3) };
        assert_eq!(short.canonical(&text("äöü")), Some(text("äöü")));
        assert_eq!(short.canonical(&text("abc ")), None);
        let padded = ColumnKind::PaddedText { max_chars: Some(3) };
        assert_eq!(padded.canonical(&text("abc ")), None);
    }

    #[test]
    fn spaces_at_the_end_count_only_where_the_column_counts_them() {
        let (plain, padded) = (
            ColumnKind::Text { max_chars: None },
            ColumnKind::PaddedText { max_chars: None },
        );
        assert_eq!(plain.canonical(&text("a ")), Some(text("a ")));
        assert_eq!(padded.canonical(&text("a  ")), Some(text("a")));
        assert_eq!(padded.canonical(&text(" a\t")), Some(text(" a\t")));
    }

    #[test]
    fn different_values_stand_for_themselves_with_different_bytes() {
        let values = [
            Canonical::Integer(1),
            Canonical::Integer(-1),
            Canonical::Date(1),
            Canonical::Bool(true),
            Canonical::Bool(false),
            Canonical::Uuid([1; 16]),
            text(""),
            text("\u{1}"),
            text("a"),
        ];
        for (at, value) in values.iter().enumerate() {
            assert!(
                values[..at]
                    .iter()
                    .all(|other| other.bytes() != value.bytes())
            );
        }
    }
}
