//! Two lists of arguments have one key only if they are one list, and what is sent is what was given.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use proptest::{collection::vec, option, prelude::*};
use tokio_postgres::types::Kind as Nature;

use super::*;
use crate::schema::Canonical;

/// A value that is written as it stands.
#[derive(Clone, Debug, PartialEq)]
struct Given {
    kind: Type,
    is_text: bool,
    bytes: Option<Vec<u8>>,
}

impl ToSql for Given {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        // What is written before a NULL is said to be one is not a part of it.
        out.extend_from_slice(self.bytes.as_deref().unwrap_or(b"left over"));
        Ok(match self.bytes {
            None => IsNull::Yes,
            Some(_) => IsNull::No,
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        match self.is_text {
            true => Format::Text,
            false => Format::Binary,
        }
    }

    tokio_postgres::types::to_sql_checked!();
}

fn own(oid: u32) -> Type {
    Type::new("int8".into(), oid, Nature::Simple, "pg_catalog".into())
}

/// Few values of each, of bytes that types and lengths are made of: what could be confused should be.
fn lists() -> impl Strategy<Value = Vec<Given>> {
    let kinds = [
        Type::INT8,
        Type::INT4,
        Type::TEXT,
        own(100_000),
        own(100_001),
    ];
    let byte = prop_oneof![Just(0_u8), Just(1), Just(4), Just(23), Just(255)];
    let value = (
        prop::sample::select(kinds.to_vec()),
        any::<bool>(),
        option::of(vec(byte, 0..6)),
    );
    let given = value.prop_map(|(kind, is_text, bytes)| Given {
        kind,
        is_text,
        bytes,
    });
    vec(given, 0..4)
}

fn encoded(list: &[Given]) -> Encoded {
    let types: Arc<[Type]> = list.iter().map(|given| given.kind.clone()).collect();
    let params: Vec<&(dyn ToSql + Sync)> = list.iter().map(|given| given as _).collect();
    Encoded::new(&types, &params).unwrap()
}

fn key(list: &[Given]) -> Params {
    let mut key = Params::new();
    encoded(list).write(&mut key);
    key
}

proptest! {
    #[test]
    fn lists_that_differ_have_keys_that_differ_whatever_follows_them(one in lists(), other in lists()) {
        let (first, second) = (key(&one), key(&other));
        let begins = first.starts_with(&second) || second.starts_with(&first);
        prop_assert_eq!(begins, one == other);
        prop_assert_eq!(first == second, one == other);
    }

    #[test]
    fn a_change_of_any_one_part_changes_the_key(list in lists(), at in any::<prop::sample::Index>()) {
        prop_assume!(!list.is_empty());
        let changes: [fn(&mut Given); 4] = [
            |given| given.kind = Type::BYTEA,
            |given| given.is_text = !given.is_text,
            |given| given.bytes = given.bytes.take().xor(Some(vec![])),
            |given| given.bytes.get_or_insert_default().push(0),
        ];
        for change in changes {
            let mut changed = list.clone();
            change(&mut changed[at.index(list.len())]);
            if changed != list {
                prop_assert_ne!(key(&list), key(&changed));
            }
        }
    }

    #[test]
    fn what_is_sent_is_what_was_given(list in lists()) {
        let bound = encoded(&list).bound();
        prop_assert_eq!(bound.len(), list.len());
        for (given, (bound, kind)) in list.iter().zip(bound) {
            prop_assert_eq!(&kind, &given.kind);
            prop_assert_eq!(matches!(bound.encode_format(&kind), Format::Text), given.is_text);
            let mut out = BytesMut::new();
            let is_null = matches!(bound.to_sql_checked(&kind, &mut out).unwrap(), IsNull::Yes);
            prop_assert_eq!((!is_null).then(|| out.to_vec()), given.bytes.clone());
        }
    }

    #[test]
    fn a_value_is_known_only_by_its_binary_form_and_a_built_in_type(list in lists()) {
        for (given, value) in list.iter().zip(encoded(&list).values()) {
            match value {
                None => {}
                Some(Canonical::Integer(_)) => prop_assert!([Type::INT8, Type::INT4].contains(&given.kind)),
                Some(Canonical::Text(_)) => prop_assert_eq!(&given.kind, &Type::TEXT),
                other => prop_assert!(false, "{other:?}"),
            }
            prop_assert!(!given.is_text || encoded(std::slice::from_ref(given)).values() == [None]);
        }
    }
}

#[test]
fn values_are_those_that_the_server_will_read() {
    let types: Arc<[Type]> = [
        Type::INT8,
        Type::INT2,
        Type::BOOL,
        Type::VARCHAR,
        Type::INT4,
        Type::FLOAT8,
    ]
    .into();
    let values = Encoded::new(
        &types,
        &[&i64::MIN, &-7_i16, &true, &"\u{fc}", &None::<i32>, &7.0_f64],
    )
    .unwrap()
    .values();
    assert_eq!(
        values,
        [
            Some(Canonical::Integer(i64::MIN)),
            Some(Canonical::Integer(-7)),
            Some(Canonical::Bool(true)),
            Some(Canonical::Text("\u{fc}".into())),
            None,
            None,
        ]
    );
}

#[test]
fn arguments_that_do_not_fit_are_named_by_their_place() {
    let types: Arc<[Type]> = [Type::INT8, Type::TEXT].into();
    let error = Encoded::new(&types, &[&7_i64]).err();
    assert!(matches!(
        error,
        Some(Error::Arguments {
            given: 1,
            expected: 2
        })
    ));
    let error = Encoded::new(&types, &[&7_i64, &"secret", &1_i32]).err();
    assert!(matches!(error, Some(Error::Arguments { given: 3, .. })));
    let error = Encoded::new(&types, &[&7_i64, &4711_i32]).err().unwrap();
    assert!(matches!(error, Error::Argument { index: 1, .. }));
    assert!(!format!("{error} {error:?}").contains("4711"));
}

#[test]
fn a_value_that_takes_others_away_is_refused() {
    /// Leaves nothing of what was written before it.
    #[derive(Debug)]
    struct Greedy {
        is_null: bool,
    }

    impl ToSql for Greedy {
        fn to_sql(
            &self,
            _: &Type,
            out: &mut BytesMut,
        ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
            out.clear();
            Ok(match self.is_null {
                true => IsNull::Yes,
                false => IsNull::No,
            })
        }

        fn accepts(_: &Type) -> bool {
            true
        }

        tokio_postgres::types::to_sql_checked!();
    }

    let types: Arc<[Type]> = [Type::INT8, Type::INT8].into();
    for greedy in [true, false].map(|is_null| Greedy { is_null }) {
        let error = Encoded::new(&types, &[&7_i64, &greedy]).err();
        assert!(matches!(error, Some(Error::Argument { index: 1, .. })));
    }
}
