//! Licence expressions: whether the licences that we accept satisfy one.
//!
//! The grammar is that of the SPDX specification, annex "SPDX license expressions": AND binds tighter than OR. The slash
//! of old manifests means OR.

use crate::exceptions::Exceptions;

/// Whether one may use a package under `expression` with no other licences than those on the list.
///
/// # Errors
///
/// Text that is no licence expression.
pub fn accepted(expression: &str, list: &Exceptions) -> Result<bool, String> {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser {
        words: &words,
        list,
    };
    let verdict = parser.any().filter(|_| parser.words.is_empty());
    verdict.ok_or_else(|| format!("not a licence expression: {expression}"))
}

struct Parser<'a> {
    words: &'a [&'a str],
    list: &'a Exceptions,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Option<bool> {
        let mut verdict = self.all()?;
        while self.take("OR") {
            // Not `||`, which would leave the rest unread.
            verdict |= self.all()?;
        }
        Some(verdict)
    }

    fn all(&mut self) -> Option<bool> {
        let mut verdict = self.one()?;
        while self.take("AND") {
            verdict &= self.one()?;
        }
        Some(verdict)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let verdict = self.any()?;
            return self.take(")").then_some(verdict);
        }
        let name = self
            .next()
            .filter(|name| !matches!(*name, "AND" | "OR" | "WITH" | ")"))?;
        if self.take("WITH") {
            let exception = self.next()?;
            return Some(self.list.contains(&format!("{name} WITH {exception}")));
        }
        Some(self.list.contains(name))
    }

    fn take(&mut self, word: &str) -> bool {
        let taken = self.words.first() == Some(&word);
        if taken {
            self.words = &self.words[1..];
        }
        taken
    }

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(expression: &str) -> Result<bool, String> {
        let list = "MIT # fine\nISC # fine\nApache-2.0 WITH LLVM-exception # fine\n";
        accepted(expression, &Exceptions::parse("licences", list).unwrap())
    }

    #[test]
    fn a_licence_that_is_not_on_the_list_is_refused() {
        assert_eq!(verdict("GPL-3.0-only"), Ok(false));
        assert_eq!(verdict("MIT AND GPL-3.0-only"), Ok(false));
        assert_eq!(verdict("Apache-2.0 WITH Other-exception"), Ok(false));
        assert_eq!(
            verdict("MIT AND (GPL-3.0-only OR AGPL-3.0-only)"),
            Ok(false)
        );
    }

    #[test]
    fn one_accepted_alternative_is_enough() {
        assert_eq!(verdict("GPL-3.0-only OR MIT"), Ok(true));
        assert_eq!(verdict("Apache-2.0/MIT"), Ok(true));
        assert_eq!(verdict("(MIT OR GPL-3.0-only) AND ISC"), Ok(true));
        assert_eq!(verdict("GPL-3.0-only AND MIT OR ISC"), Ok(true));
        assert_eq!(verdict("Apache-2.0 WITH LLVM-exception"), Ok(true));
    }

    #[test]
    fn text_that_cannot_be_read_is_an_error() {
        for text in ["", "MIT MIT", "MIT AND", "(MIT", "MIT)", "AND"] {
            assert!(verdict(text).is_err(), "{text}");
        }
    }
}
