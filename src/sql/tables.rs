//! The tables that a program of MySQL's reads, by where their names stand.
//!
//! Promises that a name which it gives can be nothing else than a table. Of odd grammar it gives less.

use super::{
    builtin,
    cursor::Cursor,
    facts::{Dialect, Relation},
    names,
    token::{Token, TokenKind},
};

/// Functions that have a FROM in their brackets.
const WITH_FROM: &[&str] = &["extract", "mid", "position", "substr", "substring", "trim"];

/// What ends a list of tables.
const BEHIND: &[&str] = &[
    "do",
    "duplicate",
    "except",
    "for",
    "from",
    "group",
    "having",
    "intersect",
    "into",
    "limit",
    "lock",
    "order",
    "procedure",
    "returning",
    "select",
    "set",
    "then",
    "union",
    "values",
    "where",
    "window",
];

/// The tables that `tokens` read, but for the server's own.
pub(super) fn read(tokens: &[Token<'_>]) -> Vec<Relation> {
    let mut found = Vec::new();
    for statement in tokens.split(|token| token.is_punct(";")) {
        let local = locals(statement);
        let mut brackets = Vec::new();
        for (at, token) in statement.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| &statement[before]);
            if token.is_punct("(") {
                brackets.push(before.is_some_and(|before| before.is_one_of(WITH_FROM)));
            } else if token.is_punct(")") {
                brackets.pop();
            }
            let named =
                before.is_some_and(|before| before.is_punct(".") || before.is_one_of(&["as"]));
            let behind = |words| before.is_some_and(|before| before.is_one_of(words));
            let next = statement.get(at + 1);
            let lists = token.is_one_of(&["join", "straight_join", "table"])
                || (token.is_word("from")
                    && brackets.last() != Some(&true)
                    && !behind(&["fetch", "next"]))
                || (token.is_word("using") && !next.is_some_and(|next| next.is_punct("(")))
                || (token.is_word("update") && !behind(&["for", "key"]));
            if lists && !named {
                let behind = &statement[at + 1..];
                let modifiers = behind
                    .iter()
                    .take_while(|token| token.is_one_of(&["ignore", "low_priority"]));
                list(&behind[modifiers.count()..], &mut found);
            }
        }
        found.retain(|table| table.schema.is_some() || !local.contains(&table.name.to_lowercase()));
    }
    found.retain(|table| {
        builtin::catalog(Dialect::MySql, table).is_none()
            && !builtin::is_no_table(Dialect::MySql, table)
    });
    found
}

/// The names of the statement's own queries: `name [(…)] AS (`.
fn locals(tokens: &[Token<'_>]) -> Vec<String> {
    let behind = |at: &usize| {
        let opens = tokens.get(at + 1).is_some_and(|next| next.is_punct("("));
        tokens[*at].is_word("as") && opens
    };
    let name = |at: usize| {
        let mut at = at.checked_sub(1)?;
        if tokens[at].is_punct(")") {
            at = tokens[..at].iter().rposition(|token| token.is_punct("("))?;
            at = at.checked_sub(1)?;
        }
        names::identifier(Dialect::MySql, &tokens[at])
    };
    let places = (0..tokens.len()).filter(behind);
    places
        .filter_map(name)
        .map(|name| name.to_lowercase())
        .collect()
}

/// A list of tables at the beginning of `tokens`.
fn list(tokens: &[Token<'_>], found: &mut Vec<Relation>) {
    let mut at = Cursor::new(Dialect::MySql, tokens);
    loop {
        at.word("lateral");
        if at.punct("(") {
            let group = at.group_body();
            let query = |first: &Token<'_>| first.is_one_of(&["select", "values", "with"]);
            if !group.first().is_some_and(query) {
                list(group, found);
            }
        } else {
            let reserved = |token: &Token<'_>| {
                token.kind == TokenKind::Word
                    && (token.is_one_of(BEHIND) || builtin::is_reserved(Dialect::MySql, token.text))
            };
            if at.peek().is_none_or(reserved) {
                return;
            }
            let Some(table) = at.relation() else { return };
            if !at.peek().is_some_and(|next| next.is_punct("(")) {
                found.push(table);
            }
        }
        if !next_of(&mut at) {
            return;
        }
    }
}

/// Goes behind the next comma of a list; whether there is one.
fn next_of(at: &mut Cursor<'_, '_>) -> bool {
    while let Some(token) = at.peek() {
        if token.is_punct("(") {
            at.skip_group();
            continue;
        }
        if token.is_punct(")") || token.is_one_of(BEHIND) {
            return false;
        }
        at.next();
        if token.is_punct(",") {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::token::lex;

    fn found(text: &str) -> Vec<String> {
        let tables = read(&lex(Dialect::MySql, text).tokens);
        tables.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn tables_stand_behind_from_and_join_and_commas() {
        for (text, expected) in [
            ("RETURN (SELECT MAX(a) FROM t)", &["t"][..]),
            (
                "SELECT a, b INTO x FROM t AS y, `db`.u JOIN (v, w) ON f(a, b) = c WHERE a IN (1, d)",
                &["t", "db.u", "v", "w"],
            ),
            (
                "BEGIN DELETE p FROM p LEFT JOIN q USING (id, n); SELECT 1 FROM r; END",
                &["p", "q", "r"],
            ),
            (
                "SELECT * FROM (SELECT a, b FROM t) x, LATERAL (SELECT 1) z, u ORDER BY a, b",
                &["u", "t"],
            ),
            (
                "INSERT INTO t SELECT a FROM u ON DUPLICATE KEY UPDATE a = 1, b = c",
                &["u"],
            ),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_table_is_none() {
        for text in [
            "SET x = TRIM('a' FROM y), z = EXTRACT(YEAR FROM d)",
            "SELECT a, b FROM (SELECT 1) x FOR UPDATE",
            "FETCH NEXT FROM c INTO x",
            "FETCH FROM c INTO x",
            "WITH c AS (SELECT 1), d (a, b) AS (SELECT 1, 2) SELECT * FROM c, d JOIN c",
            "SELECT 1 FROM DUAL",
            "SELECT * FROM information_schema.tables, JSON_TABLE('[]', '$' COLUMNS (a INT PATH '$')) j",
        ] {
            assert_eq!(found(text), [] as [&str; 0], "{text}");
        }
    }
}
