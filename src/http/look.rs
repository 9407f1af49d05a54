//! What memory has for a request, held against what the request takes.

use std::time::Duration;

use super::{
    cache_status::Forward,
    directives::Wanted,
    stored::{OnceStale, StoredResponse},
};
use crate::cache::{Cached, Cause, Engine, Key, Lookup, Mode, Terms};

/// What is to be done about a request.
pub(super) enum Look {
    /// Answer with this.
    Answer(Cached<StoredResponse>, Renewal),
    /// Ask the handler, for this reason.
    Handler(Forward, Mode),
}

/// Whether an answer is to be made anew in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewal {
    No,
    /// Before it expires.
    Early,
    /// It has expired.
    Late,
}

/// Looks `key` up, for a request that wants this, under a policy's terms.
pub(super) fn look(engine: &Engine, key: &Key, terms: &Terms, wanted: &Wanted) -> Look {
    let mut terms = *terms;
    if let Some(most) = wanted.max_stale {
        // RFC 9111 §5.2.1.2: the client takes what the policy would not give. The end of a window is not in it.
        let window = most.saturating_add(Duration::from_nanos(1));
        terms.stale_while_revalidate = terms.stale_while_revalidate.max(window);
    }
    match engine.lookup::<StoredResponse>(key, &terms) {
        Lookup::Fresh(cached) if wanted.takes(&cached) => Look::Answer(cached, Renewal::No),
        Lookup::Stale(cached, Cause::Early) if wanted.takes(&cached) => {
            Look::Answer(cached, Renewal::Early)
        }
        Lookup::Fresh(_) | Lookup::Stale(_, Cause::Early) => {
            Look::Handler(Forward::Request, Mode::Refresh)
        }
        Lookup::Stale(cached, _) if wanted.takes_stale(&cached) => {
            Look::Answer(cached, Renewal::Late)
        }
        Lookup::Stale(..) => Look::Handler(Forward::Stale, Mode::Refresh),
        Lookup::Miss(fallback) => Look::Handler(
            match fallback {
                Some(_) => Forward::Stale,
                None => Forward::Miss,
            },
            // What is found elsewhere is not held against it.
            if wanted.limits() {
                Mode::Refresh
            } else {
                Mode::Normal
            },
        ),
    }
}

impl Wanted {
    /// Whether a fresh response will do.
    pub(super) fn takes(&self, cached: &Cached<StoredResponse>) -> bool {
        let age = cached.age().saturating_add(cached.age);
        !self.no_cache
            && self.max_age.is_none_or(|most| age <= most)
            && self
                .min_fresh
                .is_none_or(|least| cached.fresh_for() >= least)
    }

    /// Whether one will do that the policy gives though it is stale, or that is as stale as the request allows.
    pub(super) fn takes_stale(&self, cached: &Cached<StoredResponse>) -> bool {
        if cached.once_stale == OnceStale::Never || self.no_cache || self.min_fresh.is_some() {
            return false;
        }
        let age = cached.age().saturating_add(cached.age);
        let lifetime = cached.lifetime().unwrap_or_default();
        match (self.max_stale, self.max_age) {
            (Some(most), max_age) => {
                cached.age().saturating_sub(lifetime) <= most
                    && max_age.is_none_or(|most| age <= most)
            }
            // §5.2.1.1: who says how old it may be wants nothing stale.
            (None, Some(_)) => false,
            (None, None) => true,
        }
    }

    /// Whether a response that anybody else would take may not do.
    fn limits(&self) -> bool {
        self.no_cache || self.max_age.is_some() || self.min_fresh.is_some()
    }
}
