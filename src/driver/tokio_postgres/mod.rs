//! The tokio-postgres front-end: a deadpool of clients as a [`CachedClient`], in that driver's own verbs.
//!
//! The ways of reads, writes, connections and transactions are those of every front-end; here stands only what this
//! driver does its own way. Arguments are encoded when they are given, so that a statement can outlive its caller, and rows
//! are kept as the bytes that the server sent.

mod asked;
mod cached;
mod client;
mod error;
mod front;
mod given;
mod kind;
mod parameters;
mod query;
mod row;
mod rows;
mod statement;
mod transaction;

pub use cached::CachedQuery;
pub use client::GenericClient;
pub use error::Error;
pub use row::{CachedRow, Column, RowIndex};
pub use rows::Rows;
pub use statement::{Statement, ToStatement};
pub use transaction::TransactionBuilder;

use crate::pool::CachedPool;

/// The driver [`tokio_postgres`], as the parameter of [`CachedPool`] and its kin.
#[derive(Debug)]
pub enum TokioPostgres {}

/// A pool of tokio-postgres clients whose reads can be cached and whose writes invalidate what they can have changed.
///
/// Its verbs are those of [`GenericClient`].
pub type CachedClient = CachedPool<TokioPostgres>;
