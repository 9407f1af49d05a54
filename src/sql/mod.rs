//! SQL text in, facts out: what a statement reads, what it can write, and whether its result may be cached.
//!
//! Pure and synchronous. This room knows no pool, no cache and no catalog; it is the only one that names `sqlparser`.

mod facts;

pub use facts::{Dialect, Facts, Kind, Reason, Relation, Step, Writes};
