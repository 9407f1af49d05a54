//! What the loaders find in a database's catalog, on real servers: each finding is a line of `inspect::catalog`, so a test
//! says in words what must be there.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod kit;

mod mysql;
mod postgres;
mod sqlite;
