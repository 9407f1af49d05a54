//! Functions that run without being named: as a row's column, behind an operator, a cast, a type.
//!
//! Promises that whatever a statement or a piece of code can run in such a way is found, if it can be noticed at all: what
//! only computes from its arguments is left out, whatever it was declared as.

use super::{
    catalog::{ImpliedCall, Volatility},
    graph::Graph,
    names::Names,
};
use crate::sql::{Facts, Relation};

/// The functions of a graph that run without being named.
#[derive(Debug)]
pub(super) struct ImpliedRoutines {
    /// Routines that a row can be given to as their only argument.
    pub(super) of_rows: Names,
    /// With what each needs to run, and its routine.
    behind: Vec<(ImpliedBy, usize)>,
}

/// What a function needs to run.
#[derive(Clone, Debug)]
enum ImpliedBy {
    Anything,
    Operator(Box<str>),
    /// The name of a type, or any code.
    Type(Box<str>),
}

impl ImpliedRoutines {
    pub(super) fn new(of_rows: Names) -> Self {
        ImpliedRoutines {
            of_rows,
            behind: Vec::new(),
        }
    }

    /// Those of some code with these operators, wherever its types come from.
    pub(super) fn behind<'a>(
        &'a self,
        operators: &'a [Box<str>],
    ) -> impl Iterator<Item = usize> + 'a {
        let runs = move |by: &ImpliedBy| match by {
            ImpliedBy::Anything => false,
            ImpliedBy::Operator(symbol) => operators.iter().any(|run| run.contains(&**symbol)),
            ImpliedBy::Type(_) => true,
        };
        let behind = self.behind.iter().filter(move |(by, _)| runs(by));
        behind.map(|&(_, routine)| routine)
    }

    /// Those of a statement.
    pub(super) fn of_statement(&self, facts: &Facts) -> Vec<usize> {
        let implied = &facts.implied;
        // A name too many is found where one is part of another.
        let text = facts.normal.to_lowercase();
        let runs = |by: &ImpliedBy| match by {
            ImpliedBy::Anything => true,
            ImpliedBy::Operator(symbol) => {
                implied.operators.iter().any(|run| run.contains(&**symbol))
            }
            ImpliedBy::Type(name) => text.contains(&name.replace('"', "\"\"").to_lowercase()),
        };
        let behind = self.behind.iter().filter(|(by, _)| runs(by));
        behind
            .map(|&(_, routine)| routine)
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
        let mut all: Vec<(ImpliedBy, usize)> = Vec::new();
        for call in calls {
            let routines = self.routine_names.anywhere(&call.function);
            let by = match (&call.operator, &call.type_name) {
                (Some(symbol), _) => ImpliedBy::Operator(symbol.clone()),
                (None, Some(name)) => ImpliedBy::Type(name.clone()),
                (None, None) => ImpliedBy::Anything,
            };
            all.extend(routines.into_iter().map(|id| (by.clone(), id)));
        }
        // One can be noticed if it calls another that can: again, until there are no more of them.
        loop {
            let noticed = all.iter().filter(|(_, id)| self.can_be_noticed(*id));
            let noticed: Vec<(ImpliedBy, usize)> = noticed.cloned().collect();
            if noticed.len() == self.implied.behind.len() {
                return;
            }
            self.implied.behind = noticed;
        }
    }

    /// What is unknown about them, for people.
    pub(super) fn implied_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (by, id) in &self.implied.behind {
            let Some(unknown) = self.expand([], &[], &[*id]).everything else {
                continue;
            };
            let who = match by {
                ImpliedBy::Operator(symbol) => {
                    format!("every statement with the operator `{symbol}`")
                }
                ImpliedBy::Type(name) => format!("every statement with the type `{name}`"),
                ImpliedBy::Anything => {
                    "an operator, a cast or a type brings it along: every statement".to_owned()
                }
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
