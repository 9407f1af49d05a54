//! What the front-ends share: the facts of each statement turned into tags, the ledger of what a connection has written
//! and not yet committed, and the terms that a caller sets for a read.
//!
//! One folder a front-end; they never name each other.

pub(crate) mod identity;
mod ledger;
pub(crate) mod names;
pub(crate) mod plan;
pub(crate) mod policy;
pub(crate) mod snapshot;
pub(crate) mod sqlx;
pub(crate) mod statement;
mod touched;
pub(crate) mod whole;

pub use plan::RowTags;
pub use policy::CachePolicy;
pub use snapshot::SchemaMode;
