//! Names as the server understands them: unquoted ones folded, quoted ones without their quotes.

use super::{
    facts::{Dialect, Relation},
    token::{Token, TokenKind},
};

/// PostgreSQL cuts longer names off, so that two spellings can be one table.
const POSTGRES_NAME_BYTES: usize = 63;

/// The name that an unquoted word stands for.
pub(super) fn folded(dialect: Dialect, word: &str) -> Box<str> {
    match dialect {
        Dialect::Postgres => cut(word.to_ascii_lowercase()),
        Dialect::Sqlite => word.to_ascii_lowercase().into(),
        Dialect::MySql => word.to_lowercase().into(),
    }
}

/// The name that a quoted identifier stands for, already without its quotes.
pub(super) fn verbatim(dialect: Dialect, name: &str) -> Box<str> {
    match dialect {
        Dialect::Postgres => cut(name.to_owned()),
        Dialect::MySql | Dialect::Sqlite => name.into(),
    }
}

fn cut(mut name: String) -> Box<str> {
    if name.len() > POSTGRES_NAME_BYTES {
        name.truncate(name.floor_char_boundary(POSTGRES_NAME_BYTES));
    }
    name.into()
}

/// The name that `token` stands for where a name is expected; `None` for anything else, also for a name with Unicode
/// escapes, which is not decoded here.
pub(super) fn identifier(dialect: Dialect, token: &Token<'_>) -> Option<Box<str>> {
    match (token.kind, dialect) {
        (TokenKind::Word, _) => Some(folded(dialect, token.text)),
        // MySQL takes "x" for a name under ANSI_QUOTES, SQLite takes 'x' for one where only a name can stand.
        (TokenKind::Quoted, _) | (TokenKind::Text, Dialect::Sqlite) => {
            unquoted(dialect, token.text)
        }
        (TokenKind::Text, Dialect::MySql) if token.text.starts_with('"') => {
            unquoted(dialect, token.text)
        }
        _ => None,
    }
}

fn unquoted(dialect: Dialect, text: &str) -> Option<Box<str>> {
    let quote = text.chars().next()?;
    let close = match quote {
        '[' => ']',
        '"' | '`' | '\'' => quote,
        _ => return None,
    };
    let inner = text.strip_prefix(quote)?.strip_suffix(close)?;
    let doubled: String = [close, close].iter().collect();
    Some(verbatim(
        dialect,
        &inner.replace(&doubled, close.encode_utf8(&mut [0; 4])),
    ))
}

/// The relation of a dotted name. Of three parts and more the last two count.
pub(super) fn relation(mut parts: Vec<Box<str>>) -> Option<Relation> {
    let name = parts.pop()?;
    Some(Relation {
        schema: parts.pop(),
        name,
    })
}
