//! What the body of a routine, a trigger or a rule can do, whoever runs it.
//!
//! Promises that no write is missing from the actions and no relation from the mentions, or that the body is `unknown`.
//! Must not know what the names mean: that is in the catalog.

use super::{
    builtin,
    called::{Called, Doubt},
    calls::Arguments,
    cursor::Cursor,
    facts::{Action, Dialect, Ops, Reason, Relation, Step},
    functions::{Functions, Judgement},
    implied::Implied,
    names,
    part::{Context, Part, keep_reason, on_each, relations, sorted, united},
    program, query, scan, tables,
    token::{Token, TokenKind, lex},
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
    /// Those among the mentions that are a table and nothing else, by where they stand. Only of MySQL's stored programs: there
    /// a table can be hidden from who reads the catalog.
    pub tables: Vec<Relation>,
    /// What it can write, sorted.
    pub actions: Vec<Action>,
    /// The functions and procedures it can call, as in [`Facts::calls`](super::Facts::calls).
    pub calls: Vec<Relation>,
    /// What else it can call.
    pub implied: Implied,
    /// Why a result that depends on it must not be cached, but for what its calls and relations say. That it depends on the
    /// session is only said if there is nothing else.
    pub refusal: Option<Reason>,
    /// It changes the state of the session that runs it.
    pub changes_session: bool,
    /// Why it can do anything: dynamic SQL, a language that cannot be read, DDL.
    pub unknown: Option<Box<str>>,
}

/// What the body `text` can do. Never fails: what cannot be read is `unknown`.
///
/// Functions that are neither built in nor declared are for the caller to judge, whatever `functions` says of that.
#[must_use]
pub fn body(dialect: Dialect, language: Language, text: &str, functions: &Functions) -> Body {
    let mut findings = Findings {
        context: Context {
            dialect,
            functions,
            judgement: Judgement::Elsewhere,
        },
        body: Body::default(),
    };
    let lexed = lex(dialect, text);
    let tokens = &lexed.tokens[..];
    findings.body.implied = Implied::by(dialect, tokens);
    if !lexed.complete {
        findings.unknown("it ends inside a string or a comment");
    } else if tokens
        .iter()
        .any(|token| matches!(token.kind, TokenKind::CodeOpen | TokenKind::CodeClose))
    {
        findings.unknown("it holds an executable comment");
    } else {
        match language {
            Language::Sql => sql(&mut findings, tokens),
            Language::PlPgSql => program::walk(&mut findings, language, tokens),
            Language::StoredProgram => {
                findings.body.tables = sorted(tables::read(tokens));
                program::walk(&mut findings, language, tokens);
            }
            Language::SqliteTrigger => trigger(&mut findings, tokens),
            Language::Rule => rule(&mut findings, tokens),
        }
    }
    findings.finish()
}

/// What has been found so far.
pub(super) struct Findings<'f> {
    pub(super) context: Context<'f>,
    body: Body,
}

