//! What some tokens call: any name before a bracket that is neither grammar nor a type.
//!
//! Knows no statement. A name too many is only a needless doubt.

use super::{
    calls::{Arguments, Call, call},
    facts::{Dialect, Reason, Relation},
    names,
    normal::RESERVED,
    part::{Context, keep_reason},
    token::{Token, TokenKind},
};

/// Words that stand before a bracket without being called, beside the reserved ones.
const NOT_CALLED: &[&str] = &[
    "any",
    "array",
    "bigint",
    "bit",
    "check",
    "char",
    "character",
    "conflict",
    "cross",
    "cube",
    "decimal",
    "duplicate",
    "end",
    "escape",
    "except",
    "fetch",
    "filter",
    "first",
    "float",
    "for",
    "foreign",
    "full",
    "generated",
    "group",
    "grouping",
    "ilike",
    "include",
    "index",
    "inner",
    "int",
    "integer",
    "intersect",
    "interval",
    "isnull",
    "key",
    "lateral",
    "left",
    "like",
    "materialized",
    "natural",
    "next",
    "notnull",
    "numeric",
    "offset",
    "only",
    "outer",
    "over",
    "partition",
    "precision",
    "primary",
    "range",
    "recursive",
    "references",
    "returning",
    "right",
    "rollup",
    "row",
    "rows",
    "sets",
    "similar",
    "some",
    "text",
    "time",
    "timestamp",
    "unique",
    "value",
    "varchar",
    "varying",
    "window",
    "with",
    "within",
    "without",
    "zone",
];

/// Those of `NOT_CALLED` that can name a function of PostgreSQL's: they are grammar only at some places.
const CALLABLE: &[&str] = &[
    "conflict",
    "duplicate",
    "escape",
    "filter",
    "first",
    "generated",
    "include",
    "index",
    "key",
    "materialized",
    "next",
    "over",
    "partition",
    "range",
    "recursive",
    "rows",
    "sets",
    "text",
    "value",
    "varying",
    "within",
    "without",
    "zone",
];

/// Those of `NOT_CALLED` that can name a function of MySQL's.
const CALLABLE_IN_MYSQL: &[&str] = &[
    "conflict",
    "cube",
    "duplicate",
    "filter",
    "first",
    "ilike",
    "include",
    "materialized",
    "next",
    "notnull",
    "sets",
    "similar",
    "within",
    "without",
    "zone",
];

/// What stands before a word of `CALLABLE` that is grammar, beside brackets.
const BEFORE_CALLABLE: &[&str] = &[
    "by",
    "character",
    "duplicate",
    "fetch",
    "foreign",
    "grouping",
    "not",
    "on",
    "primary",
    "time",
];

/// What stands before a name whose bracket holds columns.
const BEFORE_COLUMNS: &[&str] = &[
    "as",
    "copy",
    "delayed",
    "ignore",
    "insert",
    "into",
    "low_priority",
    "recursive",
    "replace",
    "with",
];

/// What some tokens call.
#[derive(Default)]
pub(super) struct Called {
    /// As [`Facts::calls`](super::Facts::calls).
    pub(super) listed: Vec<Relation>,
    /// What the declared functions among them read.
    pub(super) reads: Vec<Relation>,
    /// What these write.
    pub(super) writes: Vec<Relation>,
    /// The first reason why a result that depends on them must not be cached.
    pub(super) refusal: Option<Reason>,
    /// Whether a built-in function among them changes the session.
    pub(super) session: bool,
    pub(super) doubt: Doubt,
}

/// How much of what is called is beyond what is known here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doubt {
    /// All is known.
    #[default]
    None,
    /// There are functions that are neither built in nor declared.
    Unknown,
    /// Anything can be written: by a built-in function that runs SQL, or by one whose name cannot be read.
    Anything,
}

