//! Changes of rows in a body, found by their keywords wherever these stand.
//!
//! Knows no blocks: a write counts behind whatever word it stands. A word that is none (`FOR UPDATE`, `THEN UPDATE SET`) has
//! to be told by what is around it.

use super::{
    body::Findings,
    builtin::is_reserved,
    cursor::Cursor,
    facts::{Dialect, Ops, Relation},
    part::on_each,
    query,
    targets::REPLACE,
    token::{Token, TokenKind},
};

/// What stands between `INSERT` or `REPLACE` and `INTO` in MySQL.
const INSERT_MODIFIERS: &[&str] = &["delayed", "high_priority", "ignore", "low_priority"];

/// What can stand behind `FOR UPDATE` of a query.
const BEHIND_LOCK: &[&str] = &[
    "do",
    "except",
    "fetch",
    "for",
    "intersect",
    "into",
    "limit",
    "loop",
    "nowait",
    "of",
    "offset",
    "skip",
    "then",
    "union",
    "wait",
];

/// Adds the changes of rows in `tokens` to `findings`.
pub(super) fn find(findings: &mut Findings<'_>, tokens: &[Token<'_>]) {
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        // A column, or an alias.
        let names = before.is_some_and(|before| before.is_punct(".") || before.is_word("as"));
        if token.kind != TokenKind::Word || names {
            continue;
        }
        let place = Place {
            before,
            tokens: &tokens[at..],
        };
        if token.is_word("insert") {
            place.insert(findings);
        } else if token.is_word("replace") {
            place.replace(findings);
        } else if token.is_word("update") {
            place.update(findings);
        } else if token.is_word("delete") {
            place.delete(findings);
        } else if token.is_word("merge") {
            place.merge(findings);
        } else if token.is_word("truncate") {
            place.truncate(findings);
        } else if token.is_word("copy") {
            place.copy(findings);
        } else if token.is_word("refresh") {
            place.refresh(findings);
        } else if token.is_word("execute") {
            findings.unknown("it runs SQL that is put together when it runs");
        }
    }
}

/// Where a keyword stands.
#[derive(Clone, Copy)]
struct Place<'a, 's> {
    before: Option<&'a Token<'s>>,
    /// From the keyword on.
    tokens: &'a [Token<'s>],
}

impl<'a, 's> Place<'a, 's> {
    fn behind(self, findings: &Findings<'_>) -> Cursor<'a, 's> {
        Cursor::new(findings.context.dialect, &self.tokens[1..])
    }

    fn next_is(self, mark: &str) -> bool {
        self.tokens.get(1).is_some_and(|next| next.is_punct(mark))
    }

