//! What the code that runs inside a scope has read, so that what is made of it can be kept for exactly as long as that is
//! true.
//!
//! Promises: something made inside a [`Scope`] alone, out of nothing but what was read through its engine, shows every
//! write that was settled as committed before any stamp in [`Found::stamp`] was noted; once one of its words has moved, the
//! stamp holds no more. Whatever cannot be followed is a refusal, which stays.
//!
//! # Why one stamp for all
//! Each read notes its stamp before its load, and the joined stamp holds the words of all. It equals the clock only while
//! each single one does, so the argument of [`clock`](super::clock) holds for each read alone. Two reads that noted
//! different words for one slot saw the database at two times: they join to nothing.
//!
//! A read in a transaction may see the database as of its beginning. Its stamp counts only if nothing that it depends on
//! moved between the beginning and the read ([`Clock::moved_since`](super::Clock::moved_since)).
//!
//! A scope follows the task that it is run on, across every await; to a spawned task it must be carried ([`Scope::run`]). One
//! inside another tells that one of each read at once: what is made inside may be read to its end only when the scope has long
//! been left.

use std::{future::Future, sync::Arc, time::Duration};

use super::{
    Cached, Engine, Freshness, Stamp, Tags, Tick,
    clock::Era,
    stamp::Standing,
    sync::{Mutex, lock},
};

tokio::task_local! {
    static CURRENT: Scope;
}

/// Collects what is read while it runs. A clone is the same scope.
#[derive(Clone)]
pub struct Scope(Arc<Inner>);

struct Inner {
    engine: Arc<Engine>,
    /// The one that it was begun in: what is made inside is part of what is made there.
    outer: Option<Scope>,
    /// What is made inside is as old as this, whatever the age of the answers of the cache that it is made of.
    begun: Tick,
    /// Written by each read inside.
    gathered: Mutex<Gathered>,
}

#[derive(Default)]
struct Gathered {
    stamp: Option<Stamp>,
    fresh_for: Option<Duration>,
    scoped: bool,
    refusal: Option<Unfollowed>,
}

/// What was read inside a scope.
#[derive(Clone, Debug)]
pub struct Found {
    /// Of all reads together.
    pub stamp: Stamp,
    /// How long all of it stays fresh, as of its reading; `None` where nothing limits it.
    pub fresh_for: Option<Duration>,
    /// Some of it was read for a scope of the user's (`.scope()`), so it is not for everybody.
    pub scoped: bool,
}

/// Why what was made inside a scope must not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfollowed(pub &'static str);

impl Scope {
    /// A scope for what is read through `engine`. Reads through another make it refuse. It is part of the one that the caller
    /// runs in, if there is one.
    pub fn new(engine: &Arc<Engine>) -> Self {
        Self(Arc::new(Inner {
            engine: engine.clone(),
            outer: Self::current(),
            begun: engine.now(),
            gathered: Mutex::default(),
        }))
    }

    /// The scope that the caller runs in.
    #[inline]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// The caller changes something: what is made in its scope, if it runs in one, must not be kept.
    pub fn writes() {
        if let Some(scope) = Self::current() {
            scope.refuse("write");
        }
    }

    /// Runs `work` inside. It can be called several times, also at once, for the parts of one whole.
    ///
    /// # Cancel safety
    /// What was read until then stays noted.
    pub fn run<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self.clone(), work)
    }

    /// What was read, if all of it could be followed.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn found(&self) -> Result<Found, Unfollowed> {
        let gathered = lock(&self.0.gathered);
        match (&gathered.refusal, &gathered.stamp) {
            (Some(why), _) => Err(*why),
            (None, stamp) => Ok(Found {
                stamp: match stamp {
                    Some(stamp) => stamp.renewed(self.0.begun),
                    None => self.0.engine.stamp(&Tags::none()),
                },
                fresh_for: gathered.fresh_for,
                scoped: gathered.scoped,
            }),
        }
    }

    /// What is made inside must not be kept.
    pub fn refuse(&self, why: &'static str) {
        if let Some(outer) = &self.0.outer {
            outer.refuse(why);
        }
        lock(&self.0.gathered)
            .refusal
            .get_or_insert(Unfollowed(why));
    }

    /// What is made inside depends on `tags` too, whose words are asked for in the shared tier as well. To be awaited before
    /// what they stand for is read.
    ///
    /// # Cancel safety
    /// Dropping the future notes nothing.
    pub async fn depends_on(&self, tags: &Tags) {
        let stamp = self.0.engine.stamp_by_the_tier(tags).await;
        self.read(&self.0.engine, stamp);
    }

    /// What was read is for those alone for whom it was read.
    pub fn limit_to_some(&self) {
        if let Some(outer) = &self.0.outer {
            outer.limit_to_some();
        }
        lock(&self.0.gathered).scoped = true;
    }

    /// A read through `engine` whose stamp was noted before it was sent.
    pub fn read(&self, engine: &Engine, stamp: Stamp) {
        self.note(engine, stamp, None);
    }

    /// As [`read`](Self::read), inside a transaction that began after `era` was noted.
    pub fn read_since(&self, engine: &Engine, era: &Era, stamp: Stamp) {
        if engine.clock().moved_since(era, &stamp) {
            self.refuse("a write came after the transaction began");
        } else {
            self.read(engine, stamp);
        }
    }

    /// An answer of `engine`'s cache.
    pub fn answer<T>(&self, engine: &Engine, cached: &Cached<T>) {
        let fresh_for = match (cached.lifetime(), cached.freshness()) {
            // It came past the cache, straight from the database.
            (None, _) => None,
            (Some(_), Freshness::Fresh) => Some(cached.fresh_for()),
            (Some(_), Freshness::Stale(_)) => Some(Duration::ZERO),
        };
        self.note(engine, cached.meta().stamp().clone(), fresh_for);
    }

    fn note(&self, engine: &Engine, stamp: Stamp, fresh_for: Option<Duration>) {
        if let Some(outer) = &self.0.outer {
            outer.note(engine, stamp.clone(), fresh_for);
        }
        if !std::ptr::eq(engine, &*self.0.engine) {
            return self.refuse("read through another pool");
        }
        if stamp.standing >= Standing::Quarantined {
            return self.refuse("a write of unknown outcome");
        }
        let gathered = &mut *lock(&self.0.gathered);
        let joined = match &gathered.stamp {
            None => Some(stamp),
            Some(own) => own.joined(&stamp),
        };
        match joined {
            Some(joined) => gathered.stamp = Some(joined),
            None => {
                let why = Unfollowed("a write came between two reads");
                gathered.refusal.get_or_insert(why);
            }
        }
        gathered.fresh_for = match (gathered.fresh_for, fresh_for) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}
