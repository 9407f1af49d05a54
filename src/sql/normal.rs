//! The normal form of a text: its tokens in one canonical spelling.
//!
//! One space stands between tokens and comments are gone; literals and quoted names stay as they are. Two texts with the
//! same normal form have the same tokens, and so the same meaning: that is all a cache key needs. The other direction is
//! only a matter of hits, so where a difference might matter it is kept:
//!
//! - unquoted words are folded to lower case in PostgreSQL; in MySQL and SQLite only reserved words are, since there the
//!   spelling of a column's name in the query is the name the result has, and MySQL's tables can be case-sensitive;
//! - in MySQL a word keeps the bracket glued to it, which tells `now()` from a call of a stored function `now ()`;
//! - in PostgreSQL two strings on different lines are one string, so that line break stays.

use super::{
    facts::Dialect,
    token::{Gap, Token, TokenKind},
};

/// Words that no dialect accepts as an unquoted name of a column or a table. Sorted.
pub(super) const RESERVED: &[&str] = &[
    "all", "and", "as", "between", "by", "case", "create", "delete", "distinct", "drop", "else",
    "exists", "from", "group", "having", "in", "insert", "into", "is", "join", "limit", "not",
    "null", "on", "or", "order", "select", "set", "table", "then", "to", "union", "update",
    "using", "values", "when", "where",
];

/// Further words that MySQL and MariaDB do not accept as an unquoted name. Sorted.
const MYSQL_RESERVED: &[&str] = &[
    "asc", "collate", "convert", "cross", "default", "desc", "div", "false", "for", "force",
    "ignore", "index", "inner", "interval", "key", "left", "like", "lock", "match", "mod",
    "natural", "outer", "over", "primary", "regexp", "replace", "right", "rlike", "true", "use",
    "with", "xor",
];

/// Spells `tokens` in the canonical way.
pub(super) fn spell(dialect: Dialect, tokens: &[Token<'_>]) -> String {
    let mut out = String::with_capacity(tokens.iter().map(|token| token.text.len() + 1).sum());
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        out.extend(before.and_then(|before| separator(dialect, before, token)));
        if folds(dialect, before, token, &tokens[at + 1..]) {
            out.extend(token.text.chars().map(|c| c.to_ascii_lowercase()));
        } else {
            out.push_str(token.text);
        }
    }
    out
}

