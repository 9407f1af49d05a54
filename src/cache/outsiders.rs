//! Whether this process hears of the writes that bypass its pool, where it is to.
//!
//! The other half of what keeps memory from answering, beside the lease on the shared tier: that is about the writes of
//! other pools, this about everybody else's. It hears by a stream of its own, or by what the one process says that follows the
//! changes for all who share the clock (`shared/vouch.rs`). What either says is true by itself, so the better of both counts.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use super::{
    Engine, Receipt, Tags, Tick,
    sync::{AtomicU64, Mutex, Ordering, lock},
};
use crate::observe::{Event, Stats};

/// Read by every hit.
#[derive(Debug)]
pub(super) struct Outsiders {
    /// The last moment at which memory may answer, in nanoseconds; endless where nobody relies on the changes. Written under
    /// the lock of `news`.
    until: AtomicU64,
    news: Mutex<News>,
    /// This process has something to say to those who share the clock.
    pub(super) told: Notify,
}

/// What is known of the changes by others.
#[derive(Debug, Default)]
struct News {
    reliance: Reliance,
    /// Until when what the own stream told is new enough.
    own: Option<Tick>,
    /// Up to when somebody says that the clock has moved for all that showed.
    vouched: Option<Tick>,
    /// Set where one process follows for all.
    common: Option<Common>,
    role: Role,
}

/// Whether memory waits for the changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reliance {
    #[default]
    No,
    Yes,
}

/// Who follows for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    /// Somebody else, if anybody.
    #[default]
    Follower,
    Leader,
}

/// What those have in common for whom one process follows.
#[derive(Clone, Debug)]
pub(super) struct Common {
    /// What they follow.
    pub(super) topic: Arc<str>,
    /// How old what this process knows may be.
    pub(super) max_staleness: Duration,
}

impl News {
    /// Until when what is known is new enough.
    fn heard(&self) -> Option<Tick> {
        let common = self.common.as_ref();
        let vouched = common.and_then(|common| Some(self.vouched?.plus(common.max_staleness)));
        self.own.max(vouched)
    }
}

impl Outsiders {
    pub(super) fn new() -> Self {
        Self {
            until: AtomicU64::new(u64::MAX),
            news: Mutex::default(),
            told: Notify::new(),
        }
    }

    /// Whether memory may answer a read that goes on at `now`.
    #[inline]
    pub(super) fn are_heard(&self, now: Tick) -> bool {
        // Acquire: whoever sees a renewal sees the steps that were taken before it.
        now.as_nanos() <= self.until.load(Ordering::Acquire)
    }

    pub(super) fn tell(&self, now: Tick, stats: &mut Stats) {
        let news = lock(&self.news);
        stats.changes_live = news.heard().is_some_and(|until| now <= until);
        stats.changes_leader = news.role == Role::Leader;
    }

    fn update(&self, change: impl FnOnce(&mut News)) {
        let mut news = lock(&self.news);
        change(&mut news);
        if news.reliance == Reliance::Yes {
            // The last of all stands for "endless".
            let until = news.heard().map_or(0, Tick::as_nanos).min(u64::MAX - 1);
            // Release: see `are_heard`.
            self.until.store(until, Ordering::Release);
        }
    }

    /// What this process follows together with others.
    pub(super) fn common(&self) -> Option<Common> {
        lock(&self.news).common.clone()
    }

    /// Up to when this process can say that the clock has moved for all that showed; `None` if it does not lead.
    pub(super) fn proven(&self) -> Option<Tick> {
        let news = lock(&self.news);
        let common = news.common.as_ref().filter(|_| news.role == Role::Leader)?;
        Some(news.own?.minus(common.max_staleness))
    }

    /// Somebody says that the clock has moved for all that showed up to then, or nobody does.
    pub(super) fn vouched(&self, showed: Option<Tick>) {
        self.update(|news| news.vouched = showed);
    }

    fn is_own_live(&self, now: Tick) -> bool {
        lock(&self.news).own.is_some_and(|until| now <= until)
    }

    fn is_vouched(&self, now: Tick) -> bool {
        let news = lock(&self.news);
        let common = news.common.as_ref();
        let until = common.and_then(|common| Some(news.vouched?.plus(common.max_staleness)));
        until.is_some_and(|until| now <= until)
    }
}

impl Engine {
    /// From now on memory answers only while the changes by others are [heard](Self::changes_heard). Never taken back.
    pub fn rely_on_changes(&self) {
        self.outsiders.update(|news| news.reliance = Reliance::Yes);
    }

    /// Until then all changes by others that anybody could have seen more than the agreed time ago have moved the clock.
    pub fn changes_heard(&self, until: Tick) {
        self.outsiders.update(|news| news.own = Some(until));
        self.outsiders.told.notify_one();
    }

    /// Others have changed this.
    pub fn changed(&self, tags: &Tags) -> Receipt {
        match self.sabotage.ignores_changes() {
            true => self.invalidate(&Tags::none()),
            false => self.invalidate(tags),
        }
    }

    /// Others may have changed anything before now.
    pub fn changed_unheard(&self) -> Receipt {
        match self.sabotage.skips_beginnings() {
            true => self.invalidate(&Tags::none()),
            false => self.invalidate_all(),
        }
    }

    /// The changes by others are not heard any more by this process itself. Those for whom it followed are told.
    pub fn changes_lost(&self) {
        self.outsiders.update(|news| {
            news.own = None;
            // What this process has said itself comes back by the clock, and would outlive what it was told.
            if std::mem::take(&mut news.role) == Role::Leader {
                news.vouched = None;
            }
        });
        self.outsiders.told.notify_one();
    }

    /// A transaction of others has moved the clock, so long after it was committed.
    pub fn change_followed(&self, lag: Duration) {
        self.observer.counters.changes.followed(lag);
    }

    /// So many bytes of its log the server keeps for the stream of the changes.
    pub fn log_retained(&self, bytes: u64) {
        self.observer.counters.retained_wal.set(bytes);
    }

    /// Whether one process can follow the changes for all who share the clock.
    pub fn can_share_changes(&self) -> bool {
        let shared = self.shared.as_ref();
        shared.is_some_and(|shared| shared.common().is_some())
    }

    /// Names the memory of the clock for which one process can follow; `None` while it is not in reach.
    pub fn common_memory(&self) -> Option<String> {
        let shared = self.shared.as_ref().filter(|shared| shared.is_live())?;
        shared.common()?.memory()
    }

    /// From now on the changes are [heard](Self::changes_heard) also by what another process says that follows `topic` for all who
    /// share the clock: as of then, and for `max_staleness`. Never taken back.
    pub fn share_changes(&self, topic: &str, max_staleness: Duration) {
        self.outsiders.update(|news| {
            news.common = Some(Common {
                topic: topic.into(),
                max_staleness,
            });
        });
    }

    /// Whether another process, or this one, says in time that it follows for all.
    pub fn changes_are_vouched(&self) -> bool {
        self.outsiders.is_vouched(self.now())
    }

    /// Whether this process hears the changes itself, and what it says of that does not come back to it by the shared clock: so
    /// others hear nothing either.
    pub fn leads_in_vain(&self) -> bool {
        let now = self.now();
        self.outsiders.is_own_live(now) && !self.outsiders.is_vouched(now)
    }

    /// This process follows for all who share the clock, until the changes are [lost](Self::changes_lost).
    pub fn lead_changes(&self) {
        self.outsiders.update(|news| news.role = Role::Leader);
        self.emit(Event::ChangesLed);
    }
}
