//! `query_as` and `query_scalar`: the row mapping is in the type, so sqlx is asked for rows only on a miss.

use std::{
    any::{self, TypeId},
    marker::PhantomData,
    sync::Arc,
};

use futures_util::TryStreamExt as _;
use sqlx::{
    Error, Execute, FromRow, IntoArguments,
    query::{QueryAs, QueryScalar},
};

use super::{
    super::{Backend, backend::is_outage, owned::OwnedQuery},
    CacheValue, Gather, Mapped,
    ask::{Ask, Refusal},
};
use crate::{
    cache::{Cached, Loaded, Lookup, Mode},
    driver::{CachePolicy, names, whole::RowIdentity},
    pool::{CachedPool, Core},
};

/// How a row becomes a value, by type alone. The type that implements it stands for the mapping in keys.
trait RowMap<DB: Backend>: Send + 'static {
    type Row: CacheValue;

    /// What it is among processes, if no other mapping of this one has the name.
    fn identity() -> RowIdentity;

    fn map(row: &DB::Row) -> Result<Self::Row, Error>;
}

/// `query_as`.
struct Whole<O>(PhantomData<fn() -> O>);

/// `query_scalar`: the first column.
struct First<O>(PhantomData<fn() -> O>);

impl<DB: Backend, O: CacheValue + for<'r> FromRow<'r, DB::Row>> RowMap<DB> for Whole<O> {
    type Row = O;

    fn identity() -> RowIdentity {
        RowIdentity::Whole(any::type_name::<O>())
    }

    fn map(row: &DB::Row) -> Result<O, Error> {
        O::from_row(row)
    }
}

impl<DB: Backend, O: CacheValue> RowMap<DB> for First<O>
where
    (O,): for<'r> FromRow<'r, DB::Row>,
{
    type Row = O;

    fn identity() -> RowIdentity {
        RowIdentity::First(any::type_name::<O>())
    }

    fn map(row: &DB::Row) -> Result<O, Error> {
        <(O,)>::from_row(row).map(|(value,)| value)
    }
}

impl<'q, DB, O, A> Mapped<DB> for QueryAs<'q, DB, O, A>
where
    DB: Backend,
    O: CacheValue + for<'r> FromRow<'r, DB::Row>,
    A: 'q + Send + IntoArguments<DB>,
{
    type Row = O;

    fn read<V: Gather<O>>(
        self,
        pool: &CachedPool<DB>,
        policy: Option<Box<CachePolicy>>,
    ) -> impl Future<Output = Result<Cached<V>, Error>> + Send {
        read::<DB, Whole<O>, V>(self, pool, policy)
    }
}

impl<'q, DB, O, A> Mapped<DB> for QueryScalar<'q, DB, O, A>
where
    DB: Backend,
    O: CacheValue,
    (O,): for<'r> FromRow<'r, DB::Row>,
    A: 'q + Send + IntoArguments<DB>,
{
    type Row = O;

    fn read<V: Gather<O>>(
        self,
        pool: &CachedPool<DB>,
        policy: Option<Box<CachePolicy>>,
    ) -> impl Future<Output = Result<Cached<V>, Error>> + Send {
        read::<DB, First<O>, V>(self, pool, policy)
    }
}

async fn read<'q, DB: Backend, M: RowMap<DB>, V: Gather<M::Row>>(
    query: impl Execute<'q, DB>,
    pool: &CachedPool<DB>,
    policy: Option<Box<CachePolicy>>,
) -> Result<Cached<V>, Error> {
    let core = pool.core();
    let mut query = OwnedQuery::take(query)?;
    let mapping = Some(TypeId::of::<M>());
    let ask = match Ask::new(core, &mut query, policy.as_deref(), V::SHAPE, mapping) {
        Ok(ask) => ask,
        Err(Refusal::NotCached) => return Err(crate::error::not_cached()),
        Err(Refusal::Database(stamp)) => {
            let value = Box::pin(load::<DB, M, V>(core.clone(), query)).await?;
            return Ok(core.engine.pass(*stamp, value));
        }
    };
    match core.engine.lookup::<V>(&ask.key, ask.terms()) {
        Lookup::Fresh(cached) => Ok(cached),
        // Boxed, so that a hit does not carry the room that a miss needs.
        found => Box::pin(without_fresh::<DB, M, V>(core, query, ask, found)).await,
    }
}

/// Goes on where the cache has no fresh answer.
async fn without_fresh<DB: Backend, M: RowMap<DB>, V: Gather<M::Row>>(
    core: &Arc<Core<DB>>,
    mut query: OwnedQuery<DB>,
    ask: Ask,
    found: Lookup<V>,
) -> Result<Cached<V>, Error> {
    let question = ask.into_question(core, &mut query, || {
        names::stands_for_itself(M::identity(), TypeId::of::<M>())
    });
    match (found, question.terms.mode) {
        (Lookup::Fresh(cached), _) | (Lookup::Stale(cached, _), Mode::OnlyIfCached) => Ok(cached),
        (Lookup::Miss(_), Mode::OnlyIfCached) => core
            .engine
            .recall(&question)
            .await
            .ok_or_else(crate::error::not_cached),
        (Lookup::Stale(cached, _), _) => {
            let load = load::<DB, M, V>(core.clone(), query);
            core.engine.refresh(question, load);
            Ok(cached)
        }
        (Lookup::Miss(fallback), _) => {
            if fallback.is_some() && core.engine.has_soft_timeout() {
                // In the background, so that a load which outlasts the timeout is seen through for the next reader;
                // this one waits with it.
                let load = load::<DB, M, V>(core.clone(), query.clone());
                core.engine.refresh(question.clone(), load);
            }
            let again = core
                .may_be_stale(&question)
                .then(|| (question.clone(), query.clone()));
            let load = load::<DB, M, V>(core.clone(), query);
            let loaded = core
                .engine
                .load(question, fallback, is_outage::<DB>, load)
                .await?;
            Ok(match loaded {
                Loaded::Answer(cached) => cached,
                Loaded::Stale(cached) => {
                    if let Some((question, query)) = again {
                        let load = self::load::<DB, M, V>(core.clone(), query);
                        core.engine.refresh(question, load);
                    }
                    cached
                }
            })
        }
    }
}

async fn load<DB: Backend, M: RowMap<DB>, V: Gather<M::Row>>(
    core: Arc<Core<DB>>,
    query: OwnedQuery<DB>,
) -> Result<V, Error> {
    let mut rows = core.rows(query, V::SHAPE);
    let mut values = Vec::new();
    while let Some(row) = rows.try_next().await? {
        values.push(M::map(&row)?);
    }
    Ok(V::gather(values))
}
