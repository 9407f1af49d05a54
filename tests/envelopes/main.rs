//! A deploy that changes a row's struct, seen from the shared tier: what the old program put there is never read as a value of
//! the new one, nor the other way round.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use cachedpool::cache::{
    decode, encode,
    shared::{
        Word,
        envelope::{Flaw, Note, Sealer},
        fingerprint::fingerprint,
    },
};

const KEY: &[u8] = b"SELECT * FROM users WHERE id = 1";
const SLOTS: [u16; 2] = [0, 77];
const WORDS: [Word; 2] = [Word {
    epoch: 1,
    version: 2,
}; 2];

/// A program with its own idea of the struct `Row`.
struct Version {
    name: &'static str,
    type_name: fn() -> &'static str,
    put: fn(&Sealer) -> Vec<u8>,
    get: fn(&Sealer, &[u8]) -> Result<(), Flaw>,
}

trait Program {
    const VERSION: Version;
}

/// Items in an anonymous constant have its name in their path, so all of these rows are called the same.
macro_rules! programs {
    ($($name:ident { $($item:item)* })*) => {
        $(
            struct $name;
            const _: () = {
                use serde::{Deserialize, Serialize};
                $(#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)] $item)*

                impl Program for $name {
                    const VERSION: Version = Version {
                        name: stringify!($name),
                        type_name: || std::any::type_name::<Row>(),
                        put: |sealer| {
                            let note = Note {
                                key: KEY,
                                fingerprint: fingerprint::<Vec<Row>>(),
                                slots: &SLOTS,
                                words: &WORDS,
                                created: 1,
                                rows: 1,
                            };
                            sealer.seal(&note, &encode(&vec![Row::default()]).unwrap()).unwrap()
                        },
                        get: |sealer, bytes| {
                            let opened = sealer.open(bytes, KEY, fingerprint::<Vec<Row>>(), &SLOTS)?;
                            assert_eq!(decode(opened.payload()), Ok(vec![Row::default()]));
                            Ok(())
                        },
                    };
                }
            };
        )*
        const PROGRAMS: &[Version] = &[$($name::VERSION,)*];
    };
}

programs! {
    Old {
        struct Row { id: i64, name: String, note: Option<String>, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32) }
    }
    Added {
        struct Row { id: i64, name: String, note: Option<String>, place: Place, kind: Kind, more: Option<i64> }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32) }
    }
    Removed {
        struct Row { id: i64, name: String, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32) }
    }
    Renamed {
        struct Row { id: i64, title: String, note: Option<String>, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32) }
    }
    Reordered {
        struct Row { name: String, id: i64, note: Option<String>, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32) }
    }
    Swapped {
        struct Row { id: i64, note: Option<String>, name: String, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32) }
    }
    Narrower {
        struct Row { id: i32, name: String, note: Option<String>, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32) }
    }
    Unsigned {
        struct Row { id: u64, name: String, note: Option<String>, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32) }
    }
    Required {
        struct Row { id: i64, name: String, note: String, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32) }
    }
    Optional {
        struct Row { id: i64, name: Option<String>, note: Option<String>, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32) }
    }
    NestedRetyped {
        struct Row { id: i64, name: String, note: Option<String>, place: Place, kind: Kind }
        struct Place { x: i64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32) }
    }
    NestedElement {
        struct Row { id: i64, name: String, note: Option<String>, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<Option<String>> }
        enum Kind { #[default] A, B(i32) }
    }
    VariantAdded {
        struct Row { id: i64, name: String, note: Option<String>, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(i32), C }
    }
    VariantRetyped {
        struct Row { id: i64, name: String, note: Option<String>, place: Place, kind: Kind }
        struct Place { x: f64, tags: Vec<String> }
        enum Kind { #[default] A, B(u32) }
    }
}

#[test]
fn all_versions_of_the_row_have_one_name() {
    for program in PROGRAMS {
        assert_eq!(
            (program.type_name)(),
            (PROGRAMS[0].type_name)(),
            "{}",
            program.name
        );
    }
}

#[test]
fn side_by_side_two_versions_of_a_struct_only_miss() {
    for sealer in [Sealer::new(&[]), Sealer::new(&[[3; 32]])] {
        for writer in PROGRAMS {
            let bytes = (writer.put)(&sealer);
            for reader in PROGRAMS {
                let expected = if writer.name == reader.name {
                    Ok(())
                } else {
                    Err(Flaw::OtherType)
                };
                let found = (reader.get)(&sealer, &bytes);
                assert_eq!(found, expected, "{} read by {}", writer.name, reader.name);
            }
        }
    }
}
