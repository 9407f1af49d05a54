//! A text's facts in the form in which people ask for them.

use std::sync::Arc;

use super::{
    analyse::analyse,
    facts::{Dialect, Facts, Kind, Reason, Relation, Writes},
    functions::Functions,
};

/// What is known about one SQL text, judged without a database.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// What kind of statement it is.
    pub kind: Kind,
    /// The relations it reads, sorted.
    pub reads: Vec<Relation>,
    /// The relations it names as targets, sorted.
    pub writes: Vec<Relation>,
    /// Whether it can have written more than it names.
    pub everything: bool,
    /// Whether its result may be cached.
    pub cacheable: bool,
    /// Why not.
    pub reason: Option<Reason>,
    /// Its normal form.
    pub normal: Arc<str>,
}

/// Judges `sql` by its text alone, with no function declared.
///
/// What only the catalog knows (the tables behind a view, what a trigger writes) is not in it.
///
/// # Example
/// ```
/// use cachedpool::sql::{Dialect, explain};
///
/// let explanation = explain(Dialect::Postgres, "SELECT now() FROM users");
/// assert!(!explanation.cacheable);
/// assert_eq!(explanation.reason.unwrap().to_string(), "`now` depends on the time");
/// ```
#[must_use]
pub fn explain(dialect: Dialect, sql: &str) -> Explanation {
    Explanation::from(analyse(dialect, sql, &Functions::new()))
}

impl From<Facts> for Explanation {
    fn from(facts: Facts) -> Self {
        Self {
            kind: facts.kind,
            reads: facts.reads,
            everything: facts.writes == Writes::Everything,
            writes: facts.named_writes,
            cacheable: facts.refusal.is_none(),
            reason: facts.refusal,
            normal: facts.normal,
        }
    }
}
