use proptest::prelude::*;

use super::*;

/// A message by its parts, as the manual lists them.
fn bytes(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

const LSN: &[u8] = &[0, 0, 0, 0, 1, 2, 3, 4];
const TIME: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 9];
const XID: &[u8] = &[0, 0, 2, 1];
const TABLE: &[u8] = &[0, 0, 64, 1];

fn samples() -> Vec<(Vec<u8>, Message<'static>)> {
    let row = vec![
        Datum::Text(b"7"),
        Datum::Null,
        Datum::Unchanged,
        Datum::Binary(&[1, 2]),
    ];
    let spelled: &[u8] = b"\0\x04t\0\0\0\x017nub\0\0\0\x02\x01\x02";
    let key = vec![Datum::Text(b"6"), Datum::Null];
    let spelled_key: &[u8] = b"\0\x02t\0\0\0\x016n";
    let relation = Relation {
        id: 0x4001,
        schema: "public".into(),
        name: "users".into(),
        columns: vec![
            Column {
                name: "id".into(),
                identity: true,
                kind: 20,
                modifier: -1,
            },
            Column {
                name: "name".into(),
                identity: false,
                kind: 25,
                modifier: -1,
            },
        ],
    };
    vec![
        (
            bytes(&[b"B", LSN, TIME, XID]),
            Message::Begin {
                final_lsn: 0x0102_0304,
                committed: 9,
                xid: 0x201,
            },
        ),
        (
            bytes(&[b"C\0", LSN, LSN, TIME]),
            Message::Commit {
                lsn: 0x0102_0304,
                end_lsn: 0x0102_0304,
                committed: 9,
            },
        ),
        (bytes(&[b"O", LSN, b"elsewhere\0"]), Message::Origin),
        (
            bytes(&[
                b"R",
                TABLE,
                b"public\0users\0d\0\x02",
                b"\x01id\0\0\0\0\x14\xff\xff\xff\xff",
                b"\0name\0\0\0\0\x19\xff\xff\xff\xff",
            ]),
            Message::Relation(relation),
        ),
        (bytes(&[b"Y", TABLE, b"public\0mood\0"]), Message::Type),
        (
            bytes(&[b"I", TABLE, b"N", spelled]),
            Message::Insert {
                relation: 0x4001,
                new: row.clone(),
            },
        ),
        (
            bytes(&[b"U", TABLE, b"N", spelled]),
            Message::Update {
                relation: 0x4001,
                old: None,
                new: row.clone(),
            },
        ),
        (
            bytes(&[b"U", TABLE, b"K", spelled_key, b"N", spelled]),
            Message::Update {
                relation: 0x4001,
                old: Some(Old::Identity(key.clone())),
                new: row.clone(),
            },
        ),
        (
            bytes(&[b"U", TABLE, b"O", spelled, b"N", spelled]),
            Message::Update {
                relation: 0x4001,
                old: Some(Old::Whole(row.clone())),
                new: row.clone(),
            },
        ),
        (
            bytes(&[b"D", TABLE, b"K", spelled_key]),
            Message::Delete {
                relation: 0x4001,
                old: Old::Identity(key),
            },
        ),
        (
            bytes(&[b"D", TABLE, b"O", spelled]),
            Message::Delete {
                relation: 0x4001,
                old: Old::Whole(row),
            },
        ),
        (
            bytes(&[b"T", &[0, 0, 0, 2], b"\x03", TABLE, XID]),
            Message::Truncate {
                relations: vec![0x4001, 0x201],
            },
        ),
        (
            bytes(&[b"M\x01", LSN, b"app\0", &[0, 0, 0, 2], b"hi"]),
            Message::Message,
        ),
        (
            bytes(&[b"S", XID, b"\x01"]),
            Message::StreamStart { xid: 0x201 },
        ),
        (bytes(&[b"E"]), Message::StreamStop),
        (
            bytes(&[b"c", XID, b"\0", LSN, LSN, TIME]),
            Message::StreamCommit {
                xid: 0x201,
                end_lsn: 0x0102_0304,
                committed: 9,
            },
        ),
        (
            bytes(&[b"A", XID, TABLE]),
            Message::StreamAbort {
                xid: 0x201,
                subxid: 0x4001,
            },
        ),
    ]
}

#[test]
fn each_message_of_the_manual_is_read() {
    for (bytes, message) in samples() {
        assert_eq!(decode(&bytes, Place::Outside), Ok(message));
    }
}

#[test]
fn a_message_that_is_cut_off_or_goes_on_is_an_error() {
    for (bytes, message) in samples() {
        for length in 0..bytes.len() {
            let cut = decode(&bytes[..length], Place::Outside);
            assert!(cut.is_err(), "{message:?} of {length} bytes: {cut:?}");
        }
        let longer = [&bytes[..], b"\0"].concat();
        assert!(decode(&longer, Place::Outside).is_err(), "{message:?}");
    }
}

#[test]
fn in_a_part_changes_name_their_transaction() {
    for (bytes, message) in samples() {
        let named = match bytes[0] {
            b'R' | b'Y' | b'I' | b'U' | b'D' | b'T' | b'M' => {
                [&bytes[..1], XID, &bytes[1..]].concat()
            }
            _ => bytes,
        };
        assert_eq!(decode(&named, Place::InPart), Ok(message));
    }
}

#[test]
fn what_is_unknown_is_an_error() {
    let unknown: [&[u8]; 9] = [
        b"X",
        b"Z\0",
        // A prepared transaction, which was not asked for.
        b"b\0\0\0\0\0\0\0\x01",
        // Flags, a replica identity, kinds of rows and of values.
        b"E\0",
        b"S\0\0\0\x01\x02",
        b"R\0\0\0\x01a\0b\0x\0\0",
        b"I\0\0\0\x01O\0\0",
        b"I\0\0\0\x01N\0\x01x",
        b"D\0\0\0\x01N\0\0",
    ];
    for bytes in unknown {
        assert!(decode(bytes, Place::Outside).is_err(), "{bytes:?}");
    }
    for negative in [
        &b"I\0\0\0\x01N\xff\xff"[..],
        b"I\0\0\0\x01N\0\x01t\xff\xff\xff\xff",
        b"T\xff\xff\xff\xff\0",
    ] {
        assert!(decode(negative, Place::Outside).is_err(), "{negative:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = decode(&bytes, Place::Outside);
        let _ = decode(&bytes, Place::InPart);
    }

    #[test]
    fn no_damage_to_a_message_makes_it_panic(which in 0..17_usize, at in 0..40_usize, byte: u8) {
        let (mut bytes, _) = samples().swap_remove(which);
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = decode(&bytes, Place::Outside);
        let _ = decode(&bytes, Place::InPart);
    }
}
