//! A query taken out of the caller's hands: text and encoded arguments, so that it can outlive the caller's future.

use std::sync::Arc;

use deadpool_postgres::ClientWrapper;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, future, stream};
use tokio_postgres::{Row, RowStream, error::SqlState, types::Type};

use super::{Column, Error, Statement, parameters::Encoded};
use crate::{cache::Params, driver::front::Values};

/// A part of an answer.
pub enum Item {
    /// A row.
    Row(Row),
    /// The statement has ended, and touched so many rows.
    Done(u64),
}

/// Text and arguments, owned. Not `Debug`: it holds bound values.
#[derive(Clone)]
pub struct OwnedQuery {
    text: Arc<str>,
    way: Way,
}

/// How it is sent.
#[derive(Clone)]
enum Way {
    /// Any number of statements without arguments, by the simple protocol.
    Batch,
    /// By its text.
    Once(Encoded),
    /// As a prepared statement.
    Prepared(Encoded),
}

impl OwnedQuery {
    pub(super) fn new(text: Arc<str>, arguments: Encoded) -> Self {
        let way = Way::Once(arguments);
        Self { text, way }
    }

    /// By its text all the same, if it has types of the user's own: a statement keeps those as they were when it was prepared.
    pub(super) fn prepared(statement: &Statement, arguments: Encoded) -> Self {
        let columns = statement.columns().iter().map(Column::type_);
        let mut types = statement.params().iter().chain(columns);
        let way = match types.all(|kind| Type::from_oid(kind.oid()).is_some()) {
            true => Way::Prepared(arguments),
            false => Way::Once(arguments),
        };
        Self {
            text: statement.text.clone(),
            way,
        }
    }

    pub(super) fn batch(text: &str) -> Self {
        Self {
            text: text.into(),
            way: Way::Batch,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn arguments(&self) -> Option<&Encoded> {
        match &self.way {
            Way::Batch => None,
            Way::Once(arguments) | Way::Prepared(arguments) => Some(arguments),
        }
    }

    #[inline]
    pub(super) fn parameters(&self, key: &mut Params) {
        if let Some(arguments) = self.arguments() {
            arguments.write(key);
        }
    }

    pub(super) fn values(&self) -> Values {
        self.arguments().map(Encoded::values).unwrap_or_default()
    }

    /// Runs it.
    pub(super) async fn send(
        self,
        connection: &ClientWrapper,
    ) -> Result<BoxStream<'static, Result<Item, Error>>, Error> {
        // The driver keeps the user's types for the life of a connection, and `ALTER TYPE` may have changed them: a row that is kept
        // must not tell others of an enum without its new words.
        connection.clear_type_cache();
        let rows = match self.way {
            Way::Batch => {
                connection.batch_execute(&self.text).await?;
                return Ok(stream::once(future::ready(Ok(Item::Done(0)))).boxed());
            }
            // One round trip: the types of the arguments are known, so nothing is prepared.
            Way::Once(arguments) => {
                connection
                    .query_typed_raw(&self.text, arguments.bound())
                    .await?
            }
            Way::Prepared(arguments) => prepared(connection, &self.text, &arguments).await?,
        };
        // Read to the end before its count is asked for.
        let items = stream::unfold(Some(Box::pin(rows)), |rows| async move {
            let mut rows = rows?;
            match rows.try_next().await {
                Ok(Some(row)) => Some((Ok(Item::Row(row)), Some(rows))),
                Ok(None) => Some((Ok(Item::Done(rows.rows_affected().unwrap_or(0))), None)),
                Err(error) => Some((Err(error.into()), None)),
            }
        });
        Ok(items.boxed())
    }
}

/// Runs a statement that the connection prepares once, and again if what it prepared does not serve any more.
async fn prepared(
    connection: &ClientWrapper,
    text: &str,
    arguments: &Encoded,
) -> Result<RowStream, tokio_postgres::Error> {
    let types = arguments.types();
    let run = async || {
        let statement = connection.prepare_typed_cached(text, types).await?;
        let bound = arguments.bound().into_iter().map(|(value, _)| value);
        connection.query_raw(&statement, bound).await
    };
    match run().await {
        Err(outdated) if is_outdated(&outdated) => {
            // Nothing has been executed: the server refused to bind.
            drop(connection.statement_cache.remove(text, types));
            // In a transaction, which has failed by this, nothing can be prepared.
            run().await.map_err(|_| outdated)
        }
        rows => rows,
    }
}

/// Whether a prepared statement is gone (`DEALLOCATE`), or would give other columns than when it was prepared.
fn is_outdated(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        *code == SqlState::INVALID_SQL_STATEMENT_NAME || *code == SqlState::FEATURE_NOT_SUPPORTED
    })
}
