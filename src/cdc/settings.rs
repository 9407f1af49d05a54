//! How a pool hears of the writes of others.

use std::{fmt, time::Duration};

use super::tls::Tls;

/// PostgreSQL's logical replication as the way to hear of writes that bypass the pool.
///
/// The server must run with `wal_level = logical`, the pool's role must have `REPLICATION`, and there must be a publication of
/// all tables by the name of `cachedpool`; [`create_publication`](Self::create_publication) makes it.
///
/// The stream has a connection of its own, to where the pool connects, and a second one asks which transactions still run. A
/// pooler in between will not do. With the feature `cdc-tls` the stream can be encrypted (`tls`).
#[derive(Clone, Debug)]
#[must_use = "it does nothing until it is given to a builder"]
pub struct LogicalReplication {
    pub(crate) publication: String,
    pub(crate) creates_publication: bool,
    pub(crate) max_staleness: Duration,
    pub(crate) serves_when_blind: bool,
    pub(crate) durable_slot: Option<Box<str>>,
    pub(crate) most_retained: u64,
    pub(crate) tls: Tls,
}

/// So much log is nothing to tell of.
const GIB: u64 = 1 << 30;

impl LogicalReplication {
    /// Of the publication `cachedpool`, through a temporary slot, which goes with its connection.
    pub fn new() -> Self {
        Self {
            publication: "cachedpool".into(),
            creates_publication: false,
            max_staleness: Duration::from_secs(1),
            serves_when_blind: false,
            durable_slot: None,
            most_retained: GIB,
            tls: Tls::default(),
        }
    }

    /// The name of the publication. It must be of all tables and all operations, and not publish by way of partitions' roots.
    /// Default: `cachedpool`.
    pub fn publication(mut self, name: impl Into<String>) -> Self {
        self.publication = name.into();
        self
    }

    /// Makes the publication if it is missing, which takes a superuser. Default: its absence is an error.
    ///
    /// PostgreSQL refuses `UPDATE` and `DELETE` on a published table that has neither a primary key nor another replica
    /// identity. So a table without one is an error here, rather than one of the application later.
    pub fn create_publication(mut self) -> Self {
        self.creates_publication = true;
        self
    }

    /// How old an answer of the cache can be, as far as the writes of others go. Default: 1 s.
    ///
    /// # Staleness
    /// When it is not known that nothing is missing that was seen that long ago, because the stream is silent, slow or has
    /// much to carry, the cache answers nothing. The server is asked for that four times, and for a sign of life twice in this
    /// time (`wal_sender_timeout`).
    ///
    /// Processes that share a tier should have the same.
    pub fn max_staleness(mut self, time: Duration) -> Self {
        self.max_staleness = time;
        self
    }

    /// Follows by a slot of this name that stays when its session ends, and is made if it is missing. Default: a temporary one.
    ///
    /// A session begins with everything also here, so no answer is better for it. What is better is the way back: a slot that is
    /// there need not be made, which waits for all open transactions. It is one session's at a time: another process that
    /// wants the same one waits, and takes over when that ends. Without a shared tier its cache answers nothing meanwhile, so give each
    /// such process a name of its own.
    ///
    /// **The server keeps its log for a slot that nobody reads, until its disk is full.** Bound that (`max_slot_wal_keep_size`), watch
    /// it ([`warn_retained_wal`](Self::warn_retained_wal), and `pg_replication_slots` for when no pool runs), and
    /// [`drop_slot`](super::drop_slot) when it is not used any more. A slot whose log the server has given up is made anew.
    ///
    /// A name is of at most 63 lower-case letters, digits and underscores; another is an error of the pool's `build()`.
    pub fn durable_slot(mut self, name: impl Into<String>) -> Self {
        self.durable_slot = Some(name.into().into());
        self
    }

    /// How many bytes of its log the server may keep for the slot until [`Event::ChangesLogRetained`](crate::observe::Event) tells of it.
    /// Default: 1 GiB. `stats()` has the number (`retained_wal_bytes`), which is looked up every ten seconds.
    pub fn warn_retained_wal(mut self, bytes: u64) -> Self {
        self.most_retained = bytes;
        self
    }

    /// Lets the cache answer also while nothing is heard of the writes of others.
    ///
    /// # Staleness
    /// What others write while the stream is away is then unseen until it is back, or the time to live is over.
    pub fn danger_serve_when_blind(mut self) -> Self {
        self.serves_when_blind = true;
        self
    }
}

impl Default for LogicalReplication {
    fn default() -> Self {
        Self::new()
    }
}

/// The server, and who asks.
#[derive(Clone)]
pub(crate) struct Target {
    /// A name, or the directory of a socket.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) database: String,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}
