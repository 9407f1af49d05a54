//! What a text can call without a name before a bracket: functions of a row, which are written like its columns, and those
//! behind operators. Of the databases PostgreSQL alone has these.
//!
//! Knows no statement. A name too many is only a needless doubt.

use super::{
    facts::Dialect,
    names,
    token::{Token, TokenKind},
};

/// What a text can call without saying so. Empty for other databases than PostgreSQL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Implied {
    /// Each name behind a dot, sorted: `p.f` and `(p).f` can be a column, and mean `f(p)` where there is none.
    pub fields: Vec<Box<str>>,
    /// The operators, sorted; those that stand together without a space are one here.
    pub operators: Vec<Box<str>>,
}

impl Implied {
    pub(super) fn by(dialect: Dialect, tokens: &[Token<'_>]) -> Self {
        let mut implied = Self::default();
        if dialect != Dialect::Postgres {
            return implied;
        }
        for (at, token) in tokens.iter().enumerate() {
            let behind_dot = at > 0 && tokens[at - 1].is_punct(".");
            let called = tokens.get(at + 1).is_some_and(|next| next.is_punct("("));
            if token.kind == TokenKind::Operator {
                implied.operators.push(token.text.into());
            } else if behind_dot && !called {
                implied.fields.extend(names::identifier(dialect, token));
            }
        }
        for list in [&mut implied.fields, &mut implied.operators] {
            list.sort_unstable();
            list.dedup();
        }
        implied
    }
}

/// Whether a name cannot be read, so that it can be that of any function or type.
pub(super) fn is_unreadable(dialect: Dialect, tokens: &[Token<'_>]) -> bool {
    dialect == Dialect::Postgres
        && tokens.iter().any(|token| {
            token.kind == TokenKind::Quoted && names::identifier(dialect, token).is_none()
        })
}

#[cfg(test)]
mod tests {
    use super::super::{Functions, Writes, analyse, facts::Facts};
    use super::*;

    fn facts(dialect: Dialect, sql: &str) -> Facts {
        analyse(dialect, sql, &Functions::new().judged_elsewhere())
    }

    #[test]
    fn each_name_behind_a_dot_and_each_operator_counts() {
        let sql =
            "SELECT p.F, (q).\"G\".h, s.called(1) FROM s.t WHERE a<>-1 AND b OPERATOR(s.@@) 'x.y'";
        let implied = facts(Dialect::Postgres, sql).implied;
        assert_eq!(implied.fields, ["G", "f", "h", "t"].map(Box::from));
        assert_eq!(implied.operators, ["<>-", "@@"].map(Box::from));
        assert_eq!(facts(Dialect::Sqlite, sql).implied, Implied::default());
    }

    #[test]
    fn a_name_behind_a_dot_that_cannot_be_read_can_be_any() {
        let unreadable = facts(Dialect::Postgres, "SELECT p.U&\"\\0066\" FROM p");
        assert_eq!(unreadable.writes, Writes::Everything);
        let plain = facts(Dialect::Postgres, "SELECT p.\"f\" FROM p");
        assert_eq!(plain.writes, Writes::Relations(Vec::new()));
    }
}
