//! Spells a statement in a way that the parser can read, where its grammar falls short of the server's.
//!
//! Only what carries no fact is changed: no name of a relation or a function is lost, and none is added.

use super::{
    builtin::{self, is_postgres_operator, is_system_column},
    facts::Dialect,
    token::{Gap, Token, TokenKind},
};

/// `tokens` for the parser.
pub(super) fn for_parser<'s>(dialect: Dialect, tokens: &[Token<'s>]) -> Vec<Token<'s>> {
    let mut out = Vec::with_capacity(tokens.len() + 4);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let skipped = match dialect {
            Dialect::Postgres => dropped(&tokens[at..], &tokens[..at]),
            Dialect::MySql | Dialect::Sqlite => {
                dropped_elsewhere(dialect, &tokens[at..], &tokens[..at])
            }
        };
        if skipped > 0 {
            at += skipped;
            continue;
        }
        let plain = |kind, text| Token {
            kind,
            text,
            gap: Gap::Space,
        };
        if is_table_command(tokens, at) {
            out.extend([
                plain(TokenKind::Word, "select"),
                plain(TokenKind::Operator, "*"),
                plain(TokenKind::Word, "from"),
            ]);
        } else if dialect == Dialect::MySql && is_update_comma(tokens, at) {
            out.push(plain(TokenKind::Word, "join"));
        } else if dialect == Dialect::MySql && is_infix_mod(tokens, at) {
            out.push(plain(TokenKind::Operator, "%"));
        } else {
            out.push(*token);
        }
        at += 1;
    }
    out
}

