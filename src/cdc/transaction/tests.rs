use super::*;
use crate::{
    cache::{EngineSettings, testkit},
    cdc::testkit::{Plain, begin, commit, insert, relation},
};

fn plain() -> Plain {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime can be started");
    let (engine, _) = testkit::engine(EngineSettings::default(), runtime.handle().clone());
    Plain::new(engine.stamp(&Tags::definitions()))
}

fn tags(touched: Touched) -> Tags {
    touched.tags(|_| true)
}

fn row(name: &str, id: &str) -> Tags {
    Tags::from_iter([Tag::row(name, "id", id.as_bytes())])
}

/// What the last of these messages commits.
fn told(messages: Vec<Message<'_>>, plain: &Plain) -> Result<Committed, Malformed> {
    let mut collector = Collector::default();
    let mut last = None;
    for message in messages {
        last = collector.take(message, plain)?;
    }
    last.ok_or(Malformed("nothing was committed"))
}

#[test]
fn a_transaction_moves_what_its_rows_are_told_by() {
    let plain = plain();
    let messages = vec![
        begin(7),
        Message::Relation(relation(1, "t")),
        insert(1, "a"),
        Message::Update {
            relation: 1,
            old: Some(Old::Identity(vec![Datum::Text(b"b")])),
            new: vec![Datum::Text(b"c")],
        },
        Message::Delete {
            relation: 1,
            old: Old::Identity(vec![Datum::Text(b"d")]),
        },
        commit(9),
    ];
    let committed = told(messages, &plain).unwrap();
    assert_eq!((committed.xid, committed.end), (7, 9));
    let moved = tags(committed.touched);
    for id in ["a", "b", "c", "d"] {
        assert!(moved.reach(&row("t", id)), "{id}");
    }
    assert!(!moved.is_everything());
    assert_eq!(moved.len(), 5, "the rows and the table");
}

#[test]
fn many_rows_are_their_table_and_many_tables_are_everything() {
    let plain = plain();
    let ids: Vec<String> = (0..=MOST_TAGS).map(|id| id.to_string()).collect();
    let mut messages = vec![begin(1), Message::Relation(relation(1, "t"))];
    messages.extend(ids.iter().map(|id| insert(1, id)));
    messages.push(commit(1));
    let moved = tags(told(messages, &plain).unwrap().touched);
    assert!(moved.reach(&Tags::from_iter([Tag::unpinned("t")])));
    assert_eq!(moved.len(), 2);

    let mut messages = vec![begin(1)];
    for id in 0..=u32::try_from(MOST_TABLES).unwrap() {
        messages.push(Message::Relation(relation(id, &format!("t{id}"))));
        messages.push(insert(id, "a"));
    }
    messages.push(commit(1));
    assert!(tags(told(messages, &plain).unwrap().touched).is_everything());
}

#[test]
fn a_truncate_is_of_whole_tables_and_an_unknown_table_is_everything() {
    let plain = plain();
    let messages = |name| {
        vec![
            begin(1),
            Message::Relation(relation(1, name)),
            insert(1, "a"),
            Message::Truncate { relations: vec![1] },
            commit(1),
        ]
    };
    let moved = tags(told(messages("t"), &plain).unwrap().touched);
    assert!(moved.reach(&Tags::from_iter([Tag::unpinned("t")])));
    assert!(!moved.is_everything());
    let moved = tags(told(messages("unknown"), &plain).unwrap().touched);
    assert!(moved.is_everything());
}

#[test]
fn a_table_that_is_not_what_it_was_is_everything_and_has_the_definitions_read() {
    let plain = plain();
    let messages = vec![
        begin(1),
        Message::Relation(relation(1, "t")),
        Message::Relation(relation(1, "t")),
        Message::Relation(relation(1, "renamed")),
        insert(1, "a"),
        commit(1),
    ];
    assert!(tags(told(messages, &plain).unwrap().touched).is_everything());
    assert_eq!(plain.looks.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn definitions_that_moved_meanwhile_make_it_everything() {
    let plain = plain();
    let messages = vec![
        begin(1),
        Message::Relation(relation(1, "t")),
        insert(1, "a"),
        commit(1),
    ];
    let committed = told(messages, &plain).unwrap();
    assert!(committed.touched.tags(|_| false).is_everything());
    let empty = told(vec![begin(1), commit(1)], &plain).unwrap();
    assert!(empty.touched.tags(|_| false).is_empty());
}

#[test]
fn parts_of_transactions_are_kept_apart_until_they_are_committed() {
    let plain = plain();
    let mut collector = Collector::default();
    let mut take = |message| collector.take(message, &plain);
    let part = |xid| Message::StreamStart { xid };
    for message in [
        part(1),
        Message::Relation(relation(1, "t")),
        insert(1, "a"),
        Message::StreamStop,
        part(2),
        insert(1, "b"),
        Message::StreamStop,
        part(1),
        insert(1, "c"),
        Message::StreamStop,
        // A sub-transaction, and all of the other.
        Message::StreamAbort { xid: 1, subxid: 5 },
        Message::StreamAbort { xid: 2, subxid: 2 },
    ] {
        assert!(take(message).unwrap().is_none());
    }
    let end = |xid| Message::StreamCommit {
        xid,
        end_lsn: 3,
        committed: 4,
    };
    let committed = take(end(1)).unwrap().unwrap();
    assert_eq!((committed.xid, committed.end, committed.at), (1, 3, 4));
    let moved = tags(committed.touched);
    assert!(moved.reach(&row("t", "a")) && moved.reach(&row("t", "c")));
    assert!(!moved.reach(&row("t", "b")));
    assert!(take(end(2)).is_err());
}

#[test]
fn what_cannot_come_in_this_order_is_an_error() {
    let plain = plain();
    let part = Message::StreamStart { xid: 1 };
    let known = Message::Relation(relation(1, "t"));
    let wide = Message::Insert {
        relation: 1,
        new: vec![Datum::Null, Datum::Null],
    };
    let wrong = [
        vec![commit(1)],
        vec![begin(1), begin(2)],
        vec![begin(1), part.clone()],
        vec![part.clone(), part.clone()],
        vec![part, begin(1)],
        vec![Message::StreamStop],
        vec![known.clone(), insert(1, "a")],
        vec![begin(1), insert(1, "a")],
        vec![begin(1), known, wide],
    ];
    for messages in wrong {
        let shown = format!("{messages:?}");
        let mut collector = Collector::default();
        let taken: Result<Vec<_>, _> = messages
            .into_iter()
            .map(|message| collector.take(message, &plain))
            .collect();
        assert!(taken.is_err(), "{shown}");
    }
}
