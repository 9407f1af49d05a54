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

/// Servers take no time beyond some weeks, and an answer that is so old is of no use.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Refuses a source that would be deaf at once, or could not be told of its silence.
fn usable(max_staleness: Duration) -> Result<(), Error> {
    match max_staleness > Duration::ZERO && max_staleness <= LONGEST {
        true => Ok(()),
        false => Err(Error::invalid(
            "follow_changes",
            "its `max_staleness` must be above zero and at most a day",
        )),
    }
}
