//! The half of the engine that several processes share: entries and clock behind [`SharedTier`].
//!
//! Promises: no entry of another process is answered unless its words equal those of the shared clock (P2, `outside`);
//! memory stops answering when this process may no longer hear of the others' writes (P3, `lease`); a strict write
//! holds its slots before it is committed (P4); what this process wrote is told until it is delivered (`delivery`). A
//! tier that is away costs one budget, then nothing, and never an answer.
//!
//! It knows tags, words, bytes and time; not Redis.

mod delivery;
mod ears;
// Not covered by semver: reachable for the fuzz target.
#[doc(hidden)]
pub mod envelope;
mod fence;
pub(super) mod fidelity;
#[doc(hidden)]
pub mod fingerprint;
mod homebound;
mod known;
mod lease;
mod memory;
mod outside;
mod pending;
mod pulse;
mod receipt;
mod settings;
mod tier;
mod token;
mod uploads;
mod vouch;
mod workers;

use std::{collections::hash_map::RandomState, hash::BuildHasher as _, sync::Arc};

use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
};

use super::{Clock, Sabotage, Tags, Time, freshness::Share, outsiders::Outsiders, sync::Mutex};
use crate::observe::{Observer, Stats};

use ears::Ears;
use envelope::Sealer;
use fence::Fences;
use homebound::Homebound;
use pulse::Pulse;
use uploads::Uploads;
use vouch::Voucher;
use workers::Workers;

pub(super) use delivery::Delivery;
pub use fence::FenceError;
pub(super) use fence::{Ended, Fence};
pub(super) use known::Known;
pub(super) use lease::Lease;
pub(super) use outside::{Loader, Look, Seen, Visit};
pub(super) use uploads::Claimed;

pub use memory::MemoryClock;
pub use receipt::Receipt;
pub use settings::SharedSettings;
pub use tier::{
    Answer, Claim, DEFINITIONS, EVERYTHING, Fetched, Held, Hold, HoldReason, Reading, Session,
    SharedTier, Since, Step, TierError, Watcher, Word, Words,
};
pub use token::{Token, TokenError};

/// What an engine has of a shared tier.
pub(super) struct Shared {
    tier: Arc<dyn SharedTier>,
    pub(super) settings: SharedSettings,
    lease: Arc<Lease>,
    known: Arc<Known>,
    delivery: Arc<Delivery>,
    fences: Arc<Fences>,
    uploads: Arc<Uploads>,
    sealer: Arc<Sealer>,
    homebound: Arc<Homebound>,
    jitter: Share,
    sabotage: Sabotage,
    time: Time,
    observer: Arc<Observer>,
    begun: watch::Receiver<bool>,
    workers: Workers,
}

/// The parts of [`Shared`] that the clock needs, made before it.
pub(super) struct Beginning {
    tier: Arc<dyn SharedTier>,
    settings: SharedSettings,
    pub(super) lease: Arc<Lease>,
    known: Arc<Known>,
    pub(super) delivery: Arc<Delivery>,
    time: Time,
    observer: Arc<Observer>,
}

/// What is said of how an engine works, for all its parts.
pub(super) struct Manner {
    pub(super) jitter: Share,
    pub(super) sabotage: Sabotage,
}

impl Beginning {
    pub(super) fn new(
        tier: Arc<dyn SharedTier>,
        settings: SharedSettings,
        origin: u64,
        time: Time,
        observer: Arc<Observer>,
    ) -> Self {
        let (lease, known) = (Arc::new(Lease::not_yet()), Arc::new(Known::default()));
        let delivery = Arc::new(Delivery::new(
            tier.clone(),
            lease.clone(),
            known.clone(),
            origin,
            (settings.budget, settings.max_staleness),
            time.clone(),
            observer.clone(),
        ));
        Self {
            tier,
            settings,
            lease,
            known,
            delivery,
            time,
            observer,
        }
    }

