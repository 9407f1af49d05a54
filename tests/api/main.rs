//! What the example `api` shows, each practice as one test against the running example.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod browser;
mod kit;
mod outage;
mod practices;
