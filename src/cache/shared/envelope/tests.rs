use proptest::{collection::vec, prelude::*};
use twox_hash::XxHash3_64;

use super::*;

const SECRET: [u8; 32] = [7; 32];
const OTHER_SECRET: [u8; 32] = [8; 32];
const NONCE: [u8; 24] = [9; 24];

const KEY: &[u8] = b"\x01statement 17, for the tenant Zo\xc3\xab";
const FINGERPRINT: u128 = 0x0123_4567_89ab_cdef_0011_2233_4455_6677;
const SLOTS: [u16; 3] = [0, 513, 65535];
const WORDS: [Word; 3] = [
    Word {
        epoch: 0xfeed_beef,
        version: 1,
    },
    Word {
        epoch: 0xfeed_beef,
        version: 0,
    },
    Word {
        epoch: u64::MAX,
        version: 1 << 42,
    },
];

/// Envelopes of format version 1 as they were written when it was made. They must be readable for as long as any process
/// may write them.
const PLAIN: &[u8] = include_bytes!("../../../../tests/envelopes/v1/plain.bin");
const COMPRESSED: &[u8] = include_bytes!("../../../../tests/envelopes/v1/compressed.bin");
const SEALED: &[u8] = include_bytes!("../../../../tests/envelopes/v1/sealed.bin");
const COMPRESSED_AND_SEALED: &[u8] =
    include_bytes!("../../../../tests/envelopes/v1/compressed_and_sealed.bin");

fn note() -> Note<'static> {
    Note {
        key: KEY,
        fingerprint: FINGERPRINT,
        slots: &SLOTS,
        words: &WORDS,
        created: 1_767_225_600_000,
        rows: 3,
    }
}

fn small() -> Vec<u8> {
    b"a payload that is not worth the time".to_vec()
}

fn large() -> Vec<u8> {
    (0..200)
        .flat_map(|n| format!("row {}, ", n % 7).into_bytes())
        .collect()
}

fn plain() -> Sealer {
    Sealer::new(&[])
}

fn sealing() -> Sealer {
    Sealer::new(&[SECRET])
}

fn open<'a>(sealer: &Sealer, bytes: &'a [u8]) -> Result<Opened<'a>, Flaw> {
    sealer.open(bytes, KEY, FINGERPRINT, &SLOTS)
}