    /// Begins to listen, to beat and to deliver, on the runtime of `handle`.
    pub(super) fn start(
        self,
        clock: &Arc<Clock>,
        outsiders: &Arc<Outsiders>,
        manner: Manner,
        handle: &Handle,
    ) -> Shared {
        let Self {
            tier,
            settings,
            lease,
            known,
            delivery,
            time,
            observer,
        } = self;
        let lost = Arc::new(Notify::new());
        let fences = Arc::new(Fences::new(
            tier.clone(),
            delivery.clone(),
            settings.clone(),
            time.clone(),
        ));
        tier.attach(Arc::new(Ears {
            clock: Arc::downgrade(clock),
            lease: lease.clone(),
            known: known.clone(),
            lost: lost.clone(),
            observer: observer.clone(),
        }));
        let (beginning, begun) = watch::channel(false);
        let pulse = Pulse {
            tier: tier.clone(),
            clock: clock.clone(),
            lease: lease.clone(),
            known: known.clone(),
            delivery: delivery.clone(),
            outsiders: outsiders.clone(),
            lost,
            begun: beginning,
            settings: settings.clone(),
            time: time.clone(),
            observer: observer.clone(),
        };
        let voucher = Voucher {
            tier: tier.clone(),
            outsiders: outsiders.clone(),
            delivery: delivery.clone(),
            sabotage: manner.sabotage,
            time: time.clone(),
        };
        let (uploads, queue) = Uploads::new(observer.clone());
        let workers = Workers {
            tier: tier.clone(),
            pulse: Arc::new(pulse),
            delivery: delivery.clone(),
            fences: fences.clone(),
            voucher: Arc::new(voucher),
            uploads: uploads.clone(),
            queue: Arc::new(queue),
            running: Mutex::default(),
        };
        workers.start(handle);
        let sealer = Arc::new(Sealer::new(&settings.secrets));
        Shared {
            tier,
            settings,
            lease,
            known,
            delivery,
            fences,
            uploads,
            sealer,
            homebound: Arc::default(),
            jitter: manner.jitter,
            sabotage: manner.sabotage,
            time,
            observer,
            begun,
            workers,
        }
    }
}

impl Shared {
    /// Whether writes are strict.
    pub(super) fn fences_writes(&self) -> bool {
        self.settings.fences
    }

    /// Holds what a strict write may change, before it is sent. `None` where writes are not strict or there is nothing
    /// to hold.
    pub(super) async fn fence(&self, tags: &Tags) -> Result<Option<Fence>, FenceError> {
        let nothing = tags.write_slots().is_empty();
        if !self.settings.fences || nothing || self.sabotage.skips_fences() {
            return Ok(None);
        }
        let asked = self.time.now();
        if !self.lease.is_usable(asked) {
            return Err(FenceError(TierError::passing("it does not answer")));
        }
        self.fences.take(tags).await.map(Some).map_err(|error| {
            let now = self.time.now();
            if now.since(asked) >= self.settings.budget {
                // The next writer need not wait to find it out.
                self.lease.trip(now);
            }
            FenceError(error)
        })
    }

    /// To be called by whoever writes or reads: a pool can outlive the runtime that it was built on.
    pub(super) fn revive(&self) {
        if !self.is_live() {
            self.workers.revive();
        }
    }

    /// The tier, if processes can follow something for each other by it.
    pub(super) fn common(&self) -> Option<&dyn SharedTier> {
        self.tier.can_vouch().then_some(&*self.tier)
    }

    /// Whether this process hears of the steps of the others.
    pub(super) fn is_live(&self) -> bool {
        self.lease.is_live(self.time.now())
    }

    pub(super) fn covers(&self, token: &Token) -> bool {
        self.known.covers(token)
    }

    /// Waits until the first beat has ended, however it did.
    pub(super) async fn begun(&self) {
        // An error says that the beats have ended with their runtime.
        let _ = self.begun.clone().wait_for(|begun| *begun).await;
    }

    /// Completes a snapshot of the counters.
    pub(super) fn tell(&self, stats: &mut Stats) {
        stats.pending_invalidations = self.delivery.pending() as u64;
        stats.shared_live = self.is_live();
    }
}

/// A number that no other process has: the standard library seeds its hashers from the operating system.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