impl Findings<'_> {
    /// The first reason stays.
    pub(super) fn unknown(&mut self, why: impl Into<Box<str>>) {
        self.body.unknown.get_or_insert_with(|| why.into());
    }

    pub(super) fn changes_session(&mut self) {
        self.body.changes_session = true;
    }

    /// A call of `procedure` without brackets.
    pub(super) fn procedure(&mut self, procedure: Relation) {
        let mut called = Called::default();
        called.add(self.context, procedure, TokenKind::Quoted, Arguments::None);
        self.called(called);
    }

    pub(super) fn actions(&mut self, actions: impl IntoIterator<Item = Action>) {
        for action in actions {
            if builtin::catalog(self.context.dialect, &action.relation).is_some() {
                self.unknown(format!("it writes `{}`", action.relation));
            }
            self.body.actions.push(action);
        }
    }

    fn refuse(&mut self, reason: Reason) {
        keep_reason(&mut self.body.refusal, reason);
    }

    fn called(&mut self, called: Called) {
        if called.doubt == Doubt::Anything {
            self.unknown("it calls a function that can run any SQL");
        }
        self.body.changes_session |= called.session;
        self.body.calls.extend(called.listed);
        self.body.mentions.extend(called.reads);
        self.actions(on_each(Ops::ALL, called.writes));
        if let Some(reason) = called.refusal {
            self.refuse(reason);
        }
    }

    /// A statement that the parser has read.
    fn part(&mut self, part: Part) {
        if part.everything {
            self.unknown("it can write anything");
        }
        self.body.changes_session |= part.steps.contains(&Step::Session);
        self.body.mentions.extend(part.reads);
        self.body.calls.extend(part.calls);
        self.actions(part.named);
        match part.refusal {
            // The text around it reads a table, or nothing changes that could be missed.
            None | Some(Reason::NoTable) => {}
            Some(reason) => self.refuse(reason),
        }
    }

    /// What the tokens of some code say by themselves: names, calls, and what keeps a result out of the cache.
    pub(super) fn tokens(&mut self, tokens: &[Token<'_>]) {
        let dialect = self.context.dialect;
        // A string in dollars is code only where it is run, and then it is unknown.
        let code: Vec<Token<'_>> = tokens
            .iter()
            .filter(|token| !(token.kind == TokenKind::Text && token.text.starts_with('$')))
            .copied()
            .collect();
        let names = scan::identifiers(dialect, &code);
        if names.unreadable {
            self.unknown("a name in it is spelled with escapes");
        }
        self.body.mentions.extend(names.named);
        self.called(Called::by(self.context, tokens));
        for at in 0..tokens.len() {
            if let Some(reason) = name_refusal(dialect, tokens, at) {
                self.refuse(reason);
            }
        }
        if let Some(reason) = query::refusal(dialect, tokens) {
            self.refuse(reason);
        }
        self.body.changes_session |= dialect == Dialect::MySql && query::sets_variable(tokens);
    }

    fn finish(mut self) -> Body {
        self.body.actions = united(self.body.actions);
        self.body.mentions.extend(relations(&self.body.actions));
        self.body.mentions = sorted(self.body.mentions);
        self.body.calls = sorted(self.body.calls);
        if !self.body.actions.is_empty() {
            self.body.refusal.get_or_insert(Reason::NotARead);
        }
        self.body
    }
}

/// Why the name that begins at `at` keeps a result out of the cache.
fn name_refusal(dialect: Dialect, tokens: &[Token<'_>], at: usize) -> Option<Reason> {
    let token = &tokens[at];
    let before = at.checked_sub(1).map(|before| &tokens[before]);
    let named = matches!(token.kind, TokenKind::Word | TokenKind::Quoted);
    if !named || before.is_some_and(|before| before.is_punct(".")) {
        return None;
    }
    if token.is_word("tablesample") {
        return Some(Reason::Sampled);
    }
    if token.is_one_of(&["regexp", "rlike"]) && dialect == Dialect::Sqlite {
        return Some(Reason::UnknownFunction("regexp".into()));
    }
    let mut cursor = Cursor::new(dialect, &tokens[at..]);
    let relation = cursor.relation()?;
    if cursor.peek().is_some_and(|next| next.is_punct("(")) {
        return None;
    }
    if relation.schema.is_none()
        && token.kind == TokenKind::Word
        && let Some(reason) = builtin::bare_word(dialect, &names::folded(dialect, token.text))
    {
        return Some(reason);
    }
    if builtin::is_system_column(dialect, &relation.name) {
        return Some(Reason::SystemColumn(relation.name));
    }
    let is_type = before.is_some_and(|before| before.is_punct("::"));
    builtin::catalog(dialect, &relation).filter(|_| !is_type)
}

/// The statements of a function in SQL.
fn sql(findings: &mut Findings<'_>, tokens: &[Token<'_>]) {
    let atomic =
        matches!(tokens, [begin, atomic, ..] if begin.is_word("begin") && atomic.is_word("atomic"));
    let tokens = match trimmed(tokens) {
        [_, _, inner @ .., end] if atomic && end.is_word("end") => inner,
        all => all,
    };
    statements(findings, tokens);
}

