//! Tells the other processes of this one's steps of the clock: in batches, in the background, until it is done.
//!
//! # Read your writes (P1) with a shared tier
//! A step is taken in three parts: its slots are marked as pending, then the local words move, then the step is queued. A
//! reader notes the local words first and looks for pending slots afterwards. If it noted a word from before the move,
//! whatever it stores is dead. If it noted one from after the move, it sees the mark (the move is a release, the noting an
//! acquire) and does not ask the shared tier, whose words do not show the step yet. The mark goes when the tier has
//! acknowledged the step, and from then on its words show it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::{try_join, try_join_all};
use tokio::sync::{Notify, oneshot, watch};

use super::{
    Ended, Receipt, SharedTier, TierError, Word,
    known::Known,
    lease::Lease,
    pending::{Added, Batch, Doubt, Patience, Pending, Waiter},
};
use crate::{
    cache::{
        Tags, Time,
        clock::Outcome,
        sync::{Mutex, lock},
    },
    observe::{Event, Observer},
};

/// How soon a delivery that failed is tried again, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// How often what is left is tried when the engine is gone.
const LAST_ATTEMPTS: u32 = 20;

pub(in crate::cache) struct Delivery {
    tier: Arc<dyn SharedTier>,
    /// Written by every write of this process, and by the worker.
    pending: Mutex<Pending>,
    /// The engine is gone: end when there is nothing to send.
    closing: AtomicBool,
    /// There is something to send.
    wake: Notify,
    /// The tier answers again.
    back: Notify,
    /// The last batch that was delivered. Written by the worker.
    delivered: watch::Sender<u64>,
    lease: Arc<Lease>,
    known: Arc<Known>,
    /// The next id of a hold. Random at first, so that processes do not get in each other's way.
    ids: AtomicU64,
    origin: u64,
    budget: Duration,
    max_staleness: Duration,
    time: Time,
    observer: Arc<Observer>,
}

impl Delivery {
    pub(super) fn new(
        tier: Arc<dyn SharedTier>,
        lease: Arc<Lease>,
        known: Arc<Known>,
        origin: u64,
        (budget, max_staleness): (Duration, Duration),
        time: Time,
        observer: Arc<Observer>,
    ) -> Self {
        Self {
            tier,
            pending: Mutex::default(),
            closing: AtomicBool::new(false),
            wake: Notify::new(),
            back: Notify::new(),
            delivered: watch::Sender::new(0),
            lease,
            known,
            ids: AtomicU64::new(super::random()),
            origin,
            budget,
            max_staleness,
            time,
            observer,
        }
    }

