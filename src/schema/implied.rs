//! Functions that run without being named: as a row's column, behind an operator, a cast, a type.
//!
//! Promises that whatever a statement or a piece of code can run in such a way is found, if it can be noticed at all: what
//! only computes from its arguments is left out, whatever it was declared as.

use super::{
    catalog::{ImpliedCall, Volatility},
    graph::Graph,
    names::Names,
};
use crate::sql::{Implied, Relation};

/// The functions of a graph that run without being named.
#[derive(Debug)]
pub(super) struct ImpliedRoutines {
    /// Routines that a row can be given to as their only argument.
    pub(super) of_rows: Names,
    /// Behind operators; without one, those that any statement can run.
    behind: Vec<(Option<Box<str>>, usize)>,
}

impl ImpliedRoutines {
    pub(super) fn new(of_rows: Names) -> Self {
        ImpliedRoutines {
            of_rows,
            behind: Vec::new(),
        }
    }

    /// Those behind the operators of some code.
    pub(super) fn behind<'a>(
        &'a self,
        operators: &'a [Box<str>],
    ) -> impl Iterator<Item = usize> + 'a {
        let used = |symbol: &str| operators.iter().any(|run| run.contains(symbol));
        self.behind
            .iter()
            .filter(move |(symbol, _)| symbol.as_deref().is_some_and(used))
            .map(|&(_, routine)| routine)
    }

    /// Those of a statement.
    pub(super) fn of_statement(&self, implied: &Implied) -> Vec<usize> {
        let anywhere = self.behind.iter().filter(|(symbol, _)| symbol.is_none());
        anywhere
            .map(|&(_, routine)| routine)
            .chain(self.behind(&implied.operators))
            .chain(self.of_fields(&implied.fields))
            .collect()
    }

    fn of_fields<'a>(&'a self, fields: &'a [Box<str>]) -> impl Iterator<Item = usize> + 'a {
        fields
            .iter()
            .flat_map(|field| as_column(&self.of_rows, field))
    }
}

/// The routines that a name behind a dot can mean.
pub(super) fn as_column(of_rows: &Names, field: &str) -> Vec<usize> {
    of_rows.anywhere(&Relation::named(field))
}

impl Graph {
    /// Puts the functions in that operators, casts and types bring with them. Last of all: it looks at what they do.
    pub(super) fn imply(&mut self, calls: &[ImpliedCall]) {
        let mut all: Vec<(Option<Box<str>>, usize)> = Vec::new();
        for call in calls {
            let routines = self.routine_names.anywhere(&call.function);
            all.extend(routines.into_iter().map(|id| (call.operator.clone(), id)));
        }
        // One can be noticed if it calls another that can: again, until there are no more of them.
        loop {
            let noticed = all.iter().filter(|(_, id)| self.can_be_noticed(*id));
            let noticed: Vec<(Option<Box<str>>, usize)> = noticed.cloned().collect();
            if noticed.len() == self.implied.behind.len() {
                return;
            }
            self.implied.behind = noticed;
        }
    }

    /// What is unknown about them, for people.
    pub(super) fn implied_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (operator, id) in &self.implied.behind {
            let Some(unknown) = self.expand([], &[], &[*id]).everything else {
                continue;
            };
            let who = match operator {
                Some(operator) => format!("every statement with the operator `{operator}`"),
                None => "an operator, a cast or a type brings it along: every statement".to_owned(),
            };
            warnings.push(format!(
                "{}: {}: {who} invalidates everything",
                self.words(&unknown.via),
                unknown.why
            ));
        }
        warnings.sort_unstable();
        warnings.dedup();
        warnings
    }

    /// Whether a routine does more than to compute from its arguments.
    fn can_be_noticed(&self, id: usize) -> bool {
        let routine = &self.routines[id];
        let promises = routine.volatility == Volatility::Immutable;
        let reach = self.expand([], &[], &[id]);
        if reach.everything.is_some() || reach.session || !reach.touched.is_empty() {
            return true;
        }
        match &routine.code {
            Ok(code) => {
                let needs = self.behind_code(code);
                !needs.nodes.is_empty() || (needs.refusal.is_some() && !promises)
            }
            Err(_) => !promises,
        }
    }
}
