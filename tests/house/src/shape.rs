//! The shape of a source file: how it opens, how long it is.

use crate::exceptions::Exceptions;
use crate::rust::is_for_tests;

/// Past this many lines a file wants a reason.
const LONG: usize = 400;

/// What is wrong with the shape of one file.
#[must_use]
pub fn findings(path: &str, source: &str, long: &Exceptions) -> Vec<String> {
    let mut findings = Vec::new();
    // Long tests are a part of the file that they were moved out of.
    if !source.starts_with("//!") && !is_for_tests(path) {
        findings.push(format!(
            "{path}: does not open with `//!`: what it promises, what it must not know"
        ));
    }
    let lines = source.lines().count();
    if lines > LONG && !long.contains(path) {
        findings.push(format!(
            "{path}: {lines} lines; past {LONG} a file wants a reason"
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_does_not_say_what_it_promises_is_found() {
        let none = Exceptions::parse("long", "").unwrap();
        assert_eq!(findings("src/a.rs", "use std::fmt;\n", &none).len(), 1);
        assert_eq!(findings("src/a.rs", "//! Promises much.\n", &none).len(), 0);
        assert_eq!(
            findings("src/a/tests.rs", "use super::*;\n", &none).len(),
            0
        );
    }

    #[test]
    fn a_long_file_without_a_reason_is_found() {
        let list = Exceptions::parse("long", "src/b.rs # one table\n").unwrap();
        let source = "//! Long.\n".repeat(LONG + 1);
        assert_eq!(findings("src/a.rs", &source, &list).len(), 1);
        assert_eq!(findings("src/b.rs", &source, &list).len(), 0);
    }
}
