//! What a statement means for the cache, by its text and the definitions in the database: tags, effects, refusals.
//!
//! Promises that the tags of a read hold every relation whose rows can change its result, and the effects of a write every
//! relation that it can change, as of the snapshot that it was made from; whoever uses a plan checks that the snapshot still
//! stands.

mod rows;
mod writes;

use super::{
    ledger::Effect,
    snapshot::{Snapshot, reads_of},
};
use crate::{
    cache::{Tag, Tags},
    schema::{Canonical, Graph},
    sql::{Facts, Reason, Step},
};
use rows::{RowReads, RowWrites};

pub(crate) use writes::explained;

/// What a statement does to the session of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SessionChange {
    None,
    /// Perhaps something: it is to be looked at.
    Perhaps,
    /// Something that can change the result of later reads.
    Certain,
}

/// A statement's plan.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What it depends on, whichever rows it asks for, and the tags that its comment names.
    pub(crate) reads: Tags,
    /// What it depends on if its arguments tell which rows.
    rows: Option<RowReads>,
    /// What running it does to rows and to the connection's transaction, in order; empty for a pure read.
    effects: Vec<Effect>,
    /// As `effects`, if its arguments tell which rows it changes.
    row_writes: Option<RowWrites>,
    /// As `effects`, on a connection whose names can mean something else than the pool's.
    elsewhere: Vec<Effect>,
    runs_routines: bool,
    /// Whether it leaves the connection's session in another state than the pool's connections have.
    pub(crate) session: SessionChange,
    /// Why its result must not be cached.
    pub(crate) refusal: Option<Reason>,
    /// Why its result must not be cached by a read without a scope.
    pub(crate) unscoped: Option<Reason>,
}

/// What bears on plans beside text and definitions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits<'a> {
    pub(crate) row_tags: RowTags,
    /// Names of temporary tables.
    pub(crate) temporary: &'a super::statement::Names,
}

/// Whether results can depend on some of a table's rows alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowTags {
    /// Where reads and writes tell the rows by equality with keys.
    #[default]
    On,
    /// A write of any row of a table invalidates whatever reads the table.
    Off,
}

impl Plan {
    pub(super) fn new(facts: &Facts, snapshot: &Snapshot, habits: Habits<'_>) -> Plan {
        let words = facts.hints.tags.iter().map(|tag| Tag::user(tag));
        let written = writes::effects(facts, snapshot, habits);
        let change = |step: &Step| match step {
            Step::Session => SessionChange::Certain,
            Step::PerhapsSession => SessionChange::Perhaps,
            _ => SessionChange::None,
        };
        let changes = facts.steps.iter().map(change);
        let omits_temporary = (snapshot.graph.as_deref()).is_some_and(Graph::omits_temporary);
        let session = match omits_temporary && !facts.temporary.is_empty() {
            true => SessionChange::None,
            false => changes
                .max()
                .unwrap_or(SessionChange::None)
                .max(written.session),
        };
        let mut plan = Plan {
            reads: Tags::none(),
            rows: None,
            effects: written.effects,
            row_writes: written.rows,
            elsewhere: written.elsewhere,
            runs_routines: false,
            session,
            refusal: facts.refusal.clone(),
            unscoped: None,
        };
        let hidden = facts
            .reads
            .iter()
            .find(|read| habits.temporary.holds(&read.name) && !omits_temporary);
        let hidden = hidden.map(|read| Reason::TemporaryTable(read.name.clone()));
        let tables: Vec<Tag> = match &snapshot.graph {
            None => {
                let names = facts.reads.iter();
                names
                    .flat_map(|name| snapshot.candidates(name))
                    .map(Tag::table)
                    .collect()
            }
            Some(graph) => {
                let calls = graph.calls(facts);
                let needs = graph.needs(&facts.reads, &calls);
                plan.runs_routines = needs.runs_routines;
                // The text's own reasons say more, but for one that the catalog knows better.
                plan.refusal = plan.refusal.or(hidden.clone()).or(needs.refusal.clone());
                plan.unscoped = needs.unscoped.clone();
                if habits.row_tags == RowTags::On && plan.refusal.is_none() {
                    plan.rows = RowReads::new(facts, graph, &needs);
                }
                let nodes = needs.nodes.iter();
                nodes.flat_map(|&id| reads_of(graph, id)).collect()
            }
        };
        plan.refusal = plan.refusal.or(hidden);
        plan.reads = tables.into_iter().chain(words).collect();
        plan
    }

    /// Whether running it changes nothing, neither rows nor the state of the connection.
    pub(crate) fn is_plain_read(&self) -> bool {
        self.effects.is_empty() && self.session == SessionChange::None
    }

    /// Whether it runs code of the database's users, which can be replaced by code that writes.
    pub(crate) fn runs_routines(&self) -> bool {
        self.runs_routines
    }

    /// What it depends on with these arguments.
    pub(crate) fn reads_with(&self, values: impl FnOnce() -> Vec<Option<Canonical>>) -> Tags {
        match &self.rows {
            Some(rows) => rows.tags(&values()),
            None => self.reads.clone(),
        }
    }

    /// What it does with these arguments.
    pub(crate) fn effects_with(
        &self,
        values: impl FnOnce() -> Vec<Option<Canonical>>,
    ) -> std::borrow::Cow<'_, [Effect]> {
        match &self.row_writes {
            Some(rows) => rows.effects(&self.effects, &values()).into(),
            None => (&self.effects[..]).into(),
        }
    }

    /// What it does, whichever rows it changes.
    pub(crate) fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// What it does on a connection whose session is not the pool's.
    pub(crate) fn elsewhere(&self) -> &[Effect] {
        &self.elsewhere
    }

    /// The tables of which its arguments tell the rows, each with the keys by which they do: those it reads, or the one it
    /// writes.
    pub(crate) fn told_rows(&self) -> Vec<(String, Vec<String>)> {
        let reads = self.rows.iter().flat_map(RowReads::told);
        let all = reads.chain(self.row_writes.iter().map(RowWrites::told));
        all.map(|(table, keys)| (table.to_owned(), keys)).collect()
    }

    /// What reads of it depend on, spelled out: two plans with equal spellings have equal tags for equal arguments.
    pub(super) fn spelling(&self) -> String {
        format!("{:?}{:?}", self.reads, self.rows)
    }
}
