//! How a loader asks the database.

/// One row of the catalog. Every column is text, which the query has to see to.
pub(crate) type Record = Vec<Option<String>>;

/// Runs the catalog's queries. A front-end implements it for its connections.
pub(crate) trait CatalogReader: Send {
    /// The driver's error.
    type Error: std::error::Error + Send + Sync + 'static;

    /// All rows of a query.
    fn rows(&mut self, sql: &str) -> impl Future<Output = Result<Vec<Record>, Self::Error>> + Send;
}

/// A catalog that could not be read.
#[derive(Debug)]
pub(crate) struct LoadError<E> {
    /// The query that failed, or whose answer hides something.
    pub(crate) query: String,
    /// What helps, such as `GRANT TRIGGER ON app.* TO …`, where that is known.
    pub(crate) remedy: Option<String>,
    /// What the database said; `None` if it answered, but not all.
    pub(crate) source: Option<E>,
}
