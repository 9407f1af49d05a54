//! A statement as it was asked, with its arguments encoded by the types that the server expects.
//!
//! The types of a read are asked of the server once, and kept with what else is known of its text, which is thrown away when the
//! definitions change. DDL from outside is heard of late, so they are a guess: a read that fails for its types is asked again.
//! Nothing is guessed for a write, what it stores could be another value, nor in a transaction, which an error would end.

use tokio_postgres::types::ToSql;

use super::{
    Error, Statement, TokioPostgres, client::Runs, parameters::Encoded, query::OwnedQuery,
    statement::Told,
};
use crate::{cache::Scope, driver, pool::Core};

/// A query, and whether the types of its arguments were known from before.
pub(super) struct Asked {
    pub(super) query: OwnedQuery,
    pub(super) guessed: bool,
}

impl Asked {
    pub(super) async fn new<C: Runs>(
        client: &mut C,
        told: Told<'_>,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Self, Error> {
        noted(Self::ask(client, told, params).await)
    }

    async fn ask<C: Runs>(
        client: &mut C,
        told: Told<'_>,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Self, Error> {
        let text = match told {
            Told::Text(text) => text,
            Told::Prepared(prepared) => return Self::prepared(prepared, params),
        };
        let core = client.inside().0.clone();
        let mut statement = core.statements.of(text);
        let may_guess = client.may_guess(text).await? && core.passes(&statement);
        if may_guess && let Some(learnt) = learnt(&core, &statement) {
            match Self::guessed(learnt, params) {
                Ok(asked) => return Ok(asked),
                // Of another type: by the caller's mistake, or because the type is another one by now.
                Err(_) => {
                    core.statements.forget(text);
                    statement = core.statements.of(text);
                }
            }
        }
        let by_now = || match may_guess {
            true => learnt(&core, &statement).cloned(),
            false => None,
        };
        let told = client.describe(text, by_now).await?;
        let asked = Self {
            query: OwnedQuery::new(told.text.clone(), Encoded::new(&told.parameters, params)?),
            guessed: false,
        };
        if may_guess {
            statement.learn(told);
        }
        Ok(asked)
    }

    /// The same, if the server need not be asked for it.
    pub(super) fn known<C: Runs>(
        client: &C,
        told: Told<'_>,
        params: &[&(dyn ToSql + Sync)],
    ) -> Option<Result<Self, Error>> {
        match told {
            Told::Text(text) => {
                let core = client.inside().0;
                let statement = core.statements.of(text);
                let learnt = learnt(core, &statement)?;
                Self::guessed(learnt, params).ok().map(Ok)
            }
            Told::Prepared(prepared) => Some(Self::prepared(prepared, params)),
        }
    }

    fn prepared(statement: &Statement, params: &[&(dyn ToSql + Sync)]) -> Result<Self, Error> {
        let arguments = Encoded::new(&statement.parameters, params)?;
        Ok(Self {
            query: OwnedQuery::prepared(statement, arguments),
            guessed: false,
        })
    }

    fn guessed(learnt: &Statement, params: &[&(dyn ToSql + Sync)]) -> Result<Self, Error> {
        let arguments = Encoded::new(&learnt.parameters, params)?;
        Ok(Self {
            query: OwnedQuery::new(learnt.text.clone(), arguments),
            guessed: true,
        })
    }
}

/// What was learnt of a text, while the definitions are those of then.
fn learnt<'s>(
    core: &Core<TokioPostgres>,
    statement: &'s driver::statement::Statement,
) -> Option<&'s Statement> {
    let holds = core.engine.still_holds(&statement.snapshot.stamp);
    statement.learnt().filter(|_| holds)
}

/// Tells the caller's scope if the server was asked for types in vain: what is made without them depends on that.
pub(super) fn noted<T>(answer: Result<T, Error>) -> Result<T, Error> {
    if answer.is_err()
        && let Some(scope) = Scope::current()
    {
        scope.refuse("failed read");
    }
    answer
}

/// The types of a text are not what they were.
pub(super) fn forget<C: Runs>(client: &C, told: Told<'_>) {
    if let Told::Text(text) = told {
        client.inside().0.statements.forget(text);
    }
}
