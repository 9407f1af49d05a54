//! What a pool says about a statement, for people.

use std::{fmt, sync::Arc};

use crate::{
    cache::Tags,
    driver::{Session, plan::explained, statement::Statement},
    schema::Effects,
    sql::{Explanation, Reason},
};

/// The most statements that are named as dependents.
const MOST_DEPENDENTS: usize = 20;

/// What the pool makes of a statement; see [`CachedPool::explain`](crate::CachedPool::explain).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolExplanation {
    /// What the text says, judged by all that the pool knows: the catalog, declared functions, temporary tables.
    pub statement: Explanation,
    /// The tables and tags that a cached result depends on, as events and `Cached::tags` name them.
    pub tags: Vec<String>,
    /// The tables of which its arguments tell the rows, if they can be compared: each with the keys by which they do.
    pub rows: Vec<(String, Vec<String>)>,
    /// What it changes, and by what way. `None` under [`SchemaMode::TextOnly`](crate::SchemaMode::TextOnly).
    pub effects: Option<Effects>,
    /// Why its result is cached only if the read has a scope.
    pub unscoped: Option<Reason>,
    /// The normal forms of statements that the pool has met whose cached results it invalidates, in order; at most 20.
    pub dependents: Vec<Arc<str>>,
    /// What tells its result from that of other pools: name and value of each part of the session.
    pub session: Vec<(&'static str, String)>,
}

impl PoolExplanation {
    pub(crate) fn new(
        statement: &Statement,
        others: impl Iterator<Item = Arc<Statement>>,
        session: &Session,
    ) -> Self {
        let plan = &statement.plan;
        let mut explanation = Explanation::from(statement.facts.clone());
        explanation.cacheable = plan.refusal.is_none();
        explanation.reason = plan.refusal.clone();
        let moved: Vec<Tags> = plan
            .effects()
            .iter()
            .filter_map(|effect| Some(effect.touched()?.to_tags()))
            .collect();
        let depends = |other: &Arc<Statement>| {
            other.plan.refusal.is_none() && moved.iter().any(|tags| tags.reach(&other.plan.reads))
        };
        let mut dependents: Vec<Arc<str>> = others
            .filter(depends)
            .map(|other| other.facts.normal.clone())
            .collect();
        dependents.sort_unstable();
        dependents.dedup();
        dependents.truncate(MOST_DEPENDENTS);
        PoolExplanation {
            statement: explanation,
            tags: plan.reads.names().map(str::to_owned).collect(),
            rows: plan.told_rows(),
            effects: explained(&statement.facts, &statement.snapshot),
            unscoped: plan.unscoped.clone(),
            dependents,
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
        let mut writes: Vec<String> = match &self.effects {
            Some(effects) => {
                let relations = effects.relations.iter();
                relations
                    .map(|(name, way)| format!("{name} {way}"))
                    .collect()
            }
            None => statement.writes.iter().map(ToString::to_string).collect(),
        };
        match self
            .effects
            .as_ref()
            .and_then(|effects| effects.everything.as_ref())
        {
            Some(why) => writes.push(format!("possibly everything, {why}")),
            None if statement.everything => writes.push("possibly everything".to_owned()),
            None => {}
        }
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|(table, keys)| format!("{table} by {}", keys.join(" and by ")))
            .collect();
        writeln!(f, "normal form  {}", statement.normal)?;
        writeln!(f, "kind         {:?}", statement.kind)?;
        writeln!(f, "depends on   {}", list(&self.tags))?;
        writeln!(
            f,
            "rows         {}",
            if rows.is_empty() {
                "all".to_owned()
            } else {
                list(&rows)
            }
        )?;
        writeln!(f, "writes       {}", list(&writes))?;
        for dependent in &self.dependents {
            writeln!(f, "invalidates  {dependent}")?;
        }
        writeln!(f, "session      {}", list(&session))?;
        match (&statement.reason, &self.unscoped) {
            (None, None) => f.write_str("verdict      cacheable"),
            (None, Some(reason)) => write!(
                f,
                "verdict      cacheable with a scope: without one, {reason}"
            ),
            (Some(reason), _) => write!(f, "verdict      not cacheable: {reason}"),
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
