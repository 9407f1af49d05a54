//! `client.cached(…)`: the driver's reads, answered from the cache.

use std::any::{self, TypeId};

use futures_core::stream::BoxStream;
use futures_util::TryStreamExt as _;
use tokio_postgres::{Row, types::ToSql};

use super::{
    CachedRow, Error, Rows, ToStatement, TokioPostgres,
    asked::{Asked, forget},
    statement::Told,
};
use crate::{
    cache::{Cached, Mode, Shape},
    driver::{
        CachePolicy, CachedRead,
        reading::{Reading, read},
        whole::RowIdentity,
    },
    pool::CachedPool,
};

/// A statement and its parameters, as [`cached`](CachedPool::cached) takes them.
#[derive(Clone, Copy)]
pub struct CachedQuery<'q> {
    told: Told<'q>,
    params: &'q [&'q (dyn ToSql + Sync)],
}

impl CachedPool<TokioPostgres> {
    /// A read that is answered from the cache, and from the database where the cache may not answer: set its hints, then call
    /// one of its verbs.
    pub fn cached<'q, T: ?Sized + ToStatement>(
        &self,
        statement: &'q T,
        params: &'q [&'q (dyn ToSql + Sync)],
    ) -> CachedRead<'_, TokioPostgres, CachedQuery<'q>> {
        let told = statement.to_told();
        CachedRead::new(CachedQuery { told, params }, self)
    }
}

impl CachedRead<'_, TokioPostgres, CachedQuery<'_>> {
    /// All rows, behind a shared pointer: a hit clones nothing.
    ///
    /// # Errors
    /// As [`GenericClient`](super::GenericClient).
    pub async fn query_shared(self) -> Result<Cached<Rows>, Error> {
        self.answer(|query, pool, policy| async move { query.read(pool, policy.as_deref()).await })
            .await
    }

    /// All rows.
    ///
    /// # Errors
    /// As [`GenericClient`](super::GenericClient).
    pub async fn query(self) -> Result<Vec<CachedRow>, Error> {
        Ok(self.query_shared().await?.to_vec())
    }

    /// The only row.
    ///
    /// # Errors
    /// [`Error::RowCount`] if there is none or more than one, and as [`GenericClient`](super::GenericClient).
    pub async fn query_one(self) -> Result<CachedRow, Error> {
        self.query_shared().await?.one()
    }

    /// The only row, if there is one.
    ///
    /// # Errors
    /// [`Error::RowCount`] if there is more than one, and as [`GenericClient`](super::GenericClient).
    pub async fn query_opt(self) -> Result<Option<CachedRow>, Error> {
        self.query_shared().await?.opt()
    }
}

impl CachedQuery<'_> {
    async fn read(
        self,
        mut pool: &CachedPool<TokioPostgres>,
        policy: Option<&CachePolicy>,
    ) -> Result<Cached<Rows>, Error> {
        let asked = match policy.and_then(|policy| policy.mode) {
            Some(Mode::OnlyIfCached) => {
                let known = Asked::known(&pool, self.told, self.params);
                known.unwrap_or(Err(Error::NotCached))?
            }
            _ => Asked::new(&mut pool, self.told, self.params).await?,
        };
        match read::<TokioPostgres, Rows>(pool.core(), asked.query, policy).await {
            Err(error) if asked.guessed && error.is_of_types() => {
                forget(&pool, self.told);
                let asked = Asked::new(&mut pool, self.told, self.params).await?;
                read::<TokioPostgres, Rows>(pool.core(), asked.query, policy).await
            }
            answer => answer,
        }
    }
}

impl Reading<TokioPostgres> for Rows {
    type Value = Rows;

    // The verbs that want one row want to know of a second.
    const SHAPE: Shape = Shape::All;

    fn mapping() -> TypeId {
        TypeId::of::<Rows>()
    }

    fn identity() -> Option<RowIdentity> {
        Some(RowIdentity::Whole(any::type_name::<Rows>()))
    }

    async fn make(rows: BoxStream<'static, Result<Row, Error>>) -> Result<Rows, Error> {
        Rows::new(&rows.try_collect::<Vec<_>>().await?)
    }
}
