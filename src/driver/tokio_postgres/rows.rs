//! The rows of a result, as they are kept and shared.

use std::{ops::Deref, sync::Arc};

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::{CachedRow, Column, Error, kind::Described, row::copy};
use crate::{
    cache::{Codec, DecodeError, EncodeError, Stay, Value, Weight, decode, encode, weigh},
    driver::postgres::values::split,
};

/// The most rows without columns that leave the process: whoever reads them makes rows of bytes in which they take no room.
const MOST_EMPTY: u64 = 1 << 16;

/// All rows of a result.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    columns: Arc<[Column]>,
    /// The values of all rows, one after the other.
    values: Bytes,
    rows: Vec<CachedRow>,
}

impl Rows {
    /// Takes what the driver gave.
    pub(super) fn new(rows: &[tokio_postgres::Row]) -> Result<Self, Error> {
        let columns = rows.first().map(tokio_postgres::Row::columns);
        let columns = columns
            .unwrap_or_default()
            .iter()
            .map(Column::from)
            .collect();
        // What the server sends of a row is as long as what is kept of it. All at once, since what grows keeps room to spare.
        let sizes = rows.iter().map(tokio_postgres::Row::raw_size_bytes);
        let mut values = BytesMut::with_capacity(sizes.sum());
        for row in rows {
            copy(row, &mut values)?;
        }
        let count = rows.len() as u64;
        let rows = Self::split(columns, values.freeze(), count);
        Ok(rows.expect("each value was written with its length"))
    }

    /// Puts rows together from their values; `None` if those are not so many rows.
    fn split(columns: Arc<[Column]>, values: Bytes, count: u64) -> Option<Self> {
        let mut rows = Vec::new();
        let mut rest = &values[..];
        for _ in 0..count {
            let start = rest;
            for _ in &*columns {
                (_, rest) = split(rest)?;
            }
            rows.push(CachedRow {
                columns: columns.clone(),
                values: values.slice_ref(&start[..start.len() - rest.len()]),
            });
        }
        rest.is_empty().then_some(())?;
        Some(Self {
            columns,
            values,
            rows,
        })
    }

    /// The rows.
    pub fn into_vec(self) -> Vec<CachedRow> {
        self.rows
    }

    /// The only row, if there is one.
    ///
    /// # Errors
    /// [`Error::RowCount`] if there is more than one.
    pub fn opt(&self) -> Result<Option<CachedRow>, Error> {
        match &self.rows[..] {
            [] => Ok(None),
            [row] => Ok(Some(row.clone())),
            _ => Err(Error::RowCount),
        }
    }

    /// The only row.
    ///
    /// # Errors
    /// [`Error::RowCount`] if there is none or more than one.
    pub fn one(&self) -> Result<CachedRow, Error> {
        self.opt()?.ok_or(Error::RowCount)
    }

    fn sent(&self) -> Option<Sent> {
        if self.columns.is_empty() && self.rows.len() as u64 > MOST_EMPTY {
            return None;
        }
        let column = |column: &Column| Some((column.name.clone(), Described::of(&column.kind)?));
        Some(Sent {
            columns: self.columns.iter().map(column).collect::<Option<_>>()?,
            count: self.rows.len() as u64,
            values: self.values.clone(),
        })
    }
}

impl PartialEq for Rows {
    /// Without a look at the rows themselves: columns and values tell where each begins.
    fn eq(&self, other: &Self) -> bool {
        self.rows.len() == other.rows.len()
            && self.columns == other.columns
            && self.values == other.values
    }
}

impl Eq for Rows {}

impl Deref for Rows {
    type Target = [CachedRow];

    fn deref(&self) -> &[CachedRow] {
        &self.rows
    }
}

/// Rows among processes. Counted up in [`FORM`] when the same bytes come to mean something else.
#[derive(Serialize, Deserialize)]
struct Sent {
    columns: Vec<(Box<str>, Described)>,
    count: u64,
    values: Bytes,
}

/// What tells this form from others.
const FORM: u128 = u128::from_be_bytes(*b"cachedpool rows1");

/// How many rows there are, without making them.
#[derive(Deserialize)]
struct Counted {
    count: u64,
}

/// Adds what the rows take in memory beside their values: without it, a result of many small rows would weigh a tenth of what
/// it takes.
fn with_rows(encoded: Weight, count: u64) -> Weight {
    let rows = usize::try_from(count).unwrap_or(usize::MAX);
    let rows = rows.saturating_mul(size_of::<CachedRow>());
    Weight {
        bytes: encoded.bytes.saturating_add(rows),
        ..encoded
    }
}

impl Value for Rows {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn weight(&self) -> Result<Weight, EncodeError> {
        let sent = self.sent().ok_or_else(EncodeError::new)?;
        Ok(with_rows(weigh(&sent)?, sent.count))
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec {
            pack: |rows| {
                let sent = rows.sent().ok_or(Stay::Unencodable)?;
                let bytes = encode(&sent).map_err(|_| Stay::Unencodable)?;
                match unpack(&bytes) {
                    Ok(read) if read == *rows => Ok(bytes),
                    _ => Err(Stay::Altered),
                }
            },
            unpack,
            weight: |bytes| {
                // Bytes that are no rows are refused by `unpack`.
                let count = decode(bytes).map_or(0, |Counted { count }| count);
                with_rows(Weight::of(bytes), count)
            },
            fingerprint: || FORM,
        })
    }
}

fn unpack(bytes: &[u8]) -> Result<Rows, DecodeError> {
    let sent: Sent = decode(bytes)?;
    if sent.columns.is_empty() && sent.count > MOST_EMPTY {
        return Err(DecodeError::new());
    }
    let column = |(name, kind): (Box<str>, Described)| {
        let kind = kind.into_type()?;
        Some(Column { name, kind })
    };
    let columns: Option<_> = sent.columns.into_iter().map(column).collect();
    columns
        .and_then(|columns| Rows::split(columns, sent.values, sent.count))
        .ok_or_else(DecodeError::new)
}

#[cfg(all(test, not(shuttle)))]
mod tests;
