//! Which names are CTEs where.
//!
//! A CTE's name hides a table's in the query it belongs to, but not in its own body unless it is recursive, and not before
//! it was written. The parser's visitor walks the CTEs of a query in order and then the rest, which is all that is needed.

use std::ptr;

use sqlparser::ast::{Ident, ObjectName, Query};

use super::{
    facts::{Dialect, Relation},
    names,
};

/// The queries around the place that is being walked.
#[derive(Default)]
pub(super) struct Scopes {
    frames: Vec<Frame>,
}

struct Frame {
    /// The query, to find its CTEs' bodies again when they are left. Only compared.
    bodies: Vec<*const Query>,
    names: Vec<String>,
    /// How many of the names can be seen now.
    visible: usize,
    reach: Reach,
}

/// How far the body of a CTE sees.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    /// Those before it.
    Earlier,
    /// Those before it and itself.
    Itself,
    /// All of its query.
    All,
}

impl Scopes {
    /// Goes into `query`. Names are folded by `fold`.
    pub(super) fn enter(
        &mut self,
        dialect: Dialect,
        query: &Query,
        fold: impl Fn(&Ident) -> String,
    ) {
        let mut frame = Frame {
            bodies: Vec::new(),
            names: Vec::new(),
            visible: 0,
            reach: Reach::Earlier,
        };
        if let Some(with) = &query.with {
            frame.reach = match (dialect, with.recursive) {
                // SQLite needs no RECURSIVE, and its CTEs may come in any order.
                (Dialect::Sqlite, _) | (Dialect::Postgres, true) => Reach::All,
                (Dialect::MySql, true) => Reach::Itself,
                (Dialect::Postgres | Dialect::MySql, false) => Reach::Earlier,
            };
            frame.names = with
                .cte_tables
                .iter()
                .map(|cte| fold(&cte.alias.name))
                .collect();
            frame.bodies = with
                .cte_tables
                .iter()
                .map(|cte| ptr::from_ref(&*cte.query))
                .collect();
            frame.visible = match frame.reach {
                Reach::Earlier => 0,
                Reach::Itself => 1,
                Reach::All => frame.names.len(),
            };
        }
        self.frames.push(frame);
    }

    /// Leaves `query`. If it was the body of a CTE, the next one can be seen.
    pub(super) fn leave(&mut self, query: &Query) {
        self.frames.pop();
        if let Some(frame) = self.frames.last_mut()
            && let Some(at) = frame.bodies.iter().position(|body| ptr::eq(*body, query))
        {
            let seen = match frame.reach {
                Reach::Earlier => at + 1,
                Reach::Itself => at + 2,
                Reach::All => frame.names.len(),
            };
            frame.visible = seen.min(frame.names.len());
        }
    }

    /// Whether the unqualified `name` is a CTE here.
    pub(super) fn is_cte(&self, name: &str) -> bool {
        self.frames
            .iter()
            .any(|frame| frame.names[..frame.visible].iter().any(|cte| cte == name))
    }
}

/// The name that an identifier of the tree stands for.
pub(super) fn fold(dialect: Dialect, ident: &Ident) -> Box<str> {
    match ident.quote_style {
        None => names::folded(dialect, &ident.value),
        Some(_) => names::verbatim(dialect, &ident.value),
    }
}

/// The relation that a name of the tree stands for; `None` if it is not a plain name.
pub(super) fn relation(dialect: Dialect, name: &ObjectName) -> Option<Relation> {
    let parts: Option<Vec<Box<str>>> = name
        .0
        .iter()
        .map(|part| part.as_ident().map(|ident| fold(dialect, ident)))
        .collect();
    names::relation(parts?)
}

/// A name by which a CTE is found. In MySQL, spelled in another case it can be a table.
pub(super) fn cte_name(dialect: Dialect, ident: &Ident) -> String {
    match dialect {
        Dialect::Postgres => fold(dialect, ident).into_string(),
        Dialect::MySql => ident.value.clone(),
        Dialect::Sqlite => ident.value.to_ascii_lowercase(),
    }
}
