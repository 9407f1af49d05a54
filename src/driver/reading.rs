//! The one way of a read through the cache: ask for the key, look it up, and on a miss load under the engine's eyes.

use std::{any::TypeId, sync::Arc};

use futures_core::stream::BoxStream;

use super::{
    CachePolicy,
    ask::{Ask, Refusal},
    front::{Fault, Front},
    whole::RowIdentity,
};
use crate::{
    cache::{Cached, Loaded, Lookup, Mode, Shape, Value},
    pool::Core,
};

/// What becomes of the rows of a read, by type alone.
pub(crate) trait Reading<DB: Front>: 'static {
    /// What is kept.
    type Value: Value;

    /// How many rows it is made of.
    const SHAPE: Shape;

    /// What it does with a row, in keys of this process.
    fn mapping() -> TypeId;

    /// The same among processes, if it has a name there.
    fn identity() -> Option<RowIdentity>;

    /// Made from the rows that the database gives.
    fn make(
        rows: BoxStream<'static, Result<DB::Row, DB::Error>>,
    ) -> impl Future<Output = Result<Self::Value, DB::Error>> + Send;
}

/// Reads through the cache.
#[inline]
pub(crate) async fn read<DB: Front, R: Reading<DB>>(
    core: &Arc<Core<DB>>,
    mut query: DB::Query,
    policy: Option<&CachePolicy>,
) -> Result<Cached<R::Value>, DB::Error> {
    let mapping = Some(R::mapping());
    let ask = match Ask::new(core, &mut query, policy, R::SHAPE, mapping) {
        Ok(ask) => ask,
        Err(Refusal::NotCached) => return Err(DB::fault(Fault::NotCached)),
        Err(Refusal::Database(stamp)) => {
            let value = Box::pin(load::<DB, R>(core.clone(), query)).await?;
            return Ok(core.engine.pass(*stamp, value));
        }
    };
    match core.engine.lookup::<R::Value>(&ask.key, ask.terms()) {
        Lookup::Fresh(cached) => Ok(cached),
        // Boxed, so that a hit does not carry the room that a miss needs.
        found => Box::pin(without_fresh::<DB, R>(core, query, ask, found)).await,
    }
}

/// Goes on where the cache has no fresh answer.
async fn without_fresh<DB: Front, R: Reading<DB>>(
    core: &Arc<Core<DB>>,
    mut query: DB::Query,
    ask: Ask,
    found: Lookup<R::Value>,
) -> Result<Cached<R::Value>, DB::Error> {
    let question = ask.into_question(core, &mut query, R::identity);
    match (found, question.terms.mode) {
        (Lookup::Fresh(cached), _) | (Lookup::Stale(cached, _), Mode::OnlyIfCached) => Ok(cached),
        (Lookup::Miss(_), Mode::OnlyIfCached) => core
            .engine
            .recall(&question)
            .await
            .ok_or_else(|| DB::fault(Fault::NotCached)),
        (Lookup::Stale(cached, _), _) => {
            let load = load::<DB, R>(core.clone(), query);
            core.engine.refresh(question, load);
            Ok(cached)
        }
        (Lookup::Miss(fallback), _) => {
            if fallback.is_some() && core.engine.has_soft_timeout() {
                // In the background, so that a load which outlasts the timeout is seen through for the next reader;
                // this one waits with it.
                let load = load::<DB, R>(core.clone(), query.clone());
                core.engine.refresh(question.clone(), load);
            }
            let again = core
                .may_be_stale(&question)
                .then(|| (question.clone(), query.clone()));
            let load = load::<DB, R>(core.clone(), query);
            let loaded = core
                .engine
                .load(question, fallback, DB::is_outage, load)
                .await?;
            Ok(match loaded {
                Loaded::Answer(cached) => cached,
                Loaded::Stale(cached) => {
                    if let Some((question, query)) = again {
                        let load = self::load::<DB, R>(core.clone(), query);
                        core.engine.refresh(question, load);
                    }
                    cached
                }
            })
        }
    }
}

async fn load<DB: Front, R: Reading<DB>>(
    core: Arc<Core<DB>>,
    query: DB::Query,
) -> Result<R::Value, DB::Error> {
    R::make(core.rows(query, R::SHAPE)).await
}
