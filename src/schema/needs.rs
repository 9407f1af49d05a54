//! What a read depends on beside what it names.

use std::collections::BTreeSet;

use super::{
    catalog::{RelationKind, Volatility},
    code::Code,
    graph::{Graph, RoutineNode},
    omission::Omission,
};
use crate::sql::{Dialect, Facts, Kind, Reason, Relation, is_built_in};

/// Everything that a read depends on.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// The nodes whose rows matter.
    pub(crate) nodes: BTreeSet<usize>,
    /// Whether functions are called, by the statement or behind what it reads.
    pub(crate) runs_routines: bool,
    /// Those among them that the statement names itself, and by nothing else.
    pub(crate) named: BTreeSet<usize>,
    /// Why its result must not be cached.
    pub(crate) refusal: Option<Reason>,
    /// Why its result must not be cached without a scope.
    pub(crate) unscoped: Option<Reason>,
}

/// The functions that a statement calls, as the catalog has them.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) routines: Vec<usize>,
    /// A function that nobody knows. It can do anything, but for one that an application has given to SQLite.
    pub(crate) unknown: Option<Relation>,
}

impl Graph {
    /// Which nodes a name in a statement means; empty for one that the catalog does not know.
    pub(crate) fn resolve(&self, name: &Relation) -> Vec<usize> {
        if self.omitted.is(Omission::Resolution) && name.schema.is_none() {
            // As if the path did not matter.
            let mut any = self.names.anywhere(name);
            any.truncate(1);
            return any;
        }
        self.names.resolve(name, &self.path)
    }

    /// The nodes that names in a statement mean.
    pub(crate) fn resolve_all(&self, names: &[Relation]) -> Vec<usize> {
        names.iter().flat_map(|name| self.resolve(name)).collect()
    }

    /// The functions of a statement. A built-in one counts too where a routine has its name: which of them is called, its
    /// arguments' types decide.
    pub(crate) fn calls(&self, facts: &Facts) -> Calls {
        let mut calls = Calls::default();
        let several = facts.refusal == Some(Reason::SeveralStatements);
        // Those that hold no expression, so that a COMMIT is no write.
        let controls = matches!(facts.kind, Kind::Transaction | Kind::Session) && !several;
        if !controls {
            calls.routines = self.implied.of_statement(facts);
        }
        for function in &facts.calls {
            let routines = self.routine_names.anywhere(function);
            if routines.is_empty() && !is_built_in(self.dialect, function) {
                calls.unknown.get_or_insert_with(|| function.clone());
            }
            calls.routines.extend(routines);
        }
        calls
    }

    /// What a statement needs that reads `reads` and calls `calls`.
    pub(crate) fn needs(&self, reads: &[Relation], calls: &Calls) -> Needs {
        let mut work = Work::new(self);
        for name in reads {
            let nodes = self.resolve(name);
            if nodes.is_empty() {
                work.refuse(Reason::UnknownRelation(name.to_string().into()));
            }
            work.named.extend(&nodes);
            nodes.iter().for_each(|&id| work.node(id));
        }
        if let Some(function) = &calls.unknown {
            work.refuse(Reason::UnknownFunction(function.to_string().into()));
        }
        work.call(&calls.routines);
        work.needs.runs_routines = !work.called.is_empty();
        work.needs.named = work.named.difference(&work.others).copied().collect();
        work.needs
    }

    /// The nodes behind some: those of views and policies, and they themselves.
    pub(crate) fn behind(&self, nodes: &[usize]) -> BTreeSet<usize> {
        let mut work = Work::new(self);
        nodes.iter().for_each(|&id| work.node(id));
        work.needs.nodes
    }

    /// What a piece of code needs.
    pub(super) fn behind_code(&self, code: &Code) -> Needs {
        let mut work = Work::new(self);
        work.code(code);
        work.needs
    }

