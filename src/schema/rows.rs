//! What the loaders of MySQL and SQLite make of rows in the same way.

use std::{collections::HashMap, hash::Hash};

use crate::sql::Ops;

/// The keys of tables.
pub(super) struct Keys<T>(HashMap<T, Vec<Vec<Box<str>>>>);

impl<T: Eq + Hash> Keys<T> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// The columns of a primary key, a unique index or a foreign key: all of them are a key, and so is the first one.
    /// `None` stands for what is not a column's whole value.
    pub(super) fn add_key(&mut self, table: T, columns: Vec<Option<Box<str>>>) {
        let first = columns.first().cloned().flatten();
        let all = columns.into_iter().collect::<Option<Vec<_>>>();
        self.add(table, [all, first.map(|first| vec![first])]);
    }

    /// The columns of an index by which rows are only found: the first one is a key.
    pub(super) fn add_index(&mut self, table: T, columns: Vec<Option<Box<str>>>) {
        let first = columns.into_iter().next().flatten();
        self.add(table, [first.map(|first| vec![first]), None]);
    }

    fn add(&mut self, table: T, found: [Option<Vec<Box<str>>>; 2]) {
        let keys = self.0.entry(table).or_default();
        for key in found.into_iter().flatten() {
            if !key.is_empty() && !keys.contains(&key) {
                keys.push(key);
            }
        }
    }

    /// Takes out those of a table.
    pub(super) fn take(&mut self, table: &T) -> Vec<Vec<Box<str>>> {
        self.0.remove(table).unwrap_or_default()
    }
}

/// What the rule of a foreign key does to the child's rows, where `cascade` is what CASCADE does.
pub(super) fn action(rule: &str, cascade: Ops) -> Ops {
    match rule {
        "RESTRICT" | "NO ACTION" => Ops::NONE,
        "CASCADE" => cascade,
        "SET NULL" | "SET DEFAULT" => Ops::UPDATE,
        _ => Ops::ALL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_a_part_that_is_no_column_is_one_by_its_first_column_alone() {
        let mut keys = Keys::new();
        let columns = |names: &[Option<&str>]| -> Vec<Option<Box<str>>> {
            names.iter().map(|name| name.map(Into::into)).collect()
        };
        keys.add_key("t", columns(&[Some("a"), Some("b")]));
        keys.add_key("t", columns(&[Some("c"), None]));
        keys.add_key("t", columns(&[None, Some("d")]));
        keys.add_index("t", columns(&[Some("a"), Some("e")]));
        keys.add_index("t", columns(&[None]));
        let found = keys.take(&"t");
        let found: Vec<Vec<&str>> = found
            .iter()
            .map(|key| key.iter().map(|name| &**name).collect())
            .collect();
        assert_eq!(found, [vec!["a", "b"], vec!["a"], vec!["c"]]);
        assert!(keys.take(&"u").is_empty());
    }
}
