//! Judges an entry: fresh → stale-while-revalidate → stale-if-error → gone.
//!
//! *Expired* and *invalidated* are different: time passes for every result, but what a write has invalidated is
//! wrong, and only a reader who said how old it may be (`tolerate_stale`) gets it. This file is pure: no clock, no
//! store.

use std::time::Duration;

use super::{Cause, Consistency, Meta, Terms, Tick, clock::Validity, time::nanos};

/// Whether an answer is fresh by its reader's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// It is.
    Fresh,
    /// It is not, and was answered because of this.
    Stale(Cause),
}

/// What an entry is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answer it.
    Fresh,
    /// Answer it, and load in the background.
    Refresh(Cause),
    /// Load; answer it if that fails.
    IfError,
    /// Load; never answer it.
    Gone,
}

/// A share of a whole, in 2⁻³² of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share(pub(super) u32);

impl Share {
    /// From a fraction; below 0 is none, from 1 on nearly the whole.
    pub(super) fn new(fraction: f64) -> Self {
        // A float cast saturates, and takes NaN to zero.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturation is what is wanted"
        )]
        Self((fraction * 4_294_967_296.0) as u32)
    }

    /// A part of the share, picked by `hash`.
    pub(super) fn part(self, hash: u64) -> Self {
        Self(((u64::from(self.0) * (hash >> 32)) >> 32) as u32)
    }

    fn of(self, nanos: u64) -> u64 {
        // A share is less than the whole, so the product fits again.
        ((u128::from(nanos) * u128::from(self.0)) >> 32) as u64
    }
}

/// Judges an entry of `meta` for a reader with `terms`.
#[inline]
pub(super) fn judge(
    meta: &Meta,
    validity: Validity,
    now: Tick,
    terms: &Terms,
    early: Option<Share>,
) -> Verdict {
    let age = nanos(now.since(meta.created()));
    match (validity, terms.consistency) {
        (Validity::Changed | Validity::Contended, Consistency::Strict) => return Verdict::Gone,
        (Validity::Changed, Consistency::Bounded) => {
            return if tolerates(age, terms) {
                Verdict::Refresh(Cause::Invalidated)
            } else {
                Verdict::Gone
            };
        }
        (Validity::Current, _) | (Validity::Contended, Consistency::Bounded) => {}
    }
    let ttl = lifetime(meta, terms);
    if age < ttl {
        return match early {
            Some(share) if age >= share.of(ttl) => Verdict::Refresh(Cause::Early),
            _ => Verdict::Fresh,
        };
    }
    if age > nanos(terms.max_stale) {
        return Verdict::Gone;
    }
    if within(age, ttl, terms.stale_while_revalidate) || tolerates(age, terms) {
        Verdict::Refresh(Cause::Expired)
    } else if within(age, ttl, terms.stale_if_error) {
        Verdict::IfError
    } else {
        Verdict::Gone
    }
}

/// Whether an entry may stand in for a load that fails, however fresh or stale it is otherwise.
pub(super) fn stands_in(meta: &Meta, validity: Validity, now: Tick, terms: &Terms) -> bool {
    let valid = match (validity, terms.consistency) {
        (Validity::Current, _) | (Validity::Contended, Consistency::Bounded) => true,
        (Validity::Changed, _) | (Validity::Contended, Consistency::Strict) => false,
    };
    let age = nanos(now.since(meta.created()));
    valid
        && terms.stale_if_error > Duration::ZERO
        && within(age, lifetime(meta, terms), terms.stale_if_error)
        && age <= nanos(terms.max_stale)
}

/// How long the entry is fresh for this reader, in nanoseconds.
#[inline]
pub(super) fn lifetime(meta: &Meta, terms: &Terms) -> u64 {
    let ttl = if meta.rows == 0 {
        terms.ttl.min(terms.empty_ttl)
    } else {
        terms.ttl
    };
    let ttl = nanos(ttl.min(meta.fresh_at_most));
    ttl - meta.jitter.of(ttl)
}

fn within(age: u64, ttl: u64, window: Duration) -> bool {
    age < ttl.saturating_add(nanos(window))
}

fn tolerates(age: u64, terms: &Terms) -> bool {
    terms
        .tolerate_stale
        .is_some_and(|most| age <= nanos(most.min(terms.max_stale)))
}

#[cfg(all(test, not(shuttle)))]
mod tests;
