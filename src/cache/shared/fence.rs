//! Strict writes hold their slots in the tier from before they are sent until they are settled (P4).

use std::{collections::HashMap, fmt, sync::Arc};

use futures_util::future::join_all;
use smallvec::SmallVec;

use super::{Hold, HoldReason, SharedSettings, SharedTier, TierError, delivery::Delivery};
use crate::cache::{
    Tags, Tick, Time,
    sync::{Mutex, lock},
};

/// A hold is prolonged so many times in the span that it lasts.
const PROLONGATIONS: u32 = 4;

/// The holds of this process's strict writes that are on their way.
pub(super) struct Fences {
    tier: Arc<dyn SharedTier>,
    delivery: Arc<Delivery>,
    settings: SharedSettings,
    time: Time,
    standing: Mutex<HashMap<u64, Standing>>,
}

struct Standing {
    slots: SmallVec<[u16; 4]>,
    /// When it was last asked for.
    since: Tick,
}

impl Fences {
    pub(super) fn new(
        tier: Arc<dyn SharedTier>,
        delivery: Arc<Delivery>,
        settings: SharedSettings,
        time: Time,
    ) -> Self {
        Self {
            tier,
            delivery,
            settings,
            time,
            standing: Mutex::default(),
        }
    }

    /// Takes a hold.
    pub(super) async fn take(self: &Arc<Self>, tags: &Tags) -> Result<Fence, TierError> {
        // Before it is asked for: if no answer comes, the hold may stand all the same, and dropping this ends it.
        let fence = Fence {
            id: self.delivery.id(),
            tags: tags.clone(),
            fences: Some(self.clone()),
        };
        let (slots, since) = (tags.write_slots(), self.time.now());
        self.ask(fence.id, slots).await?;
        let slots = slots.into();
        lock(&self.standing).insert(fence.id, Standing { slots, since });
        Ok(fence)
    }

    /// Prolongs the holds of writes that take long, for as long as it is polled. Its own round, and not the beats': a hold may
    /// be much shorter than the lease. One that cannot be prolonged expires, which moves its slots.
    pub(super) async fn prolong(self: Arc<Self>) {
        let round = self.settings.fence / PROLONGATIONS;
        loop {
            self.time.sleep(round).await;
            let due: Vec<(u64, SmallVec<[u16; 4]>)> = {
                let now = self.time.now();
                let mut standing = lock(&self.standing);
                let due = standing.iter_mut();
                due.filter(|(_, hold)| now.since(hold.since) >= round)
                    .map(|(&id, hold)| {
                        hold.since = now;
                        (id, hold.slots.clone())
                    })
                    .collect()
            };
            join_all(due.iter().map(async |(id, slots)| {
                let held = self.ask(*id, slots).await;
                if held.is_ok() && !lock(&self.standing).contains_key(id) {
                    // Settled meanwhile: the hold may have come after its release. Another release follows it.
                    self.delivery.release(slots, *id);
                }
            }))
            .await;
        }
    }

    async fn ask(&self, id: u64, slots: &[u16]) -> Result<(), TierError> {
        let hold = Hold {
            id,
            span: self.settings.fence,
            reason: HoldReason::Write,
        };
        let held = self.tier.hold(slots, hold);
        tokio::select! {
            biased;
            held = held => held,
            () = self.time.sleep(self.settings.budget) => {
                Err(TierError::passing("no answer within the budget"))
            }
        }
    }
}

/// The hold of a strict write. Dropped before the write is settled, it is given up.
pub(in crate::cache) struct Fence {
    id: u64,
    tags: Tags,
    /// Taken when it ends.
    fences: Option<Arc<Fences>>,
}

impl Fence {
    /// The write is settled: the id, to be released with its step.
    pub(in crate::cache) fn into_id(mut self) -> u64 {
        self.end();
        self.id
    }

    /// It is not prolonged any more.
    fn end(&mut self) -> Option<Arc<Fences>> {
        let fences = self.fences.take()?;
        lock(&fences.standing).remove(&self.id);
        Some(fences)
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        if let Some(fences) = self.end() {
            fences.delivery.release(self.tags.write_slots(), self.id);
        }
    }
}

/// A strict write could not tell the other processes that it was about to commit, so it must not.
#[derive(Clone, Debug)]
pub struct FenceError(pub(super) TierError);

impl fmt::Display for FenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the shared tier could not be told of a strict write: {}",
            self.0
        )
    }
}

impl std::error::Error for FenceError {}
