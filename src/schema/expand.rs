//! What a write changes beside what it names.

use std::collections::{BTreeMap, HashSet};

use super::{
    catalog::{EntryKind, HookKind},
    code::Code,
    graph::{Graph, HookNode, Reference},
    omission::Omission,
};
use crate::sql::{Ops, Reason};

/// Everything that a write can change.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// The nodes, with why each is among them.
    pub(crate) touched: BTreeMap<usize, Touch>,
    /// Why it can have changed everything; the first reason of perhaps several, a call by the statement before all others.
    pub(crate) everything: Option<Unknown>,
    /// It runs code that may change the state of the session.
    pub(crate) session: bool,
    /// The routines that it calls, by whatever way.
    called: HashSet<usize>,
    /// The nodes that it reads, by whatever way.
    read: HashSet<usize>,
}

/// Code of which nobody can tell what it does.
#[derive(Clone, Debug)]
pub(crate) struct Unknown {
    pub(crate) via: Via,
    pub(crate) why: Box<str>,
}

/// How a node is changed.
#[derive(Debug)]
pub(crate) struct Touch {
    pub(crate) ops: Ops,
    pub(crate) via: Via,
    /// Not by the named statement alone: which of its rows are changed, the statement does not show.
    pub(crate) again: bool,
}

/// By what way a write reaches a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// The statement names it.
    Named,
    /// A foreign key's action, on the rows that refer to `parent`.
    Cascade { key: Box<str>, parent: usize },
    /// Code that runs when `on` changes.
    Hook {
        kind: HookKind,
        name: Box<str>,
        on: usize,
    },
    /// A view (or a policy of a table) through which it is written, or whose functions write it.
    View { view: usize },
    /// A table whose rows are elsewhere.
    Foreign { table: usize },
    /// A function that the statement calls, or that what it runs calls.
    Call { routine: usize },
}

impl Graph {
    /// What one hook does, without what that brings with it by other ways.
    pub(super) fn run_alone(&self, on: usize, hook: &HookNode) -> Reach {
        let mut work = Work::new(self);
        work.hook(hook, on);
        work.reach
    }

    /// What a statement changes that does `targets`, reads `reads` and calls `calls`: to read a view can be to call a function
    /// that writes. The nodes of a target are all that its name can mean.
    pub(crate) fn expand(
        &self,
        targets: impl IntoIterator<Item = (usize, Ops)>,
        reads: &[usize],
        calls: &[usize],
    ) -> Reach {
        let mut work = Work::new(self);
        for (id, ops) in targets {
            work.write(id, ops, &Via::Named);
        }
        work.call(calls, None);
        reads.iter().for_each(|&id| work.read(id));
        while let Some((id, ops)) = work.waiting.pop() {
            work.follow(id, ops);
        }
        work.reach
    }
}

struct Work<'g> {
    graph: &'g Graph,
    reach: Reach,
    waiting: Vec<(usize, Ops)>,
}

impl<'g> Work<'g> {
    fn new(graph: &'g Graph) -> Self {
        Work {
            graph,
            reach: Reach::default(),
            waiting: Vec::new(),
        }
    }

    fn write(&mut self, id: usize, ops: Ops, via: &Via) {
        let ops = match self.graph.nodes[id].replaces && ops.meets(Ops::INSERT.and(Ops::UPDATE)) {
            true => ops.and(Ops::DELETE),
            false => ops,
        };
        let touch = self.reach.touched.entry(id).or_insert_with(|| Touch {
            ops: Ops::NONE,
            via: via.clone(),
            again: false,
        });
        touch.again |= *via != Via::Named;
        if !touch.ops.holds(ops) {
            touch.ops = touch.ops.and(ops);
            self.waiting.push((id, ops));
        }
    }

    /// What happens when `id` is changed in these ways.
    fn follow(&mut self, id: usize, ops: Ops) {
        let graph = self.graph;
        // What is written through a parent is written to its children, with their keys and triggers; and the rows of a child
        // are those of its parents, which foreign keys may point to.
        let below = graph.descendants(id);
        let family = std::iter::once(id).chain(below.iter().copied());
        for member in family.clone().chain(graph.ancestors(id)) {
            for reference in &graph.nodes[member].references {
                self.refer(reference, member, ops);
            }
        }
        for member in family {
            for hook in &graph.nodes[member].hooks {
                if hook.ops.meets(ops) && !self.is_omitted(hook) {
                    self.hook(hook, member);
                }
            }
        }
        self.read(id);
        if matches!(graph.nodes[id].refusal, Some(Reason::ForeignTable(_))) {
            let why = "its rows are elsewhere, perhaps in a table of this database";
            self.unknown(&Via::Foreign { table: id }, why);
        }
        if graph.nodes[id].kind == EntryKind::View && !graph.omitted.is(Omission::Views) {
            for code in &graph.nodes[id].definition {
                for &base in &code.reads {
                    self.write(base, ops, &Via::View { view: id });
                }
            }
        }
    }

