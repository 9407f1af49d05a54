//! The seam through which the room takes its atomics and locks, so that shuttle can explore their schedules.
//!
//! `Arc` is always the standard one: its counts order nothing that the argument in [`super::clock`] leans on.

use std::sync::PoisonError;

#[cfg(shuttle)]
pub(super) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering, fence},
};
#[cfg(not(shuttle))]
pub(super) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering, fence},
};

/// Locks, also after a panic elsewhere: every critical section of this room leaves its data whole at each step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
