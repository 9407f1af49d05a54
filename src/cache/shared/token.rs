//! A session token: how new a read must be (P5).
//!
//! Its text form reads whatever somebody sends, so it trusts nothing: bounded length, a version, a checksum against typos.
//! It is no secret and no proof: who makes one up can only ask for newer data than he needs, at the price of a read of the
//! database.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use twox_hash::XxHash3_64;

use super::Word;

/// Says how far the clock had come when a write was done. A cached read [`.after(&token)`](crate::CachePolicy::after), in
/// any process that shares the tier, is at least that new.
///
/// Its text form (`Display` and `FromStr`; serde writes it as a string) has hexadecimal digits only and at most 1,000 of
/// them, mostly about 50, so it is safe in headers, cookies and addresses. It holds no user data.
///
/// A token that other processes cannot compare with their clock sends their reads to the database: one of a pool without a
/// shared tier, of a write that the tier was not told of in time, or, in its text form, of a write to very many tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The engine that made it: read-your-writes holds there in any case.
    pub(in crate::cache) origin: u64,
    /// The words of the slots that moved; `None` if nobody can tell, and a read in another process must ask the database.
    pub(in crate::cache) words: Option<Vec<(u16, Word)>>,
}

/// Counted up when the bytes change their meaning.
const VERSION: u8 = 1;

/// The most words of a text; a token with more is written without any.
const MOST_WORDS: usize = 16;

/// Stands for a number of words where nobody can tell which.
const BLIND: u8 = u8::MAX;

/// The most bytes: head, words that all have an epoch of their own and the largest version, checksum.
const MOST_BYTES: usize = 10 + MOST_WORDS * (9 + 2 + 10) + CHECKSUM;

const CHECKSUM: usize = 4;

impl Token {
    /// Whether nothing can be compared with it.
    pub fn is_blind(&self) -> bool {
        self.words.is_none()
    }

    /// Version, origin, number of words; then for each run of words with one epoch the epoch, their number, and slot and
    /// version of each; then the checksum of all that.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend(self.origin.to_le_bytes());
        let words = self.words.as_ref().and_then(|words| {
            let count = u8::try_from(words.len()).ok()?;
            (words.len() <= MOST_WORDS).then_some((count, words))
        });
        bytes.push(words.map_or(BLIND, |(count, _)| count));
        let words = words.map_or(&[][..], |(_, words)| words);
        for run in words.chunk_by(|one, next| one.1.epoch == next.1.epoch) {
            bytes.extend(run[0].1.epoch.to_le_bytes());
            bytes.extend(u8::try_from(run.len()));
            for (slot, word) in run {
                bytes.extend(slot.to_le_bytes());
                push_varint(&mut bytes, word.version);
            }
        }
        bytes.extend(checksum(&bytes));
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (payload, sum) = bytes.split_last_chunk::<CHECKSUM>()?;
        let mut rest = Reader(payload);
        if *sum != checksum(payload) || rest.take()? != [VERSION] {
            return None;
        }
        let origin = u64::from_le_bytes(rest.take()?);
        let words = match rest.take()? {
            [BLIND] => None,
            [count] => Some(rest.words(usize::from(count))?),
        };
        rest.0.is_empty().then_some(Token { origin, words })
    }
}

/// Takes bytes from the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn words(&mut self, count: usize) -> Option<Vec<(u16, Word)>> {
        if count > MOST_WORDS {
            return None;
        }
        let mut words = Vec::with_capacity(count);
        while words.len() < count {
            let epoch = u64::from_le_bytes(self.take()?);
            let [run] = self.take()?;
            if run == 0 || words.len() + usize::from(run) > count {
                return None;
            }
            for _ in 0..run {
                let slot = u16::from_le_bytes(self.take()?);
                let version = self.varint()?;
                words.push((slot, Word { epoch, version }));
            }
        }
        Some(words)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.take()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has one bit that fits.
            if bits.checked_shl(shift)? >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

