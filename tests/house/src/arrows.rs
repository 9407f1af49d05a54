//! Which room may name which other room.
//!
//! A room is a first-level module of `src/`. What a file names of the crate is read from its paths: `crate::room`, groups
//! in `use crate::{…}`, and chains of `super` that climb up to the root.

use std::collections::BTreeSet;

use crate::exceptions::Exceptions;
use crate::rust::{Token, tokens};

/// Stands in the data for "any room".
const ANY: &str = "any";

/// What is wrong with the arrows that leave one file. `path` is relative to `src/`.
#[must_use]
pub fn findings(path: &str, source: &str, arrows: &Exceptions) -> Vec<String> {
    let modules = modules(path);
    let room = modules.first().copied().unwrap_or("lib");
    let Some(allowed) = arrows.words(room) else {
        return vec![format!(
            "src/{path}: no arrows are given for the room `{room}`"
        )];
    };
    if allowed.iter().any(|word| word == ANY) {
        return Vec::new();
    }
    let rooms: BTreeSet<&str> = arrows.keys().collect();
    named(source, &modules)
        .into_iter()
        .filter(|token| token.text != room && !allowed.contains(&token.text))
        .map(|token| {
            let why = if rooms.contains(token.text.as_str()) {
                format!("`{room}` must not name `{}`", token.text)
            } else {
                format!(
                    "`crate::{}` is no room: a name from the crate's root hides an arrow",
                    token.text
                )
            };
            format!("src/{path}:{}: {why}", token.line)
        })
        .collect()
}

/// The module path of a file: `cache/flight/mod.rs` is `cache::flight`.
fn modules(path: &str) -> Vec<&str> {
    let mut modules: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
    modules.pop_if(|last| matches!(*last, "mod" | "lib" | "main"));
    modules
}

/// What a file names directly below the crate's root.
fn named(source: &str, modules: &[&str]) -> Vec<Token> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    // Of each open brace, whether it is the body of an inline module: `super` counts those too.
    let mut braces: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let text = |offset: usize| {
            tokens
                .get(at + offset)
                .map_or("", |token| token.text.as_str())
        };
        let mut next = at + 1;
        match text(0) {
            "{" => braces.push(at >= 2 && tokens[at - 2].text == "mod"),
            "}" => drop(braces.pop()),
            "crate" if text(1) == ":" => next = at + 3,
            "super" if text(1) == ":" => {
                let climbed = (0..).take_while(|step| text(3 * step) == "super").count();
                let depth = modules.len() + braces.iter().filter(|inline| **inline).count();
                if climbed < depth {
                    at += 3 * climbed;
                    continue;
                }
                next = at + 3 * climbed;
            }
            _ => {}
        }
        if next > at + 1 {
            found.extend(heads(&tokens[next.min(tokens.len())..]));
        }
        at = next;
    }
    found
}

/// The first name of a path, or of each path in a group.
fn heads(tokens: &[Token]) -> Vec<Token> {
    match tokens.first() {
        Some(first) if first.text == "{" => {
            let (mut depth, mut head, mut heads) = (0, false, Vec::new());
            for token in tokens {
                match token.text.as_str() {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                if depth == 1 && head && token.text != "}" {
                    heads.push(token.clone());
                }
                // Behind the opening brace and each comma of the outermost group a path begins.
                head = depth == 1 && matches!(token.text.as_str(), "{" | ",");
            }
            heads
        }
        first => first.cloned().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARROWS: &str =
        "lib: any # root\nerror: # leaf\ncache: error # engine\ntier: cache # stores\n";

    fn count(path: &str, source: &str) -> usize {
        let arrows = Exceptions::parse("arrows", ARROWS).unwrap();
        findings(path, source, &arrows).len()
    }

    #[test]
    fn an_arrow_that_is_not_given_is_found() {
        assert_eq!(count("cache/clock.rs", "use crate::tier::Local;"), 1);
        assert_eq!(
            count("error.rs", "fn f() { crate::cache::Clock::new() }"),
            1
        );
    }

    #[test]
    fn an_arrow_that_is_given_passes() {
        assert_eq!(
            count(
                "cache/clock.rs",
                "use crate::error::Error; use crate::cache::Tag;"
            ),
            0
        );
        assert_eq!(
            count("lib.rs", "pub use crate::{tier::Local, cache::Clock};"),
            0
        );
    }

    #[test]
    fn an_arrow_inside_a_group_is_found() {
        assert_eq!(
            count(
                "cache/clock.rs",
                "use crate::{error::{Error, tier}, tier::{self, Local}};"
            ),
            1
        );
    }

    #[test]
    fn an_arrow_by_way_of_super_is_found() {
        assert_eq!(count("cache/clock.rs", "use super::super::tier::Local;"), 1);
        assert_eq!(count("cache/mod.rs", "use super::tier::Local;"), 1);
        assert_eq!(
            count(
                "cache/clock.rs",
                "mod tests { use super::super::super::{tier, error}; }"
            ),
            1
        );
        assert_eq!(
            count(
                "cache/clock.rs",
                "mod tests { use super::super::tier; } use super::tier;"
            ),
            0
        );
    }

    #[test]
    fn a_name_from_the_root_hides_an_arrow_and_is_found() {
        assert_eq!(
            count("cache/clock.rs", "use crate::Local; use crate::*;"),
            2
        );
    }

    #[test]
    fn a_room_that_nobody_has_thought_about_is_found() {
        assert_eq!(count("attic/mod.rs", ""), 1);
    }

    #[test]
    fn comments_and_visibilities_are_no_arrows() {
        assert_eq!(
            count(
                "cache/clock.rs",
                "/// See [`crate::tier`].\npub(crate) struct S; pub(in crate::cache) fn f() {}"
            ),
            0
        );
    }
}
