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
    /// Until when it stands for certain: counted from before the last time that the tier took it.
    until: Tick,
}

/// What became of a hold when its write was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cache) enum Ended {
    /// It stood all the time.
    Standing(u64),
    /// It may have expired before the write took effect: others may have stored what was true before it.
    Lapsed(u64),
}

impl Ended {
    pub(super) fn id(self) -> u64 {
        match self {
            Ended::Standing(id) | Ended::Lapsed(id) => id,
        }
    }
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
        let standing = Standing {
            slots: slots.into(),
            since,
            until: since.plus(self.settings.fence),
        };
        lock(&self.standing).insert(fence.id, standing);
        Ok(fence)
    }

    /// Prolongs the holds of writes that take long, for as long as it is polled. Its own round, and not the beats': a hold may
    /// be much shorter than the lease. One that cannot be prolonged expires, which moves its slots.
    pub(super) async fn prolong(self: Arc<Self>) {
        let round = self.settings.fence / PROLONGATIONS;
        loop {
            self.time.sleep(round).await;
            let now = self.time.now();
            let due: Vec<(u64, SmallVec<[u16; 4]>)> = {
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
                if self.ask(*id, slots).await.is_err() {
                    return;
                }
                match lock(&self.standing).get_mut(id) {
                    Some(hold) => hold.until = now.plus(self.settings.fence),
                    // Settled meanwhile: the hold may have come after its release. Another release follows it.
                    None => self.delivery.release(slots, *id),
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
    /// The write is settled; the hold is to be released with its step, and is not prolonged any more.
    pub(in crate::cache) fn settle(mut self) -> Ended {
        let hold = self.fences.take().and_then(|fences| {
            let hold = lock(&fences.standing).remove(&self.id)?;
            Some(fences.time.now() <= hold.until)
        });
        match hold {
            Some(true) => Ended::Standing(self.id),
            Some(false) | None => Ended::Lapsed(self.id),
        }
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        let Some(fences) = self.fences.take() else {
            return;
        };
        lock(&fences.standing).remove(&self.id);
        fences.delivery.release(self.tags.write_slots(), self.id);
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