    /// Whether a routine that cannot be read can write.
    pub(super) fn may_write(&self, routine: &RoutineNode) -> bool {
        // PostgreSQL manual, "Function Volatility Categories": neither STABLE nor IMMUTABLE functions modify the database, but
        // for "calling volatile functions that modify the database", which a STABLE one can well do that queries it. The
        // authors of extensions are believed. DETERMINISTIC promises nothing of the kind.
        let promises = self.dialect == Dialect::Postgres
            && match routine.volatility {
                Volatility::Immutable => true,
                Volatility::Stable => routine.packaged,
                Volatility::Volatile => false,
            };
        !routine.harmless && !promises
    }
}

struct Work<'g> {
    graph: &'g Graph,
    needs: Needs,
    named: BTreeSet<usize>,
    /// Nodes behind a view or a function.
    others: BTreeSet<usize>,
    /// On whose behalf the walk goes on just now.
    asker: Asker,
    /// The nodes and routines that were met, by whom: what is waived for one is not for the other.
    met: BTreeSet<(usize, Asker)>,
    called: BTreeSet<(usize, Asker)>,
}

/// Who looks at a relation or calls a routine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asker {
    Statement,
    /// A policy may ask who is there: that is what the scope stands for.
    Policy,
}

impl<'g> Work<'g> {
    fn new(graph: &'g Graph) -> Self {
        Work {
            graph,
            needs: Needs::default(),
            named: BTreeSet::new(),
            others: BTreeSet::new(),
            asker: Asker::Statement,
            met: BTreeSet::new(),
            called: BTreeSet::new(),
        }
    }

    /// The first reason stays.
    fn refuse(&mut self, reason: Reason) {
        if self.asker == Asker::Statement || !matches!(reason, Reason::SessionDependent(_)) {
            self.needs.refusal.get_or_insert(reason);
        }
    }

    fn node(&mut self, id: usize) {
        if !self.met.insert((id, self.asker)) {
            return;
        }
        self.needs.nodes.insert(id);
        let graph = self.graph;
        let node = &graph.nodes[id];
        if let Some(reason) = &node.refusal {
            self.refuse(reason.clone());
        }
        // Children's policies do not count where the parent is named, so those of a child are met by its name alone.
        if node.row_security && !graph.omitted.is(Omission::RowSecurity) {
            let reason = Reason::RowSecurity(node.name.to_string().into());
            self.needs.unscoped.get_or_insert(reason);
        }
        if node.kind == RelationKind::View && graph.omitted.is(Omission::Views) {
            return;
        }
        let asker = self.asker;
        if node.kind == RelationKind::Table {
            self.asker = Asker::Policy;
        }
        node.definition.iter().for_each(|code| self.code(code));
        self.asker = asker;
    }

    fn code(&mut self, code: &Code) {
        if let Some(reason) = &code.refusal {
            self.refuse(reason.clone());
        }
        self.others.extend(&code.reads);
        code.reads.iter().for_each(|&id| self.node(id));
        self.call(&code.calls);
        let implied: Vec<usize> = self.graph.implied.behind(&code.operators).collect();
        self.call(&implied);
    }

    fn call(&mut self, routines: &[usize]) {
        let graph = self.graph;
        for &id in routines {
            if !self.called.insert((id, self.asker)) {
                continue;
            }
            let routine = &graph.routines[id];
            if routine.code.is_err() {
                // Its arguments can be of any type.
                let implied: Vec<usize> = graph.implied.behind(&[]).collect();
                self.call(&implied);
            }
            let name = || routine.name.to_string().into_boxed_str();
            if routine.volatility == Volatility::Volatile {
                self.refuse(Reason::VolatileFunction(name()));
            }
            match &routine.code {
                Ok(_) if graph.omitted.is(Omission::Functions) => {}
                Ok(code) => {
                    if code.unknown.is_some() {
                        self.refuse(Reason::UnknownFunction(name()));
                    }
                    self.code(code);
                }
                // Its result depends on its arguments alone, as it was declared.
                Err(_) if routine.volatility == Volatility::Immutable => {}
                Err(_) => self.refuse(Reason::UnknownFunction(name())),
            }
        }
    }
}
