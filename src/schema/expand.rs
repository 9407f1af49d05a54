//! What a write changes beside what it names.

use std::collections::{BTreeMap, HashSet};

use super::{
    catalog::{HookKind, RelationKind},
    code::Code,
    graph::{Graph, HookNode, Reference},
    omission::Omission,
};
use crate::sql::{Dialect, Ops, Reason};

/// What `OR REPLACE` does to a table.
const REPLACE: Ops = Ops::INSERT.and(Ops::UPDATE).and(Ops::DELETE);

/// A relation that a statement names as a target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'s> {
    /// The node. The nodes of a target are all that its name can mean.
    pub(crate) id: usize,
    pub(crate) ops: Ops,
    /// The columns that an UPDATE assigns, all of them; `None` if they are not known.
    pub(crate) assigned: Option<&'s [Box<str>]>,
}

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
        work.hook(hook, on, Conflict::AsWritten);
        work.reach
    }

    /// What a statement changes that does `targets`, reads `reads` and calls `calls`: to read a view can be to call a function
    /// that writes.
    pub(crate) fn expand<'s>(
        &self,
        targets: impl IntoIterator<Item = Target<'s>>,
        reads: &[usize],
        calls: &[usize],
    ) -> Reach {
        let mut work = Work::new(self);
        for target in targets {
            work.name(target);
        }
        work.call(calls, None);
        reads.iter().for_each(|&id| work.read(id));
        while let Some((id, ops)) = work.waiting.pop() {
            work.follow(id, ops, None);
        }
        work.reach
    }
}

struct Work<'g> {
    graph: &'g Graph,
    reach: Reach,
    waiting: Vec<(usize, Ops)>,
    /// The nodes that are changed with [`Conflict::Replace`].
    replaced: HashSet<usize>,
}

/// What the changes in a trigger's body do to rows with the same key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Conflict {
    /// What the body says.
    AsWritten,
    /// Take their place, whatever the body says: on SQLite, `OR REPLACE` of the statement that runs the trigger holds for
    /// what the trigger runs, and so on. (lang_createtrigger.html §2.)
    Replace,
}

impl Conflict {
    fn of(graph: &Graph, ops: Ops) -> Self {
        match graph.dialect == Dialect::Sqlite && ops.holds(REPLACE) {
            true => Conflict::Replace,
            false => Conflict::AsWritten,
        }
    }

    fn apply(self, ops: Ops) -> Ops {
        match self == Conflict::Replace && ops.meets(Ops::INSERT.and(Ops::UPDATE)) {
            true => ops.and(REPLACE),
            false => ops,
        }
    }
}

impl<'g> Work<'g> {
    fn new(graph: &'g Graph) -> Self {
        Work {
            graph,
            reach: Reach::default(),
            waiting: Vec::new(),
            replaced: HashSet::new(),
        }
    }

    fn name(&mut self, target: Target<'_>) {
        let Target { id, ops, assigned } = target;
        let node = &self.graph.nodes[id];
        // What else changes a row on the way can change more of it, and so can what has another name than the catalog's.
        let told = assigned.filter(|assigned| {
            ops == Ops::UPDATE
                && node.takes_rows_as_given()
                && node.parents.is_empty()
                && node.children.is_empty()
                && (assigned.iter()).all(|name| self.graph.column(node, name).is_some())
        });
        match told {
            Some(assigned) => {
                self.touch(id, &Via::Named);
                self.follow(id, ops, Some(assigned));
            }
            None => self.write(id, ops, &Via::Named),
        }
    }

    fn touch(&mut self, id: usize, via: &Via) -> &mut Touch {
        let touch = self.reach.touched.entry(id).or_insert_with(|| Touch {
            ops: Ops::NONE,
            via: via.clone(),
            again: false,
        });
        touch.again |= *via != Via::Named;
        touch
    }

