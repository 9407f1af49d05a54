//! What the body of a routine, a trigger or a rule can do, whoever runs it.

use super::{
    facts::{Action, Dialect, Reason, Relation},
    functions::Functions,
};

/// The language of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Language {
    /// Statements of SQL, one or several: a PostgreSQL function in SQL (also `BEGIN ATOMIC … END` and `RETURN …`), a view's query.
    Sql,
    /// PL/pgSQL, from `DECLARE` or `BEGIN` to `END`.
    PlPgSql,
    /// A stored program of MySQL or MariaDB: one statement or `BEGIN … END`.
    StoredProgram,
    /// SQLite's whole `CREATE TRIGGER` statement.
    SqliteTrigger,
    /// PostgreSQL's whole `CREATE RULE` statement.
    Rule,
}

/// What is known about a body. Names are as the text has them; which relation a bare name means is for the caller to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// Whatever it can read, and more: names that are no relation at all (variables, columns) can be among them. Sorted.
    pub mentions: Vec<Relation>,
    /// What it can write, sorted.
    pub actions: Vec<Action>,
    /// The functions and procedures it can call, as in [`Facts::calls`](super::Facts::calls).
    pub calls: Vec<Relation>,
    /// Why a result that depends on it must not be cached, but for what its calls and relations say.
    pub refusal: Option<Reason>,
    /// It changes the state of the session that runs it.
    pub changes_session: bool,
    /// Why it can do anything: dynamic SQL, a language that cannot be read, DDL.
    pub unknown: Option<Box<str>>,
}

/// What the body `text` can do. Never fails: what cannot be read is `unknown`.
#[must_use]
pub fn body(_dialect: Dialect, _language: Language, _text: &str, _functions: &Functions) -> Body {
    Body {
        unknown: Some("not read yet".into()),
        ..Body::default()
    }
}
