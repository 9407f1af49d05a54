//! Told of every invalidation as it happens, for caches that are not ours to look after.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// What a write or a call has made invalid, in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalidation {
    /// Every result.
    Everything,
    /// Those that depend on one of these tags: tables, the user's own words, and for rows the table's name with a number.
    /// They are what a response's `Cache-Tag` or `Surrogate-Key` lists, in the same spelling: whatever is not an ASCII letter, a
    /// digit or one of `-._~/:!$&'()*+;=@?` is percent-encoded.
    Tags(Vec<String>),
}

/// What the user wants to be called with each [`Invalidation`].
#[derive(Clone)]
pub(crate) struct Hook(Arc<dyn Fn(&Invalidation) + Send + Sync>);

impl Hook {
    #[cfg_attr(
        not(feature = "_pool"),
        allow(dead_code, reason = "only a pool's builder makes one")
    )]
    pub(crate) fn new(call: impl Fn(&Invalidation) + Send + Sync + 'static) -> Self {
        Hook(Arc::new(call))
    }

    pub(crate) fn call(&self, invalidation: &Invalidation) {
        // A panic of the user's must not reach the write that is being settled; nothing of ours is shared with it.
        let _ = catch_unwind(AssertUnwindSafe(|| (self.0)(invalidation)));
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
