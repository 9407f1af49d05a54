//! What happens in a pool, as it happens.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tokio::sync::broadcast::{self, error::RecvError};

/// Something that happened. Hits are not told, only counted.
///
/// Carries no bound value and no literal of a SQL text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A write or a call made what depends on some tags invalid.
    Invalidated {
        /// How many tags.
        tags: usize,
    },
    /// A call, or a write with unknown targets, made every result invalid.
    InvalidatedEverything,
    /// A result was returned to its readers and not stored.
    StoreSkipped {
        /// Why.
        why: Skip,
    },
    /// A value could not be encoded; it was returned and not stored.
    EncodeFailed {
        /// The value's type.
        value: &'static str,
    },
    /// An answer was given although a load was due.
    StaleServed {
        /// Why.
        cause: Cause,
    },
    /// A load failed.
    LoadFailed,
    /// A background refresh has stored its result.
    Refreshed,
    /// A background refresh failed or panicked.
    RefreshFailed,
    /// A background refresh was not started: too many run, or its result could not be stored now.
    RefreshSkipped,
    /// A write of unknown outcome closed the slots of its tags.
    QuarantineBegan {
        /// How many slots.
        slots: usize,
    },
    /// The time of a quarantine was over.
    QuarantineEnded {
        /// How many slots were opened.
        slots: usize,
    },
    /// The database's catalog has changed and was read again; everything was invalidated.
    SchemaLoaded,
    /// The database's catalog could not be read again. Until it can, writes invalidate everything and reads go to the
    /// database, if it is known to have changed.
    SchemaUnread {
        /// Why, and what helps where that is known.
        problem: Box<str>,
    },
    /// Code in the database can do anything: a write that runs it invalidates everything.
    UnknownEffect {
        /// Which code and why, and how to declare what it does.
        what: Box<str>,
    },
    /// This process hears of the writes of others, from now on.
    SharedTierHeard,
    /// It hears no more: memory answers nothing until it does.
    SharedTierLost,
    /// The shared tier cannot be reached. Told once an outage.
    SharedTierAway {
        /// What is wrong with it.
        problem: Arc<str>,
    },
    /// A read gave up on the shared tier, and others will not ask it until it answers in time again.
    SharedTierSkipped {
        /// What was wrong with it.
        problem: Arc<str>,
    },
    /// An entry of the shared tier could not be used: a miss.
    SharedEntryRefused {
        /// Why.
        why: &'static str,
    },
    /// A result was not stored in the shared tier, because other processes would not have read it as it is. Told once or
    /// twice a type.
    SharedStoreWithheld {
        /// The value's type.
        value: &'static str,
        /// Why.
        why: &'static str,
    },
    /// The other processes could not be told of writes; it is tried again.
    DeliveryFailed {
        /// What was wrong.
        problem: Arc<str>,
    },
    /// So many steps wait to be told that they became one: everything is invalid.
    StepsCollapsed,
    /// This process hears of the writes of those who bypass the pool, from now on; everything was invalidated.
    ChangesHeard,
    /// It hears of them no more: memory answers nothing until it does. Told once an outage.
    ChangesLost {
        /// What was wrong, and what helps where that is known.
        problem: Arc<str>,
    },
    /// This process follows the writes of those who bypass the pool for all processes that share its clock, from now on.
    ChangesLed,
    /// What came was no message of a change: everything was invalidated, and the stream begins again.
    ChangesMalformed {
        /// What was wrong with it.
        problem: Arc<str>,
    },
    /// The server had given up its log for this durable slot, which was made anew; everything was invalidated.
    ChangesSlotLost {
        /// Its name.
        slot: Arc<str>,
    },
    /// The server keeps more of its log for the stream than it should (`warn_retained_wal`). Told when it becomes so.
    ChangesLogRetained {
        /// The name of the stream's slot.
        slot: Arc<str>,
        /// How much it keeps.
        bytes: u64,
    },
    /// A hint in a SQL comment is unknown or malformed; the query ran without it.
    HintFault {
        /// The names of the hints, without their values.
        names: Arc<[String]>,
    },
}

