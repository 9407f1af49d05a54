//! Why an envelope is refused, or cannot be made. Says nothing of what is in it.

use std::fmt;

/// Why bytes are not the entry that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// Not an envelope: somebody else's value stands under our key.
    Foreign,
    /// An envelope of a format, or with a flag, that this version of the crate does not read.
    Version,
    /// It ends before it says that it does.
    Truncated,
    /// It is not what was written.
    Checksum,
    /// Its parts contradict each other although the checksum is right: nobody of ours wrote it.
    Malformed,
    /// The entry of another key.
    OtherKey,
    /// Its rows were of another type, or of another version of this type.
    OtherType,
    /// It depends on other slots than the read does: the schema has changed, or what is known of it.
    OtherSlots,
    /// It declares more than [`MAX_BODY`](super::MAX_BODY).
    TooLarge,
    /// It cannot be decompressed to what it declares.
    Compression,
    /// It is in the clear, and this process has secrets.
    NotSealed,
    /// It was sealed with a secret that this process does not have.
    UnknownSecret,
    /// Its seal is broken: somebody without the secret has changed it.
    Tampered,
}

impl Flaw {
    /// One word for counters and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Foreign => "foreign",
            Self::Version => "version",
            Self::Truncated => "truncated",
            Self::Checksum => "checksum",
            Self::Malformed => "malformed",
            Self::OtherKey => "other_key",
            Self::OtherType => "other_type",
            Self::OtherSlots => "other_slots",
            Self::TooLarge => "too_large",
            Self::Compression => "compression",
            Self::NotSealed => "not_sealed",
            Self::UnknownSecret => "unknown_secret",
            Self::Tampered => "tampered",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl std::error::Error for Flaw {}

/// Why an entry is not put into an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// Key and payload are larger than [`MAX_BODY`](super::MAX_BODY), or there are more than 65,535 slots.
    TooLarge,
    /// There is not exactly one word for each slot.
    Uneven,
    /// The operating system gives no random numbers, without which nothing can be encrypted.
    NoRandomness,
    /// The cipher refused.
    Cipher,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the entry is too large for an envelope",
            Self::Uneven => "there is not one word for each slot",
            Self::NoRandomness => "the operating system gives no random numbers",
            Self::Cipher => "the cipher refused the entry",
        })
    }
}

impl std::error::Error for SealError {}
