//! What a read answers, in a form that can be kept in the cache and compared: rows of typed bytes, or the error.

use std::fmt;

use serde::{Deserialize, Serialize};
use sqlx::{
    ColumnIndex, Decode, Error, FromRow, Row, TypeInfo, ValueRef, mysql::MySqlRow, postgres::PgRow,
    sqlite::SqliteRow,
};

/// A row: type and bytes of each column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Line(Vec<(String, Option<Vec<u8>>)>);

/// A row of some driver.
pub(crate) trait Cells: Row {
    /// All of it.
    fn line(&self) -> Result<Line, Error>;
}

macro_rules! cells {
    ($($Row:ty),+) => {
        $(impl Cells for $Row {
            fn line(&self) -> Result<Line, Error> {
                line(self)
            }
        })+
    };
}

cells!(PgRow, MySqlRow, SqliteRow);

fn line<'r, R: Row>(row: &'r R) -> Result<Line, Error>
where
    usize: ColumnIndex<R>,
    Vec<u8>: Decode<'r, R::Database>,
{
    let cell = |at| {
        let value = row.try_get_raw(at)?;
        let name = value.type_info().name().to_owned();
        let bytes = if value.is_null() {
            None
        } else {
            Some(Vec::decode(value).map_err(Error::Decode)?)
        };
        Ok((name, bytes))
    };
    (0..row.len()).map(cell).collect::<Result<_, _>>().map(Line)
}

impl<'r, R: Cells> FromRow<'r, R> for Line {
    fn from_row(row: &'r R) -> Result<Self, Error> {
        row.line()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |(name, bytes): &(String, Option<Vec<u8>>)| match bytes {
            None => "NULL".to_owned(),
            Some(bytes) => format!("{name} {}", shown(bytes)),
        };
        let cells: Vec<String> = self.0.iter().map(cell).collect();
        write!(f, "({})", cells.join(", "))
    }
}

fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => format!("{text:?}"),
        _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The rows, sorted unless the statement orders them.
    Rows(Vec<Line>),
    Error(String),
}

impl Answer {
    /// Makes answers to a statement comparable.
    pub(crate) fn new(sql: &str, result: Result<Vec<Line>, Error>) -> Self {
        match result {
            Ok(mut lines) => {
                if !sql.contains("ORDER BY") {
                    lines.sort();
                }
                Answer::Rows(lines)
            }
            Err(Error::Database(error)) => Answer::Error(format!(
                "{}: {}",
                error.code().unwrap_or_default(),
                error.message()
            )),
            Err(error) => Answer::Error(error.to_string()),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Rows(lines) => {
                let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
                write!(f, "{} rows: {}", lines.len(), lines.join(" "))
            }
            Answer::Error(error) => write!(f, "error {error}"),
        }
    }
}
