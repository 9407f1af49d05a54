//! A statement as it was asked, with its arguments encoded by the types that the server expects.
//!
//! The types of a read are asked of the server once, and kept with what else is known of its text, which is thrown away when the
//! definitions change. DDL from outside is heard of late, so they are a guess: a read that fails for its types is asked again.
//! Nothing is guessed for a write: what it stores could be another value.

use tokio_postgres::types::ToSql;

use super::{
    Error, Statement, client::Runs, parameters::Encoded, query::OwnedQuery, statement::Told,
};
use crate::driver;

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
        let text = match told {
            Told::Text(text) => text,
            Told::Prepared(prepared) => return Self::prepared(prepared, params),
        };
        let statement = client.inside().0.statements.of(text);
        let may_guess = client.may_guess(text).await? && client.inside().0.passes(&statement);
        if may_guess && let Some(asked) = Self::guessed(client, &statement, params) {
            return Ok(asked);
        }
        let learnt = || statement.learnt::<Statement>().cloned();
        let told = client.describe(text, learnt).await?;
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
                let statement = client.inside().0.statements.of(text);
                Self::guessed(client, &statement, params).map(Ok)
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

    fn guessed<C: Runs>(
        client: &C,
        statement: &driver::statement::Statement,
        params: &[&(dyn ToSql + Sync)],
    ) -> Option<Self> {
        let learnt = statement.learnt::<Statement>()?;
        if !client
            .inside()
            .0
            .engine
            .still_holds(&statement.snapshot.stamp)
        {
            return None;
        }
        let arguments = Encoded::new(&learnt.parameters, params).ok()?;
        Some(Self {
            query: OwnedQuery::new(learnt.text.clone(), arguments),
            guessed: true,
        })
    }
}

/// The types of a text are not what they were.
pub(super) fn forget<C: Runs>(client: &C, told: Told<'_>) {
    if let Told::Text(text) = told {
        client.inside().0.statements.forget(text);
    }
}
