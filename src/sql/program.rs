//! A body's statements from its tokens: where each begins, and whether its first word is one whose effect is known.
//!
//! Promises that whatever it does not recognise makes the body unknown. Changes of rows are found by [`changes`] wherever
//! they stand; this file looks for everything else that matters: DDL, transactions, settings, dynamic SQL. On the way it takes
//! the words of the language out of the code, so that `IF (a)` is no call.

use super::{
    body::{Findings, Language},
    changes,
    cursor::Cursor,
    facts::Dialect,
    token::{Token, TokenKind},
};

/// Words that only say where control goes, or that stand before an expression or a query.
pub(super) const CONTROL: &[&str] = &[
    "assert", "call", "case", "close", "continue", "elseif", "elsif", "exit", "fetch", "for",
    "foreach", "get", "if", "iterate", "leave", "move", "null", "open", "perform", "raise",
    "resignal", "return", "signal", "until", "when", "while",
];

/// Words behind which the next statement begins at once, wherever they stand.
pub(super) const OPENING: &[&str] = &["begin", "else", "loop", "then"];

/// Statements of SQL that change nothing but rows, and those that [`changes`] finds.
const ROWS: &[&str] = &[
    "delete", "insert", "replace", "select", "table", "update", "values", "with",
];

/// The same, with what only PostgreSQL has.
const POSTGRES: &[&str] = &[
    "analyse", "analyze", "copy", "explain", "listen", "lock", "merge", "notify", "refresh",
    "show", "truncate", "unlisten",
];

/// Statements that end or begin transactions.
const TRANSACTION: &[&str] = &[
    "abort",
    "commit",
    "release",
    "rollback",
    "savepoint",
    "start",
    "xa",
];

/// Adds what `tokens` do to `findings`.
pub(super) fn walk(findings: &mut Findings<'_>, language: Language, tokens: &[Token<'_>]) {
    changes::find(findings, tokens);
    let mut program = Program {
        findings,
        language,
        tokens,
        code: tokens.to_vec(),
        at: 0,
        cursors: Vec::new(),
        variables: Vec::new(),
    };
    program.run();
    let code = program.code;
    // In SQL alone it makes a table.
    if language == Language::Sql && selects_into(tokens) {
        findings.unknown("it makes a table");
    }
    findings.tokens(&code);
}

fn selects_into(tokens: &[Token<'_>]) -> bool {
    tokens
        .windows(2)
        .any(|pair| pair[1].is_word("into") && !pair[0].is_one_of(&["insert", "merge", "replace"]))
}

/// A walk over a program.
pub(super) struct Program<'w, 'f, 't, 's> {
    pub(super) findings: &'w mut Findings<'f>,
    language: Language,
    pub(super) tokens: &'t [Token<'s>],
    /// The tokens, with `;` in the place of words of the language.
    code: Vec<Token<'s>>,
    pub(super) at: usize,
    /// Cursors that the program has declared.
    pub(super) cursors: Vec<Box<str>>,
    /// Variables that a program of MySQL's has declared.
    pub(super) variables: Vec<Box<str>>,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// A statement.
    Statement,
    /// The rest of one.
    Rest,
}

impl<'t, 's> Program<'_, '_, 't, 's> {
    fn run(&mut self) {
        let mut next = Next::Statement;
        // `CASE … END` in an expression has a THEN and an ELSE of its own.
        let mut cases = 0_usize;
        while let Some(token) = self.tokens.get(self.at) {
            if next == Next::Statement {
                next = self.statement(token);
                continue;
            }
            let before = self.at.checked_sub(1).map(|at| &self.tokens[at]);
            let word =
                token.kind == TokenKind::Word && !before.is_some_and(|before| before.is_punct("."));
            self.at += 1;
            if token.is_punct(";") {
                if cases > 0 {
                    self.findings.unknown("a CASE in it does not end");
                }
                cases = 0;
                next = Next::Statement;
            } else if word && token.is_word("end") && cases > 0 {
                cases -= 1;
            } else if word && token.is_word("end") && self.has_blocks() {
                // `UNTIL done END REPEAT`
                self.at -= 1;
                next = self.end();
            } else if word && token.is_word("case") {
                cases += 1;
            } else if word && cases == 0 && self.opens(token) {
                next = Next::Statement;
            }
        }
        if cases > 0 {
            self.findings.unknown("a CASE in it does not end");
        }
    }

    fn has_blocks(&self) -> bool {
        matches!(self.language, Language::PlPgSql | Language::StoredProgram)
    }