/// Whether a token means the same in lower case, also as the name of a column of the result.
fn folds(
    dialect: Dialect,
    before: Option<&Token<'_>>,
    token: &Token<'_>,
    behind: &[Token<'_>],
) -> bool {
    if token.kind != TokenKind::Word || dialect == Dialect::Postgres {
        return token.kind == TokenKind::Word;
    }
    let mut lower = [0_u8; 8];
    let Some(lower) = lower.get_mut(..token.text.len()) else {
        return false;
    };
    lower.copy_from_slice(token.text.as_bytes());
    lower.make_ascii_lowercase();
    let holds = |words: &[&str]| {
        words
            .binary_search_by(|word| word.as_bytes().cmp(lower))
            .is_ok()
    };
    if before.is_some_and(|before| before.is_punct(".")) {
        return false;
    }
    // SQLite has few words that cannot be names, but before JOIN and at the start no name can stand.
    let joins = || {
        let join = |at: usize| behind.get(at).is_some_and(|next| next.is_word("join"));
        let outer = behind.first().is_some_and(|next| {
            next.is_one_of(&["inner", "outer", "left", "right", "full", "cross"])
        });
        holds(&[
            "cross", "full", "inner", "left", "natural", "outer", "right",
        ]) && (join(0) || (outer && (join(1) || join(2))))
    };
    holds(RESERVED)
        || (dialect == Dialect::MySql && holds(MYSQL_RESERVED))
        || (dialect == Dialect::Sqlite && ((before.is_none() && holds(&["with"])) || joins()))
}

fn separator(dialect: Dialect, before: &Token<'_>, token: &Token<'_>) -> Option<char> {
    let named = |token: &Token<'_>| matches!(token.kind, TokenKind::Word | TokenKind::Quoted);
    let dotted =
        token.is_punct(".") && (named(before) || before.is_punct(")") || before.is_punct("]"));
    let after_dot = before.is_punct(".") && (named(token) || token.text.starts_with('*'));
    let glued = match dialect {
        Dialect::MySql => {
            let call =
                token.is_punct("(") && matches!(before.kind, TokenKind::Word | TokenKind::Quoted);
            // `@'name'` and `user@'host'`.
            let variable = before.kind == TokenKind::Variable || token.kind == TokenKind::Variable;
            (call || variable) && token.gap == Gap::None
        }
        Dialect::Postgres | Dialect::Sqlite => false,
    };
    let lines = dialect == Dialect::Postgres
        && before.kind == TokenKind::Text
        && token.kind == TokenKind::Text
        && token.gap == Gap::Line;
    match (dotted || after_dot || glued, lines) {
        (true, _) => None,
        (false, true) => Some('\n'),
        (false, false) => Some(' '),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::token::lex, *};

    fn normal(dialect: Dialect, sql: &str) -> String {
        spell(dialect, &lex(dialect, sql).tokens)
    }

    #[test]
    fn the_reserved_words_are_sorted() {
        assert!(RESERVED.is_sorted());
        assert!(MYSQL_RESERVED.is_sorted());
        assert!(
            RESERVED
                .iter()
                .chain(MYSQL_RESERVED)
                .all(|word| word.len() <= 8)
        );
    }

    #[test]
    fn white_space_comments_and_case_do_not_matter_in_postgres() {
        let one = normal(
            Dialect::Postgres,
            "SELECT  A.\"B\" /* x /* y */ */ FROM\n T -- end\n WHERE c='It''s'",
        );
        assert_eq!(
            one,
            normal(
                Dialect::Postgres,
                "select a . \"B\" from t where C = 'It''s'"
            )
        );
        assert_eq!(one, "select a.\"B\" from t where c = 'It''s'");
    }

    #[test]
    fn the_spelling_of_names_stays_where_results_are_named_by_it() {
        for dialect in [Dialect::MySql, Dialect::Sqlite] {
            assert_eq!(
                normal(dialect, "Select Name From Users Where a.From = 1"),
                "select Name from Users where a.From = 1"
            );
        }
    }

    #[test]
    fn joins_are_folded_and_columns_of_that_name_are_not() {
        let text =
            "With X As (Select Left From T) Select * From A Left Outer Join B Natural Join C";
        assert_eq!(
            normal(Dialect::Sqlite, text),
            "with X as ( select Left from T ) select * from A left outer join B natural join C"
        );
        assert_eq!(
            normal(Dialect::MySql, "SELECT a FROM b ORDER BY c DESC"),
            "select a from b order by c desc"
        );
    }

    #[test]
    fn literals_that_differ_stay_different() {
        let texts = [
            "'a'", "E'a'", "N'a'", "X'a'", "U&'a'", "$$a$$", "$x$a$x$", "\"a\"", "a", "'A'",
            "e 'a'",
        ];
        let forms: std::collections::HashSet<_> = texts
            .iter()
            .map(|text| normal(Dialect::Postgres, text))
            .collect();
        assert_eq!(forms.len(), texts.len());
    }

    #[test]
    fn strings_on_two_lines_are_not_strings_on_one() {
        assert_eq!(
            normal(Dialect::Postgres, "select 'a'  \n\n 'b'"),
            "select 'a'\n'b'"
        );
        assert_eq!(
            normal(Dialect::Postgres, "select 'a' 'b'"),
            "select 'a' 'b'"
        );
    }

    #[test]
    fn a_call_is_not_a_word_before_a_bracket_in_mysql() {
        assert_eq!(
            normal(Dialect::MySql, "SELECT now ( ) , now( )"),
            "select now ( ) , now( )"
        );
    }

    #[test]
    fn comments_follow_the_dialect() {
        assert_eq!(
            normal(Dialect::MySql, "select 1 # x\n + 2 --x\n -- y"),
            "select 1 + 2 - - x"
        );
        assert_eq!(normal(Dialect::Sqlite, "select /* a /* b */ 1"), "select 1");
        assert_eq!(
            normal(Dialect::MySql, "select /*!50110 a, */ b"),
            "select /*!50110 a , */ b"
        );
    }
}