/// `tokens` without the `;` at their end.
fn trimmed<'a, 's>(mut tokens: &'a [Token<'s>]) -> &'a [Token<'s>] {
    while let [before @ .., last] = tokens
        && last.is_punct(";")
    {
        tokens = before;
    }
    tokens
}

fn statements(findings: &mut Findings<'_>, tokens: &[Token<'_>]) {
    for statement in tokens.split(|token| token.is_punct(";")) {
        // `RETURN expression` is a query of that expression.
        match statement {
            [] => {}
            [head, rest @ ..] if head.is_word("return") => {
                let mut query = vec![Token {
                    text: "select",
                    ..*head
                }];
                query.extend(rest);
                self::statement(findings, &query);
            }
            _ => self::statement(findings, statement),
        }
    }
}

fn statement(findings: &mut Findings<'_>, tokens: &[Token<'_>]) {
    let head = tokens.iter().find(|token| !token.is_punct("("));
    let parsable = head.is_some_and(|head| {
        head.is_one_of(&[
            "select", "with", "values", "table", "insert", "update", "delete", "merge", "replace",
        ])
    });
    let part = parsable
        .then(|| query::understood(findings.context, tokens))
        .flatten();
    match part {
        Some(part) => findings.part(part),
        None => program::walk(findings, Language::Sql, tokens),
    }
}

/// `CREATE TRIGGER … ON t [WHEN …] BEGIN …; END`
fn trigger(findings: &mut Findings<'_>, tokens: &[Token<'_>]) {
    let tokens = trimmed(tokens);
    let begins = |at: &usize| {
        let named = at
            .checked_sub(1)
            .is_some_and(|before| tokens[before].is_punct("."));
        tokens[*at].is_word("begin") && !named && depth(&tokens[..*at]) == 0
    };
    let Some(begin) = (0..tokens.len()).find(begins) else {
        return findings.unknown("it has no body");
    };
    let condition = tokens[..begin]
        .iter()
        .position(|token| token.is_word("when"))
        .unwrap_or(begin);
    findings.tokens(&tokens[condition..begin]);
    match &tokens[begin + 1..] {
        [inner @ .., end] if end.is_word("end") => {
            program::walk(findings, Language::SqliteTrigger, inner);
        }
        _ => findings.unknown("its body does not end"),
    }
}

/// `CREATE RULE name AS ON event TO t [WHERE …] DO [ALSO | INSTEAD] …`
fn rule(findings: &mut Findings<'_>, tokens: &[Token<'_>]) {
    let tokens = trimmed(tokens);
    let find = |word: &str, from: usize| {
        (from..tokens.len()).find(|at| tokens[*at].is_word(word) && depth(&tokens[..*at]) == 0)
    };
    let parts = find("to", 0).and_then(|to| Some((to, find("do", to)?)));
    let Some((to, done)) = parts else {
        return findings.unknown("it does nothing that can be read");
    };
    if let Some(condition) = find("where", to).filter(|condition| *condition < done) {
        findings.tokens(&tokens[condition..done]);
    }
    let mut at = Cursor::new(findings.context.dialect, &tokens[done + 1..]);
    at.one_of(&["also", "instead"]);
    if at.word("nothing") && at.at_end() {
        return;
    }
    let mut inside = at;
    if inside.punct("(") {
        let group = inside.group_body();
        if inside.at_end() {
            return statements(findings, group);
        }
    }
    statements(findings, at.rest());
}

/// How many brackets are open behind `tokens`.
fn depth(tokens: &[Token<'_>]) -> usize {
    tokens.iter().fold(0, |depth, token| {
        if token.is_punct("(") {
            depth + 1
        } else if token.is_punct(")") {
            depth.saturating_sub(1)
        } else {
            depth
        }
    })
}
