//! Spells a statement in a way that the parser can read, where its grammar falls short of the server's.
//!
//! Only what carries no fact is changed: no name of a relation or a function is lost, and none is added.

use super::{
    builtin::is_system_column,
    facts::Dialect,
    token::{Gap, Token, TokenKind},
};

/// `tokens` for the parser.
pub(super) fn for_parser<'s>(dialect: Dialect, tokens: &[Token<'s>]) -> Vec<Token<'s>> {
    let mut out = Vec::with_capacity(tokens.len() + 4);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        let skipped = match dialect {
            Dialect::Postgres => {
                only(token, before)
                    + subscript(&tokens[at..], before)
                    + field(&tokens[at..], before)
            }
            Dialect::MySql | Dialect::Sqlite => 0,
        };
        if skipped > 0 {
            at += skipped;
            continue;
        }
        if is_table_command(tokens, at) {
            let plain = |kind, text| Token {
                kind,
                text,
                gap: Gap::Space,
            };
            out.extend([
                plain(TokenKind::Word, "select"),
                plain(TokenKind::Operator, "*"),
                plain(TokenKind::Word, "from"),
            ]);
        } else {
            out.push(*token);
        }
        at += 1;
    }
    out
}

/// `TABLE t` means `SELECT * FROM t`, of which the parser keeps more.
fn is_table_command(tokens: &[Token<'_>], at: usize) -> bool {
    tokens[at].is_word("table")
        && tokens
            .get(at + 1)
            .is_some_and(|next| matches!(next.kind, TokenKind::Word | TokenKind::Quoted))
        && !at.checked_sub(1).is_some_and(|before| {
            tokens[before].is_punct(".")
                || tokens[before].is_one_of(&["into", "temp", "temporary", "unlogged"])
        })
}

/// `ONLY t`: the parser takes `only` for a table. It says nothing on which table is read. `FETCH … ROWS ONLY` stays.
fn only(token: &Token<'_>, before: Option<&Token<'_>>) -> usize {
    let limits =
        before.is_some_and(|before| before.is_one_of(&["row", "rows"]) || before.is_punct("."));
    usize::from(token.is_word("only") && !limits)
}

/// A subscript or array bound made of numbers: `a[1:2]`, `int[]`. `ARRAY[1]` stays.
fn subscript(tokens: &[Token<'_>], before: Option<&Token<'_>>) -> usize {
    let subject = before.is_some_and(|before| {
        let named =
            matches!(before.kind, TokenKind::Word | TokenKind::Quoted) && !before.is_word("array");
        named || before.is_punct(")") || before.is_punct("]")
    });
    if !subject || !tokens[0].is_punct("[") {
        return 0;
    }
    let plain = |token: &&Token<'_>| {
        matches!(token.kind, TokenKind::Number | TokenKind::Placeholder)
            || token.is_punct(":")
            || token.is_word("null")
            || (token.kind == TokenKind::Operator && token.text == "-")
    };
    let length = tokens[1..].iter().take_while(plain).count();
    if tokens
        .get(length + 1)
        .is_some_and(|close| close.is_punct("]"))
    {
        length + 2
    } else {
        0
    }
}

/// A field of a composite value: `(address).street`, `(address).*`.
fn field(tokens: &[Token<'_>], before: Option<&Token<'_>>) -> usize {
    let [dot, name, ..] = tokens else { return 0 };
    let all = name.kind == TokenKind::Operator && name.text == "*";
    let plain = name.kind == TokenKind::Word
        && !is_system_column(Dialect::Postgres, &name.text.to_ascii_lowercase());
    if before.is_some_and(|before| before.is_punct(")")) && dot.is_punct(".") && (all || plain) {
        2
    } else {
        0
    }
}
