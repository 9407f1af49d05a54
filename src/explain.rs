//! What a pool says about a statement, for people.

use std::fmt;

use crate::{
    driver::{sqlx::Session, statement::Statement},
    sql::Explanation,
};

/// What the pool makes of a statement; see [`CachedPool::explain`](crate::CachedPool::explain).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolExplanation {
    /// What the text says, judged by all that the pool knows: declared functions, temporary tables.
    pub statement: Explanation,
    /// The tables and tags that a cached result depends on, as events and `Cached::tags` name them.
    pub tags: Vec<String>,
    /// What tells its result from that of other pools: name and value of each part of the session.
    pub session: Vec<(&'static str, String)>,
}

impl PoolExplanation {
    pub(crate) fn new(statement: &Statement, session: &Session) -> Self {
        let mut explanation = Explanation::from(statement.facts.clone());
        explanation.cacheable = statement.plan.refusal.is_none();
        explanation.reason = statement.plan.refusal.clone();
        PoolExplanation {
            statement: explanation,
            tags: statement.plan.reads.names().map(str::to_owned).collect(),
            session: session.parts.clone(),
        }
    }
}

impl fmt::Display for PoolExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statement = &self.statement;
        let session: Vec<String> = self
            .session
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut writes: Vec<String> = statement.writes.iter().map(ToString::to_string).collect();
        if statement.everything {
            writes.push("possibly everything".to_owned());
        }
        writeln!(f, "normal form  {}", statement.normal)?;
        writeln!(f, "kind         {:?}", statement.kind)?;
        writeln!(f, "depends on   {}", list(&self.tags))?;
        writeln!(f, "writes       {}", list(&writes))?;
        writeln!(f, "session      {}", list(&session))?;
        match &statement.reason {
            None => f.write_str("verdict      cacheable"),
            Some(reason) => write!(f, "verdict      not cacheable: {reason}"),
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
