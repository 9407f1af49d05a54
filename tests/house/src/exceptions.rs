//! Lists with reasons: the form of every file in `data/`.
//!
//! A line is `key: words # reason`; the colon and the words may be missing. Lines that start with `#` are comments.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A list that remembers which of its lines were needed.
#[derive(Debug)]
pub struct Exceptions {
    name: String,
    words: BTreeMap<String, Vec<String>>,
    used: RefCell<BTreeSet<String>>,
}

impl Exceptions {
    /// Reads a list. `name` is how findings call it.
    ///
    /// # Errors
    ///
    /// A line without a reason, or a key that stands there twice.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut words = BTreeMap::new();
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (rule, reason) = line.split_once(" # ").unwrap_or((line, ""));
            if reason.trim().is_empty() {
                return Err(format!("{name}: no reason: {line}"));
            }
            let (key, rest) = rule
                .split_once(": ")
                .unwrap_or((rule.trim_end_matches(':'), ""));
            let rest = rest.split_whitespace().map(str::to_owned).collect();
            if words.insert(key.to_owned(), rest).is_some() {
                return Err(format!("{name}: twice: {key}"));
            }
        }
        Ok(Self {
            name: name.to_owned(),
            words,
            used: RefCell::default(),
        })
    }

    /// The words that stand with a key.
    pub fn words(&self, key: &str) -> Option<&[String]> {
        let words = self.words.get(key)?;
        self.used.borrow_mut().insert(key.to_owned());
        Some(words)
    }

    /// Whether the key is on the list.
    pub fn contains(&self, key: &str) -> bool {
        self.words(key).is_some()
    }

    /// The keys in order, none of them taken as used.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.words.keys().map(String::as_str)
    }

    /// One finding for each line that nobody asked for.
    #[must_use]
    pub fn unused(&self) -> Vec<String> {
        let used = self.used.borrow();
        self.keys()
            .filter(|key| !used.contains(*key))
            .map(|key| format!("{}: nothing needs this line any more: {key}", self.name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_reason_is_refused() {
        assert!(Exceptions::parse("list", "MIT\n").is_err());
        assert!(Exceptions::parse("list", "MIT # \n").is_err());
    }

    #[test]
    fn a_key_that_stands_there_twice_is_refused() {
        assert!(Exceptions::parse("list", "a: b # one\na: c # other\n").is_err());
    }

    #[test]
    fn a_line_that_nobody_asked_for_is_a_finding() {
        let list = Exceptions::parse(
            "list",
            "# head\n\na: b c # reason\nd::e # reason\nf: # reason\n",
        )
        .unwrap();
        assert_eq!(list.words("a").unwrap(), ["b", "c"]);
        assert!(list.words("f").unwrap().is_empty());
        assert!(!list.contains("e"));
        assert_eq!(
            list.unused(),
            ["list: nothing needs this line any more: d::e"]
        );
    }
}
