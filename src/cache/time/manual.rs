//! The time of tests.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use super::Tick;

/// Turns the [`Time`](super::Time) it was made with.
#[derive(Clone, Debug)]
pub struct ManualTime(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Tick,
    sleepers: Vec<Waker>,
}

impl ManualTime {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Tick::BEGIN,
            sleepers: Vec::new(),
        })))
    }

    /// Turns the time forward by `span` and wakes whoever slept.
    pub fn advance(&self, span: Duration) {
        let sleepers = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.now = state.now.plus(span);
            std::mem::take(&mut state.sleepers)
        };
        // After the lock is gone: a waker may run the sleeper at once, and the sleeper locks again.
        sleepers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn now(&self) -> Tick {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    pub(super) async fn sleep(&self, span: Duration) {
        let end = self.now().plus(span);
        poll_fn(|context| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.now >= end {
                return Poll::Ready(());
            }
            state.sleepers.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
