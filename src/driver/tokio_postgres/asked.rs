//! A statement as it was asked, with its arguments encoded by the types that the server expects.
//!
//! The types of a read are asked of the server once, and kept with what else is known of its text, which is thrown away when the
//! definitions change. DDL from outside is heard of late, so they are a guess: a read that fails for its types is asked again.
//! Nothing is guessed for a write: what it stores could be another value.

use std::sync::Arc;

use tokio_postgres::types::{ToSql, Type};

use super::{Error, client::Runs, parameters::Encoded, query::OwnedQuery, statement::Told};

/// What is learnt of a text.
pub(super) struct Learnt {
    text: Arc<str>,
    types: Arc<[Type]>,
}

/// A query, and whether the types of its arguments, or its plan, were known from before.
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
            Told::Prepared(statement) => {
                let arguments = Encoded::new(&statement.parameters, params)?;
                let query = OwnedQuery::prepared(statement, arguments);
                return Ok(Self {
                    query,
                    guessed: true,
                });
            }
        };
        let statement = client.inside().0.statements.of(text);
        if client.inside().0.passes(&statement)
            && let Some(learnt) = statement.learnt::<Learnt>()
            && client
                .inside()
                .0
                .engine
                .still_holds(&statement.snapshot.stamp)
            && client.may_guess(text).await?
            && let Ok(arguments) = Encoded::new(&learnt.types, params)
        {
            let query = OwnedQuery::new(learnt.text.clone(), arguments);
            return Ok(Self {
                query,
                guessed: true,
            });
        }
        let described = client.describe(text).await?;
        let arguments = Encoded::new(&described.parameters, params)?;
        let query = OwnedQuery::new(described.text.clone(), arguments);
        if client.may_guess(text).await? {
            statement.learn(Learnt {
                text: described.text,
                types: described.parameters,
            });
        }
        Ok(Self {
            query,
            guessed: false,
        })
    }
}

/// The types of a text are not what they were.
pub(super) fn forget<C: Runs>(client: &C, told: Told<'_>) {
    if let Told::Text(text) = told {
        client.inside().0.statements.forget(text);
    }
}
