//! `query_as` and `query_scalar`: the row mapping is in the type, so sqlx is asked for rows only on a miss.

use std::{
    any::{self, TypeId},
    marker::PhantomData,
};

use futures_core::stream::BoxStream;
use futures_util::TryStreamExt as _;
use sqlx::{
    Error, FromRow, IntoArguments,
    query::{QueryAs, QueryScalar},
};

use super::{
    super::{Backend, names, owned::OwnedQuery},
    CacheValue, Gather, Mapped,
};
use crate::{
    cache::{Cached, Shape},
    driver::{
        CachePolicy,
        reading::{Reading, read},
        whole::RowIdentity,
    },
    pool::CachedPool,
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

    async fn read<V: Gather<O>>(
        self,
        pool: &CachedPool<DB>,
        policy: Option<Box<CachePolicy>>,
    ) -> Result<Cached<V>, Error> {
        let query = OwnedQuery::take(self)?;
        read::<DB, Made<Whole<O>, V>>(pool.core(), query, policy.as_deref()).await
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
        policy: Option<Box<CachePolicy>>,
    ) -> Result<Cached<V>, Error> {
        let query = OwnedQuery::take(self)?;
        read::<DB, Made<First<O>, V>>(pool.core(), query, policy.as_deref()).await
    }
}

/// Rows, each mapped by `M` and gathered into `V`.
struct Made<M, V>(PhantomData<fn() -> (M, V)>);

impl<DB: Backend, M: RowMap<DB>, V: Gather<M::Row>> Reading<DB> for Made<M, V> {
    type Value = V;

    const SHAPE: Shape = V::SHAPE;

    fn mapping() -> TypeId {
        // Without `V`, which the shape tells.
        TypeId::of::<M>()
    }

    fn identity() -> Option<RowIdentity> {
        names::stands_for_itself(M::identity(), TypeId::of::<M>())
    }

    async fn make(mut rows: BoxStream<'static, Result<DB::Row, Error>>) -> Result<V, Error> {
        let mut values = Vec::new();
        while let Some(row) = rows.try_next().await? {
            values.push(M::map(&row)?);
        }
        Ok(V::gather(values))
    }
}
