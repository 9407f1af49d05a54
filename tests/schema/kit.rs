//! A database with a schema, and what is found in it.

use cachedpool::{Backend, inspect};
use sqlx::Pool;

/// What a loader has found.
pub(crate) struct Found(Vec<String>);

impl Found {
    /// Loads the catalog.
    pub(crate) async fn in_pool<DB: Backend>(pool: &Pool<DB>) -> Self {
        Found(inspect::catalog(pool).await.unwrap())
    }

    /// Holds that these lines are there.
    #[track_caller]
    pub(crate) fn holds(&self, lines: &[&str]) {
        for &line in lines {
            assert!(
                self.0.iter().any(|found| found == line),
                "not found: {line}\namong:\n{}",
                self.0.join("\n")
            );
        }
    }

    /// Holds that those that begin like this are these, in any order.
    #[track_caller]
    pub(crate) fn has_only(&self, start: &str, lines: &[&str]) {
        let mut expected = lines.to_vec();
        expected.sort_unstable();
        assert_eq!(self.starting_with(start), expected);
    }

    /// The lines that begin like this, sorted.
    pub(crate) fn starting_with(&self, start: &str) -> Vec<&str> {
        let mut found: Vec<&str> = self.0.iter().map(String::as_str).collect();
        found.retain(|line| line.starts_with(start));
        found.sort_unstable();
        found
    }

    /// The lines that begin like this, as the loader has ordered them.
    pub(crate) fn in_order(&self, start: &str) -> Vec<&str> {
        let lines = self.0.iter().map(String::as_str);
        lines.filter(|line| line.starts_with(start)).collect()
    }
}
