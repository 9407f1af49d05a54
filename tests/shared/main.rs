//! The shared tier on real servers: each promise of `SharedTier`, and what breaks it elsewhere.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod clock;
mod entries;
mod holds;
mod kit;