    fn write(&mut self, id: usize, ops: Ops, via: &Via) {
        let ops = match self.graph.nodes[id].replaces && ops.meets(Ops::INSERT.and(Ops::UPDATE)) {
            true => ops.and(Ops::DELETE),
            false => ops,
        };
        let touch = self.touch(id, via);
        let is_new = !touch.ops.holds(ops);
        touch.ops = touch.ops.and(ops);
        // The same changes, one by one, do less.
        let replaces = Conflict::of(self.graph, ops) == Conflict::Replace;
        if (replaces && self.replaced.insert(id)) || is_new {
            self.waiting.push((id, ops));
        }
    }

    /// What happens when `id` is changed in these ways, `assigned` alone of its columns.
    fn follow(&mut self, id: usize, ops: Ops, assigned: Option<&[Box<str>]>) {
        let graph = self.graph;
        // What is written through a parent is written to its children, with their keys and triggers; and the rows of a child
        // are those of its parents, which foreign keys may point to.
        let below = graph.descendants(id);
        let family = std::iter::once(id).chain(below.iter().copied());
        for member in family.clone().chain(graph.ancestors(id)) {
            for reference in &graph.nodes[member].references {
                self.refer(reference, member, ops, assigned);
            }
        }
        let conflict = Conflict::of(graph, ops);
        for member in family {
            for hook in &graph.nodes[member].hooks {
                if hook.ops.meets(ops) && !self.is_omitted(hook) {
                    self.hook(hook, member, conflict);
                }
            }
        }
        self.read(id);
        if matches!(graph.nodes[id].refusal, Some(Reason::ForeignTable(_))) {
            let why = "its rows are elsewhere, perhaps in a table of this database";
            self.unknown(&Via::Foreign { table: id }, why);
        }
        if graph.nodes[id].kind == RelationKind::View && !graph.omitted.is(Omission::Views) {
            let via = Via::View { view: id };
            for code in &graph.nodes[id].definition {
                for &base in &code.reads {
                    self.write(base, ops, &via);
                }
                // PostgreSQL's catalog shows everything; what it does not list holds no rows of anybody's.
                if graph.dialect == Dialect::MySql
                    && let Some(why) = &code.hidden
                {
                    self.unknown(&via, why);
                }
            }
        }
    }

    fn hook(&mut self, hook: &HookNode, on: usize, conflict: Conflict) {
        let via = Via::Hook {
            kind: hook.kind,
            name: hook.name.clone(),
            on,
        };
        self.run(&hook.code, &via, conflict);
    }

    fn refer(
        &mut self,
        reference: &Reference,
        parent: usize,
        ops: Ops,
        assigned: Option<&[Box<str>]>,
    ) {
        if self.graph.omitted.is(Omission::Cascades) {
            return;
        }
        let via = Via::Cascade {
            key: reference.name.clone(),
            parent,
        };
        if assigned.is_some_and(|assigned| !self.moves(reference, parent, assigned)) {
            return;
        }
        for (at, then) in [
            (Ops::DELETE, reference.on_delete),
            (Ops::UPDATE, reference.on_update),
        ] {
            if ops.meets(at) && then != Ops::NONE {
                self.write(reference.child, then, &via);
            }
        }
    }

    /// Whether an UPDATE that assigns these columns of `parent` and no others can change what a foreign key refers to.
    fn moves(&self, reference: &Reference, parent: usize, assigned: &[Box<str>]) -> bool {
        let graph = self.graph;
        let node = &graph.nodes[parent];
        let moves = |name: &str| {
            let column = graph.column(node, name);
            column.is_none_or(|column| column.computed)
                || assigned.iter().any(|own| graph.is_same_name(own, name))
        };
        reference.columns.is_empty() || reference.columns.iter().any(|name| moves(name))
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
                self.run(code, &Via::View { view: id }, Conflict::AsWritten);
            }
        }
    }

    fn run(&mut self, code: &Code, via: &Via, conflict: Conflict) {
        code.reads.iter().for_each(|&id| self.read(id));
        for &(id, ops) in &code.writes {
            self.write(id, conflict.apply(ops), via);
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
                // SQLite has no routines.
                Ok(code) => self.run(code, via, Conflict::AsWritten),
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
