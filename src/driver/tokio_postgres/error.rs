//! What a verb of the client can fail with.

use std::{error::Error as StdError, fmt};

use deadpool_postgres::PoolError;
use tokio_postgres::error::DbError;

/// Why a verb of the client failed. This crate adds no values to what the database, a `ToSql` or a `FromSql` says.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The driver's own error: the database's answer, or the connection's.
    Postgres(tokio_postgres::Error),
    /// The pool gave no connection.
    Pool(PoolError),
    /// A verb that wants one row got another number of them.
    RowCount,
    /// An argument could not be encoded as the type that the server expects.
    Argument {
        /// Its place, from 0.
        index: usize,
        /// What its `ToSql` says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Another number of arguments than the statement has parameters.
    Arguments {
        /// How many were given.
        given: usize,
        /// How many there are.
        expected: usize,
    },
    /// A row has no such column.
    NoColumn(String),
    /// A value could not be made from a column.
    Column {
        /// Its place, from 0.
        index: usize,
        /// What its `FromSql` says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The read allowed only a cached answer, and there is none.
    NotCached,
    /// A strict write was not sent, since the other processes could not be told of it first. It has changed nothing.
    Fence(Box<dyn StdError + Send + Sync>),
    /// The task that ran the statement ended before it, with its runtime: nobody knows what became of it.
    Lost,
}

impl Error {
    /// The database's own account, if it was the database that refused.
    pub fn as_db_error(&self) -> Option<&DbError> {
        match self {
            Error::Postgres(error) | Error::Pool(PoolError::Backend(error)) => error.as_db_error(),
            _ => None,
        }
    }

    /// Its SQLSTATE, if it was the database that refused.
    pub fn code(&self) -> Option<&tokio_postgres::error::SqlState> {
        self.as_db_error().map(DbError::code)
    }

    /// Whether it may come from types of parameters or columns that are not what they were.
    pub(super) fn is_of_types(&self) -> bool {
        /// PostgreSQL manual, appendix A: invalid binary representation, protocol violation (a value of another length), datatype
        /// mismatch, undefined object (a type that is gone), undefined function (an operator is one), cannot coerce, ambiguous and
        /// indeterminate parameter, feature not supported (a kept plan has another result), invalid statement name (it is gone).
        const CODES: [&str; 10] = [
            "22P03", "08P01", "42804", "42704", "42883", "42846", "42P08", "42P18", "0A000",
            "26000",
        ];
        self.code().is_some_and(|code| CODES.contains(&code.code()))
    }

    /// Whether the connection failed, or none could be made.
    pub(super) fn is_of_the_connection(&self) -> bool {
        match self {
            Error::Postgres(error) | Error::Pool(PoolError::Backend(error)) => {
                error.is_closed()
                    || error
                        .source()
                        .is_some_and(|source| source.is::<std::io::Error>())
            }
            _ => false,
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Error::Postgres(error)
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Error::Pool(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Postgres(error) => error.fmt(f),
            Error::Pool(error) => error.fmt(f),
            Error::RowCount => f.write_str("the statement returned an unexpected number of rows"),
            Error::Argument { index, .. } => write!(f, "argument {index} cannot be encoded"),
            Error::Arguments { given, expected } => {
                write!(f, "expected {expected} arguments, but got {given}")
            }
            Error::NoColumn(name) => write!(f, "there is no column `{name}`"),
            Error::Column { index, .. } => write!(f, "column {index} cannot be decoded"),
            Error::NotCached => {
                f.write_str("the read allowed only a cached answer, and there is none")
            }
            Error::Fence(_) => f.write_str(
                "a strict write was not sent, since the other processes could not be told of it",
            ),
            Error::Lost => f.write_str("the task that ran the statement ended before it"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::Postgres(error) => error.source(),
            Error::Pool(error) => error.source(),
            Error::Argument { source, .. }
            | Error::Column { source, .. }
            | Error::Fence(source) => Some(&**source),
            _ => None,
        }
    }
}