/// The golden envelopes, with who opens them and what is in them.
fn golden() -> [(Sealer, &'static [u8], Vec<u8>); 4] {
    [
        (plain(), PLAIN, small()),
        (plain(), COMPRESSED, large()),
        (sealing(), SEALED, small()),
        (sealing(), COMPRESSED_AND_SEALED, large()),
    ]
}

/// `bytes` with the checksum that they should have.
fn checked(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = XxHash3_64::oneshot(&bytes[12..]);
    bytes[4..12].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// A plain envelope with other bytes at `at`, and the right checksum.
fn forged(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut forged = PLAIN.to_vec();
    forged[at..at + bytes.len()].copy_from_slice(bytes);
    checked(forged)
}

#[test]
fn golden_envelopes_open_to_what_was_put_in() {
    for (sealer, bytes, payload) in golden() {
        let opened = open(&sealer, bytes).unwrap();
        assert_eq!(opened.payload(), payload);
        assert_eq!(opened.words.as_slice(), WORDS);
        assert_eq!(opened.created, 1_767_225_600_000);
        assert_eq!(opened.rows, 3);
    }
}

#[test]
fn envelopes_are_still_written_as_the_golden_ones_were() {
    for (sealer, bytes, payload) in golden() {
        let sealed = sealer.seal_under(&note(), &payload, || Ok(NONCE)).unwrap();
        assert!(
            sealed == bytes,
            "{} bytes and {} bytes",
            sealed.len(),
            bytes.len()
        );
    }
    assert!(COMPRESSED.len() < large().len());
}

#[test]
fn every_flipped_bit_is_found() {
    for (sealer, bytes, _) in golden() {
        let mut bytes = bytes.to_vec();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&sealer, &bytes).is_err(), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn every_flipped_bit_behind_a_seal_is_found_even_if_the_checksum_is_mended() {
    for (sealer, bytes, _) in golden().into_iter().skip(2) {
        for bit in 12 * 8..bytes.len() * 8 {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&sealer, &checked(bytes)).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn whatever_is_missing_or_added_at_the_end_is_found() {
    for (sealer, bytes, _) in golden() {
        for length in 0..bytes.len() {
            let flaw = open(&sealer, &bytes[..length]).unwrap_err();
            let expected = if length < 4 {
                Flaw::Foreign
            } else {
                Flaw::Truncated
            };
            assert_eq!(flaw, expected, "{length} bytes");
        }
        let longer = [bytes, b"x"].concat();
        assert_eq!(open(&sealer, &longer), Err(Flaw::Checksum));
        assert_eq!(open(&sealer, &checked(longer)), Err(Flaw::Malformed));
    }
}

#[test]
fn what_was_not_asked_for_is_refused() {
    let sealer = plain();
    let key = [KEY, b"x"].concat();
    let same_length = [&KEY[1..], b"x"].concat();
    for key in [&key, &same_length, &KEY[1..], b""] {
        assert_eq!(
            sealer.open(PLAIN, key, FINGERPRINT, &SLOTS),
            Err(Flaw::OtherKey)
        );
    }
    let other = sealer.open(PLAIN, KEY, FINGERPRINT ^ 1, &SLOTS);
    assert_eq!(other, Err(Flaw::OtherType));
    for slots in [
        &[][..],
        &[0],
        &[0, 513],
        &[0, 65535, 513],
        &[0, 513, 1],
        &[0, 513, 65535, 1],
    ] {
        assert_eq!(
            sealer.open(PLAIN, KEY, FINGERPRINT, slots),
            Err(Flaw::OtherSlots)
        );
    }
    for foreign in [
        &b""[..],
        b"OK",
        b"{\"json\": true}",
        &[0; 100],
        &[0x8c, b'c', b'p', b'f'],
    ] {
        assert_eq!(open(&sealer, foreign), Err(Flaw::Foreign));
    }
}

#[test]
fn other_versions_and_unknown_flags_are_not_guessed_at() {
    let sealer = plain();
    for version in [0, 2, 255] {
        assert_eq!(open(&sealer, &forged(12, &[version])), Err(Flaw::Version));
    }
    for flags in [4, 8, 128, 255] {
        assert_eq!(open(&sealer, &forged(13, &[flags])), Err(Flaw::Version));
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    let sealer = plain();
    // The key one byte shorter, the payload one byte longer or shorter than they are.
    assert_eq!(
        open(&sealer, &forged(46, &[KEY.len() as u8 - 1])),
        Err(Flaw::OtherKey)
    );
    for length in [small().len() as u8 - 1, small().len() as u8 + 1, 0] {
        assert_eq!(open(&sealer, &forged(50, &[length])), Err(Flaw::Malformed));
    }
    // As if it were compressed, or sealed.
    assert_eq!(open(&sealer, &forged(13, &[1])), Err(Flaw::Compression));
    assert_eq!(open(&sealer, &forged(13, &[2])), Err(Flaw::UnknownSecret));
    assert_eq!(
        open(&sealer, &forged(58, &[255, 255])),
        Err(Flaw::Truncated)
    );
    assert_eq!(open(&sealer, &forged(54, &[255; 4])), Err(Flaw::Truncated));
}

#[test]
fn a_decompression_bomb_is_refused_by_what_it_declares() {
    let bomb = |size: usize| {
        let mut bytes = COMPRESSED.to_vec();
        bytes[50..54].copy_from_slice(&(size as u32).to_le_bytes());
        checked(bytes)
    };
    for size in [MAX_BODY - KEY.len() + 1, u32::MAX as usize] {
        assert_eq!(open(&plain(), &bomb(size)), Err(Flaw::TooLarge));
    }
    for size in [
        MAX_BODY - KEY.len(),
        large().len() + 1,
        large().len() - 1,
        0,
    ] {
        assert_eq!(open(&plain(), &bomb(size)), Err(Flaw::Compression));
    }
}

#[test]
fn what_is_too_large_is_not_sealed() {
    let payload = vec![0; MAX_BODY - KEY.len() + 1];
    assert_eq!(plain().seal(&note(), &payload), Err(SealError::TooLarge));
    let sealed = sealing().seal(&note(), &payload[1..]).unwrap();
    assert_eq!(open(&sealing(), &sealed).unwrap().payload(), &payload[1..]);
    let uneven = Note {
        words: &WORDS[1..],
        ..note()
    };
    assert_eq!(plain().seal(&uneven, b""), Err(SealError::Uneven));
}

#[test]
fn the_first_secret_seals_and_all_of_them_open() {
    let rotating = Sealer::new(&[OTHER_SECRET, SECRET]);
    assert_eq!(open(&rotating, SEALED).unwrap().payload(), small());
    let sealed = rotating.seal(&note(), &small()).unwrap();
    assert_eq!(open(&sealing(), &sealed), Err(Flaw::UnknownSecret));
    assert_eq!(
        open(&Sealer::new(&[OTHER_SECRET]), &sealed)
            .unwrap()
            .payload(),
        small()
    );
    assert_eq!(open(&plain(), SEALED), Err(Flaw::UnknownSecret));
    assert_eq!(open(&sealing(), PLAIN), Err(Flaw::NotSealed));
}

#[test]
fn a_sealed_envelope_shows_neither_key_nor_payload_and_is_never_the_same_twice() {
    let [one, two] = [(), ()].map(|()| sealing().seal(&note(), &small()).unwrap());
    assert!(one != two);
    for secret in [KEY, small().as_slice(), &SECRET] {
        for part in secret.windows(8) {
            assert!(!one.windows(8).any(|window| window == part));
        }
    }
}

#[test]
fn a_seal_vouches_for_the_header_too() {
    let mut bytes = SEALED.to_vec();
    bytes[62] ^= 1; // the first slot's epoch
    assert_eq!(open(&sealing(), &checked(bytes)), Err(Flaw::Tampered));
}

#[test]
fn what_is_printed_holds_no_secrets_keys_or_payloads() {
    let opened = plain().open(PLAIN, KEY, FINGERPRINT, &SLOTS).unwrap();
    let printed = format!("{:?} {:?} {opened:?}", sealing(), note());
    assert!(!printed.contains("7, 7"));
    assert!(!printed.contains("115, 116, 97"), "{printed}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_put_in_comes_out(
        key in vec(any::<u8>(), 0..300),
        payload in prop_oneof![vec(any::<u8>(), 0..3000), vec(0..3_u8, 0..3000)],
        slots in vec((any::<u16>(), any::<u64>(), any::<u64>()), 0..40),
        fingerprint: u128,
        created: u64,
        rows: u64,
        secrets in 0..3_usize,
    ) {
        let (numbers, words): (Vec<_>, Vec<_>) = slots
            .into_iter()
            .map(|(slot, epoch, version)| (slot, Word { epoch, version }))
            .unzip();
        let note = Note { key: &key, fingerprint, slots: &numbers, words: &words, created, rows };
        let sealer = Sealer::new(&[SECRET, OTHER_SECRET][..secrets]);
        let bytes = sealer.seal(&note, &payload).unwrap();
        let opened = sealer.open(&bytes, &key, fingerprint, &numbers).unwrap();
        prop_assert_eq!(opened.payload(), payload);
        prop_assert_eq!(opened.words.as_slice(), words);
        prop_assert_eq!((opened.created, opened.rows), (created, rows));
    }

    #[test]
    fn no_bytes_make_it_panic(noise in vec(any::<u8>(), 0..300), at in 13..60_usize) {
        let mut bytes = PLAIN[..at].to_vec();
        bytes.extend(noise);
        let bytes = checked(bytes);
        let opened = [plain(), sealing()].map(|sealer| open(&sealer, &bytes).is_ok());
        prop_assert_eq!(opened[1], false);
    }
}

#[test]
fn names_tell_nothing_to_who_has_not_the_secret() {
    let key = b"SELECT * FROM users WHERE id = 7";
    let name = |secrets: &[[u8; 32]]| Sealer::new(secrets).name(key);
    let distinct = [
        name(&[]),
        name(&[[3; 32]]),
        name(&[[4; 32]]),
        Sealer::new(&[[3; 32]]).name(b"another key"),
    ];
    assert_eq!(std::collections::BTreeSet::from(distinct).len(), 4);
    assert_eq!(name(&[[3; 32], [4; 32]]), name(&[[3; 32]]));
    assert!(!name(&[[3; 32]]).contains(&name(&[])));
}
