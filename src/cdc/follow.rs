//! The ways to hear of the writes of others, as a builder takes them.

use futures_core::future::BoxFuture;

use crate::error::Error;

/// A way to hear of what others write to the database of a pool of the type `P`. It cannot be implemented outside of this
/// crate.
pub trait Follow<P>: sealed::Sealed + Send + Sync + 'static {
    /// Begins, and goes on until the pool is gone.
    ///
    /// # Errors
    /// What somebody must mend. A server that is away is none.
    #[doc(hidden)]
    fn begin(self, pool: P) -> BoxFuture<'static, Result<(), Error>>;
}

pub(super) mod sealed {
    pub trait Sealed {}
}
