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

impl<E> LoadError<E> {
    /// There was nobody to ask.
    pub(crate) fn unasked(source: E) -> Self {
        LoadError {
            query: String::new(),
            remedy: None,
            source: Some(source),
        }
    }
}

impl<E: std::fmt::Display> std::fmt::Display for LoadError<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the catalog cannot be read by `{}`", self.query)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        match &self.remedy {
            Some(remedy) => write!(f, "; this helps: {remedy}"),
            None => Ok(()),
        }
    }
}

/// A catalog that could not be read.
#[derive(Debug)]
pub struct LoadError<E> {
    /// The query that failed, or whose answer hides something.
    pub(crate) query: String,
    /// What helps, such as `GRANT TRIGGER ON app.* TO …`, where that is known.
    pub(crate) remedy: Option<String>,
    /// What the database said; `None` if it answered, but not all.
    pub(crate) source: Option<E>,
}

/// All rows of a query, or the error of a load that fails at it.
pub(super) async fn ask<R: CatalogReader>(
    reader: &mut R,
    query: String,
) -> Result<Vec<Record>, LoadError<R::Error>> {
    reader.rows(&query).await.map_err(|source| LoadError {
        query,
        remedy: None,
        source: Some(source),
    })
}

/// A row's `N` columns, of which a NULL is the empty text.
pub(super) fn fields<const N: usize>(row: Record) -> [String; N] {
    let mut values = row.into_iter().map(Option::unwrap_or_default);
    std::array::from_fn(|_| values.next().unwrap_or_default())
}
