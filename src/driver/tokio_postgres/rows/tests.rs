//! What is read back is what was written, and nothing else is read.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use bytes::BufMut as _;
use proptest::{collection::vec, option, prelude::*, sample::Index};
use tokio_postgres::types::{Field, Kind, Type};

use super::*;

/// Above the numbers that the server gives its own types.
const OWN: std::ops::Range<u32> = 100_000..100_004;

fn types() -> impl Strategy<Value = Type> {
    let built_in = [
        Type::BOOL,
        Type::INT4,
        Type::TEXT_ARRAY,
        Type::INT4_RANGE,
        Type::NUMMULTI_RANGE,
        Type::RECORD,
    ];
    let name = || "[a\u{e4}\"]{0,2}";
    let own = move |kind: BoxedStrategy<Kind>| {
        (name(), OWN, kind, name())
            .prop_map(|(name, oid, kind, schema)| Type::new(name, oid, kind, schema))
    };
    let bare = prop_oneof![
        Just(Kind::Simple),
        Just(Kind::Pseudo),
        vec(name(), 0..3).prop_map(Kind::Enum),
    ];
    let leaf = prop_oneof![prop::sample::select(built_in.to_vec()), own(bare.boxed())];
    leaf.prop_recursive(4, 12, 3, move |inner| {
        let field = (name(), inner.clone()).prop_map(|(name, kind)| Field::new(name, kind));
        let kind = prop_oneof![
            inner.clone().prop_map(Kind::Array),
            inner.clone().prop_map(Kind::Range),
            inner.clone().prop_map(Kind::Multirange),
            inner.prop_map(Kind::Domain),
            vec(field, 0..3).prop_map(Kind::Composite),
        ];
        own(kind.boxed())
    })
}

fn row(values: &[Option<Vec<u8>>], to: &mut BytesMut) {
    for value in values {
        match value {
            None => to.put_i32(-1),
            Some(bytes) => {
                to.put_i32(i32::try_from(bytes.len()).unwrap());
                to.extend_from_slice(bytes);
            }
        }
    }
}

fn made(columns: Vec<Column>, rows: &[Vec<Option<Vec<u8>>>]) -> Rows {
    let mut values = BytesMut::new();
    for values_of_one in rows {
        row(values_of_one, &mut values);
    }
    Rows::split(columns.into(), values.freeze(), rows.len() as u64).unwrap()
}

fn results() -> impl Strategy<Value = Rows> {
    let column = ("[a-c]{0,2}", types()).prop_map(|(name, kind)| Column {
        name: name.into(),
        kind,
    });
    vec(column, 0..4).prop_flat_map(|columns| {
        let value = option::of(vec(any::<u8>(), 0..6));
        let rows = vec(vec(value, columns.len()), 0..5);
        rows.prop_map(move |rows| made(columns.clone(), &rows))
    })
}

fn codec() -> Codec<Rows> {
    Rows::codec().unwrap()
}

/// That each row is made of as many values as there are columns, and all rows of all bytes.
fn assert_whole(rows: &Rows) {
    let mut joined = Vec::new();
    for row in &**rows {
        let mut rest = &row.values[..];
        for at in 0..row.columns.len() {
            let (bytes, following) = split(rest).unwrap();
            assert_eq!(
                row.try_get::<_, Option<Bare<'_>>>(at)
                    .unwrap()
                    .map(|bare| bare.0),
                bytes
            );
            rest = following;
        }
        assert!(rest.is_empty());
        assert_eq!(row.columns, rows.columns);
        joined.extend_from_slice(&row.values);
    }
    assert_eq!(joined, rows.values);
}

/// The bytes of a column.
struct Bare<'r>(&'r [u8]);

