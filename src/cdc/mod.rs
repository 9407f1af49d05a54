//! Change data capture: what is written past the pool, read from PostgreSQL's logical replication.
//!
//! Promises that every committed transaction moves the clock for all that it changed once it is visible, that a start, a
//! gap or a message that cannot be read moves everything, never nothing, and that memory answers nothing while this
//! process may not hear ([`LogicalReplication::max_staleness`]). `docs/cdc.md` has the argument.
//!
//! It knows tags, messages and time. It must not know a pool, a driver or the schema: the pool says by the trait `Changes` what a
//! changed row moves.

mod changes;
mod feed;
mod hearing;
// Not covered by semver: reachable for tests and fuzz targets.
#[doc(hidden)]
pub mod pgoutput;
#[cfg(feature = "testing")]
mod replay;
mod session;
mod settings;
#[cfg(all(test, not(shuttle)))]
mod testkit;
mod transaction;
mod trouble;
mod wire;

pub use settings::LogicalReplication;

pub(crate) use changes::{Changes, Rows, Running};
pub(crate) use feed::Feed;
#[cfg(feature = "testing")]
pub(crate) use replay::replay;
pub(crate) use settings::Target;
pub(crate) use trouble::Trouble;
