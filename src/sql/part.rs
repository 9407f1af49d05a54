//! What is known about one statement of a text, before the statements are put together.

use super::{
    facts::{Action, Dialect, Kind, Ops, Reason, Relation, Step, Writes},
    functions::{Functions, Judgement},
    pins::Pins,
};

/// What a statement is judged against.
#[derive(Clone, Copy)]
pub(super) struct Context<'f> {
    pub(super) dialect: Dialect,
    pub(super) functions: &'f Functions,
    pub(super) judgement: Judgement,
}

/// The facts of one statement.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) reads: Vec<Relation>,
    /// The targets that the statement names, and what it does to each.
    pub(super) named: Vec<Action>,
    /// Whether it can write more than it names. Without a write among the steps it writes nothing at all (`EXPLAIN`).
    pub(super) everything: bool,
    /// What it calls, as in [`Facts::calls`](super::Facts::calls).
    pub(super) calls: Vec<Relation>,
    pub(super) temporary: Vec<Relation>,
    pub(super) refusal: Option<Reason>,
    pub(super) steps: Vec<Step>,
    pub(super) pins: Pins,
}

impl Part {
    /// A statement without effects whose result is not cacheable.
    pub(super) fn inert(kind: Kind, refusal: Reason) -> Self {
        Self {
            kind,
            reads: Vec::new(),
            named: Vec::new(),
            everything: false,
            calls: Vec::new(),
            temporary: Vec::new(),
            refusal: Some(refusal),
            steps: Vec::new(),
            pins: Pins::default(),
        }
    }

    /// A statement whose effect is `steps` and nothing on tables.
    pub(super) fn stepping(kind: Kind, steps: impl Into<Vec<Step>>) -> Self {
        Self {
            steps: steps.into(),
            ..Self::inert(kind, Reason::NotARead)
        }
    }

    /// A statement that writes `named` and nothing else.
    pub(super) fn writing(kind: Kind, ops: Ops, named: Vec<Relation>) -> Self {
        let mut part = Self {
            named: on_each(ops, named),
            ..Self::inert(kind, Reason::NotARead)
        };
        part.steps.push(Step::Write(part.writes()));
        part
    }

    /// As `writing`; a statement that can write anything if its targets could not be read.
    pub(super) fn writing_or_everything(
        kind: Kind,
        ops: Ops,
        named: Option<Vec<Relation>>,
    ) -> Self {
        match named {
            Some(named) => Self::writing(kind, ops, named),
            None => Self::writing_everything(kind),
        }
    }

    /// A statement that can write anything.
    pub(super) fn writing_everything(kind: Kind) -> Self {
        let mut part = Self {
            everything: true,
            ..Self::inert(kind, Reason::NotARead)
        };
        part.steps.push(Step::Write(Writes::Everything));
        part
    }

    /// A statement of which nothing is known: it can write anything, end a transaction and change the session.
    pub(super) fn unknown(kind: Kind, refusal: Reason) -> Self {
        Self {
            everything: true,
            steps: vec![
                Step::Write(Writes::Everything),
                Step::UnknownTransaction,
                Step::Session,
            ],
            ..Self::inert(kind, refusal)
        }
    }

    pub(super) fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    pub(super) fn writes(&self) -> Writes {
        if self.everything {
            Writes::Everything
        } else {
            Writes::Relations(relations(&self.named))
        }
    }

    /// Sets the steps from what the statement writes: none for a pure read.
    pub(super) fn settle(&mut self) {
        if self.everything || !self.named.is_empty() {
            self.steps.insert(0, Step::Write(self.writes()));
        }
    }

    /// Marks that the statement also commits the transaction it runs in, as DDL does in MySQL.
    pub(super) fn committing(mut self) -> Self {
        let mut committed = false;
        for step in &mut self.steps {
            if let Step::Write(writes) = step {
                *step = Step::CommittingWrite(writes.clone());
                committed = true;
            }
        }
        if !committed {
            self.steps
                .insert(0, Step::CommittingWrite(Writes::Relations(Vec::new())));
        }
        self
    }
}

/// Keeps the first of several reasons, but one that depends on the session only until there is another: who asks can be part
/// of a key.
pub(super) fn keep_reason(kept: &mut Option<Reason>, reason: Reason) {
    let weak = matches!(kept, None | Some(Reason::SessionDependent(_)));
    if weak && (kept.is_none() || !matches!(reason, Reason::SessionDependent(_))) {
        *kept = Some(reason);
    }
}

/// `ops` done to each of `relations`.
pub(super) fn on_each(ops: Ops, relations: Vec<Relation>) -> Vec<Action> {
    relations
        .into_iter()
        .map(|relation| ops.on(relation))
        .collect()
}

/// The targets of `actions`, in order, each once.
pub(super) fn relations(actions: &[Action]) -> Vec<Relation> {
    sorted(
        actions
            .iter()
            .map(|action| &action.relation)
            .cloned()
            .collect(),
    )
}

/// `actions` in order, one a relation: whatever any of them does to it.
pub(super) fn united(mut actions: Vec<Action>) -> Vec<Action> {
    actions.sort_unstable();
    actions.dedup_by(|later, kept| {
        let same = later.relation == kept.relation;
        if same {
            kept.ops = kept.ops.and(later.ops);
        }
        same
    });
    actions
}

/// `relations` in order, each once.
pub(super) fn sorted(mut relations: Vec<Relation>) -> Vec<Relation> {
    relations.sort_unstable();
    relations.dedup();
    relations
}
