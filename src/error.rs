//! The crate's own error: misuse and set-up. A failing query is always the driver's error, unwrapped.

use std::{error::Error as StdError, fmt};

/// Why a pool could not be built, or a call could not be carried out.
///
/// Never holds bound values, SQL literals or passwords.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Misuse: a setting of the builder cannot be as it was given.
    InvalidSetting {
        /// The builder's method.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Failure: the database did not tell what its connections have in common.
    Session,
    /// Misuse: the pool's connections have settings under which no result can be kept.
    UnfitPool {
        /// Which.
        problem: String,
    },
    /// The sqlx that was linked does not show bound arguments the way that keys are made from, so different queries
    /// could share a key, or a write could be taken for one of other rows.
    Keys,
    /// Misuse: `build()` was called outside a tokio runtime, which background work needs.
    NoRuntime,
    /// Failure: the shared tier cannot work as it is set up, or is required and does not answer.
    SharedTier {
        /// What it could not do and why: the command, and the permission if one is missing.
        problem: String,
    },
    /// Failure: the writes of others cannot be followed as the server is set up.
    Changes {
        /// What is missing.
        problem: String,
        /// The statement or setting that helps, where that is known.
        remedy: Option<String>,
    },
    /// Failure: the database's catalog cannot be read, or does not show all that is needed.
    /// [`SchemaMode::TextOnly`](crate::SchemaMode::TextOnly) goes without.
    Catalog {
        /// The query that was refused, or whose answer hides something.
        query: String,
        /// The statement that helps, where that is known.
        remedy: Option<String>,
    },
    /// Misuse: a declaration names what the database does not have.
    UnknownName {
        /// The builder's method.
        field: &'static str,
        /// The name.
        name: String,
        /// What it may have been meant to be.
        nearest: Option<String>,
    },
    /// A strict write was not sent, because the shared tier could not be told of it first.
    Fence,
    /// A read with `only_if_cached` found nothing in the cache.
    NotCached,
}

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    fn new(kind: ErrorKind) -> Self {
        Error(Box::new(Inner { kind, source: None }))
    }

    pub(crate) fn invalid(field: &'static str, problem: &'static str) -> Self {
        Self::new(ErrorKind::InvalidSetting { field, problem })
    }

    /// The database's answer to what its connections have in common.
    pub(crate) fn session(source: impl StdError + Send + Sync + 'static) -> Self {
        Error(Box::new(Inner {
            kind: ErrorKind::Session,
            source: Some(Box::new(source)),
        }))
    }

    pub(crate) fn unfit_pool(problem: String) -> Self {
        Self::new(ErrorKind::UnfitPool { problem })
    }

    /// The catalog could not be read, or its answer hides something.
    pub(crate) fn catalog(
        query: String,
        remedy: Option<String>,
        source: Option<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Error(Box::new(Inner {
            kind: ErrorKind::Catalog { query, remedy },
            source,
        }))
    }

    pub(crate) fn unknown_name(field: &'static str, name: String, nearest: Option<String>) -> Self {
        Self::new(ErrorKind::UnknownName {
            field,
            name,
            nearest,
        })
    }

    #[cfg_attr(
        not(feature = "_sqlx"),
        allow(dead_code, reason = "only sqlx must be proven")
    )]
    pub(crate) fn keys() -> Self {
        Self::new(ErrorKind::Keys)
    }

    /// The shared tier's own account of what is wrong.
    pub(crate) fn shared_tier(problem: impl fmt::Display) -> Self {
        Self::new(ErrorKind::SharedTier {
            problem: problem.to_string(),
        })
    }

    /// What stands in the way of following the writes of others.
    #[cfg_attr(
        not(all(feature = "cdc", any(feature = "postgres", feature = "sqlite"))),
        allow(dead_code, reason = "nobody follows")
    )]
    pub(crate) fn changes(problem: String, remedy: Option<String>) -> Self {
        Self::new(ErrorKind::Changes { problem, remedy })
    }

    pub(crate) fn no_runtime() -> Self {
        Self::new(ErrorKind::NoRuntime)
    }
}

/// The error of a read that `only_if_cached` kept from the database. sqlx has no kind of its own for it.
#[cfg(feature = "_sqlx")]
pub(crate) fn not_cached() -> sqlx::Error {
    sqlx::Error::AnyDriverError(Box::new(Error::new(ErrorKind::NotCached)))
}

/// The error of a write that was not sent, because other processes could not be told of it.
#[cfg(feature = "_sqlx")]
pub(crate) fn fence(source: Box<dyn StdError + Send + Sync>) -> sqlx::Error {
    sqlx::Error::AnyDriverError(Box::new(Error(Box::new(Inner {
        kind: ErrorKind::Fence,
        source: Some(source),
    }))))
}

/// Whether a read failed because `only_if_cached` kept it from the database and the cache had no answer.
#[cfg(feature = "_sqlx")]
pub fn is_not_cached(error: &sqlx::Error) -> bool {
    is_ours(error, &ErrorKind::NotCached)
}

/// Whether a write on a strict pool failed because the shared tier could not be told of it first. It has changed nothing:
/// a statement was not sent, a transaction was rolled back by its `commit()`, or is still open if the commit was a text.
#[cfg(feature = "_sqlx")]
pub fn is_fence_unavailable(error: &sqlx::Error) -> bool {
    is_ours(error, &ErrorKind::Fence)
}

#[cfg(feature = "_sqlx")]
fn is_ours(error: &sqlx::Error, kind: &ErrorKind) -> bool {
    match error {
        sqlx::Error::AnyDriverError(error) => error
            .downcast_ref::<Error>()
            .is_some_and(|error| error.kind() == kind),
        _ => false,
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::InvalidSetting { field, problem } => write!(f, "builder setting `{field}`: {problem}"),
            ErrorKind::Session => f.write_str("the database did not tell what its connections have in common"),
            ErrorKind::UnfitPool { problem } => write!(f, "this pool cannot be cached: {problem}"),
            ErrorKind::Keys => f.write_str(
                "bound arguments are not shown as keys need them: the linked version of sqlx is not one that this crate knows",
            ),
            ErrorKind::NoRuntime => f.write_str("`build()` must be called inside a tokio runtime"),
            ErrorKind::SharedTier { problem } => write!(f, "the shared tier cannot be used: {problem}"),
            ErrorKind::Changes { problem, remedy } => {
                write!(f, "the writes of others cannot be followed: {problem}")?;
                match remedy {
                    Some(remedy) => write!(f, "; this helps: {remedy}"),
                    None => Ok(()),
                }
            }
            ErrorKind::Catalog { query, remedy } => {
                write!(f, "the database's catalog cannot be read by `{query}`")?;
                match remedy {
                    Some(remedy) => write!(f, "; this helps: {remedy}"),
                    None => Ok(()),
                }
            }
            ErrorKind::UnknownName { field, name, nearest } => {
                write!(f, "builder setting `{field}`: the database has no `{name}`")?;
                match nearest {
                    Some(nearest) => write!(f, "; the nearest name is `{nearest}`"),
                    None => Ok(()),
                }
            }
            ErrorKind::Fence => f.write_str("a strict write was not sent, since the other processes could not be told of it"),
            ErrorKind::NotCached => f.write_str("the read allowed only a cached answer, and there is none"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