/// Why an entry was answered although a load is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// Still fresh, but near its end: the pool refreshes early.
    Early,
    /// Past its time to live, within `stale_while_revalidate`.
    Expired,
    /// A write came since, and the reader tolerates it (`tolerate_stale`).
    Invalidated,
    /// The load failed, within `stale_if_error`.
    LoadFailed,
    /// The load took longer than the pool's soft timeout, within `stale_if_error`.
    LoadSlow,
}

impl Cause {
    /// The cause in a word or two, as events and counters name it.
    pub fn label(self) -> &'static str {
        match self {
            Cause::Early => "early",
            Cause::Expired => "expired",
            Cause::Invalidated => "invalidated",
            Cause::LoadFailed => "load failed",
            Cause::LoadSlow => "load slow",
        }
    }
}

/// Why a result was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Skip {
    /// A write came while it was loaded.
    Raced,
    /// It depends on something that a write of unknown outcome may still change.
    Quarantined,
    /// A strict read ran while a write was in flight.
    WriterInFlight,
    /// What it depends on is unknown.
    DependsOnEverything,
    /// It has more rows than the reader's terms allow.
    TooManyRows,
    /// Its encoding is larger than the reader's terms allow.
    TooManyBytes,
    /// It is too large for the tier.
    TooLargeForTier,
    /// It could not be encoded.
    EncodeFailed,
    /// A result of a later load was there already.
    Superseded,
    /// By the reader's terms it could never be answered.
    NoLife,
}

impl Skip {
    /// The reason as counters name it.
    pub fn label(self) -> &'static str {
        match self {
            Skip::Raced => "raced",
            Skip::Quarantined => "quarantined",
            Skip::WriterInFlight => "writer in flight",
            Skip::DependsOnEverything => "depends on everything",
            Skip::TooManyRows => "too many rows",
            Skip::TooManyBytes => "too many bytes",
            Skip::TooLargeForTier => "too large for tier",
            Skip::EncodeFailed => "encode failed",
            Skip::Superseded => "superseded",
            Skip::NoLife => "no life",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Invalidated { tags } => write!(f, "invalidated {tags} tag(s)"),
            Event::InvalidatedEverything => f.write_str("invalidated everything"),
            Event::StoreSkipped { why } => write!(f, "result not stored: {}", why.label()),
            Event::EncodeFailed { value } => write!(f, "a value of type {value} cannot be encoded"),
            Event::StaleServed { cause } => write!(f, "answered stale: {}", cause.label()),
            Event::LoadFailed => f.write_str("load failed"),
            Event::Refreshed => f.write_str("refreshed in the background"),
            Event::RefreshFailed => f.write_str("background refresh failed"),
            Event::RefreshSkipped => f.write_str("background refresh skipped"),
            Event::QuarantineBegan { slots } => {
                write!(f, "a write of unknown outcome closed {slots} slot(s)")
            }
            Event::QuarantineEnded { slots } => {
                write!(f, "{slots} slot(s) opened after a write of unknown outcome")
            }
            Event::SchemaLoaded => {
                f.write_str("the catalog has changed: read it again and invalidated everything")
            }
            Event::SchemaUnread { problem } => {
                write!(f, "the catalog could not be read again: {problem}")
            }
            Event::UnknownEffect { what } => f.write_str(what),
            Event::SharedTierHeard => f.write_str("the shared tier is heard"),
            Event::SharedTierLost => f.write_str("the shared tier is not heard any more"),
            Event::SharedTierAway { problem } => write!(f, "the shared tier is away: {problem}"),
            Event::SharedTierSkipped { problem } => {
                write!(f, "a read gave up on the shared tier: {problem}")
            }
            Event::SharedEntryRefused { why } => {
                write!(f, "an entry of the shared tier was not used: {why}")
            }
            Event::SharedStoreWithheld { value, why } => {
                write!(f, "a value of type {value} is not shared: {why}")
            }
            Event::DeliveryFailed { problem } => {
                write!(
                    f,
                    "invalidations could not be told to other processes yet: {problem}"
                )
            }
            Event::StepsCollapsed => {
                f.write_str("too many invalidations wait to be told: everything is invalidated")
            }
            Event::ChangesHeard => f.write_str("the changes by others are heard"),
            Event::ChangesLost { problem } => {
                write!(f, "the changes by others are not heard any more: {problem}")
            }
            Event::ChangesLed => f.write_str("follows the changes by others for all processes"),
            Event::ChangesMalformed { problem } => {
                write!(f, "a change by others could not be read: {problem}")
            }
            Event::ChangesSlotLost { slot } => {
                write!(
                    f,
                    "the replication slot {slot} had lost its log and was made anew"
                )
            }
            Event::ChangesLogRetained { slot, bytes } => {
                write!(
                    f,
                    "the server keeps {bytes} bytes of its log for the replication slot {slot}"
                )
            }
            Event::HintFault { names } => {
                write!(f, "unknown or malformed hint(s): {}", names.join(", "))
            }
        }
    }
}

