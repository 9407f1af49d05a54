//! The ways of a query to the database: a read passes through, anything else is followed to its end.

use std::sync::Arc;

use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future, stream};

use super::{
    CachedConnection,
    front::Front,
    scoped::{watched, watched_one},
    statement::Statement,
};
use crate::{
    cache::{Question, Shape},
    pool::Core,
};

/// The answer to a query.
pub(crate) type Items<'a, DB> = BoxStream<'a, Result<<DB as Front>::Item, <DB as Front>::Error>>;

impl<DB: Front> Core<DB> {
    /// Runs a caller's query on any connection.
    pub(super) fn run(self: &Arc<Self>, mut query: DB::Query) -> Items<'static, DB> {
        let scope = self.note_read(&mut query);
        watched(scope, self.send(query))
    }

    /// As [`run`](Self::run), for the first row.
    #[cfg_attr(
        not(feature = "_sqlx"),
        allow(dead_code, reason = "only sqlx asks for the first row")
    )]
    pub(super) fn first(
        self: &Arc<Self>,
        mut query: DB::Query,
    ) -> BoxFuture<'static, Result<Option<DB::Row>, DB::Error>> {
        let scope = self.note_read(&mut query);
        watched_one(scope, self.send_for_first(query))
    }

    /// Runs a query on any connection: a read passes through, anything else is followed to its end.
    fn send(self: &Arc<Self>, query: DB::Query) -> Items<'static, DB> {
        let statement = self.statements.of(DB::text(&query));
        if self.passes(&statement) {
            return DB::run_anywhere(&self.inner, query);
        }
        let core = self.clone();
        stream::once(async move {
            // Whoever gives up while waiting for a connection has sent nothing.
            let mut connection = CachedConnection::acquire(&core).await?;
            connection.follow(statement, query).await
        })
        .try_flatten()
        .boxed()
    }

    /// As `send`, for the first row.
    fn send_for_first(
        self: &Arc<Self>,
        query: DB::Query,
    ) -> BoxFuture<'static, Result<Option<DB::Row>, DB::Error>> {
        if self.passes(&self.statements.of(DB::text(&query))) {
            DB::first_anywhere(&self.inner, query)
        } else {
            first_row::<DB>(self.send(query)).boxed()
        }
    }

    /// Whether a statement changes nothing, so that it need not be followed.
    pub(super) fn passes(&self, statement: &Statement) -> bool {
        // Code may have been replaced by code that writes.
        let is_known =
            || !statement.plan.runs_routines() || self.engine.is_settled(&statement.snapshot.stamp);
        statement.plan.is_plain_read() && is_known()
    }

    /// Whether a load of this question may find a stale answer in the shared tier, and the query is needed again then.
    pub(crate) fn may_be_stale(&self, question: &Question) -> bool {
        let terms = &question.terms;
        question.whole.is_some()
            && (!terms.stale_while_revalidate.is_zero() || terms.tolerate_stale.is_some())
    }

    /// The rows of a query, all or the first.
    pub(crate) fn rows(
        self: &Arc<Self>,
        query: DB::Query,
        shape: Shape,
    ) -> BoxStream<'static, Result<DB::Row, DB::Error>> {
        match shape {
            Shape::First => stream::once(self.send_for_first(query))
                .try_filter_map(|row| future::ready(Ok(row)))
                .boxed(),
            Shape::All | Shape::Rows => self
                .send(query)
                .try_filter_map(|item| future::ready(Ok(DB::row(item))))
                .boxed(),
        }
    }
}

impl<DB: Front> CachedConnection<DB> {
    /// Runs a caller's query on this connection.
    pub(super) async fn run(&mut self, mut query: DB::Query) -> Result<Items<'_, DB>, DB::Error> {
        let statement = self.core().statements.of(DB::text(&query));
        let scope = self.note_read(&statement, &mut query).await?;
        let items = if self.passes(&statement).await? {
            DB::run(self.ready().await?.connection(), query)
        } else {
            self.follow(statement, query).await?
        };
        Ok(watched(scope, items))
    }

    /// As [`run`](Self::run), for the first row.
    #[cfg_attr(
        not(feature = "_sqlx"),
        allow(dead_code, reason = "only sqlx asks for the first row")
    )]
    pub(super) async fn first(
        &mut self,
        mut query: DB::Query,
    ) -> Result<Option<DB::Row>, DB::Error> {
        let statement = self.core().statements.of(DB::text(&query));
        let scope = self.note_read(&statement, &mut query).await?;
        let row = if self.passes(&statement).await? {
            DB::first(self.ready().await?.connection(), query)
        } else {
            first_row::<DB>(self.follow(statement, query).await?).boxed()
        };
        watched_one(scope, row).await
    }
}

/// The first row of a statement that writes: all of the statement is awaited, so that what it wrote is invalidated when
/// the caller has the row.
async fn first_row<DB: Front>(mut items: Items<'_, DB>) -> Result<Option<DB::Row>, DB::Error> {
    let mut first = None;
    while let Some(item) = items.try_next().await? {
        if first.is_none() {
            first = DB::row(item);
        }
    }
    Ok(first)
}
