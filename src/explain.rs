//! What a pool says about a statement, for people.

use std::fmt;

use crate::{
    cache::Tags,
    driver::{sqlx::Session, statement::Statement},
    sql::{Facts, Reason},
};

/// What the pool makes of a statement; see [`CachedPool::explain`](crate::CachedPool::explain).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolExplanation {
    /// The facts of the text.
    pub facts: Facts,
    /// `None`: its result may be cached. Else why not.
    pub refusal: Option<Reason>,
    /// What its result depends on, as `stats` and events name it.
    pub tags: Vec<String>,
    /// What else tells its result from that of other pools: name and value of each part of the session.
    pub session: Vec<(&'static str, String)>,
}

impl PoolExplanation {
    pub(crate) fn new(statement: &Statement, session: &Session) -> Self {
        PoolExplanation {
            facts: statement.facts.clone(),
            refusal: statement.refusal.clone(),
            tags: names(&statement.reads),
            session: session.parts.clone(),
        }
    }
}

fn names(tags: &Tags) -> Vec<String> {
    tags.names().map(str::to_owned).collect()
}

impl fmt::Display for PoolExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| {
            if names.is_empty() {
                "nothing".to_owned()
            } else {
                names.join(", ")
            }
        };
        writeln!(f, "normal form  {}", self.facts.normal)?;
        writeln!(f, "kind         {:?}", self.facts.kind)?;
        writeln!(f, "depends on   {}", list(&self.tags))?;
        writeln!(f, "writes       {}", self.facts.writes)?;
        let session: Vec<String> = self
            .session
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        writeln!(f, "session      {}", list(&session))?;
        match &self.refusal {
            None => f.write_str("verdict      cacheable"),
            Some(reason) => write!(f, "verdict      not cacheable: {reason}"),
        }
    }
}
