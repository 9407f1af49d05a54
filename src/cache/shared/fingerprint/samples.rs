//! Made-up values, in the order in which they are tried when a type refuses one.

/// Whole numbers that fit every integer type. Not 0 first: there are types without it.
pub(super) const NUMBERS: [u8; 5] = [1, 0, 2, 12, 100];

pub(super) const FLOATS: [f32; 4] = [1.0, 0.0, 0.5, -1.0];

pub(super) const CHARS: [char; 4] = ['a', 'A', '0', '-'];

pub(super) const STRINGS: [&str; 26] = [
    "a",
    "",
    "1",
    "A",
    "1.5",
    "00000000-0000-4000-8000-000000000000",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01 00:00:00",
    "1970-01-01",
    "00:00:00",
    "+00:00",
    "UTC",
    "Mon",
    "P1D",
    "127.0.0.1",
    "127.0.0.1:80",
    "127.0.0.0/8",
    "::1",
    "[::1]:80",
    "00:00:00:00:00:00",
    "http://a.example/",
    "a@a.example",
    "en",
    "EUR",
    "aGk=",
];

/// How many bytes are given where bytes are asked for. Not too few first: hashes and ids have a fixed length.
pub(super) const BYTES: [usize; 10] = [16, 1, 0, 4, 6, 8, 12, 20, 32, 64];

/// How many elements a sequence has.
pub(super) const ELEMENTS: [usize; 5] = [1, 0, 2, 3, 4];

/// How many entries a map has.
pub(super) const ENTRIES: [usize; 2] = [1, 0];

/// What is given to a type that takes anything.
#[derive(Clone, Copy)]
pub(super) enum Any {
    Number(u64),
    String(&'static str),
    Unit,
    Bool,
    Float,
    Map,
    Sequence,
}

pub(super) const ANY: [Any; 12] = [
    Any::Number(1),
    Any::String("a"),
    Any::Unit,
    Any::Bool,
    Any::Float,
    Any::Map,
    Any::Sequence,
    Any::String("1"),
    Any::String("1.5"),
    Any::String("00000000-0000-4000-8000-000000000000"),
    Any::String("1970-01-01T00:00:00Z"),
    Any::String("1970-01-01"),
];
