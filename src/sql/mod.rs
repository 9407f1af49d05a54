//! SQL text in, facts out: what a statement reads, what it can write, and whether its result may be cached.
//!
//! Pure and synchronous. This room knows no pool, no cache and no catalog; it is the only one that names `sqlparser`.
//! It promises to be sound: no target is missing from the write set, and no table that a cacheable statement names is
//! missing from its read set. `docs/sql-facts.md` tells how, and what text alone cannot show.

mod analyse;
mod body;
mod builtin;
mod called;
mod calls;
mod changes;
mod cursor;
mod ddl;
mod explain;
mod facts;
mod functions;
mod hints;
mod implied;
mod names;
mod normal;
#[cfg(feature = "sqlite")]
mod outline;
#[cfg(feature = "mysql")]
mod parameters;
mod part;
mod pins;
mod plpgsql;
mod program;
mod query;
mod reason;
mod rewrite;
mod scan;
mod scope;
mod statement;
mod stored;
mod tables;
mod targets;
mod token;
mod transaction;
mod utility;
mod walk;

pub use analyse::analyse;
pub use body::{Body, Language, body};
pub use explain::{Explanation, explain};
pub use facts::{Action, Dialect, Facts, Hints, Kind, Ops, Reason, Relation, Step, Writes};
pub use functions::{Functions, is_built_in};
pub use implied::Implied;
#[cfg(feature = "sqlite")]
pub(crate) use outline::{Word, outline};
#[cfg(feature = "mysql")]
pub(crate) use parameters::defaults;
pub use pins::{Occurrence, Operand, Pin, PinnedWrite, Pins};
