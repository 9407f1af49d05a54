//! What the front-ends share: the facts of each statement turned into tags, the ledger of what a connection has written
//! and not yet committed, the terms that a caller sets for a read, and the ways of reads and writes.
//!
//! Every statement that can change something runs in a task of its own, to its end, with a guard of the version clock
//! held from before it is sent until after it has answered. Whoever drops a future on the way drops only the answer.
//!
//! One folder a front-end; they never name each other. What they differ in stands in the trait [`Front`].

mod ask;
mod checkout;
mod connection;
mod definitions;
mod front;
pub(crate) mod identity;
mod ledger;
pub(crate) mod plan;
pub(crate) mod policy;
#[cfg(feature = "_postgres")]
mod postgres;
mod read;
mod reading;
mod scoped;
mod send;
pub(crate) mod snapshot;
#[cfg(feature = "_sqlx")]
pub(crate) mod sqlx;
pub(crate) mod statement;
#[cfg(feature = "tokio-postgres")]
pub mod tokio_postgres;
mod touched;
mod transaction;
pub(crate) mod whole;

pub use connection::{CachedConnection, CachedPoolConnection};
pub use front::{Front, Wrap};
pub use plan::RowTags;
pub use policy::CachePolicy;
pub use read::CachedRead;
pub use snapshot::SchemaMode;
pub use transaction::Transaction;

pub(crate) use definitions::{Definitions, Trouble, watch};
pub(crate) use front::Session;
