//! The beats: they keep the lease, reconnect, and prolong the holds of writes that take long.

use std::{collections::HashMap, sync::Arc, time::Duration};

use smallvec::SmallVec;
use tokio::sync::{Notify, watch};

use super::{
    Hold, HoldReason, SharedSettings, SharedTier, TierError,
    delivery::Delivery,
    known::Known,
    lease::{Lease, Renewal},
};
use crate::{
    cache::{
        Clock, Tick, Time,
        sync::{Mutex, lock},
    },
    observe::{Event, Observer},
};

/// Beats in the time that the lease lasts.
const BEATS: u32 = 4;

/// How soon a beat that failed is tried again, at first.
const SOON: Duration = Duration::from_millis(10);

pub(super) struct Pulse {
    pub(super) tier: Arc<dyn SharedTier>,
    pub(super) clock: Arc<Clock>,
    pub(super) lease: Arc<Lease>,
    pub(super) known: Arc<Known>,
    pub(super) delivery: Arc<Delivery>,
    pub(super) fences: Arc<Fences>,
    pub(super) lost: Arc<Notify>,
    /// Told when the first beat has ended, however it did.
    pub(super) begun: watch::Sender<bool>,
    pub(super) settings: SharedSettings,
    pub(super) time: Time,
    pub(super) observer: Arc<Observer>,
}

/// The holds of this process's strict writes that are on their way.
#[derive(Default)]
pub(super) struct Fences(Mutex<HashMap<u64, Standing>>);

struct Standing {
    slots: SmallVec<[u16; 4]>,
    /// When it was last asked for.
    since: Tick,
}

impl Fences {
    pub(super) fn add(&self, id: u64, slots: &[u16], since: Tick) {
        let slots = slots.into();
        lock(&self.0).insert(id, Standing { slots, since });
    }

    pub(super) fn remove(&self, id: u64) {
        lock(&self.0).remove(&id);
    }

    /// Those that were last asked for before `then`.
    fn older_than(&self, then: Tick) -> Vec<(u64, SmallVec<[u16; 4]>)> {
        let fences = lock(&self.0);
        let old = fences.iter().filter(|(_, fence)| fence.since < then);
        old.map(|(&id, fence)| (id, fence.slots.clone())).collect()
    }

    fn prolonged(&self, id: u64, since: Tick) -> bool {
        let mut fences = lock(&self.0);
        let fence = fences.get_mut(&id);
        fence.map(|fence| fence.since = since).is_some()
    }
}

impl Pulse {
    /// Beats for as long as it is polled.
    pub(super) async fn run(self) {
        let interval = self.settings.max_staleness / BEATS;
        let mut back_off = SOON;
        let mut heard = true;
        loop {
            let result = self.beat().await;
            self.begun.send_replace(true);
            match result {
                Ok(()) => {
                    back_off = SOON;
                    heard = true;
                    self.prolong().await;
                    tokio::select! {
                        () = self.time.sleep(interval) => {}
                        () = self.lost.notified() => {}
                    }
                }
                Err(error) => {
                    // Told once, and not again with every attempt.
                    if std::mem::take(&mut heard) {
                        self.observer.emit(Event::SharedTierAway {
                            problem: error.to_string().into(),
                        });
                    }
                    self.time.sleep(back_off).await;
                    back_off = (back_off * 2).min(interval);
                }
            }
        }
    }

    async fn beat(&self) -> Result<(), TierError> {
        let SharedSettings {
            budget,
            max_staleness,
            ..
        } = self.settings;
        let sent = self.time.now();
        let session = tokio::select! {
            biased;
            session = self.tier.beat(max_staleness) => session?,
            () = self.time.sleep(max_staleness) => return Err(TierError::passing("no answer to a beat")),
        };
        let renewal = self.lease.renew(session, sent, max_staleness, || {
            // Steps may have been missed, and whatever is in memory may lack them.
            self.known.forget();
            self.clock.follow(&[super::EVERYTHING]);
        });
        match renewal {
            Renewal::Over => return Err(TierError::passing("the connection ended with its beat")),
            Renewal::New => self.observer.emit(Event::SharedTierHeard),
            Renewal::Same => {}
        }
        if self.time.now().since(sent) <= budget {
            self.lease.answered_in_time(sent);
        }
        self.delivery.kick();
        Ok(())
    }

    /// Prolongs the holds of writes that are still on their way. One that cannot be prolonged expires, which moves its
    /// slots; the next beat tries again.
    async fn prolong(&self) {
        let due = self.time.now().minus(self.settings.fence / BEATS);
        for (id, slots) in self.fences.older_than(due) {
            let hold = Hold {
                id,
                span: self.settings.fence,
                reason: HoldReason::Write,
            };
            let now = self.time.now();
            let work = self.tier.hold(&slots, hold);
            let held = tokio::select! {
                biased;
                held = work => held,
                () = self.time.sleep(self.settings.budget) => return,
            };
            if held.is_ok() && !self.fences.prolonged(id, now) {
                // Settled meanwhile: the hold may have come after its release. Another release follows it.
                self.delivery.release(&slots, id);
            }
        }
    }
}
