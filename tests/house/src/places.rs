//! Names that may stand in some places only: foreign crates with one room that uses them, and the seams for time and
//! for spawned work.

use crate::exceptions::Exceptions;
use crate::rust::{Token, is_for_tests, starts_with, tokens, without_tests};

/// Which names of the list stand in a file where they do not belong. `path` is relative to `src/`; a place that ends in
/// `*` is a prefix.
///
/// Tests are not searched. A key of one name is a crate, found where a path begins with it. Any other is found wherever its text stands.
#[must_use]
pub fn findings(path: &str, source: &str, places: &Exceptions) -> Vec<String> {
    if is_for_tests(path) {
        return Vec::new();
    }
    let source = without_tests(&tokens(source));
    let mut findings = Vec::new();
    for key in places.keys() {
        let wanted = tokens(key);
        for at in (0..source.len()).filter(|at| starts_with(&source[*at..], &wanted)) {
            if wanted.len() == 1 && !begins_path(&source, at) {
                continue;
            }
            let allowed = places.words(key).unwrap_or_default();
            if !allowed.iter().any(|place| holds(place, path)) {
                findings.push(format!(
                    "src/{path}:{}: `{key}` does not belong here",
                    source[at].line
                ));
            }
        }
    }
    findings
}

fn holds(place: &str, path: &str) -> bool {
    place
        .strip_suffix('*')
        .map_or(path == place, |prefix| path.starts_with(prefix))
}

/// Whether a path starts at this name: `moka::…`, `::moka::…`, `use moka`, `extern crate moka`, and neither `a::moka::…`
/// nor `a::{moka::…}`.
fn begins_path(source: &[Token], at: usize) -> bool {
    let text = |at: Option<usize>| {
        at.and_then(|at| source.get(at))
            .map_or("", |token| token.text.as_str())
    };
    let before = text(at.checked_sub(1));
    let inside = match before {
        ":" => continues_path(source, at),
        "{" | "," => group(source, at).is_some_and(|brace| continues_path(source, brace)),
        _ => false,
    };
    let goes_on = text(Some(at + 1)) == ":" && text(Some(at + 2)) == ":";
    !inside && (goes_on || matches!(before, "use" | "crate"))
}

/// Whether what stands here follows `name::`.
fn continues_path(source: &[Token], at: usize) -> bool {
    let Some(name) = at.checked_sub(3) else {
        return false;
    };
    let colons = source[at - 1].text == ":" && source[at - 2].text == ":";
    colons && source[name].is_name() && source[name].text != "use"
}

/// The brace that is open here.
fn group(source: &[Token], at: usize) -> Option<usize> {
    let mut closed = 0;
    (0..at)
        .rev()
        .find(|before| match source[*before].text.as_str() {
            "}" => {
                closed += 1;
                false
            }
            "{" if closed > 0 => {
                closed -= 1;
                false
            }
            text => text == "{",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: &str = "moka: tier/local* # one user\nInstant::now: cache/time.rs # the seam\n.spawn(: cache/tasks.rs # bounded\n";

    fn count(path: &str, source: &str) -> usize {
        findings(path, source, &Exceptions::parse("places", PLACES).unwrap()).len()
    }

    #[test]
    fn a_crate_outside_its_room_is_found() {
        assert_eq!(count("cache/entry.rs", "use moka::sync::Cache;"), 1);
        assert_eq!(count("cache/entry.rs", "fn f(c: &moka::sync::Cache) {}"), 1);
        assert_eq!(count("cache/entry.rs", "use moka as m;"), 1);
        assert_eq!(
            count(
                "cache/entry.rs",
                "use ::moka::sync::Cache; fn f() -> ::moka::sync::Cache {}"
            ),
            2
        );
    }

    #[test]
    fn a_crate_in_its_room_and_a_name_that_is_no_crate_pass() {
        assert_eq!(count("tier/local/store.rs", "use moka::sync::Cache;"), 0);
        assert_eq!(
            count(
                "cache/entry.rs",
                "let moka = self.moka; other::moka::f(); // moka::sync"
            ),
            0
        );
    }

    #[test]
    fn a_crate_inside_a_group_is_told_from_a_module_of_the_same_name() {
        assert_eq!(
            count("cache/entry.rs", "use crate::{a::{b, c}, d::{moka::S, e}};"),
            0
        );
        assert_eq!(count("cache/entry.rs", "use {a::{b, c}, moka::S};"), 1);
    }

    #[test]
    fn the_clock_read_past_its_seam_is_found() {
        assert_eq!(
            count("cache/entry.rs", "let t = std::time::Instant::now();"),
            1
        );
        assert_eq!(
            count("cache/time.rs", "let t = std::time::Instant::now();"),
            0
        );
    }

    #[test]
    fn work_spawned_past_its_seam_is_found() {
        assert_eq!(count("cache/entry.rs", "self.handle\n    .spawn(work)"), 1);
        assert_eq!(count("cache/tasks.rs", "self.handle.spawn(work)"), 0);
    }
}
