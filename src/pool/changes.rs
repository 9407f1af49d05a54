//! The pool as the one who knows what a change by others moves: one file a source.

#[cfg(feature = "sqlite")]
mod data_version;
#[cfg(feature = "postgres")]
mod notify;
#[cfg(all(feature = "postgres", feature = "testing"))]
mod replay;
#[cfg(feature = "postgres")]
mod replication;
#[cfg(feature = "postgres")]
mod server;
#[cfg(feature = "postgres")]
mod values;

use std::time::Duration;

use crate::{cdc::Trouble, error::Error};

/// What stands in the way of a source, as an error of `build()`.
fn refused(trouble: Trouble) -> Error {
    let (problem, remedy) = trouble.told();
    Error::changes(problem, remedy)
}

/// Refuses a source that would be deaf at once.
fn positive(max_staleness: Duration) -> Result<(), Error> {
    match max_staleness.is_zero() {
        true => Err(Error::invalid(
            "follow_changes",
            "its `max_staleness` must be above zero",
        )),
        false => Ok(()),
    }
}
