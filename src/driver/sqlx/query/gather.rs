//! Rows, gathered into what is kept: all of them, or the first.

use super::CacheValue;
use crate::cache::{Shape, Value};

/// `Vec<O>` for all rows, `Option<O>` for the first. Sealed.
pub trait Gather<O>: Value + Clone {
    /// How it is told from the other in keys.
    const SHAPE: Shape;

    /// Made from the rows that the database gave.
    fn gather(rows: Vec<O>) -> Self;
}

impl<O: CacheValue> Gather<O> for Vec<O> {
    const SHAPE: Shape = Shape::All;

    fn gather(rows: Vec<O>) -> Self {
        rows
    }
}

impl<O: CacheValue> Gather<O> for Option<O> {
    const SHAPE: Shape = Shape::First;

    fn gather(rows: Vec<O>) -> Self {
        rows.into_iter().next()
    }
}