impl Called {
    /// What `tokens` call.
    pub(super) fn by(context: Context<'_>, tokens: &[Token<'_>]) -> Self {
        let mut called = Self::default();
        for (at, pair) in tokens.windows(2).enumerate() {
            let named = matches!(pair[0].kind, TokenKind::Word | TokenKind::Quoted);
            if named && pair[1].is_punct("(") {
                match candidate(context.dialect, &tokens[..at], &pair[0]) {
                    Candidate::Grammar => {}
                    Candidate::Unreadable => called.doubt = Doubt::Anything,
                    Candidate::Function(function) => called.add(
                        context,
                        function,
                        pair[0].kind,
                        Arguments::Tokens(&tokens[at + 2..]),
                    ),
                }
            }
        }
        called
    }

    /// Adds a call of `function`, spelled as a token of the kind `spelled`.
    pub(super) fn add(
        &mut self,
        context: Context<'_>,
        mut function: Relation,
        spelled: TokenKind,
        arguments: Arguments<'_>,
    ) {
        if context.dialect != Dialect::Postgres {
            function.name = function.name.to_lowercase().into();
        }
        let quoted = spelled == TokenKind::Quoted;
        match call(context, &function, quoted, arguments) {
            Call::Syntax => return,
            Call::Declared(effects) => {
                self.reads.extend(effects.reads.iter().cloned());
                self.writes.extend(effects.writes.iter().cloned());
                return;
            }
            Call::Pure => {}
            Call::JudgedElsewhere => self.doubt = self.doubt.max(Doubt::Unknown),
            Call::Refused(reason) => self.refuse(reason),
            Call::ChangesSession(reason) => {
                self.session = true;
                self.refuse(reason);
            }
            Call::WritesAnything(reason) => {
                let unknown = matches!(reason, Reason::UnknownFunction(_));
                let doubt = if unknown {
                    Doubt::Unknown
                } else {
                    Doubt::Anything
                };
                self.doubt = self.doubt.max(doubt);
                self.refuse(reason);
            }
        }
        self.listed.push(function);
    }

    fn refuse(&mut self, reason: Reason) {
        keep_reason(&mut self.refusal, reason);
    }

    /// Whether tables can be written, as far as can be told here. In SQLite no function can write.
    pub(super) fn can_write(&self, dialect: Dialect) -> bool {
        dialect != Dialect::Sqlite && (self.doubt > Doubt::None || !self.writes.is_empty())
    }
}

/// What a name before a bracket can be.
enum Candidate {
    Grammar,
    Function(Relation),
    /// A function whose name cannot be read.
    Unreadable,
}

fn candidate(dialect: Dialect, before: &[Token<'_>], name: &Token<'_>) -> Candidate {
    let mut schema = None;
    let mut start = before.len();
    while start >= 2 && before[start - 1].is_punct(".") {
        start -= 2;
        if schema.is_none() {
            schema = names::identifier(dialect, &before[start]);
            if schema.is_none() {
                return Candidate::Unreadable;
            }
        }
    }
    let all = &before[..start];
    let before = all.last();
    // A type, or an alias, CTE or target with its columns.
    let declared = before.is_some_and(|before| {
        before.is_punct("::") || before.is_punct(")") || before.is_one_of(BEFORE_COLUMNS)
    });
    if declared && !behind_distinct_on(all) {
        return Candidate::Grammar;
    }
    let Some(lower) = names::identifier(dialect, name) else {
        return Candidate::Unreadable;
    };
    let alone = name.kind == TokenKind::Word && schema.is_none();
    if alone && is_grammar(dialect, &lower, before) {
        return Candidate::Grammar;
    }
    Candidate::Function(Relation {
        schema,
        name: lower,
    })
}

/// Whether `tokens` end with `DISTINCT ON (…)`, behind which the first item of a SELECT comes without a comma.
fn behind_distinct_on(tokens: &[Token<'_>]) -> bool {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().rev() {
        if token.is_punct(")") {
            depth += 1;
        } else if token.is_punct("(") {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            return matches!(&tokens[..at], [.., distinct, on] if distinct.is_word("distinct") && on.is_word("on"));
        }
    }
    false
}

/// Whether an unquoted word before a bracket is no call, as it stands.
fn is_grammar(dialect: Dialect, word: &str, before: Option<&Token<'_>>) -> bool {
    if RESERVED.binary_search(&word).is_ok() {
        return true;
    }
    let callable = match dialect {
        Dialect::Postgres => CALLABLE,
        Dialect::MySql => CALLABLE_IN_MYSQL,
        Dialect::Sqlite => &[],
    };
    let called =
        callable.contains(&word) && !before.is_some_and(|before| before.is_one_of(BEFORE_CALLABLE));
    NOT_CALLED.contains(&word) && !called
}
