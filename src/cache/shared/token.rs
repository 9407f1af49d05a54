//! A session token: how new a read must be (P5).

use std::fmt;

use super::Word;

/// Says how far the clock had come when a write was done. A cached read `.after(&token)`, in any process, is at least
/// that new.
///
/// Its text form is safe in headers, cookies and addresses. It holds no user data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The engine that made it: read-your-writes holds there in any case.
    pub(in crate::cache) origin: u64,
    /// The words of the slots that moved; `None` if nobody can tell, and a read in another process must ask the database.
    pub(in crate::cache) words: Option<Vec<(u16, Word)>>,
}

/// A text that is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenError(());

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not a session token")
    }
}

impl std::error::Error for TokenError {}