/// `UPDATE a, b SET …` is `UPDATE a JOIN b SET …`.
fn is_update_comma(tokens: &[Token<'_>], at: usize) -> bool {
    tokens[at].is_punct(",")
        && tokens[0].is_word("update")
        && !tokens[..at]
            .iter()
            .any(|token| token.is_word("set") || token.is_punct("("))
}

/// `a MOD b`, which the parser knows as a function only.
fn is_infix_mod(tokens: &[Token<'_>], at: usize) -> bool {
    let operand = at > 0
        && (tokens[at - 1].is_punct(")")
            || !matches!(tokens[at - 1].kind, TokenKind::Punct | TokenKind::Operator));
    let called = tokens
        .get(at + 1)
        .is_some_and(|next| next.is_punct("(") && next.gap == Gap::None);
    tokens[at].is_word("mod") && operand && !called
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

/// How many of the next tokens say nothing that matters here and are beyond the parser.
fn dropped(tokens: &[Token<'_>], done: &[Token<'_>]) -> usize {
    let before = done.last();
    match tokens[0].kind {
        TokenKind::Word => words(tokens, before),
        TokenKind::Punct => {
            subscript(tokens, before) + field(tokens, before) + conflict_target(tokens, done)
        }
        // `FROM t*` is an old way to say `FROM t`.
        TokenKind::Operator if tokens[0].text == "*" => {
            let from = done.len().checked_sub(2).map(|at| &done[at]);
            let table = before.is_some_and(|before| before.kind == TokenKind::Word);
            usize::from(
                table && from.is_some_and(|from| from.is_one_of(&["from", "join", "update"])),
            )
        }
        // Strings on several lines are one.
        TokenKind::Text => usize::from(
            tokens[0].gap == Gap::Line
                && before.is_some_and(|before| before.kind == TokenKind::Text),
        ),
        _ => 0,
    }
}

/// The same for the other dialects, of which the parser misses less.
fn dropped_elsewhere(dialect: Dialect, tokens: &[Token<'_>], done: &[Token<'_>]) -> usize {
    let token = &tokens[0];
    if token.kind != TokenKind::Word {
        0
    } else if dialect == Dialect::MySql && token.is_word("sounds") {
        // `SOUNDS LIKE`
        usize::from(tokens.get(1).is_some_and(|next| next.is_word("like")))
    } else if dialect == Dialect::MySql && token.is_one_of(&["low_priority", "ignore", "quick"]) {
        modifiers(tokens, done)
    } else if token.is_one_of(&["range", "rows", "groups"]) {
        frame(tokens)
    } else {
        0
    }
}

/// `UPDATE LOW_PRIORITY IGNORE t`, `DELETE QUICK FROM t`: the parser takes these words for the table.
fn modifiers(tokens: &[Token<'_>], done: &[Token<'_>]) -> usize {
    let behind = |verb: &str| done.last().is_some_and(|before| before.is_word(verb));
    let modifier = |at: &usize| {
        let token = &tokens[*at];
        // Not reserved, so a table can be called by it.
        let names = tokens
            .get(at + 1)
            .is_some_and(|next| next.is_punct(".") || next.is_punct(","));
        token.is_one_of(&["low_priority", "ignore"])
            || (token.is_word("quick") && behind("delete") && !names)
    };
    if behind("update") || behind("delete") {
        (0..tokens.len()).take_while(modifier).count()
    } else {
        0
    }
}

fn words(tokens: &[Token<'_>], before: Option<&Token<'_>>) -> usize {
    let follows = |words: &[&str]| {
        tokens.len() > words.len()
            && tokens[1..]
                .iter()
                .zip(words)
                .all(|(t, word)| t.is_word(word))
    };
    let token = &tokens[0];
    if before.is_some_and(|before| before.is_punct(".")) {
        return 0;
    }
    let locking = before.is_some_and(|before| before.is_word("for"));
    match token.text.len() {
        // `ONLY t`: the parser takes `only` for a table. `FETCH … ROWS ONLY` stays.
        4 if token.is_word("only") => {
            usize::from(!before.is_some_and(|before| before.is_one_of(&["row", "rows"])))
        }
        8 if token.is_word("variadic") => 1,
        9 | 10 if token.is_one_of(&["symmetric", "asymmetric"]) => {
            usize::from(before.is_some_and(|before| before.is_word("between")))
        }
        // `FOR NO KEY UPDATE`, `FOR KEY SHARE`
        2 if locking && token.is_word("no") && follows(&["key", "update"]) => 2,
        3 if locking && token.is_word("key") && follows(&["share"]) => 1,
        // `ORDER BY a USING >`
        5 if token.is_word("using") => match tokens.get(1) {
            Some(next) if next.kind == TokenKind::Operator && is_postgres_operator(next.text) => 2,
            _ => 0,
        },
        7 if token.is_word("collate") => collation(tokens),
        10 if token.is_word("overriding")
            && (follows(&["system", "value"]) || follows(&["user", "value"])) =>
        {
            3
        }
        4..=6 if token.is_one_of(&["range", "rows", "groups"]) => frame(tokens),
        // `inet '::1'` is the literal for all that matters: names of types that look something up are judged by the token.
        _ if tokens
            .get(1)
            .is_some_and(|next| next.kind == TokenKind::Text) =>
        {
            usize::from(token.is_one_of(TYPES))
        }
        _ => 0,
    }
}

/// Types that the parser does not know before a literal.
const TYPES: &[&str] = &[
    "bit",
    "bool",
    "box",
    "bpchar",
    "bytea",
    "cidr",
    "circle",
    "daterange",
    "float4",
    "float8",
    "inet",
    "int2",
    "int4",
    "int4range",
    "int8",
    "int8range",
    "json",
    "jsonb",
    "jsonpath",
    "line",
    "lseg",
    "macaddr",
    "macaddr8",
    "money",
    "numrange",
    "oid",
    "pg_lsn",
    "point",
    "polygon",
    "text",
    "tsquery",
    "tsrange",
    "tstzrange",
    "tsvector",
    "uuid",
    "varbit",
    "varchar",
    "xml",
];

/// `COLLATE a."b"`
fn collation(tokens: &[Token<'_>]) -> usize {
    let named = |at: usize| {
        tokens
            .get(at)
            .is_some_and(|name| matches!(name.kind, TokenKind::Word | TokenKind::Quoted))
    };
    match (
        named(1),
        tokens.get(2).is_some_and(|dot| dot.is_punct(".")) && named(3),
    ) {
        (true, true) => 4,
        (true, false) => 2,
        (false, _) => 0,
    }
}

/// What stands between `ON CONFLICT` and `DO`: it tells an index, reads nothing and calls nothing.
fn conflict_target(tokens: &[Token<'_>], done: &[Token<'_>]) -> usize {
    let behind =
        matches!(done, [.., on, conflict] if on.is_word("on") && conflict.is_word("conflict"));
    if !behind || !tokens[0].is_punct("(") {
        return 0;
    }
    let target = tokens
        .iter()
        .position(|token| token.is_word("do"))
        .unwrap_or(0);
    if tokens[..target].iter().any(|token| token.is_word("select")) {
        0
    } else {
        target
    }
}

/// The frame of a window, `RANGE BETWEEN … AND … [EXCLUDE …]`, up to the bracket behind it, if nothing is called in it.
fn frame(tokens: &[Token<'_>]) -> usize {
    let bound = tokens.get(1).is_some_and(|next| {
        next.is_one_of(&["between", "unbounded", "current"])
            || matches!(next.kind, TokenKind::Number | TokenKind::Text)
    });
    let ends = |token: &Token<'_>| token.is_punct("(") || token.is_punct(")");
    let (frame, close) = tokens.split_at(tokens.iter().position(ends).unwrap_or(tokens.len()));
    // A column can have such a name: then more than a frame stands before the bracket.
    let query = frame.iter().any(|token| {
        token.is_one_of(&[
            "from", "join", "select", "where", "having", "limit", "order", "union",
        ]) || token.is_punct(",")
    });
    let bounded = frame
        .iter()
        .any(|token| token.is_one_of(&["preceding", "following", "current"]));
    let closed = close.first().is_some_and(|token| token.is_punct(")"));
    // An offset may ask the clock: then the parser must see it, or nobody does.
    let judged = frame
        .iter()
        .any(|token| builtin::bare_word(Dialect::Postgres, &token.text.to_lowercase()).is_some());
    if bound && bounded && closed && !query && !judged {
        frame.len()
    } else {
        0
    }
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