    /// Whether a statement begins behind a word in the midst of another.
    fn opens(&self, token: &Token<'_>) -> bool {
        match self.language {
            Language::PlPgSql => token.is_one_of(OPENING),
            Language::StoredProgram => {
                let called = self.peek(0).is_some_and(|next| next.is_punct("("));
                token.is_one_of(OPENING)
                    || token.is_word("do")
                    || (token.is_word("repeat") && !called)
            }
            Language::Sql | Language::Rule | Language::SqliteTrigger => false,
        }
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<&'t Token<'s>> {
        self.tokens.get(self.at + ahead)
    }

    pub(super) fn rest(&self) -> Cursor<'t, 's> {
        Cursor::new(
            self.findings.context.dialect,
            self.tokens.get(self.at..).unwrap_or_default(),
        )
    }

    /// Takes the tokens up to `end` out of the code: they are grammar.
    pub(super) fn blank(&mut self, end: usize) {
        let end = end.min(self.code.len());
        for token in self.code.get_mut(self.at..end).unwrap_or_default() {
            *token = Token {
                kind: TokenKind::Punct,
                text: ";",
                gap: token.gap,
            };
        }
        self.at = self.at.max(end);
    }

    /// The beginning of a statement at `token`.
    fn statement(&mut self, token: &Token<'s>) -> Next {
        if token.is_punct(";") {
            self.at += 1;
            return Next::Statement;
        }
        if token.is_punct("(") || (token.kind == TokenKind::Word && token.is_one_of(ROWS)) {
            self.at += 1;
            return Next::Rest;
        }
        match self.language {
            Language::PlPgSql => self.plpgsql(token),
            Language::StoredProgram => self.stored(token),
            Language::Sql | Language::Rule if self.dialect() == Dialect::Postgres => {
                self.postgres(token)
            }
            Language::Sql | Language::Rule | Language::SqliteTrigger => self.strange(token),
        }
    }

    fn dialect(&self) -> Dialect {
        self.findings.context.dialect
    }

    /// A statement whose effect is not known.
    pub(super) fn strange(&mut self, token: &Token<'s>) -> Next {
        self.at += 1;
        if token.kind != TokenKind::Word {
            self.findings.unknown("a statement in it cannot be read");
        } else if token.is_one_of(TRANSACTION) {
            self.findings.unknown("it ends transactions");
        } else {
            let word = token.text.to_ascii_lowercase();
            self.findings.unknown(format!("it runs `{word}`"));
        }
        Next::Rest
    }

    /// A statement of SQL that PostgreSQL takes anywhere.
    pub(super) fn postgres(&mut self, token: &Token<'s>) -> Next {
        let next = |word: &str| self.peek(1).is_some_and(|next| next.is_word(word));
        if token.is_one_of(&["set", "reset", "discard"]) {
            // Until the end of the transaction only.
            let passing = token.is_word("set")
                && (next("local") || next("transaction") || next("constraints"));
            if !passing {
                self.findings.changes_session();
            }
        } else if token.is_word("call") {
            return self.control(token);
        } else if !(token.is_one_of(POSTGRES) || token.is_word("do") && next("nothing")) {
            return self.strange(token);
        }
        self.at += 1;
        Next::Rest
    }

    pub(super) fn control(&mut self, token: &Token<'s>) -> Next {
        self.blank(self.at + 1);
        if token.is_word("return") {
            while self
                .peek(0)
                .is_some_and(|next| next.is_one_of(&["query", "next"]))
                && !self.peek(1).is_some_and(|next| next.is_punct("."))
            {
                self.blank(self.at + 1);
            }
        } else if token.is_word("call") {
            // MySQL needs no brackets.
            match self.rest().relation() {
                Some(procedure) => self.findings.procedure(procedure),
                None => self.findings.unknown("a procedure in it has no plain name"),
            }
        } else if token.is_word("open") {
            self.blank(self.at + 1);
        } else if token.is_word("for") {
            self.bound_cursor();
        }
        Next::Rest
    }

    /// `FOR r IN c(…) LOOP` opens a cursor.
    fn bound_cursor(&mut self) {
        let mut at = self.rest();
        let all = at.rest().len();
        if at.identifier().is_some() && at.word("in") {
            let named = all - at.rest().len();
            if at
                .identifier()
                .is_some_and(|name| self.cursors.contains(&name))
            {
                self.at += named;
                self.blank(self.at + 1);
            }
        }
    }

    /// Where a token of this kind stands next, or else `end`.
    pub(super) fn position(&self, end: usize, is: impl Fn(&Token<'_>) -> bool) -> usize {
        (self.at..end)
            .find(|at| is(&self.tokens[*at]))
            .unwrap_or(end)
    }

    /// `END`, `END IF`, `END LOOP label`
    pub(super) fn end(&mut self) -> Next {
        self.blank(self.at + 1);
        let names = |token: &Token<'_>| matches!(token.kind, TokenKind::Word | TokenKind::Quoted);
        for _ in 0..2 {
            if self.peek(0).is_some_and(names) {
                self.blank(self.at + 1);
            }
        }
        if self.peek(0).is_some_and(|next| !next.is_punct(";")) {
            self.findings.unknown("the end of a block cannot be read");
        }
        Next::Rest
    }
}
