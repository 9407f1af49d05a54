//! The way into a buffer of arguments: an addition that always fails.

use std::fmt;

/// An error that only undoes an addition; nobody ever sees it.
#[derive(Debug)]
pub(crate) struct Peeked;

impl fmt::Display for Peeked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("peeked at the arguments")
    }
}

impl std::error::Error for Peeked {}
