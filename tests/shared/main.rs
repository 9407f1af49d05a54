//! The shared tier on real servers: each promise of `SharedTier`, and what breaks it elsewhere.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod clock;
mod cluster;
mod entries;
mod failover;
mod faults;
mod holds;
mod kit;
mod refusals;
#[cfg(feature = "redis-tls")]
mod tls;
mod valkey;
mod vouching;
