//! A load in the background, for an answer that was given stale.

use std::{future::Future, sync::Arc};

use super::{
    Engine, Entry, Lookup, Question, Value,
    flight::Leader,
    load::{Course, course},
    tasks::Permit,
};
use crate::observe::{Event, span};

impl Engine {
    /// Loads `key` in the background and stores the result, unless somebody does so already, too many refreshes
    /// run, or the result could not be stored. A refresh obeys the same stamp rule as any load.
    ///
    /// Returns at once; whatever happens is counted and told as an event.
    pub fn refresh<T: Value, E: Send + 'static>(
        self: &Arc<Self>,
        question: Question,
        load: impl Future<Output = Result<T, E>> + Send + 'static,
    ) {
        let Some(permit) = self.tasks.permit() else {
            return self.refresh_skipped();
        };
        let stamp = self.clock.stamp(&question.tags);
        let Course::Together = course(&stamp, &question.terms) else {
            return self.refresh_skipped();
        };
        // The lead is taken here and not in the task, so that a burst of stale answers spawns one task.
        let Some(leader) = self.flights.lead(&question.key, &stamp) else {
            return;
        };
        if let Lookup::Fresh(_) = self.peek::<T>(&question.key, &question.terms) {
            return;
        }
        let engine = self.clone();
        // Made here, so that it is a child of the span of the reader who started it.
        let span = span::refresh(question.tags.len());
        self.lead_in_background(permit, leader, async move {
            let stamp = engine.with_words(&question, stamp).await;
            let value = engine.run(span, load).await.ok()?;
            Some(engine.keep(question, stamp, value, None))
        });
    }

    /// Sees a refresh through that was given a place and the lead: `work` makes the entry, or fails to.
    pub(super) fn lead_in_background<T: Value>(
        self: &Arc<Self>,
        permit: Permit,
        leader: Leader,
        work: impl Future<Output = Option<Arc<Entry<T>>>> + Send + 'static,
    ) {
        self.observer.counters.refreshes_started.add(1);
        let engine = self.clone();
        let work = async move {
            // The task may be dropped at this await, with its runtime: the leader hands over.
            match work.await {
                Some(entry) => {
                    leader.done(entry);
                    engine.observer.emit(Event::Refreshed);
                }
                None => {
                    leader.failed();
                    engine.refresh_failed();
                }
            }
        };
        let engine = self.clone();
        self.tasks
            .spawn(permit, work, move || engine.refresh_failed());
    }

    pub(super) fn refresh_skipped(&self) {
        self.observer.counters.refreshes_skipped.add(1);
        self.observer.emit(Event::RefreshSkipped);
    }

    fn refresh_failed(&self) {
        self.observer.counters.refreshes_failed.add(1);
        self.observer.emit(Event::RefreshFailed);
    }
}