    fn hook(&mut self, hook: &HookNode, on: usize) {
        let via = Via::Hook {
            kind: hook.kind,
            name: hook.name.clone(),
            on,
        };
        self.run(&hook.code, &via);
    }

    fn refer(&mut self, reference: &Reference, parent: usize, ops: Ops) {
        if self.graph.omitted.is(Omission::Cascades) {
            return;
        }
        let via = Via::Cascade {
            key: reference.name.clone(),
            parent,
        };
        for (at, then) in [
            (Ops::DELETE, reference.on_delete),
            (Ops::UPDATE, reference.on_update),
        ] {
            if ops.meets(at) && then != Ops::NONE {
                self.write(reference.child, then, &via);
            }
        }
    }

    fn is_omitted(&self, hook: &HookNode) -> bool {
        self.graph.omitted.is(match hook.kind {
            HookKind::Trigger => Omission::Triggers,
            HookKind::Rule => Omission::Rules,
            HookKind::Column => Omission::Columns,
        })
    }

    /// Runs what stands behind a node that is read.
    fn read(&mut self, id: usize) {
        let graph = self.graph;
        if self.reach.read.insert(id) {
            for code in &graph.nodes[id].definition {
                self.run(code, &Via::View { view: id });
            }
        }
    }

    fn run(&mut self, code: &Code, via: &Via) {
        code.reads.iter().for_each(|&id| self.read(id));
        for &(id, ops) in &code.writes {
            self.write(id, ops, via);
        }
        self.reach.session |= code.session;
        if let Some(why) = &code.unknown {
            self.unknown(via, why);
        }
        self.call(&code.calls, Some(via));
        let implied: Vec<usize> = self.graph.implied.behind(&code.operators).collect();
        self.call(&implied, Some(via));
    }

    /// Runs routines, on behalf of `via` or of the statement itself.
    fn call(&mut self, routines: &[usize], via: Option<&Via>) {
        if self.graph.omitted.is(Omission::Functions) && via.is_none() {
            return;
        }
        for &id in routines {
            if !self.reach.called.insert(id) {
                continue;
            }
            let routine = &self.graph.routines[id];
            if routine.code.is_err() {
                // Its arguments can be of any type.
                let implied: Vec<usize> = self.graph.implied.behind(&[]).collect();
                self.call(&implied, via);
            }
            let own = Via::Call { routine: id };
            let via = via.unwrap_or(&own);
            match &routine.code {
                Ok(code) => self.run(code, via),
                Err(why) if self.graph.may_write(routine) => self.unknown(via, why),
                Err(_) => {}
            }
        }
    }

    fn unknown(&mut self, via: &Via, why: &str) {
        // Whatever it is, it may have changed the session too.
        self.reach.session = true;
        self.reach.everything.get_or_insert_with(|| Unknown {
            via: via.clone(),
            why: why.into(),
        });
    }
}

impl Graph {
    /// By what way, for people.
    pub(crate) fn words(&self, via: &Via) -> String {
        let name = |id: &usize| self.nodes[*id].name.to_string();
        match via {
            Via::Named => "by name".to_owned(),
            Via::Cascade { key, parent } => {
                format!("by cascade of `{key}` from `{}`", name(parent))
            }
            Via::Hook {
                kind: HookKind::Trigger,
                name: hook,
                on,
            } => format!("by trigger `{hook}` on `{}`", name(on)),
            Via::Hook {
                kind: HookKind::Rule,
                name: hook,
                on,
            } => format!("by rule `{hook}` on `{}`", name(on)),
            Via::Hook {
                kind: HookKind::Column,
                name: hook,
                on,
            } => format!("by a default or constraint `{hook}` of `{}`", name(on)),
            Via::View { view } => format!("through view `{}`", name(view)),
            Via::Foreign { table } => format!("by foreign table `{}`", name(table)),
            Via::Call { routine } => format!("by function `{}`", self.routines[*routine].name),
        }
    }
}
