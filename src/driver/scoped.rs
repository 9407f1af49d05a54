//! What goes past the cache, as a [`Scope`] is told of it: reads with the stamp that was noted before they are sent, and
//! whatever else is done as a refusal.

use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{FutureExt as _, StreamExt as _, TryFutureExt as _, TryStreamExt as _};

use super::{CachedConnection, checkout::Checkout, front::Front, statement::Statement};
use crate::{
    cache::{Era, Scope, Stamp},
    pool::Core,
};

impl<DB: Front> Core<DB> {
    /// Why nobody can tell until when the result of a statement is true; `None` if its plan says it.
    pub(super) fn unfollowed(&self, statement: &Statement) -> Option<&'static str> {
        let plan = &statement.plan;
        let refusal = plan.refusal.as_ref().or(plan.unscoped.as_ref());
        match refusal {
            Some(refusal) => Some(refusal.label()),
            None if !self.engine.still_holds(&statement.snapshot.stamp) => Some("schema_changed"),
            None => None,
        }
    }

    /// Tells the caller's scope of a statement that any connection of the pool is about to run. To be called before it is
    /// sent.
    pub(super) fn note_read(&self, query: &mut DB::Query) -> Option<Scope> {
        let scope = Scope::current()?;
        let statement = self.statements.of(DB::text(query));
        match self.stamp_of(&statement, query) {
            Ok(stamp) => scope.read(&self.engine, stamp),
            Err(why) => scope.refuse(why),
        }
        Some(scope)
    }

    fn stamp_of(
        &self,
        statement: &Statement,
        query: &mut DB::Query,
    ) -> Result<Stamp, &'static str> {
        if !self.passes(statement) {
            return Err("write");
        }
        match self.unfollowed(statement) {
            Some(why) => Err(why),
            None => {
                let values = || DB::values(query);
                Ok(self.engine.stamp(&statement.plan.reads_with(values)))
            }
        }
    }
}

impl<DB: Front> CachedConnection<DB> {
    /// As [`Core::note_read`], for this connection.
    pub(super) async fn note_read(
        &mut self,
        statement: &Statement,
        query: &mut DB::Query,
    ) -> Result<Option<Scope>, DB::Error> {
        let Some(scope) = Scope::current() else {
            return Ok(None);
        };
        let era = self.era.clone();
        let checkout = self.ready().await?;
        match checkout.standing(statement, era.as_ref()) {
            Standing::Apart => scope.refuse("another session"),
            Standing::Ahead => scope.refuse("write"),
            Standing::Unseen => scope.refuse("in a transaction that began unseen"),
            standing => {
                let core = self.core();
                match (core.stamp_of(statement, query), standing) {
                    (Err(why), _) => scope.refuse(why),
                    (Ok(stamp), Standing::Since(era)) => {
                        scope.read_since(&core.engine, era, stamp);
                    }
                    (Ok(stamp), _) => scope.read(&core.engine, stamp),
                }
            }
        }
        Ok(Some(scope))
    }
}

/// What a read on a connection sees.
enum Standing<'a> {
    /// The database as it is.
    Now,
    /// Perhaps the database as of this era.
    Since(&'a Era),
    /// What nobody else sees yet, or ever.
    Ahead,
    /// As of nobody knows when.
    Unseen,
    /// Perhaps other tables under the same names.
    Apart,
}

impl<DB: Front> Checkout<DB> {
    fn standing<'a>(&self, statement: &Statement, era: Option<&'a Era>) -> Standing<'a> {
        match (self.in_transaction(), era) {
            _ if self.leads_elsewhere(statement) => Standing::Apart,
            (false, _) => Standing::Now,
            // Whoever began it need not be the one who reads: another scope may have been told of the write.
            (true, Some(_)) if self.has_written() => Standing::Ahead,
            (true, Some(era)) => Standing::Since(era),
            (true, None) => Standing::Unseen,
        }
    }
}

/// As [`watched`], for one answer.
#[cfg_attr(
    not(feature = "_sqlx"),
    allow(dead_code, reason = "only sqlx asks for the first row")
)]
pub(super) fn watched_one<'e, T: Send + 'e, E: Send + 'e>(
    scope: Option<Scope>,
    item: BoxFuture<'e, Result<T, E>>,
) -> BoxFuture<'e, Result<T, E>> {
    match scope {
        None => item,
        Some(scope) => item
            .inspect_err(move |_| scope.refuse("failed read"))
            .boxed(),
    }
}

/// Takes note of a read that fails: what is made without its result depends on the failure.
pub(super) fn watched<'e, T: Send + 'e, E: Send + 'e>(
    scope: Option<Scope>,
    items: BoxStream<'e, Result<T, E>>,
) -> BoxStream<'e, Result<T, E>> {
    match scope {
        None => items,
        Some(scope) => items
            .inspect_err(move |_| scope.refuse("failed read"))
            .boxed(),
    }
}
