//! `query_as` and `query_scalar`: the row mapping is in the type, so sqlx is asked for rows only on a miss.

use std::{any::TypeId, marker::PhantomData, sync::Arc};

use futures_util::TryStreamExt as _;
use sqlx::{
    Error, Execute, FromRow, IntoArguments,
    query::{QueryAs, QueryScalar},
};

use super::{
    super::{Backend, backend::is_outage, owned::OwnedQuery},
    CacheValue, Gather, Mapped,
    ask::Ask,
};
use crate::{
    cache::{Cached, Lookup, Mode},
    driver::CachePolicy,
    pool::{CachedPool, Core},
};

/// How a row becomes a value, by type alone. The type that implements it stands for the mapping in keys.
trait RowMap<DB: Backend>: Send + 'static {
    type Row: CacheValue;

    fn map(row: &DB::Row) -> Result<Self::Row, Error>;
}

/// `query_as`.
struct Whole<O>(PhantomData<fn() -> O>);

/// `query_scalar`: the first column.
struct First<O>(PhantomData<fn() -> O>);

impl<DB: Backend, O: CacheValue + for<'r> FromRow<'r, DB::Row>> RowMap<DB> for Whole<O> {
    type Row = O;

    fn map(row: &DB::Row) -> Result<O, Error> {
        O::from_row(row)
    }
}

impl<DB: Backend, O: CacheValue> RowMap<DB> for First<O>
where
    (O,): for<'r> FromRow<'r, DB::Row>,
{
    type Row = O;

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

    async fn read<V: Gather<O>>(
        self,
        pool: &CachedPool<DB>,
        policy: &CachePolicy,
    ) -> Result<Cached<V>, Error> {
        read::<DB, Whole<O>, V>(self, pool, policy).await
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

    async fn read<V: Gather<O>>(
        self,
        pool: &CachedPool<DB>,
        policy: &CachePolicy,
    ) -> Result<Cached<V>, Error> {
        read::<DB, First<O>, V>(self, pool, policy).await
    }
}

async fn read<'q, DB: Backend, M: RowMap<DB>, V: Gather<M::Row>>(
    query: impl Execute<'q, DB>,
    pool: &CachedPool<DB>,
    policy: &CachePolicy,
) -> Result<Cached<V>, Error> {
    let core = pool.core();
    let mut query = OwnedQuery::take(query)?;
    let Ask { key, tags, terms } =
        match Ask::new(core, &mut query, policy, V::SHAPE, Some(TypeId::of::<M>())) {
            Ok(ask) => ask,
            Err(_) if policy.mode == Some(Mode::OnlyIfCached) => {
                return Err(crate::error::not_cached());
            }
            Err(stamp) => {
                return Ok(core
                    .engine
                    .pass(stamp, load::<DB, M, V>(core.clone(), query).await?));
            }
        };
    match core.engine.lookup::<V>(&key, &tags, &terms) {
        Lookup::Fresh(cached) => Ok(cached),
        Lookup::Stale(cached, _) => {
            if terms.mode != Mode::OnlyIfCached {
                core.engine
                    .refresh(key, tags, terms, load::<DB, M, V>(core.clone(), query));
            }
            Ok(cached)
        }
        Lookup::Miss(_) if terms.mode == Mode::OnlyIfCached => Err(crate::error::not_cached()),
        Lookup::Miss(fallback) => {
            let load = load::<DB, M, V>(core.clone(), query);
            // Boxed, so that a hit does not carry the room that a miss needs.
            Box::pin(
                core.engine
                    .load(key, tags, terms, fallback, is_outage::<DB>, load),
            )
            .await
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
