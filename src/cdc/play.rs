//! Bytes played to the decoder and the collector as if a server had sent them: for tests and fuzz targets.
//!
//! Promises that whatever they are, a commit that is taken moves every table that was changed in it, by a bounded number of tags,
//! and that all else is refused.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    changes::{Moves, Rows},
    pgoutput::{Malformed, Message, Relation, decode},
    transaction::{Collector, MOST_TABLES, MOST_TAGS},
};
use crate::cache::{Stamp, Tag, Tags};

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
        changed: Mutex::default(),
    };
    let mut collector = Collector::default();
    let mut commits = 0;
    while let Some((&length, rest)) = bytes.split_first() {
        let (message, rest) = rest.split_at(usize::from(length).min(rest.len()));
        bytes = rest;
        let message = decode(message, collector.place())?;
        // Of the parts of several transactions nobody can tell here which one changed what.
        let is_whole = matches!(message, Message::Commit { .. });
        if matches!(message, Message::Begin { .. } | Message::StreamStart { .. }) {
            tables.changed().clear();
        }
        let Some(committed) = collector.take(message, &tables)? else {
            continue;
        };
        commits += 1;
        let moved = committed.touched.tags(|_| true);
        assert!(moved.is_everything() || moved.len() <= MOST_TABLES * (MOST_TAGS + ROW));
        for changed in tables.changed().drain(..).filter(|_| is_whole) {
            assert!(moved.reach(&changed), "a change was lost");
        }
    }
    Ok(commits)
}

/// The most tags that one row is told by below.
const ROW: usize = 8;

/// Tells rows by the bytes of their first column, and tables by name; does not know those whose name is empty.
struct Tables {
    definitions: Stamp,
    /// What was told.
    changed: Mutex<Vec<Tags>>,
}

impl Tables {
    fn changed(&self) -> MutexGuard<'_, Vec<Tags>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, relation: &Relation, mut tags: Vec<Tag>) -> Option<Vec<Tag>> {
        let table = Tag::table(&*relation.name);
        self.changed().push(Tags::from_iter([table.clone()]));
        tags.push(table);
        (!relation.name.is_empty()).then_some(tags)
    }
}

impl Moves for Tables {
    fn of_row(&self, relation: &Relation, rows: Rows<'_, '_>) -> Option<Vec<Tag>> {
        let versions = rows.versions(0).flatten();
        let tag = |value| Tag::row(&*relation.name, "first", format!("{value:?}").as_bytes());
        self.tell(relation, versions.map(tag).collect())
    }

    fn of_table(&self, relation: &Relation) -> Option<Vec<Tag>> {
        self.tell(relation, vec![Tag::unpinned(&*relation.name)])
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
