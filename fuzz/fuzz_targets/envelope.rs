//! Whatever bytes stand in the shared tier: opening and decoding them neither panics, nor takes memory without bound, nor
//! gives out what was not put in.

#![no_main]

use std::collections::BTreeMap;

use cachedpool::cache::{
    decode, encode,
    shared::{
        Word,
        envelope::{Note, Sealer},
    },
};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    id: i64,
    name: String,
    #[serde(default)]
    note: Option<Box<str>>,
    kind: Kind,
    bits: (u8, u128, i16, char, bool),
    children: Vec<Row>,
    extra: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    One(Box<Kind>),
    Two(i32, String),
    Named { a: Option<u64>, b: [i8; 3] },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Anything {
    Number(i64),
    Text(String),
    List(Vec<Anything>),
    Map(BTreeMap<String, Anything>),
    Nothing,
}

/// Offsets in an envelope, for repairing what would stop every other input at the door.
const START: [u8; 4] = [0x8c, b'c', b'p', b'e'];
const CHECKED: usize = 12;
const KEY_LENGTH: usize = 46;
const BODY_LENGTH: usize = 54;
const SLOT_COUNT: usize = 58;
const SLOTS: usize = 60;

fuzz_target!(|input: &[u8]| {
    let Some((&mode, input)) = input.split_first() else {
        return;
    };
    match mode % 4 {
        0 => open(input, b"", 0, &[]),
        1 => repaired(input),
        2 => values(input),
        _ => round_trip(input),
    }
});

fn open(bytes: &[u8], key: &[u8], fingerprint: u128, slots: &[u16]) {
    for secrets in [&[][..], &[[7; 32]]] {
        if let Ok(opened) = Sealer::new(secrets).open(bytes, key, fingerprint, slots) {
            assert_eq!(opened.words.len(), slots.len());
            values(opened.payload());
        }
    }
}

/// The input with the lengths and the checksum that it should have, asked for as what it says that it is.
fn repaired(input: &[u8]) {
    let mut bytes = input.to_vec();
    if bytes.len() < SLOTS {
        return;
    }
    bytes[..4].copy_from_slice(&START);
    bytes[CHECKED] = 1;
    bytes[CHECKED + 1] &= 3;
    // The key is empty, and there are few slots.
    bytes[KEY_LENGTH..KEY_LENGTH + 4].fill(0);
    bytes[SLOT_COUNT] %= 4;
    bytes[SLOT_COUNT + 1] = 0;
    let count = usize::from(bytes[SLOT_COUNT]);
    let body = SLOTS + count * 18;
    if bytes.len() < body {
        return;
    }
    let length = u32::try_from(bytes.len() - body).expect("inputs are small");
    bytes[BODY_LENGTH..BODY_LENGTH + 4].copy_from_slice(&length.to_le_bytes());
    let checksum = XxHash3_64::oneshot(&bytes[CHECKED..]);
    bytes[4..CHECKED].copy_from_slice(&checksum.to_le_bytes());

    let slots: Vec<u16> = bytes[SLOTS..body]
        .chunks_exact(18)
        .map(|slot| u16::from_le_bytes([slot[0], slot[1]]))
        .collect();
    let fingerprint = bytes[30..KEY_LENGTH].try_into().expect("16 bytes");
    open(&bytes, b"", u128::from_le_bytes(fingerprint), &slots);
}

/// What can be read is read the same again after it was written.
fn values(payload: &[u8]) {
    fn again<T: PartialEq + std::fmt::Debug + Serialize + serde::de::DeserializeOwned>(
        payload: &[u8],
    ) {
        if let Ok(value) = decode::<T>(payload) {
            let bytes = encode(&value).expect("what was read can be written");
            assert_eq!(decode::<T>(&bytes).as_ref(), Ok(&value));
        }
    }
    again::<Vec<Row>>(payload);
    again::<Option<Row>>(payload);
    again::<Anything>(payload);
    again::<Vec<(i64, String, Option<bool>)>>(payload);
}

/// The input as key and payload.
fn round_trip(input: &[u8]) {
    let (key, payload) = input.split_at(input.len().min(8));
    let slots: Vec<u16> = key.iter().map(|&byte| u16::from(byte) * 257).collect();
    let words: Vec<Word> = key
        .iter()
        .map(|&byte| Word {
            epoch: u64::from(byte),
            version: u64::MAX,
        })
        .collect();
    let note = Note {
        key,
        fingerprint: 5,
        slots: &slots,
        words: &words,
        created: 1,
        rows: 2,
    };
    for secrets in [&[][..], &[[7; 32]]] {
        let sealer = Sealer::new(secrets);
        let bytes = sealer.seal(&note, payload).expect("inputs are small");
        let opened = sealer
            .open(&bytes, key, 5, &slots)
            .expect("it was sealed for this");
        assert_eq!(opened.payload(), payload);
        assert_eq!(opened.words.as_slice(), words);
    }
}