    /// An id for a hold.
    pub(super) fn id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed).max(1)
    }

    /// Marks what is about to move. Before the local words move.
    pub(in crate::cache) fn mark(&self, tags: &Tags) {
        lock(&self.pending).mark(tags.write_slots());
    }

    /// Queues what was marked and has moved here. `fence` is the hold that the write took.
    pub(in crate::cache) fn send(
        &self,
        tags: &Tags,
        outcome: Outcome,
        doubt_span: Duration,
        fence: Option<Ended>,
    ) -> Receipt {
        let slots = tags.write_slots();
        if slots.is_empty() || (outcome == Outcome::Undone && fence.is_none()) {
            return Receipt::nothing(self.origin);
        }
        let mut pending = lock(&self.pending);
        let hold = fence.map(Ended::id);
        let added = match outcome {
            Outcome::Committed => pending.add(slots, true, hold),
            Outcome::Undone => pending.add(slots, false, hold),
            // The fence stays and expires: a second reason to move then.
            Outcome::Unknown => pending.add_doubt(Doubt {
                slots: slots.into(),
                id: self.id(),
                until: self.time.now().plus(doubt_span),
            }),
        };
        let now = self.time.now();
        let patience = match (outcome, fence) {
            // A strict write whose hold has lapsed must not be told to its caller before it is told to the others.
            (Outcome::Committed, Some(Ended::Lapsed(_))) => Some(Patience::Endless),
            // Nobody waits for a tier that does not answer, nor for the end of a doubt.
            (Outcome::Committed | Outcome::Undone, _) if self.lease.is_usable(now) => {
                Some(Patience::Until(now.plus(self.budget)))
            }
            _ => None,
        };
        let receipt = match patience {
            Some(patience) => {
                let (sender, receiver) = oneshot::channel();
                pending.wait(Waiter::new(slots, sender, patience));
                Receipt::waiting(
                    self.origin,
                    receiver,
                    patience,
                    self.lease.clone(),
                    self.time.clone(),
                )
            }
            None => Receipt::blind(self.origin),
        };
        drop(pending);
        self.note(added);
        self.wake.notify_one();
        receipt
    }

    /// Queues the end of a hold and nothing else.
    pub(super) fn release(&self, slots: &[u16], fence: u64) {
        let added = lock(&self.pending).add(slots, false, Some(fence));
        self.note(added);
        self.wake.notify_one();
    }

    /// Whether the shared words of `slots` may lack a step of this process.
    pub(super) fn concerns(&self, slots: &[u16]) -> bool {
        lock(&self.pending).concerns(slots)
    }

    /// Waits until all that has been queued by now is delivered, however long the tier is away.
    pub(super) async fn flushed(&self) {
        let last = lock(&self.pending).last_batch();
        // It is in `self`, so there is always a sender.
        let _ = self
            .delivered
            .subscribe()
            .wait_for(|&done| done >= last)
            .await;
    }

    /// How many slots' steps have not been delivered.
    pub(super) fn pending(&self) -> usize {
        lock(&self.pending).len()
    }

    /// The tier answers: what waits for the end of a back-off need not.
    pub(super) fn kick(&self) {
        if !lock(&self.pending).is_idle() {
            self.back.notify_one();
        }
    }

    /// Nobody adds any more.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        self.wake.notify_one();
        self.back.notify_one();
    }

    /// Delivers until it is closed and has delivered all, or cannot. One batch is on its way at a time, and all that is added meanwhile makes the
    /// next one.
    pub(super) async fn run(self: Arc<Self>) {
        let (mut back_off, mut attempts_left) = (BACK_OFF.0, LAST_ATTEMPTS);
        loop {
            // Before the batch: what was added before the end is in it.
            let closing = self.closing.load(Ordering::Acquire);
            let batch = lock(&self.pending).take();
            if batch.is_empty() && closing {
                return;
            }
            if batch.is_empty() {
                self.wake.notified().await;
                continue;
            }
            let mut sending = Sending {
                delivery: &self,
                batch,
            };
            // A drop at this await, with its runtime, puts the batch back.
            let result = self.deliver(&sending.batch).await;
            let batch = std::mem::take(&mut sending.batch);
            match result {
                Ok(words) => {
                    back_off = BACK_OFF.0;
                    self.known.note(&words);
                    lock(&self.pending).delivered(&batch);
                    self.delivered.send_replace(batch.number);
                    for waiter in batch.waiters {
                        waiter.tell(&words);
                    }
                }
                Err(error) => {
                    self.observer.counters.deliveries_failed.add(1);
                    self.observer.emit(Event::DeliveryFailed {
                        problem: error.to_string().into(),
                    });
                    let added = lock(&self.pending).put_back(batch);
                    self.note(added);
                    if closing {
                        attempts_left -= 1;
                    }
                    if attempts_left == 0 {
                        return;
                    }
                    tokio::select! {
                        () = self.time.sleep(back_off) => {}
                        () = self.back.notified() => {}
                    }
                    back_off = (back_off * 2).min(BACK_OFF.1);
                }
            }
        }
    }

    async fn deliver(&self, batch: &Batch) -> Result<Vec<(u16, Word)>, TierError> {
        let now = self.time.now();
        let mut steps = batch.steps();
        let mut holds = Vec::new();
        for doubt in &batch.doubts {
            match doubt.hold(now) {
                Some(hold) => holds.push((&doubt.slots, hold)),
                // Its time is over: what the write did is done.
                None => steps.extend(doubt.steps()),
            }
        }
        // All at once: steps must not wait behind as many answers as there are doubts.
        let holding = try_join_all(
            holds
                .into_iter()
                .map(|(slots, hold)| self.tier.hold(slots, hold)),
        );
        let stepping = async {
            if steps.is_empty() {
                return Ok(Vec::new());
            }
            self.tier.advance(&steps).await
        };
        let work = async { try_join(holding, stepping).await.map(|(_, words)| words) };
        tokio::select! {
            biased;
            result = work => result,
            () = self.time.sleep(self.max_staleness) => Err(TierError::passing("no answer to a step of the clock")),
        }
    }

    fn note(&self, added: Added) {
        if added == Added::Collapsed {
            self.observer.emit(Event::StepsCollapsed);
        }
    }
}

/// A batch on its way.
struct Sending<'a> {
    delivery: &'a Delivery,
    batch: Batch,
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if !self.batch.is_empty() {
            let batch = std::mem::take(&mut self.batch);
            lock(&self.delivery.pending).put_back(batch);
        }
    }
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("pending", &self.pending())
            .finish_non_exhaustive()
    }
}
