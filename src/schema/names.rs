//! Which relations a name can mean.

use std::collections::HashMap;

use crate::sql::{Dialect, Relation};

/// Things by their name. PostgreSQL compares names exactly; for the others two names that differ in case count as one, which
/// at worst means more than one thing.
#[derive(Debug)]
pub(super) struct Names {
    dialect: Dialect,
    /// By bare name, each with its schema.
    things: HashMap<Box<str>, Vec<(Box<str>, usize)>>,
}

impl Names {
    pub(super) fn new<'a>(dialect: Dialect, names: impl IntoIterator<Item = &'a Relation>) -> Self {
        Self::numbered(dialect, names.into_iter().enumerate())
    }

    /// Things that have their numbers already.
    pub(super) fn numbered<'a>(
        dialect: Dialect,
        names: impl IntoIterator<Item = (usize, &'a Relation)>,
    ) -> Self {
        let mut things: HashMap<Box<str>, Vec<(Box<str>, usize)>> = HashMap::new();
        for (index, name) in names {
            let schema = fold(dialect, name.schema.as_deref().unwrap_or_default());
            let bare = fold(dialect, &name.name);
            things.entry(bare).or_default().push((schema, index));
        }
        Names { dialect, things }
    }

    /// What the name means in a statement: with a schema that one, else the first on the path that has it.
    pub(super) fn resolve(&self, name: &Relation, path: &[Box<str>]) -> Vec<usize> {
        let all = self.bare(&name.name);
        let within = |schema: &str| -> Vec<usize> {
            let schema = fold(self.dialect, schema);
            let matching = all.iter().filter(|(own, _)| *own == schema);
            matching.map(|&(_, index)| index).collect()
        };
        match &name.schema {
            Some(schema) => within(schema),
            None => path
                .iter()
                .map(|schema| within(schema))
                .find(|found| !found.is_empty())
                .unwrap_or_default(),
        }
    }

    /// Whatever the name can mean, wherever a session looks for it.
    pub(super) fn anywhere(&self, name: &Relation) -> Vec<usize> {
        match &name.schema {
            Some(_) => self.resolve(name, &[]),
            None => self
                .bare(&name.name)
                .iter()
                .map(|&(_, index)| index)
                .collect(),
        }
    }

    /// The known name that is most like `name`, for whoever mistyped it.
    pub(super) fn nearest(&self, name: &Relation) -> Option<String> {
        let wanted = fold(self.dialect, &name.name);
        let full = |bare: &str, schema: &str| format!("{schema}.{bare}");
        let (bare, things) = self
            .things
            .iter()
            .min_by_key(|(bare, _)| (distance(&wanted, bare), (*bare).clone()))?;
        let (schema, _) = things.first()?;
        Some(full(bare, schema))
    }

    fn bare(&self, name: &str) -> &[(Box<str>, usize)] {
        self.things
            .get(&fold(self.dialect, name))
            .map_or(&[], Vec::as_slice)
    }
}

/// A name as it is compared.
pub(super) fn fold(dialect: Dialect, name: &str) -> Box<str> {
    match dialect {
        Dialect::Postgres => name.into(),
        Dialect::MySql | Dialect::Sqlite => name.to_lowercase().into(),
    }
}

/// How many letters must be put in, taken out or replaced (Levenshtein, 1966).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dialect: Dialect) -> Names {
        let known = ["a.users", "b.users", "b.orders", "b.\"Orders\""].map(Relation::named);
        Names::new(dialect, &known)
    }

    #[test]
    fn a_bare_name_is_the_first_on_the_path() {
        let (names, path) = (names(Dialect::Postgres), ["b".into(), "a".into()]);
        assert_eq!(names.resolve(&Relation::named("users"), &path), [1]);
        assert_eq!(names.resolve(&Relation::named("a.users"), &path), [0]);
        assert!(names.resolve(&Relation::named("c.users"), &path).is_empty());
        assert_eq!(names.anywhere(&Relation::named("users")), [0, 1]);
    }

    #[test]
    fn case_counts_on_postgresql_alone() {
        let name = Relation::named("b.\"Orders\"");
        assert_eq!(names(Dialect::Postgres).resolve(&name, &[]), [3]);
        assert_eq!(names(Dialect::Sqlite).resolve(&name, &[]), [2, 3]);
    }

    #[test]
    fn the_nearest_name_is_the_one_with_the_fewest_changes() {
        let nearest = names(Dialect::Postgres).nearest(&Relation::named("oders"));
        assert_eq!(nearest.as_deref(), Some("b.orders"));
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
