//! What a statement does to rows, step by step.

use super::{Habits, RowTags, SessionChange, rows::RowWrites};
use crate::{
    cache::Tag,
    driver::{
        ledger::Effect,
        snapshot::{Snapshot, writes_of, writes_of_any},
        touched::Touched,
    },
    schema::{Effects, Graph, Reach, Target, Via},
    sql::{Dialect, Facts, Kind, Ops, PinnedWrite, Relation, Step, Writes},
};

/// The effects of a statement.
pub(super) struct Written {
    pub(super) effects: Vec<Effect>,
    pub(super) rows: Option<RowWrites>,
    pub(super) elsewhere: Vec<Effect>,
    pub(super) session: SessionChange,
}

pub(super) fn effects(facts: &Facts, snapshot: &Snapshot, habits: Habits<'_>) -> Written {
    let mut writer = Writer {
        facts,
        snapshot,
        habits,
        session: SessionChange::None,
    };
    let effects = writer.effects(Names::OfThePool);
    let mut elsewhere = writer.effects(Names::Any);
    if habits.temporary.have_code() {
        // A trigger or a view that nobody sees but the connection that made it can send a write on.
        elsewhere = elsewhere.iter().map(Effect::widened).collect();
    }
    let rows = match (&snapshot.graph, habits.row_tags, &effects[..]) {
        (Some(graph), RowTags::On, [Effect::Write(Touched::Tags(_))]) => {
            RowWrites::new(facts, graph)
        }
        _ => None,
    };
    Written {
        effects,
        rows,
        elsewhere,
        session: writer.session,
    }
}

/// What a statement changes and by what way, for people; `None` where only texts are judged.
pub(crate) fn explained(facts: &Facts, snapshot: &Snapshot) -> Option<Effects> {
    let graph = snapshot.graph.as_deref()?;
    let targets = facts.named_writes.iter().flat_map(|name| {
        let nodes = graph.resolve(name).into_iter();
        nodes.map(|id| target(facts, name, id))
    });
    let reads = graph.resolve_all(&facts.reads);
    let reach = graph.expand(targets, &reads, &graph.calls(facts).routines);
    Some(graph.effects(&reach))
}

/// What a bare name in a statement can mean.
#[derive(Clone, Copy, PartialEq)]
enum Names {
    /// What the pool's sessions find on their path.
    OfThePool,
    /// Whatever has the name: the session may have another path, or be another user's.
    Any,
}

struct Writer<'a> {
    facts: &'a Facts,
    snapshot: &'a Snapshot,
    habits: Habits<'a>,
    session: SessionChange,
}