/// Where events are told, and where one subscribes to them.
#[derive(Debug)]
pub struct Events {
    sender: broadcast::Sender<Event>,
    lost: Arc<AtomicU64>,
}

impl Events {
    pub(super) fn new(capacity: usize) -> Self {
        // What a broadcast channel takes without panicking.
        let capacity = capacity.clamp(1, 1 << 20);
        Self {
            sender: broadcast::Sender::new(capacity),
            lost: Arc::default(),
        }
    }

    /// Every event from now on. A subscriber that falls behind loses the oldest and slows nobody.
    pub fn subscribe(&self) -> EventStream {
        EventStream {
            receiver: self.sender.subscribe(),
            lost: self.lost.clone(),
        }
    }

    /// How many events subscribers have lost because they fell behind.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Warnings are what an operator should look at; the rest is for those who look closely.
    pub(super) fn emit(&self, event: Event) {
        match &event {
            Event::EncodeFailed { .. }
            | Event::HintFault { .. }
            | Event::QuarantineBegan { .. }
            | Event::RefreshFailed
            | Event::SchemaUnread { .. }
            | Event::UnknownEffect { .. }
            | Event::SharedTierAway { .. }
            | Event::SharedTierLost
            | Event::SharedTierSkipped { .. }
            | Event::SharedEntryRefused { .. }
            | Event::SharedStoreWithheld { .. }
            | Event::DeliveryFailed { .. }
            | Event::StepsCollapsed
            | Event::ChangesLost { .. }
            | Event::ChangesMalformed { .. }
            | Event::ChangesSlotLost { .. }
            | Event::ChangesLogRetained { .. } => tracing::warn!(target: "cachedpool", "{event}"),
            _ => tracing::debug!(target: "cachedpool", "{event}"),
        }
        if self.sender.receiver_count() > 0 {
            // Fails only if the last subscriber has just gone: then nobody misses it.
            let _ = self.sender.send(event);
        }
    }
}

/// The events of a pool, from the moment of [`Events::subscribe`] on.
#[derive(Debug)]
pub struct EventStream {
    receiver: broadcast::Receiver<Event>,
    lost: Arc<AtomicU64>,
}

impl EventStream {
    /// The next event; `None` when the pool is gone.
    ///
    /// # Cancel safety
    /// No event is lost by dropping the future.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(count)) => {
                    self.lost.fetch_add(count, Relaxed);
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// The next event if there is one already.
    pub fn try_next(&mut self) -> Option<Event> {
        use broadcast::error::TryRecvError;
        loop {
            match self.receiver.try_recv() {
                Ok(event) => return Some(event),
                Err(TryRecvError::Lagged(count)) => {
                    self.lost.fetch_add(count, Relaxed);
                }
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_slow_subscriber_loses_the_oldest_and_it_is_counted() {
        let events = Events::new(2);
        events.emit(Event::LoadFailed);
        let mut stream = events.subscribe();
        for tags in 1..=5 {
            events.emit(Event::Invalidated { tags });
        }
        assert_eq!(stream.try_next(), Some(Event::Invalidated { tags: 4 }));
        assert_eq!(stream.try_next(), Some(Event::Invalidated { tags: 5 }));
        assert_eq!(stream.try_next(), None);
        assert_eq!(events.lost(), 3);
    }

    #[tokio::test]
    async fn the_stream_ends_with_the_pool() {
        let events = Events::new(2);
        let mut stream = events.subscribe();
        events.emit(Event::Refreshed);
        drop(events);
        assert_eq!(stream.next().await, Some(Event::Refreshed));
        assert_eq!(stream.next().await, None);
    }
}
