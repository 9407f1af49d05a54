//! Walks over the tokens of one statement, for the statements whose form is simple enough to be read without a grammar.

use super::{
    facts::{Dialect, Relation},
    names,
    token::{Token, TokenKind},
};

/// A place in a statement.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a, 's> {
    dialect: Dialect,
    rest: &'a [Token<'s>],
}

impl<'a, 's> Cursor<'a, 's> {
    pub(super) fn new(dialect: Dialect, tokens: &'a [Token<'s>]) -> Self {
        Self {
            dialect,
            rest: tokens,
        }
    }

    /// What has not been read yet.
    pub(super) fn rest(&self) -> &'a [Token<'s>] {
        self.rest
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn peek(&self) -> Option<&'a Token<'s>> {
        self.rest.first()
    }

    pub(super) fn next(&mut self) -> Option<&'a Token<'s>> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Takes the word `word` if it comes next.
    pub(super) fn word(&mut self, word: &str) -> bool {
        self.one_of(&[word])
    }

    /// Takes one of `words` if it comes next.
    pub(super) fn one_of(&mut self, words: &[&str]) -> bool {
        let found = self.peek().is_some_and(|token| token.is_one_of(words));
        if found {
            self.next();
        }
        found
    }

    /// Takes all of `words`, in order, or none.
    pub(super) fn words(&mut self, words: &[&str]) -> bool {
        let found = self.rest.len() >= words.len()
            && self
                .rest
                .iter()
                .zip(words)
                .all(|(token, word)| token.is_word(word));
        if found {
            self.rest = &self.rest[words.len()..];
        }
        found
    }

    pub(super) fn punct(&mut self, mark: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is_punct(mark));
        if found {
            self.next();
        }
        found
    }

    /// Takes an operator spelled `text`.
    pub(super) fn operator(&mut self, text: &str) -> bool {
        let found = self
            .peek()
            .is_some_and(|token| token.kind == TokenKind::Operator && token.text == text);
        if found {
            self.next();
        }
        found
    }

    /// Takes a single identifier.
    pub(super) fn identifier(&mut self) -> Option<Box<str>> {
        let name = names::identifier(self.dialect, self.peek()?)?;
        self.next();
        Some(name)
    }

    /// Takes a dotted name.
    pub(super) fn relation(&mut self) -> Option<Relation> {
        let mut parts = vec![self.identifier()?];
        while self.punct(".") {
            parts.push(self.identifier()?);
        }
        names::relation(parts)
    }

    /// Takes names separated by commas, each with PostgreSQL's `ONLY` before or `*` behind it. `None` if one is missing.
    pub(super) fn relations(&mut self) -> Option<Vec<Relation>> {
        let mut relations = Vec::new();
        loop {
            let bracket = self.word("only") && self.punct("(");
            relations.push(self.relation()?);
            self.operator("*");
            if bracket && !self.punct(")") {
                return None;
            }
            if !self.punct(",") {
                return Some(relations);
            }
        }
    }

    /// Skips a bracketed group if one opens here.
    pub(super) fn skip_group(&mut self) -> bool {
        if !self.punct("(") {
            return false;
        }
        let mut depth = 1_usize;
        while let Some(token) = self.next() {
            if token.is_punct("(") {
                depth += 1;
            } else if token.is_punct(")") {
                depth -= 1;
                if depth == 0 {
                    return true;
                }
            }
        }
        false
    }

    /// The tokens from here to the bracket that closes the group opened just before, without it.
    pub(super) fn group_body(&mut self) -> &'a [Token<'s>] {
        let all = self.rest;
        let mut depth = 1_usize;
        for (at, token) in all.iter().enumerate() {
            if token.is_punct("(") {
                depth += 1;
            } else if token.is_punct(")") {
                depth -= 1;
                if depth == 0 {
                    self.rest = &all[at + 1..];
                    return &all[..at];
                }
            }
        }
        self.rest = &[];
        all
    }
}
