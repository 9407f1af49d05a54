//! The key of a read among processes.
//!
//! Promises that two reads have the same bytes only if every process means the same by them: each part stands behind its
//! kind and its length, so no two lists of parts are the same bytes. What only means something inside one process (ids,
//! addresses, the type of a closure by itself) must not get in.

use std::any::TypeId;

use super::identity::Identity;
use crate::cache::{Shape, Tags, WholeKey};

/// Counted up when the same read gets other bytes, or the same bytes come to mean another read.
const VERSION: u8 = 1;

/// The kinds of parts. Their numbers are in the bytes.
#[derive(Clone, Copy)]
enum Part {
    Database = 1,
    Name = 2,
    Value = 3,
    Executable = 4,
    Statement = 5,
    Mapping = 6,
    Shape = 7,
    Params = 8,
    Tag = 9,
    Generation = 10,
    #[cfg_attr(
        not(feature = "http"),
        allow(dead_code, reason = "only responses have one")
    )]
    Response = 11,
}

/// What a row is made into, as every process names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    not(feature = "_sqlx"),
    allow(dead_code, reason = "only sqlx has row types of the user's")
)]
pub(crate) enum RowIdentity {
    /// The whole row, by the type of this name. That its fields are the same ones is checked where the bytes are read.
    Whole(&'static str),
    /// The first column, by the type of this name.
    First(&'static str),
    /// By a closure of this type. What it does stands in the executable alone, so only processes of one executable share
    /// its results.
    Closure(TypeId, &'static str),
}

/// What the keys of one pool have in common.
#[derive(Debug)]
pub(crate) struct Home {
    common: Box<[u8]>,
    executable: Option<u128>,
}

impl Home {
    /// The home of a pool on a database of this kind and identity, whose connections have this session. Without the digest
    /// of the executable, what closures made stays in this process. The generation is what the user calls this state of
    /// the row types.
    pub(crate) fn new(
        database: &str,
        identity: &Identity,
        session: &[(&'static str, String)],
        executable: Option<u128>,
        generation: &str,
    ) -> Self {
        let mut common = Bytes(vec![VERSION]);
        common.part(Part::Database, database.as_bytes());
        common.part(Part::Generation, generation.as_bytes());
        for (name, value) in identity.parts.iter().chain(session) {
            common.part(Part::Name, name.as_bytes());
            common.part(Part::Value, value.as_bytes());
        }
        Home {
            common: common.0.into(),
            executable,
        }
    }

    /// The key of something that code makes of reads, by the name that the user gave it and what tells it from others; `None`
    /// where nobody knows the executable. Another one may make something else of the same reads.
    #[cfg_attr(
        not(feature = "http"),
        allow(dead_code, reason = "only responses have one")
    )]
    pub(crate) fn response(&self, name: &str, key: &[u8]) -> Option<WholeKey> {
        let mut bytes = Bytes(Vec::with_capacity(self.common.len() + key.len() + 128));
        bytes.0.extend_from_slice(&self.common);
        bytes.part(Part::Executable, &self.executable?.to_le_bytes());
        bytes.part(Part::Name, name.as_bytes());
        bytes.part(Part::Response, key);
        Some(WholeKey(bytes.0.into()))
    }

    /// The key of a read; `None` if its result means nothing outside this process. `params` are those of its key in this
    /// process: arguments with their types, scope, the reader's own tags and tables.
    pub(crate) fn key(
        &self,
        statement: &str,
        row: RowIdentity,
        shape: Shape,
        params: &[u8],
        tags: &Tags,
    ) -> Option<WholeKey> {
        let mut key = Bytes(Vec::with_capacity(
            self.common.len() + statement.len() + params.len() + 256,
        ));
        key.0.extend_from_slice(&self.common);
        key.part(Part::Statement, statement.as_bytes());
        let (kind, name) = match row {
            RowIdentity::Whole(name) => (1, name),
            RowIdentity::First(name) => (2, name),
            RowIdentity::Closure(closure, name) => {
                key.part(Part::Executable, &self.executable?.to_le_bytes());
                key.part(Part::Mapping, &fixed_hash(closure).to_le_bytes());
                (3, name)
            }
        };
        key.part(Part::Mapping, &[kind]);
        key.part(Part::Mapping, name.as_bytes());
        let shape = match shape {
            Shape::All => 1,
            Shape::First => 2,
            // Rows as a driver gave them cannot leave the process.
            Shape::Rows => return None,
        };
        key.part(Part::Shape, &[shape]);
        key.part(Part::Params, params);
        for tag in tags.names() {
            key.part(Part::Tag, tag.as_bytes());
        }
        Some(WholeKey(key.0.into()))
    }
}

/// Bytes that parts are written to.
struct Bytes(Vec<u8>);

impl Bytes {
    fn part(&mut self, kind: Part, bytes: &[u8]) {
        self.0.push(kind as u8);
        self.0
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }
}

/// The same number for the same type in every process of one executable.
fn fixed_hash(closure: TypeId) -> u64 {
    use std::hash::{Hash as _, Hasher as _};
    let mut hasher = twox_hash::xxhash3_64::Hasher::new();
    closure.hash(&mut hasher);
    hasher.finish()
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cache::Tag;

    /// All that a key is made from.
    #[derive(Clone, Debug, PartialEq)]
    struct Read {
        identity: Vec<(&'static str, String)>,
        session: Vec<(&'static str, String)>,
        executable: u128,
        generation: &'static str,
        statement: String,
        row: RowIdentity,
        shape: Shape,
        params: Vec<u8>,
        tags: Vec<String>,
    }

    impl Read {
        fn key(&self) -> WholeKey {
            let tags = self.tags.iter().map(|tag| Tag::user(tag)).collect();
            self.home(Some(self.executable))
                .key(&self.statement, self.row, self.shape, &self.params, &tags)
                .expect("it has an executable")
        }

        fn home(&self, executable: Option<u128>) -> Home {
            let identity = Identity {
                parts: self.identity.clone(),
            };
            Home::new(
                "PostgreSQL",
                &identity,
                &self.session,
                executable,
                self.generation,
            )
        }
    }

    fn parts() -> impl Strategy<Value = Vec<(&'static str, String)>> {
        let name = prop_oneof![Just("role"), Just("rol"), Just("")];
        prop::collection::vec((name, "[e\u{5}\0]{0,2}"), 0..3)
    }

    fn reads() -> impl Strategy<Value = Read> {
        let row = prop_oneof![
            Just(RowIdentity::Whole("a")),
            Just(RowIdentity::First("a")),
            Just(RowIdentity::Whole("ab")),
            Just(RowIdentity::Closure(TypeId::of::<u8>(), "a")),
            Just(RowIdentity::Closure(TypeId::of::<i8>(), "a")),
        ];
        let shape = prop_oneof![Just(Shape::All), Just(Shape::First)];
        // Few values of each, of bytes that kinds and lengths are made of: what could be confused should be.
        let bytes = prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(5), Just(8)], 0..4);
        let tags = prop::collection::btree_set("[a\u{1}]{0,2}", 0..3);
        (
            parts(),
            parts(),
            0..2_u128,
            prop_oneof![Just(""), Just("2")],
            "[a\u{6}\0]{0,2}",
            row,
            shape,
            bytes,
            tags,
        )
            .prop_map(
                |(
                    identity,
                    session,
                    executable,
                    generation,
                    statement,
                    row,
                    shape,
                    params,
                    tags,
                )| Read {
                    identity,
                    session,
                    // It is in the key only where a closure is.
                    executable: match row {
                        RowIdentity::Closure(..) => executable,
                        _ => 0,
                    },
                    generation,
                    statement,
                    row,
                    shape,
                    params,
                    tags: tags.into_iter().collect(),
                },
            )
    }

    proptest! {
        #[test]
        fn reads_that_differ_have_different_keys((one, other) in (reads(), reads())) {
            // Identity and session are one list of names and values.
            let together = |read: &Read| [&read.identity[..], &read.session[..]].concat();
            let same = together(&one) == together(&other) && one.statement == other.statement
                && one.executable == other.executable && one.generation == other.generation && one.row == other.row
                && one.shape == other.shape && one.params == other.params && one.tags == other.tags;
            prop_assert_eq!(one.key() == other.key(), same);
        }

        #[test]
        fn a_change_of_any_one_part_changes_the_key(read in reads()) {
            let key = read.key();
            prop_assert_eq!(&key, &read.clone().key());
            let changes: [fn(&mut Read); 7] = [
                |read| read.generation = "3",
                |read| read.identity.push(("role", String::new())),
                |read| read.session.push(("role", String::new())),
                |read| read.statement.push('a'),
                |read| read.row = RowIdentity::First("ab"),
                |read| read.params.push(0),
                |read| read.tags.push("b".into()),
            ];
            for change in changes {
                let mut changed = read.clone();
                change(&mut changed);
                prop_assert_ne!(&key, &changed.key());
            }
        }
    }

    #[test]
    fn what_a_closure_made_stays_in_a_process_whose_executable_nobody_knows() {
        let read = Read {
            identity: vec![],
            session: vec![],
            executable: 1,
            generation: "",
            statement: "SELECT 1".into(),
            row: RowIdentity::Closure(TypeId::of::<u8>(), "closure"),
            shape: Shape::All,
            params: vec![],
            tags: vec![],
        };
        let key = |home: Home, row, shape| home.key("SELECT 1", row, shape, &[], &Tags::none());
        assert!(key(read.home(Some(1)), read.row, Shape::All).is_some());
        assert_ne!(
            key(read.home(Some(1)), read.row, Shape::All),
            key(read.home(Some(2)), read.row, Shape::All)
        );
        assert_eq!(key(read.home(None), read.row, Shape::All), None);
        // A type's name means the same in every executable.
        let whole = RowIdentity::Whole("app::User");
        assert!(key(read.home(None), whole, Shape::All).is_some());
        assert_eq!(key(read.home(None), whole, Shape::Rows), None);
    }
}
