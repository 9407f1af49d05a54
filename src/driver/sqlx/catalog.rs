//! The questions of the catalog's loaders, asked on a connection of sqlx.
//!
//! Promises that a question is asked without bound values, so that it needs no prepared statement. Must not know what is asked.

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Either, Error, SqlSafeStr};

use super::{backend::Driver, owned::OwnedQuery};
use crate::schema::{CatalogReader, Record};

/// A connection on which a loader asks.
pub(crate) struct Reader<'c, DB: Driver>(pub(crate) &'c mut DB::Connection);

impl<DB: Driver> CatalogReader for Reader<'_, DB> {
    type Error = Error;

    async fn rows(&mut self, sql: &str) -> Result<Vec<Record>, Error> {
        let query = OwnedQuery::text(AssertSqlSafe(sql).into_sql_str());
        DB::fetch_many(self.0, query)
            .try_filter_map(async |item| match item {
                Either::Left(_) => Ok(None),
                Either::Right(row) => DB::record(&row).map(Some),
            })
            .try_collect()
            .await
    }
}
