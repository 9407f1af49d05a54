//! Statements of PL/pgSQL.

use super::{
    program::{CONTROL, Next, OPENING, Program},
    token::{Token, TokenKind},
};

impl<'s> Program<'_, '_, '_, 's> {
    pub(super) fn plpgsql(&mut self, token: &Token<'s>) -> Next {
        let word = |at| {
            self.peek(at)
                .is_some_and(|token| token.kind == TokenKind::Word)
        };
        let label = token.text == "<<" && self.peek(2).is_some_and(|close| close.text == ">>");
        let option = token.text == "#" && word(1) && word(2);
        if label || option {
            self.blank(self.at + 3);
            return Next::Statement;
        }
        if self.assigns() {
            self.at += 1;
            return Next::Rest;
        }
        if token.is_word("declare") {
            self.declarations();
            return Next::Statement;
        }
        if token.is_word("end") {
            return self.end();
        }
        if token.is_one_of(OPENING) || token.is_word("exception") {
            self.blank(self.at + 1);
            return Next::Statement;
        }
        if token.is_one_of(CONTROL) {
            return self.control(token);
        }
        self.postgres(token)
    }

    /// Whether PL/pgSQL assigns to a variable here: `x := …`, `x.y[1] = …`.
    fn assigns(&self) -> bool {
        let mut at = self.rest();
        let parameter = at
            .peek()
            .is_some_and(|token| token.kind == TokenKind::Placeholder);
        if parameter {
            at.next();
        } else if at.relation().is_none() {
            return false;
        }
        let mut depth = 0_usize;
        while let Some(token) = at.next() {
            if token.is_punct("[") {
                depth += 1;
            } else if token.is_punct("]") {
                depth = depth.saturating_sub(1);
            } else if depth == 0 && token.is_punct(".") {
                at.next();
            } else if depth == 0 {
                return token.kind == TokenKind::Operator
                    && (token.text == ":=" || token.text.starts_with('='));
            } else if token.is_punct(";") {
                return false;
            }
        }
        false
    }

    /// What PL/pgSQL declares before `BEGIN`.
    fn declarations(&mut self) {
        self.blank(self.at + 1);
        let begins = |at: &usize| {
            self.tokens[*at].is_word("begin")
                && !at
                    .checked_sub(1)
                    .is_some_and(|before| self.tokens[before].is_punct("."))
        };
        let Some(begin) = (self.at..self.tokens.len()).find(begins) else {
            return self.findings.unknown("a block in it does not begin");
        };
        while self.at < begin {
            if let Some(name) = self.rest().identifier()
                && (1..4).any(|at| self.peek(at).is_some_and(|token| token.is_word("cursor")))
            {
                self.cursors.push(name);
            }
            // Up to its value a declaration calls nothing: what has brackets there is a type.
            let behind = |token: &Token<'_>| {
                token.is_one_of(&["default", "for", "is"])
                    || token.is_punct(";")
                    || token.kind == TokenKind::Operator
                        && (token.text == ":=" || token.text.starts_with('='))
            };
            self.blank(self.position(begin, behind));
            self.at = self.position(begin, |token| token.is_punct(";")) + 1;
        }
        self.at = begin;
    }
}
