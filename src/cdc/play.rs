//! Bytes played to the decoder and the collector as if a server had sent them: for tests and fuzz targets.
//!
//! Promises that whatever they are, a commit that is taken moves every table that was changed in it, by a bounded number of tags,
//! and that all else is refused.

use std::collections::HashMap;

use super::{
    changes::{Moves, Rows},
    pgoutput::{Malformed, Message, Relation, decode},
    transaction::{Collector, MOST_TABLES, MOST_TAGS},
};
use crate::cache::{Stamp, Tag, Tags};

/// The most tags that one row is told by below.
const ROW: usize = 3;

/// Reads messages, each behind a byte with its length, until one is refused. Returns how many transactions were committed.
///
/// # Errors
/// The first that is no message, or cannot stand where it does.
///
/// # Panics
/// If a change is lost.
pub fn play(mut bytes: &[u8], definitions: &Stamp) -> Result<usize, Malformed> {
    let tables = Tables {
        definitions: definitions.clone(),
    };
    let mut collector = Collector::default();
    let mut names: HashMap<u32, Box<str>> = HashMap::new();
    // What each transaction has changed; that between a beginning and a commit has no number here.
    let mut changed: HashMap<Option<u32>, Vec<Tags>> = HashMap::new();
    let (mut part, mut commits) = (None, 0);
    while let Some((&length, rest)) = bytes.split_first() {
        let (message, rest) = rest.split_at(usize::from(length).min(rest.len()));
        bytes = rest;
        let message = decode(message, collector.place())?;
        let mut ends = None;
        match &message {
            Message::Relation(relation) => {
                names.insert(relation.id, relation.name.clone());
            }
            Message::Insert { relation, .. }
            | Message::Update { relation, .. }
            | Message::Delete { relation, .. } => {
                let tables = table(&names, *relation);
                changed.entry(part).or_default().extend(tables);
            }
            Message::Truncate { relations } => {
                let tables = relations.iter().filter_map(|id| table(&names, *id));
                changed.entry(part).or_default().extend(tables);
            }
            Message::StreamStart { xid } => part = Some(*xid),
            Message::StreamStop => part = None,
            Message::StreamAbort { xid, subxid } if xid == subxid => {
                changed.remove(&Some(*xid));
            }
            Message::Commit { .. } => ends = Some(None),
            Message::StreamCommit { xid, .. } => ends = Some(Some(*xid)),
            _ => {}
        }
        let Some(committed) = collector.take(message, &tables)? else {
            continue;
        };
        commits += 1;
        let moved = committed.touched.tags(|_| true);
        assert!(moved.is_everything() || moved.len() <= MOST_TABLES * (MOST_TAGS + ROW));
        let changed = ends.and_then(|which| changed.remove(&which));
        for changed in changed.into_iter().flatten() {
            assert!(moved.reach(&changed), "a change was lost");
        }
    }
    Ok(commits)
}

fn table(names: &HashMap<u32, Box<str>>, id: u32) -> Option<Tags> {
    let name = names.get(&id)?;
    Some(Tags::from_iter([Tag::table(&**name)]))
}

/// Tells rows by the bytes of their first column, and tables by name; does not know those whose name is empty.
struct Tables {
    definitions: Stamp,
}

fn tell(relation: &Relation, mut tags: Vec<Tag>) -> Option<Vec<Tag>> {
    tags.push(Tag::table(&*relation.name));
    (!relation.name.is_empty()).then_some(tags)
}

impl Moves for Tables {
    fn of_row(&self, relation: &Relation, rows: Rows<'_, '_>) -> Option<Vec<Tag>> {
        let versions = rows.versions(0).flatten();
        let tag = |value| Tag::row(&*relation.name, "first", format!("{value:?}").as_bytes());
        tell(relation, versions.map(tag).collect())
    }

    fn of_table(&self, relation: &Relation) -> Option<Vec<Tag>> {
        tell(relation, vec![Tag::unpinned(&*relation.name)])
    }

    fn definitions(&self) -> Stamp {
        self.definitions.clone()
    }

    fn definitions_moved(&self) {}
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::cache::{EngineSettings, testkit};

    static DEFINITIONS: LazyLock<Stamp> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime can be started");
        let (engine, _) = testkit::engine(EngineSettings::default(), runtime.handle().clone());
        engine.stamp(&Tags::definitions())
    });

    const BEGIN: &[u8] = b"B\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\x07";
    const COMMIT: &[u8] = b"C\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03";
    const TABLE: &[u8] = b"R\0\0\0\x01public\0t\0d\0\x01\x01id\0\0\0\0\x19\xff\xff\xff\xff";
    const NAMELESS: &[u8] = b"R\0\0\0\x02public\0\0d\0\0";
    const INSERT: &[u8] = b"I\0\0\0\x01N\0\x01t\0\0\0\x02id";
    const ODD_INSERT: &[u8] = b"I\0\0\0\x02N\0\0";
    const UPDATE: &[u8] = b"U\0\0\0\x01K\0\x01t\0\0\0\x01aN\0\x01t\0\0\0\x01b";
    const DELETE: &[u8] = b"D\0\0\0\x01K\0\x01n";
    const TRUNCATE: &[u8] = b"T\0\0\0\x01\0\0\0\0\x01";
    const START: &[u8] = b"S\0\0\0\x08\x01";
    const STOP: &[u8] = b"E";
    const ABORT: &[u8] = b"A\0\0\0\x08\0\0\0\x08";
    const STREAM_COMMIT: &[u8] =
        b"c\0\0\0\x08\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x03";

    const MESSAGES: [&[u8]; 13] = [
        BEGIN,
        COMMIT,
        TABLE,
        NAMELESS,
        INSERT,
        ODD_INSERT,
        UPDATE,
        DELETE,
        TRUNCATE,
        START,
        STOP,
        ABORT,
        STREAM_COMMIT,
    ];

    fn framed<'a>(messages: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for message in messages {
            bytes.push(u8::try_from(message.len()).expect("they are short"));
            bytes.extend_from_slice(message);
        }
        bytes
    }

    #[test]
    fn what_a_server_sends_is_read_to_the_end() {
        let whole = [BEGIN, TABLE, INSERT, UPDATE, DELETE, TRUNCATE, COMMIT];
        let unknown = [BEGIN, NAMELESS, ODD_INSERT, COMMIT];
        let parts = [START, STOP, START, STOP, STREAM_COMMIT, START, STOP, ABORT];
        let all = [&whole[..], &unknown, &parts].concat();
        assert_eq!(play(&framed(all), &DEFINITIONS), Ok(3));
    }

    #[test]
    fn each_change_alone_moves_its_table() {
        for change in [INSERT, UPDATE, DELETE, TRUNCATE] {
            let bytes = framed([BEGIN, TABLE, change, COMMIT]);
            assert_eq!(play(&bytes, &DEFINITIONS), Ok(1));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = play(&bytes, &DEFINITIONS);
        }

        #[test]
        fn no_order_of_messages_and_no_damage_makes_it_panic(
            order in proptest::collection::vec(0..MESSAGES.len(), 0..40),
            damage in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let mut bytes = framed(order.into_iter().map(|which| MESSAGES[which]));
            if let Some((at, byte)) = damage
                && !bytes.is_empty()
            {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = play(&bytes, &DEFINITIONS);
        }
    }
}
