//! How far a future is polled, and how a task waits in the middle of one for others to go on.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use cachedpool_test_support::poll_at_most;
use tokio::sync::Notify;

use crate::history::Pace;

/// A task may hold what others wait for (the lead of a flight), and then they never take the turns it waits for.
const LONGEST_HOLD: Duration = Duration::from_millis(15);

/// The turns that tasks have taken.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// Written by every task at the end of its turns and around its holds.
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Clone, Copy, Debug)]
struct State {
    turns: u64,
    /// Tasks and branches that have neither ended nor hold still.
    moving: i64,
}

impl Schedule {
    pub(crate) fn new(tasks: usize) -> Self {
        Schedule {
            state: Mutex::new(State {
                turns: 0,
                moving: i64::try_from(tasks).expect("a few tasks"),
            }),
            changed: Notify::new(),
        }
    }

    /// A task has taken a turn.
    pub(crate) fn turned(&self) {
        self.change(|state| state.turns += 1);
    }

    /// A task has ended, or one of its branches.
    pub(crate) fn ended(&self) {
        self.change(|state| state.moving -= 1);
    }

    /// A task goes on in so many branches, each of which says when it has ended.
    pub(crate) fn branched(&self, branches: usize) {
        let branches = i64::try_from(branches).expect("a few branches");
        self.change(|state| state.moving += branches - 1);
    }

    /// All branches have ended, and the task goes on.
    pub(crate) fn joined(&self) {
        self.change(|state| state.moving += 1);
    }

    /// Runs a future at its pace; `None` if it was dropped on the way.
    pub(crate) async fn at<T>(&self, pace: Pace, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        match pace {
            Pace::Through => Some(future.await),
            Pace::Cut(polls) => poll_at_most(polls, future).await,
            Pace::Hold { polls, turns } => {
                let mut left = polls.max(1);
                let early = poll_fn(|context| match future.as_mut().poll(context) {
                    Poll::Ready(output) => Poll::Ready(Some(output)),
                    Poll::Pending => {
                        left -= 1;
                        if left == 0 {
                            Poll::Ready(None)
                        } else {
                            Poll::Pending
                        }
                    }
                })
                .await;
                match early {
                    Some(output) => Some(output),
                    None => {
                        self.hold(turns).await;
                        Some(future.await)
                    }
                }
            }
        }
    }

    async fn hold(&self, turns: u64) {
        let target = self.change(|state| {
            state.moving -= 1;
            state.turns + turns
        });
        let reached = async {
            loop {
                let changed = self.changed.notified();
                let state = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
                // With nobody moving, nobody would take the turn.
                if state.turns >= target || state.moving <= 0 {
                    return;
                }
                changed.await;
            }
        };
        // Out of patience or not, it goes on.
        let _ = tokio::time::timeout(LONGEST_HOLD, reached).await;
        self.change(|state| state.moving += 1);
    }

    fn change<T>(&self, step: impl FnOnce(&mut State) -> T) -> T {
        let result = step(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.notify_waiters();
        result
    }
}
