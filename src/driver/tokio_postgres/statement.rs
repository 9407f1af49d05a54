//! Statements: a text, or one that was prepared.

use std::{fmt, sync::Arc};

use tokio_postgres::types::Type;

use super::row::Column;

/// A statement whose types the server has told; made by [`GenericClient::prepare`](super::GenericClient::prepare).
///
/// It belongs to no connection: each prepares it for itself, in deadpool's cache of statements, when it first runs it.
#[derive(Clone)]
pub struct Statement {
    pub(super) text: Arc<str>,
    pub(super) parameters: Arc<[Type]>,
    columns: Arc<[Column]>,
}

impl Statement {
    pub(super) fn new(text: &str, told: &tokio_postgres::Statement) -> Self {
        let columns = told.columns().iter();
        Self {
            text: text.into(),
            parameters: told.params().into(),
            columns: columns.map(Column::from).collect(),
        }
    }

    /// The types of its parameters.
    pub fn params(&self) -> &[Type] {
        &self.parameters
    }

    /// The columns of its rows.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Statement")
            .field("params", &self.parameters)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

/// What can be run: a text, or a [`Statement`]. Sealed.
pub trait ToStatement: Sync {
    #[doc(hidden)]
    fn to_told(&self) -> Told<'_>;
}

/// What is known of a statement.
#[derive(Clone, Copy)]
pub enum Told<'s> {
    /// Its text.
    Text(&'s str),
    /// Its text, and its types as they were.
    Prepared(&'s Statement),
}

impl ToStatement for str {
    fn to_told(&self) -> Told<'_> {
        Told::Text(self)
    }
}

impl ToStatement for String {
    fn to_told(&self) -> Told<'_> {
        Told::Text(self)
    }
}

impl ToStatement for Statement {
    fn to_told(&self) -> Told<'_> {
        Told::Prepared(self)
    }
}
