//! The engine's own bounded set of background work.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// Runs at most so many background loads at once, on the runtime it was given.
pub(super) struct Tasks {
    permits: Arc<Semaphore>,
    handle: Handle,
}

/// The right to run one.
pub(super) struct Permit(OwnedSemaphorePermit);

impl Tasks {
    pub(super) fn new(limit: usize, handle: Handle) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))),
            handle,
        }
    }

    /// A permit, if one is free: background work does not queue.
    pub(super) fn permit(&self) -> Option<Permit> {
        self.permits.clone().try_acquire_owned().ok().map(Permit)
    }

    /// Runs `work`, and `panicked` if it panics. A runtime that shuts down drops it.
    pub(super) fn spawn(
        &self,
        permit: Permit,
        work: impl Future<Output = ()> + Send + 'static,
        panicked: impl FnOnce() + Send + 'static,
    ) {
        // That of whoever is here: the one of `new` may have ended meanwhile.
        let here = Handle::try_current();
        here.as_ref().unwrap_or(&self.handle).spawn(async move {
            // The panic is the loader's. Whatever it left half done is dropped with `work`, which unwinds its guards.
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                panicked();
            }
            drop(permit.0);
        });
    }
}
