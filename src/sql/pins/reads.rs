//! Every occurrence of every table in a query, level by level.

use std::ops::ControlFlow;

use sqlparser::ast::{ObjectName, Query, Select, Visit, Visitor};

use super::{
    Occurrence, Operands,
    level::{Level, only},
};
use crate::sql::{
    builtin,
    facts::Relation,
    scope::{Scopes, cte_name, relation},
};

/// The occurrences in `query`; `None` if some of its tables are in places that are not known here.
pub(super) fn reads(operands: &Operands, query: &Query) -> Option<Vec<Occurrence>> {
    let mut reads = Reads {
        operands,
        scopes: Scopes::default(),
        occurrences: Vec::new(),
        met: 0,
        named: 0,
    };
    // The walk never breaks off.
    let _ = query.visit(&mut reads);
    (reads.met == reads.named).then_some(reads.occurrences)
}

struct Reads<'a> {
    operands: &'a Operands,
    scopes: Scopes,
    occurrences: Vec<Occurrence>,
    /// How many names the parser's visitor takes for a table's.
    met: usize,
    /// How many of them are behind a `FROM`.
    named: usize,
}

impl Visitor for Reads<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let dialect = self.operands.dialect();
        self.scopes
            .enter(dialect, query, |ident| cte_name(dialect, ident));
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.scopes.leave(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let mut level = Level::new(self.operands);
        for tables in &select.from {
            self.named += Level::tables(tables);
            level.item(tables, &|name| self.table(name));
        }
        level.filter(select.selection.as_ref());
        self.occurrences.extend(level.occurrences());
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, _: &ObjectName) -> ControlFlow<()> {
        self.met += 1;
        ControlFlow::Continue(())
    }
}

impl Reads<'_> {
    /// The table that a name stands for; `None` for CTEs and for names that stand for none.
    fn table(&self, name: &ObjectName) -> Option<Relation> {
        let dialect = self.operands.dialect();
        let cte = only(name).is_some_and(|ident| self.scopes.is_cte(&cte_name(dialect, ident)));
        relation(dialect, name).filter(|relation| !cte && !builtin::is_no_table(dialect, relation))
    }
}
