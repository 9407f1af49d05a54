//! The promises by name.

use std::fmt;

/// What can be broken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    OwnWrites,
    Bounded,
    Strict,
    Session,
    Outside,
    /// What the checker takes for granted.
    Database,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnWrites => "P1, own writes",
            Self::Bounded => "P3, bounded",
            Self::Strict => "P4, strict",
            Self::Session => "P5, session",
            Self::Outside => "P6, writes from outside",
            Self::Database => "the database itself",
        })
    }
}
