//! The beats: they keep the lease and reconnect.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Notify, watch};

use super::{
    SharedSettings, SharedTier, TierError,
    delivery::Delivery,
    known::Known,
    lease::{Lease, Renewal},
};
use crate::{
    cache::{Clock, Time, outsiders::Outsiders},
    observe::{Event, Observer},
};

/// Beats in the time that the lease lasts.
const BEATS: u32 = 4;

/// So often it is asked, at least, what is said of outsiders, in the time for which that is good. By then it is half of that old: a
/// server with nothing to tell gives a sign of life twice in it.
const LOOKS: u32 = 8;

/// How long a beat may take at least.
const CONNECT: Duration = Duration::from_secs(1);

/// How soon a beat that failed is tried again, at first.
const SOON: Duration = Duration::from_millis(10);

pub(super) struct Pulse {
    pub(super) tier: Arc<dyn SharedTier>,
    pub(super) clock: Arc<Clock>,
    pub(super) lease: Arc<Lease>,
    pub(super) known: Arc<Known>,
    pub(super) delivery: Arc<Delivery>,
    pub(super) outsiders: Arc<Outsiders>,
    pub(super) lost: Arc<Notify>,
    /// Told when the first beat has ended, however it did.
    pub(super) begun: watch::Sender<bool>,
    pub(super) settings: SharedSettings,
    pub(super) time: Time,
    pub(super) observer: Arc<Observer>,
}

impl Pulse {
    /// Beats for as long as it is polled.
    pub(super) async fn run(self: Arc<Self>) {
        let mut back_off = SOON;
        let mut heard = true;
        loop {
            let result = self.beat().await;
            let interval = self.interval();
            self.begun.send_replace(true);
            match result {
                Ok(()) => {
                    heard = true;
                    tokio::select! {
                        () = self.time.sleep(interval) => back_off = SOON,
                        // Heard for less than an interval: whatever ends it must not make us reconnect in a circle.
                        () = self.lost.notified() => {
                            self.time.sleep(back_off).await;
                            back_off = (back_off * 2).min(interval);
                        }
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

    /// How often what this process knows of others is to be renewed.
    fn interval(&self) -> Duration {
        let lease = self.settings.max_staleness / BEATS;
        let common = self.outsiders.common();
        common.map_or(lease, |common| lease.min(common.max_staleness / LOOKS))
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
            // Longer than the lease where that is very short: it takes several round trips to connect.
            () = self.time.sleep(max_staleness.max(CONNECT)) => {
                return Err(TierError::passing("no answer to a beat"));
            }
        };
        let renewal = self.lease.renew(session, sent, max_staleness, || {
            // Steps may have been missed, and whatever is in memory may lack them.
            self.known.forget();
            self.clock.follow(&[super::EVERYTHING, super::DEFINITIONS]);
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
        self.ask_for_outsiders().await;
        Ok(())
    }

    /// Asks what is said by the one who follows the changes for all.
    async fn ask_for_outsiders(&self) {
        let Some(common) = self.outsiders.common() else {
            return;
        };
        let asked = self.time.now();
        let answer = tokio::select! {
            biased;
            answer = self.tier.vouched(&common.topic) => answer,
            // The beats must go on.
            () = self.time.sleep(self.interval()) => return,
        };
        // What was known before an error is true still, and ends by itself.
        if let Ok(since) = answer {
            self.outsiders
                .vouched(since.map(|since| asked.minus(since)));
        }
    }
}