    /// The keyword's statement, as far as it can reach.
    fn statement(self) -> &'a [Token<'s>] {
        let end = self.tokens.iter().position(|token| token.is_punct(";"));
        &self.tokens[..end.unwrap_or(self.tokens.len())]
    }

    fn holds(self, words: [&str; 2]) -> bool {
        self.statement()
            .windows(2)
            .any(|pair| pair[0].is_word(words[0]) && pair[1].is_word(words[1]))
    }

    fn insert(self, findings: &mut Findings<'_>) {
        let mysql = findings.context.dialect == Dialect::MySql;
        let mut at = self.behind(findings);
        let mut ops = Ops::INSERT;
        if mysql {
            if self.next_is("(") {
                return;
            }
            while at.one_of(INSERT_MODIFIERS) {}
        } else if at.word("or") && at.next().is_some_and(|how| how.is_word("replace")) {
            ops = REPLACE;
        }
        // Elsewhere only MERGE inserts without it.
        if !at.word("into") && !mysql {
            return;
        }
        if self.holds(["do", "update"]) || self.holds(["key", "update"]) {
            ops = ops.and(Ops::UPDATE);
        }
        act(findings, ops, target(findings, at).map(|named| vec![named]));
    }

    fn replace(self, findings: &mut Findings<'_>) {
        let mut at = self.behind(findings);
        let other = self.before.is_some_and(|before| before.is_word("or"));
        if findings.context.dialect == Dialect::Postgres || other || self.next_is("(") {
            return;
        }
        while at.one_of(INSERT_MODIFIERS) {}
        if at.word("into") || findings.context.dialect == Dialect::MySql {
            act(
                findings,
                REPLACE,
                target(findings, at).map(|named| vec![named]),
            );
        }
    }

    fn update(self, findings: &mut Findings<'_>) {
        let mut at = self.behind(findings);
        let before = |words: &[&str]| self.before.is_some_and(|before| before.is_one_of(words));
        let next = |words: &[&str]| at.peek().is_some_and(|next| next.is_one_of(words));
        let locks = before(&["for", "key"])
            && (next(BEHIND_LOCK) || at.peek().is_none_or(|next| next.kind == TokenKind::Punct));
        // `ON DUPLICATE KEY UPDATE`, `DO UPDATE SET`, `ON UPDATE`
        let mysql = findings.context.dialect == Dialect::MySql;
        if locks || (mysql && before(&["key"])) || next(&["set"]) || before(&["on"]) {
            return;
        }
        let mut ops = Ops::UPDATE;
        if at.word("or") && at.next().is_some_and(|how| how.is_word("replace")) {
            ops = REPLACE;
        }
        while mysql && at.one_of(&["low_priority", "ignore"]) {}
        if mysql && !is_single(at) {
            return self.parsed(findings);
        }
        let named = only(findings, at);
        act(findings, ops, named);
    }

    fn delete(self, findings: &mut Findings<'_>) {
        let mut at = self.behind(findings);
        let mysql = findings.context.dialect == Dialect::MySql;
        while mysql && at.one_of(&["low_priority", "quick", "ignore", "history"]) {}
        if !at.word("from") {
            if mysql {
                self.parsed(findings);
            }
            return;
        }
        if mysql && !is_single(at) {
            return self.parsed(findings);
        }
        let named = only(findings, at);
        act(findings, Ops::DELETE, named);
    }

    fn merge(self, findings: &mut Findings<'_>) {
        let mut at = self.behind(findings);
        if at.word("into") {
            let named = only(findings, at);
            act(findings, REPLACE, named);
        }
    }

    fn truncate(self, findings: &mut Findings<'_>) {
        let mut at = self.behind(findings);
        if self.next_is("(") {
            return;
        }
        at.word("table");
        let ops = match findings.context.dialect {
            Dialect::MySql => Ops::TRUNCATE.and(Ops::DELETE),
            Dialect::Postgres | Dialect::Sqlite => Ops::TRUNCATE,
        };
        act(findings, ops, at.relations());
        if self
            .statement()
            .iter()
            .any(|token| token.is_word("cascade"))
        {
            findings.unknown("it truncates whatever refers to a table");
        }
    }

    fn copy(self, findings: &mut Findings<'_>) {
        let starts = self.before.is_none_or(|before| {
            before.is_punct(";")
                || before.text == ">>"
                || before.is_one_of(&["then", "else", "loop", "begin", "atomic"])
        });
        if findings.context.dialect != Dialect::Postgres || !starts {
            return;
        }
        let has = |word| self.statement().iter().any(|token| token.is_word(word));
        if has("program") {
            findings.unknown("it runs a program");
        }
        let mut at = self.behind(findings);
        if at.punct("(") {
            return;
        }
        at.word("binary");
        let named = target(findings, at).map(|named| vec![named]);
        if has("from") || named.is_none() {
            act(findings, Ops::INSERT, named);
        }
    }

    fn refresh(self, findings: &mut Findings<'_>) {
        let mut at = self.behind(findings);
        if at.words(&["materialized", "view"]) {
            at.word("concurrently");
            act(
                findings,
                Ops::ALL,
                target(findings, at).map(|named| vec![named]),
            );
        }
    }

    /// MySQL's forms with several tables.
    fn parsed(self, findings: &mut Findings<'_>) {
        let part = query::query(findings.context, self.statement(), &self.tokens[0]);
        if part.everything {
            findings.unknown("a target in it is no plain name");
        }
        findings.actions(part.named);
    }
}

fn act(findings: &mut Findings<'_>, ops: Ops, named: Option<Vec<Relation>>) {
    match named {
        Some(named) => findings.actions(on_each(ops, named)),
        None => findings.unknown("a target in it is no plain name"),
    }
}

/// The target that comes next; `None` if that is no name.
fn target(findings: &Findings<'_>, mut at: Cursor<'_, '_>) -> Option<Relation> {
    let reserved = |token: &Token<'_>| {
        token.kind == TokenKind::Word && is_reserved(findings.context.dialect, token.text)
    };
    if at.peek().is_some_and(reserved) {
        return None;
    }
    at.relation()
}

/// The target behind PostgreSQL's `ONLY`.
fn only(findings: &Findings<'_>, mut at: Cursor<'_, '_>) -> Option<Vec<Relation>> {
    if findings.context.dialect == Dialect::Postgres && at.word("only") {
        at.punct("(");
    }
    target(findings, at).map(|named| vec![named])
}

/// Whether one table comes next, with an alias perhaps, and then what is done to its rows.
fn is_single(mut at: Cursor<'_, '_>) -> bool {
    let done = |at: &Cursor<'_, '_>| {
        at.peek().is_none_or(|next| {
            next.is_punct(";") || next.is_one_of(&["set", "where", "order", "limit", "returning"])
        })
    };
    if at.relation().is_none() {
        return false;
    }
    if at.word("partition") {
        at.skip_group();
    }
    at.word("as");
    done(&at) || (at.identifier().is_some() && done(&at))
}
