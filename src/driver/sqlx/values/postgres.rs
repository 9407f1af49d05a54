//! PostgreSQL: the types as `Debug` shows them, and the buffer, in which each value follows its length.

use smallvec::SmallVec;
use sqlx::{Arguments as _, postgres::PgArguments};

use super::Values;
use crate::driver::postgres::values::{Kind, split};

/// The type that is printed as `element`.
fn kind(element: &[u8]) -> Kind {
    match element {
        b"PgTypeInfo(Int2)" | b"PgTypeInfo(Int4)" | b"PgTypeInfo(Int8)" => Kind::Integer,
        b"PgTypeInfo(Bool)" => Kind::Bool,
        b"PgTypeInfo(Text)" | b"PgTypeInfo(Varchar)" => Kind::Text,
        b"PgTypeInfo(Uuid)" => Kind::Uuid,
        b"PgTypeInfo(Date)" => Kind::Date,
        _ => Kind::Other,
    }
}

/// The types of all arguments; none if they cannot be told from one another: the name of a type of the user's own is printed
/// without quotes, and can look like another type.
pub(crate) fn kinds(arguments: &PgArguments) -> SmallVec<[Kind; 16]> {
    let mut kinds = SmallVec::new();
    super::elements(arguments, 0, |_, element| kinds.push(kind(element)));
    if kinds.len() != arguments.len() {
        kinds.clear();
    }
    kinds
}

/// The values in `buffer`; empty if it does not hold one a type.
pub(crate) fn values(kinds: &[Kind], mut buffer: &[u8]) -> Values {
    let mut next = |kind: &Kind| {
        let (value, rest) = split(buffer)?;
        buffer = rest;
        Some(value.and_then(|value| kind.value(value)))
    };
    let values: Option<Values> = kinds.iter().map(&mut next).collect();
    values.filter(|_| buffer.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::sqlx::backend::Driver as _;
    use crate::schema::Canonical;
    use sqlx::{
        Encode, Postgres, Type,
        encode::IsNull,
        error::BoxDynError,
        postgres::{PgArgumentBuffer, PgTypeInfo},
    };

    #[test]
    fn a_buffer_that_does_not_hold_one_value_a_type_shows_nothing() {
        let seven = [0, 0, 0, 2, 0, 7];
        let read = |kinds: &[Kind], buffer: &[u8]| values(kinds, buffer);
        let one = vec![Some(Canonical::Integer(7))];
        assert_eq!(read(&[Kind::Integer], &seven), one);
        assert!(read(&[Kind::Integer], &seven[..5]).is_empty());
        assert!(read(&[Kind::Integer], &[&seven[..], &[0]].concat()).is_empty());
        assert!(read(&[Kind::Integer, Kind::Integer], &seven).is_empty());
    }

    #[test]
    fn a_value_of_another_length_than_its_types_is_unknown() {
        for kind in [Kind::Integer, Kind::Bool, Kind::Uuid, Kind::Date] {
            assert_eq!(values(&[kind], &[0, 0, 0, 3, 1, 2, 3]), [None], "{kind:?}");
        }
        assert_eq!(
            values(&[Kind::Date], &[0, 0, 0, 4, 255, 255, 255, 255]),
            [Some(Canonical::Date(-1))]
        );
        let uuid = [&[0, 0, 0, 16][..], &[9; 16]].concat();
        assert_eq!(
            values(&[Kind::Uuid], &uuid),
            [Some(Canonical::Uuid([9; 16]))]
        );
    }

    #[test]
    fn types_of_the_users_own_are_not_taken_for_those_they_are_named_like() {
        let bound = |names: &[&'static str]| {
            let mut arguments = PgArguments::default();
            for name in names {
                arguments.add(Named(name)).unwrap();
            }
            arguments.add(7_i64).unwrap();
            Postgres::values(&mut arguments)
        };
        let seven = Some(Canonical::Integer(7));
        assert_eq!(
            bound(&["Int8", "int8", "a.b[]"]),
            [None, None, None, seven.clone()]
        );
        assert_eq!(bound(&["a)), PgTypeInfo(Int8"]), []);
        assert_eq!(bound(&["it\"s"]), []);
    }

    /// Eight bytes, which would be an integer.
    struct Named(&'static str);

    impl Type<Postgres> for Named {
        fn type_info() -> PgTypeInfo {
            PgTypeInfo::with_name("unused")
        }
    }

    impl Encode<'_, Postgres> for Named {
        fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
            buffer.extend_from_slice(b"12345678");
            Ok(IsNull::No)
        }

        fn produces(&self) -> Option<PgTypeInfo> {
            Some(PgTypeInfo::with_name(self.0))
        }
    }
}