/// Seven bits a byte, the lowest first; the top bit says that more come.
fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let [a, b, c, d, ..] = XxHash3_64::oneshot(bytes).to_le_bytes();
    [a, b, c, d]
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        if text.len() > 2 * MOST_BYTES || !text.len().is_multiple_of(2) {
            return Err(TokenError(()));
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok();
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks_exact(2).map(byte).collect();
        bytes
            .and_then(|bytes| Token::from_bytes(&bytes))
            .ok_or(TokenError(()))
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Token;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a session token")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Token, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// A text that is not a token, or not one of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenError(());

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not a session token")
    }
}

impl std::error::Error for TokenError {}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens() -> impl Strategy<Value = Token> {
        // Few epochs, so that runs of them come up.
        let epoch = prop_oneof![Just(1_u64), Just(u64::MAX), any::<u64>()];
        let version = prop_oneof![0..300_u64, any::<u64>()];
        let word = (any::<u16>(), epoch, version)
            .prop_map(|(slot, epoch, version)| (slot, Word { epoch, version }));
        let words = prop::option::of(prop::collection::vec(word, 0..=MOST_WORDS));
        (any::<u64>(), words).prop_map(|(origin, words)| Token { origin, words })
    }

    proptest! {
        #[test]
        fn a_token_survives_its_text(token in tokens()) {
            let text = token.to_string();
            prop_assert!(text.len() <= 2 * MOST_BYTES && text.len() <= 1000);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_hexdigit()));
            prop_assert_eq!(text.parse(), Ok(token.clone()));
            let json = serde_json::to_string(&token).unwrap();
            prop_assert_eq!(&json, &format!("{text:?}"));
            prop_assert_eq!(serde_json::from_str::<Token>(&json).unwrap(), token);
        }

        #[test]
        fn a_wrong_digit_is_noticed(token in tokens(), at in any::<prop::sample::Index>(), digit in 0..16_u8) {
            let mut text = token.to_string().into_bytes();
            let at = at.index(text.len());
            let other = format!("{digit:x}").as_bytes()[0];
            prop_assume!(text[at] != other);
            text[at] = other;
            // 32 bits of checksum: once in four thousand million times it is not.
            prop_assert_eq!(String::from_utf8(text).unwrap().parse::<Token>(), Err(TokenError(())));
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,80}") {
            prop_assert_eq!(text.parse::<Token>(), Err(TokenError(())));
        }

        #[test]
        fn any_bytes_under_a_right_checksum_are_read_without_a_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 0..60), head in any::<bool>(), count in 0..20_u8
        ) {
            if head {
                bytes.splice(0..0, [VERSION, 0, 0, 0, 0, 0, 0, 0, 0, count]);
            }
            bytes.extend(checksum(&bytes));
            if let Some(token) = Token::from_bytes(&bytes) {
                prop_assert_eq!(token.to_string().parse::<Token>(), Ok(token));
            }
        }
    }

    #[test]
    fn a_token_of_too_many_words_asks_for_the_database() {
        let word = Word {
            epoch: u64::MAX,
            version: u64::MAX,
        };
        let token = |count| Token {
            origin: 7,
            words: Some(vec![(1, word); count]),
        };
        let kept: Token = token(MOST_WORDS).to_string().parse().unwrap();
        assert_eq!(kept, token(MOST_WORDS));
        let many: Token = token(MOST_WORDS + 1).to_string().parse().unwrap();
        assert_eq!((many.origin, many.is_blind()), (7, true));
        assert!(!token(MOST_WORDS + 1).is_blind());
    }

    #[test]
    fn the_text_of_this_version_is_as_it_was() {
        let token = Token {
            origin: 0x0102_0304_0506_0708,
            words: Some(vec![(
                5149,
                Word {
                    epoch: 9,
                    version: 300,
                },
            )]),
        };
        let text = token.to_string();
        assert_eq!(
            &text[..text.len() - 8],
            "010807060504030201010900000000000000011d14ac02"
        );
        assert_eq!(text.parse(), Ok(token));
        for bad in [
            "",
            "0",
            "zz",
            "02",
            &text[2..],
            &text[..text.len() - 2],
            &format!("{text}00"),
        ] {
            assert_eq!(bad.parse::<Token>(), Err(TokenError(())), "{bad}");
        }
    }
}