impl<'r> tokio_postgres::types::FromSql<'r> for Bare<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Bare(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

proptest! {
    #[test]
    fn rows_of_any_type_are_read_as_they_were_written(rows in results()) {
        assert_whole(&rows);
        let packed = (codec().pack)(&rows).unwrap();
        let read = (codec().unpack)(&packed).unwrap();
        assert_whole(&read);
        prop_assert_eq!(&read, &rows);
        prop_assert_eq!(rows.weight().unwrap(), (codec().weight)(&packed));
    }

    #[test]
    fn rows_that_differ_have_different_bytes(one in results(), other in results()) {
        let packed = [&one, &other].map(|rows| (codec().pack)(rows).unwrap());
        prop_assert_eq!(packed[0] == packed[1], one == other);
    }

    #[test]
    fn any_bytes_are_refused_or_whole_rows(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(rows) = (codec().unpack)(&bytes) {
            assert_whole(&rows);
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_whole_rows(
        rows in results(),
        damage in vec((any::<Index>(), any::<u8>()), 0..4),
        end in option::of(any::<Index>()),
    ) {
        let mut bytes = (codec().pack)(&rows).unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(read) = (codec().unpack)(&bytes) {
            assert_whole(&read);
        }
    }

    #[test]
    fn a_count_that_is_not_that_of_the_rows_is_refused(rows in results(), count in 0..8_u64) {
        let sent = Sent { count, ..rows.sent().unwrap() };
        let read = (codec().unpack)(&encode(&sent).unwrap());
        // Rows without columns are nothing but their count.
        let fits = rows.columns.is_empty() || count == rows.len() as u64;
        prop_assert_eq!(read.is_ok(), fits);
    }
}

#[test]
fn a_type_that_only_has_the_number_of_a_built_in_one_does_not_become_it() {
    let false_int = Type::new("int".into(), 23, Kind::Simple, "public".into());
    let column = |kind| Column {
        name: "n".into(),
        kind,
    };
    let rows = made(vec![column(false_int)], &[vec![Some(vec![7])]]);
    assert_eq!((codec().pack)(&rows), Err(Stay::Altered));
}

#[test]
fn types_nested_without_end_stay_in_the_process() {
    let mut kind = Type::INT4;
    for _ in 0..500 {
        kind = Type::new("deep".into(), 100_000, Kind::Domain(kind), "public".into());
    }
    let rows = made(
        vec![Column {
            name: "n".into(),
            kind,
        }],
        &[],
    );
    assert_eq!((codec().pack)(&rows), Err(Stay::Altered));
}

/// `count` rows of one NULL.
fn nulls(count: usize) -> Rows {
    let column = Column {
        name: "a".into(),
        kind: Type::INT4,
    };
    let values = (-1_i32).to_be_bytes().repeat(count);
    Rows::split([column].into(), values.into(), count as u64).expect("whole rows")
}

/// `count` rows without columns.
fn empty(count: u64) -> Rows {
    Rows::split([].into(), Bytes::new(), count).expect("whole rows")
}

#[test]
fn rows_weigh_what_they_take_in_memory() {
    for rows in [nulls(10_000), empty(10_000)] {
        let weight = rows.weight().unwrap();
        let takes = rows.rows.len() * size_of::<CachedRow>() + rows.values.len();
        assert!(weight.bytes >= takes, "{} of {takes}", weight.bytes);
        let codec = Rows::codec().unwrap();
        assert_eq!((codec.weight)(&(codec.pack)(&rows).unwrap()), weight);
    }
}

#[test]
fn more_rows_without_columns_than_may_leave_the_process_are_answered_and_not_kept() {
    let codec = Rows::codec().unwrap();
    let most = empty(MOST_EMPTY);
    assert_eq!((codec.unpack)(&(codec.pack)(&most).unwrap()), Ok(most));
    // More than any process reads.
    let many = empty((1 << 20) + 1);
    assert_eq!(many.len(), (1 << 20) + 1);
    assert!(many.weight().is_err());
    let forged = Sent {
        columns: Vec::new(),
        count: MOST_EMPTY + 1,
        values: Bytes::new(),
    };
    assert!((codec.unpack)(&encode(&forged).unwrap()).is_err());
}

#[test]
fn rows_are_equal_only_with_the_same_columns_values_and_number() {
    assert_eq!(nulls(2), nulls(2));
    assert_ne!(nulls(2), nulls(1));
    assert_ne!(empty(2), empty(1));
    let mut renamed = nulls(1);
    renamed.columns = [Column {
        name: "b".into(),
        kind: Type::INT4,
    }]
    .into();
    assert_ne!(renamed, nulls(1));
}

#[test]
fn a_type_that_would_be_described_without_end_stays_in_the_process() {
    let nest = |depth: u32| {
        (0..depth).fold(Type::INT4, |inner, level| {
            let field = |name: &str| Field::new(name.into(), inner.clone());
            let kind = Kind::Composite(vec![field("a"), field("b")]);
            Type::new(format!("t{level}"), 70_000 + level, kind, "public".into())
        })
    };
    let of = |kind: Type| {
        let name = "a".into();
        let values = (-1_i32).to_be_bytes().to_vec();
        Rows::split([Column { name, kind }].into(), values.into(), 1).unwrap()
    };
    let codec = Rows::codec().unwrap();
    let shallow = of(nest(3));
    assert_eq!(
        (codec.unpack)(&(codec.pack)(&shallow).unwrap()),
        Ok(shallow)
    );
    assert!(of(nest(40)).weight().is_err());
}
