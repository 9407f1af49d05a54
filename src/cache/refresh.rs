//! A load in the background, for an answer that was given stale.

use std::{future::Future, sync::Arc};

use super::{
    Engine, Lookup, Question, Value,
    load::{Course, course},
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
        self.observer.counters.refreshes_started.add(1);
        let engine = self.clone();
        // Made here, so that it is a child of the span of the reader who started it.
        let span = span::refresh(question.tags.len());
        let work = async move {
            let stamp = engine.with_words(&question, stamp).await;
            // The task may be dropped at this await, with its runtime: the leader hands over.
            match engine.run(span, load).await {
                Ok(value) => {
                    leader.done(engine.keep(question, stamp, value, None));
                    engine.observer.emit(Event::Refreshed);
                }
                Err(_) => {
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

    pub(super) fn refresh_failed(&self) {
        self.observer.counters.refreshes_failed.add(1);
        self.observer.emit(Event::RefreshFailed);
    }
}
