//! Writes that bypass the pool, on a real PostgreSQL: that they are seen, of whatever kind; that readers of other rows do
//! not notice; and that whatever breaks ends in a miss and never in an older answer.
//!
//! What is waited for comes by the stream alone: results live for a day, and nobody looks at the catalog in between.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod behind;
mod damage;
mod data_version;
#[cfg(feature = "redis")]
mod election;
mod faults;
mod kinds;
mod kit;
mod lag;
mod notify;
mod notify_faults;
mod races;
mod refusals;
mod rows;
mod slots;
#[cfg(all(feature = "cdc-tls", unix))]
mod tls;
