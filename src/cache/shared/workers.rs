//! The work in the background: beats, deliveries, uploads, holds to prolong, what is vouched for. One task each.
//!
//! They run where the pool was built. A pool can outlive that runtime, so whoever finds the lease ended looks whether
//! they are still there, and starts them again where it is itself.

use std::sync::Arc;

use tokio::{runtime::Handle, task::AbortHandle};

use super::{
    SharedTier,
    delivery::Delivery,
    fence::Fences,
    pulse::Pulse,
    uploads::{self, Queue, Uploads},
    vouch::Voucher,
};
use crate::cache::sync::{Mutex, lock};

pub(super) struct Workers {
    pub(super) tier: Arc<dyn SharedTier>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) delivery: Arc<Delivery>,
    pub(super) fences: Arc<Fences>,
    pub(super) voucher: Arc<Voucher>,
    pub(super) uploads: Arc<Uploads>,
    pub(super) queue: Arc<Queue>,
    /// Written by whoever starts them.
    pub(super) running: Mutex<Vec<AbortHandle>>,
}

impl Workers {
    pub(super) fn start(&self, handle: &Handle) {
        *lock(&self.running) = self.spawn(handle);
    }

    /// Starts them again if their runtime has ended and there is one here.
    pub(super) fn revive(&self) {
        let mut running = lock(&self.running);
        // The beats never end by themselves.
        let ended = running.first().is_some_and(AbortHandle::is_finished);
        if ended && let Ok(handle) = Handle::try_current() {
            *running = self.spawn(&handle);
        }
    }

    fn spawn(&self, handle: &Handle) -> Vec<AbortHandle> {
        let upload = uploads::work(
            self.queue.clone(),
            self.uploads.clone(),
            self.tier.clone(),
            self.pulse.settings.max_staleness,
            self.pulse.time.clone(),
        );
        // Ends by itself, when all is delivered.
        handle.spawn(self.delivery.clone().run());
        vec![
            handle.spawn(self.pulse.clone().run()).abort_handle(),
            handle.spawn(upload).abort_handle(),
            handle.spawn(self.fences.clone().prolong()).abort_handle(),
            handle.spawn(self.voucher.clone().run()).abort_handle(),
        ]
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        lock(&self.running).iter().for_each(AbortHandle::abort);
        self.delivery.close();
    }
}
