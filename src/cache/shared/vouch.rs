//! Says to the processes on the clock up to when it has moved for the writes of those who bypass the pools, where this process
//! follows them for all.
//!
//! # Why a follower may believe it
//! What is said is true by itself, whoever says it and however late it comes: *all that showed up to this moment has moved the
//! shared clock*. So it is not said before every step that was queued until then is delivered, and it names a moment of the
//! tier's own time: were it a span, a message that was held up on its way would lengthen it. A follower that hears it has been
//! told of those steps before, by the same road, so its memory holds nothing that a change up to that moment has ended.

use std::{sync::Arc, time::Duration};

use super::{SharedTier, delivery::Delivery};
use crate::cache::{Sabotage, Tick, Time, outsiders::Outsiders};

/// So often it is said, at most, in the time for which it is good.
const TIMES: u32 = 16;

pub(super) struct Voucher {
    pub(super) tier: Arc<dyn SharedTier>,
    pub(super) outsiders: Arc<Outsiders>,
    pub(super) delivery: Arc<Delivery>,
    pub(super) sabotage: Sabotage,
    pub(super) time: Time,
}

impl Voucher {
    /// Vouches for as long as it is polled.
    pub(super) async fn run(self: Arc<Self>) {
        let mut said = Said::Nothing;
        loop {
            self.outsiders.told.notified().await;
            let Some(common) = self.outsiders.common() else {
                continue;
            };
            let proven = self.outsiders.proven();
            if (proven, said) == (None, Said::Nothing) {
                continue;
            }
            let work = self.say(&common.topic, proven);
            tokio::select! {
                biased;
                () = work => {}
                // By then it would be too old.
                () = self.time.sleep(common.max_staleness) => {}
            }
            said = proven.map_or(Said::Nothing, |_| Said::Something);
            self.pause(common.max_staleness).await;
        }
    }

    async fn say(&self, topic: &str, proven: Option<Tick>) {
        if proven.is_some() && !self.sabotage.vouches_early() {
            self.delivery.flushed().await;
        }
        let since = move || {
            // Others must not rely on what this process itself relies on no more.
            self.outsiders.proven()?;
            Some(self.time.now().since(proven?))
        };
        // Whatever went wrong, the others then go on without it when its time is over.
        let _ = self.tier.vouch(topic, &since).await;
    }

    async fn pause(&self, good: Duration) {
        self.time.sleep(good / TIMES).await;
    }
}

/// Whether others may rely on what was said last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Nothing,
    Something,
}
