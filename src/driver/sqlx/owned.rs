//! A query taken out of the caller's hands: text, arguments and all, so that it can outlive the caller's future.

use sqlx::{Database, Error, Execute, SqlStr, error::BoxDynError};

/// Everything that an [`Execute`] carries, owned. Not `Debug`: it holds bound values.
pub struct OwnedQuery<DB: Database> {
    pub(crate) sql: SqlStr,
    pub(crate) arguments: Option<DB::Arguments>,
    statement: Option<DB::Statement>,
    persistent: bool,
}

impl<DB: Database> OwnedQuery<DB> {
    /// Takes a query apart.
    ///
    /// # Errors
    /// An argument that could not be encoded, as the driver itself would report it.
    #[inline]
    pub(crate) fn take<'q>(mut query: impl Execute<'q, DB>) -> Result<Self, Error> {
        // Before the arguments: sqlx's `Map` answers `persistent` by whether they are still there.
        let persistent = query.persistent();
        let arguments = query.take_arguments().map_err(Error::Encode)?;
        let statement = query.statement().cloned();
        Ok(OwnedQuery {
            sql: query.sql(),
            arguments,
            statement,
            persistent,
        })
    }

    /// A text without arguments.
    pub(crate) fn text(sql: SqlStr) -> Self {
        OwnedQuery {
            sql,
            arguments: None,
            statement: None,
            persistent: false,
        }
    }
}

impl<DB: Database<Arguments: Clone>> Clone for OwnedQuery<DB> {
    fn clone(&self) -> Self {
        OwnedQuery {
            sql: self.sql.clone(),
            arguments: self.arguments.clone(),
            statement: self.statement.clone(),
            persistent: self.persistent,
        }
    }
}

impl<DB: Database> Execute<'_, DB> for OwnedQuery<DB> {
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&DB::Statement> {
        self.statement.as_ref()
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}