impl Writer<'_> {
    fn effects(&mut self, names: Names) -> Vec<Effect> {
        let steps = &self.facts.steps;
        let mut effects: Vec<Effect> = Vec::new();
        for step in steps {
            let effect = match step {
                Step::Write(writes) => Effect::Write(self.touched(writes, names)),
                Step::CommittingWrite(writes) => {
                    Effect::CommittingWrite(self.touched(writes, names))
                }
                Step::Begin => Effect::Begin,
                Step::Commit { chain } => Effect::Commit { chain: *chain },
                Step::Rollback { chain } => Effect::Rollback { chain: *chain },
                Step::Savepoint(name) => Effect::Savepoint(name.clone()),
                Step::RollbackTo(name) => Effect::RollbackTo(name.clone()),
                Step::Release(name) => Effect::Release(name.clone()),
                Step::UnknownTransaction => Effect::UnknownTransaction,
                Step::Session | Step::PerhapsSession => continue,
            };
            effects.push(effect);
        }
        let wrote =
            |effect: &Effect| matches!(effect, Effect::Write(_) | Effect::CommittingWrite(_));
        // What the functions do that it calls is in each write already.
        if !effects.is_empty() && effects.iter().all(wrote) {
            return effects;
        }
        let called = self.touched(&Writes::Relations(Vec::new()), names);
        if called.is_empty() {
            return effects;
        }
        if !effects.is_empty() {
            // Where among transaction control they are called, nobody knows.
            effects.insert(0, Effect::Write(called.clone()));
        }
        effects.push(Effect::Write(called));
        effects
    }

    /// What a step changes that names `writes`, and what the functions do that the statement calls.
    fn touched(&mut self, writes: &Writes, names: Names) -> Touched {
        let (facts, snapshot) = (self.facts, self.snapshot);
        let mut touched = match (writes, &snapshot.graph) {
            // Code that is judged by its text alone may hold DDL.
            (Writes::Everything, _) => Touched::Definitions,
            // Where the names lead, only a catalog could tell.
            (Writes::Relations(relations), None)
                if names == Names::Any && relations.iter().any(|name| self.is_bare(name)) =>
            {
                Touched::Everything
            }
            (Writes::Relations(relations), None) => {
                let candidates = relations.iter().flat_map(|name| snapshot.candidates(name));
                tags(candidates.flat_map(writes_of_any))
            }
            (Writes::Relations(relations), Some(graph)) => self.expanded(graph, relations, names),
        };
        // A tag in a write's comment is invalidated with the write.
        if !touched.is_empty() {
            touched.add(&tags(facts.hints.tags.iter().map(|tag| Tag::user(tag))));
        }
        if self.defines() && matches!(writes, Writes::Relations(named) if !named.is_empty()) {
            let graph = snapshot.graph.as_deref();
            let runs_code = graph.is_some_and(Graph::runs_code_at_ddl);
            touched.add(&match facts.steps.len() {
                1 if !runs_code => tags([Tag::definitions()]),
                // What the other steps do, they do under new definitions.
                _ => Touched::Definitions,
            });
        }
        touched
    }

    /// Whether where a name leads depends on the session. What is temporary leads nowhere.
    fn is_bare(&self, name: &Relation) -> bool {
        name.schema.is_none() && !self.habits.temporary.holds(&name.name)
    }

    /// Whether it changes definitions that others see.
    fn defines(&self) -> bool {
        let facts = self.facts;
        let temporary = |name: &Relation| facts.temporary.contains(name);
        // MySQL counts TRUNCATE as DDL.
        let empties = |name: &Relation| !ops(facts, name).meets(Ops::INSERT);
        facts.kind == Kind::Ddl
            && !facts
                .named_writes
                .iter()
                .all(|name| temporary(name) || empties(name))
    }

    fn expanded(&mut self, graph: &Graph, relations: &[Relation], names: Names) -> Touched {
        let facts = self.facts;
        let resolve = |name: &Relation| match names {
            Names::OfThePool => graph.resolve(name),
            Names::Any => graph.meant(name),
        };
        let mut targets: Vec<Target<'_>> = Vec::new();
        let mut unknown = false;
        for name in relations {
            let nodes = resolve(name);
            // A temporary table's rows are never cached. What DDL names need not be there yet.
            let temporary = self.habits.temporary;
            let is_nobodys = temporary.holds(&name.name) && !temporary.have_code();
            unknown |= nodes.is_empty() && facts.kind != Kind::Ddl && !is_nobodys;
            targets.extend(nodes.into_iter().map(|id| target(facts, name, id)));
        }
        let calls = graph.calls(facts);
        // A function of SQLite's cannot write through the connection that runs it.
        let anything = calls.unknown.is_some() && graph.dialect() != Dialect::Sqlite;
        let reads = facts.reads.iter().flat_map(resolve);
        let reads: Vec<usize> = reads.collect();
        let reach = graph.expand(targets, &reads, &calls.routines);
        if reach.session || anything {
            self.session = self.session.max(SessionChange::Perhaps);
        }
        if anything || calls_anything(&reach) {
            Touched::Definitions
        } else if unknown || reach.everything.is_some() {
            Touched::Everything
        } else {
            tags(reach.touched.keys().flat_map(|&id| writes_of(graph, id)))
        }
    }
}

/// Whether a function that the statement itself calls can do anything, DDL among it. Triggers and their like are trusted not
/// to define: if one does, the next look at the catalog finds it.
fn calls_anything(reach: &Reach) -> bool {
    let via = reach.everything.as_ref().map(|unknown| &unknown.via);
    matches!(via, Some(Via::Call { .. }))
}

/// How a statement changes the rows of a target.
pub(super) fn ops(facts: &Facts, target: &Relation) -> Ops {
    let mut actions = facts.actions.iter();
    let action = actions.find(|action| action.relation == *target);
    action.map_or(Ops::ALL, |action| action.ops)
}

/// A target, as the node that its name means.
pub(super) fn target<'f>(facts: &'f Facts, name: &Relation, id: usize) -> Target<'f> {
    let assigned = match &facts.pins.write {
        Some(PinnedWrite::Existing { target, assigned }) if target.relation == *name => {
            Some(&assigned[..])
        }
        _ => None,
    };
    Target {
        id,
        ops: ops(facts, name),
        assigned,
    }
}

pub(super) fn tags(tags: impl IntoIterator<Item = Tag>) -> Touched {
    let mut all: Vec<Tag> = tags.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    match all.is_empty() {
        true => Touched::Nothing,
        false => Touched::Tags(all),
    }
}
