//! What a client of a service behind the layer sees, over TCP: responses are kept, validated and served stale as the RFCs say
//! ([`conformance`]), reach nobody whom they are not for ([`security`]), and are never older than the last write that has
//! returned ([`property`]).
//!
//! The clock of every service is turned by hand, and what handlers read is written through the pool.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod bad_input;
mod conformance;
mod followed;
mod kit;
mod property;
mod security;
mod shared;
