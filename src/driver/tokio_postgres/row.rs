//! Rows as the server sent them: bytes, from which values are made when they are asked for.

use std::{fmt, sync::Arc};

use bytes::{BufMut as _, Bytes, BytesMut};
use tokio_postgres::types::{FromSql, Type, WrongType};

use super::Error;
use crate::driver::postgres::values::{NULL, split};

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub(super) name: Box<str>,
    pub(super) kind: Type,
}

impl Column {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its type.
    pub fn type_(&self) -> &Type {
        &self.kind
    }
}

impl From<&tokio_postgres::Column> for Column {
    fn from(column: &tokio_postgres::Column) -> Self {
        Self {
            name: column.name().into(),
            kind: column.type_().clone(),
        }
    }
}

/// A row, from the database or from the cache. Cloning it is cheap.
///
/// `get` and `try_get` make a value of any type that implements the driver's `FromSql`, and borrow from the row where
/// that does.
#[derive(Clone, PartialEq, Eq)]
pub struct CachedRow {
    pub(super) columns: Arc<[Column]>,
    /// For each column its length and its bytes.
    pub(super) values: Bytes,
}

impl CachedRow {
    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Whether it has no columns.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// How many columns it has.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// The value of a column, by its place or its name.
    ///
    /// # Panics
    /// Where [`try_get`](Self::try_get) fails.
    #[track_caller]
    pub fn get<'r, I: RowIndex + fmt::Display, T: FromSql<'r>>(&'r self, index: I) -> T {
        match self.try_get(&index) {
            Ok(value) => value,
            Err(error) => panic!("error retrieving column {index}: {error}"),
        }
    }

    /// The value of a column, by its place or its name.
    ///
    /// # Errors
    /// If there is no such column, its type is another one, or its value cannot be made into this type.
    pub fn try_get<'r, I: RowIndex + fmt::Display, T: FromSql<'r>>(
        &'r self,
        index: I,
    ) -> Result<T, Error> {
        let at = index
            .place(&self.columns)
            .ok_or_else(|| Error::NoColumn(index.to_string()))?;
        let kind = &self.columns[at].kind;
        let value = match T::accepts(kind) {
            true => T::from_sql_nullable(kind, self.raw(at)),
            false => Err(WrongType::new::<T>(kind.clone()).into()),
        };
        value.map_err(|source| Error::Column { index: at, source })
    }

    /// The bytes of a column; `None` for NULL.
    fn raw(&self, at: usize) -> Option<&[u8]> {
        let mut rest = &self.values[..];
        for _ in 0..at {
            (_, rest) = split(rest)?;
        }
        split(rest)?.0
    }
}

/// Writes the values of a row of the driver's.
pub(super) fn copy(row: &tokio_postgres::Row, to: &mut BytesMut) -> Result<(), Error> {
    for at in 0..row.len() {
        match row.try_get(at)? {
            Raw(None) => to.put_i32(NULL),
            Raw(Some(bytes)) => {
                let length = i32::try_from(bytes.len()).map_err(|error| Error::Column {
                    index: at,
                    source: error.into(),
                })?;
                to.put_i32(length);
                to.extend_from_slice(bytes);
            }
        }
    }
    Ok(())
}

/// The bytes of a column, whatever its type.
struct Raw<'r>(Option<&'r [u8]>);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Raw(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl fmt::Debug for CachedRow {
    /// Leaves the values out: they are the user's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedRow")
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for usize {}
    impl Sealed for str {}
    impl<T: Sealed + ?Sized> Sealed for &T {}
}

/// What a column can be found by: its place, or its name. Sealed.
pub trait RowIndex: sealed::Sealed {
    #[doc(hidden)]
    fn place(&self, columns: &[Column]) -> Option<usize>;
}

impl RowIndex for usize {
    fn place(&self, columns: &[Column]) -> Option<usize> {
        (*self < columns.len()).then_some(*self)
    }
}

impl RowIndex for str {
    /// As the driver does: the name as it is written, then in whatever case.
    fn place(&self, columns: &[Column]) -> Option<usize> {
        let named = |same: fn(&str, &str) -> bool| {
            columns.iter().position(|column| same(&column.name, self))
        };
        named(|one, other| one == other).or_else(|| named(str::eq_ignore_ascii_case))
    }
}

impl<T: RowIndex + ?Sized> RowIndex for &T {
    fn place(&self, columns: &[Column]) -> Option<usize> {
        (**self).place(columns)
    }
}
