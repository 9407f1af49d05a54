//! A sqlx pool whose reads are cached and whose writes invalidate what they can have changed.

pub mod cache;
pub mod observe;
pub mod sql;
pub mod tier;
