//! The builder's settings of the tier that processes share, and how it is opened.

use std::{future, sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use tokio::time::timeout;

use super::Builder;
use crate::{
    Error,
    cache::{
        Engine, SharedSettings,
        shared::{SharedTier, TierError},
    },
    driver::Front,
};

/// How long `build()` waits for a shared tier.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the builder knows of a shared tier.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) settings: SharedSettings,
    pub(super) required: bool,
    /// `encrypt_with` was called, with or without keys.
    sealed: bool,
    pub(super) generation: String,
    open: Option<Open>,
}

/// Makes the tier; fails if its settings cannot be.
type Open = Box<dyn FnOnce(&SharedSettings) -> Result<Opened, TierError> + Send>;

/// A tier that is to be listened to.
pub(super) struct Opened {
    pub(super) tier: Arc<dyn SharedTier>,
    /// Whatever it wants to try before it is relied upon, once it has beaten.
    pub(super) trial: BoxFuture<'static, Result<(), TierError>>,
}

impl<DB: Front> Builder<DB> {
    /// Shares results and invalidations with other processes through this tier. Default: none, each process has a cache
    /// of its own.
    ///
    /// Everything that the pool promises one process then holds between processes, within
    /// [`max_staleness`](Self::max_staleness). The namespace of the tier decides who shares: all pools in it must be on the
    /// same database, or on databases that can be told apart. They can by what PostgreSQL (`system_identifier`), MySQL
    /// (`server_uuid`) or MariaDB (what it knows of its machine, its start and its tables) say of themselves; a copy that was
    /// restored from a backup says the same as its original, so give it a namespace of its own. An SQLite file is shared by the
    /// processes of one machine. A database in memory, or one that does not say who it is, keeps its results in this process. So
    /// does a replica (a PostgreSQL in recovery, a MySQL or MariaDB that is read-only): what it answers lags behind the writes
    /// that processes tell each other of.
    ///
    /// Row types are told apart by their names and the names and kinds of their fields; [`generation`](Self::generation) is for what
    /// these do not show.
    ///
    /// Rows travel by serde. A value that would come back as another one is not shared, as far as serde shows it; see
    /// [`CacheValue`](crate::CacheValue) for what it does not show.
    pub fn shared_tier(self, tier: impl SharedTier) -> Self {
        let tier: Arc<dyn SharedTier> = Arc::new(tier);
        self.open_with(|_| {
            let trial = Box::pin(future::ready(Ok(())));
            Ok(Opened { tier, trial })
        })
    }

    pub(super) fn open_with(
        mut self,
        open: impl FnOnce(&SharedSettings) -> Result<Opened, TierError> + Send + 'static,
    ) -> Self {
        self.shared.open = Some(Box::new(open));
        self
    }

    /// The longest that another process may answer with data from before a write that this process was told of as done, if
    /// the news of it do not get through. Default: 1 s.
    ///
    /// While news get through, other processes hear of a write after one message. A process that has had no sign of life from
    /// the tier for this long stops answering from its memory and asks the database, until it hears again.
    pub fn max_staleness(mut self, time: Duration) -> Self {
        self.shared.settings.max_staleness = time;
        self
    }

    /// What one read or write spends at most on waiting for the shared tier. Default: 50 ms.
    ///
    /// A read then goes to the database. A write is done, and what it invalidates is told to the others as soon as the tier
    /// answers again (`stats().pending_invalidations`); a strict write fails before anything is sent, see
    /// [`Consistency::Strict`](crate::Consistency::Strict).
    pub fn shared_budget(mut self, time: Duration) -> Self {
        self.shared.settings.budget = time;
        self
    }

    /// For how long strict reads of what a write touches go to the database if its process dies between COMMIT and the news of
    /// it. Default: 10 s.
    ///
    /// A writer that lives prolongs its hold, however long it takes. Of use with
    /// [`consistency(Consistency::Strict)`](Self::consistency) only.
    pub fn fence(mut self, time: Duration) -> Self {
        self.shared.settings.fence = time;
        self
    }

    /// Makes it an error of [`build`](Self::build) if the shared tier does not answer within 2 s. Default: the pool is built
    /// after as long a wait, answers from the database and goes on trying.
    pub fn require_shared(mut self) -> Self {
        self.shared.required = true;
        self
    }

    /// Names the state that the program's row types are in: pools of different generations do not share results, while writes of one
    /// still invalidate those of the other. Default: the empty text.
    ///
    /// A row type is known to other processes by its name and by names and kinds of its fields. Another build may have changed what
    /// these do not show: `#[sqlx(rename)]`, a `FromRow` or `Deserialize` written by hand, the unit of a number. Then count the
    /// generation up, so that old and new processes do not read each other's rows during the deploy and after it. The version of the
    /// program (`env!("CARGO_PKG_VERSION")`) is a safe choice, and begins with an empty tier at each release.
    pub fn generation(mut self, name: impl Into<String>) -> Self {
        self.shared.generation = name.into();
        self
    }

    /// Encrypts what is kept in the shared tier: rows, and what tells them apart (arguments, scope). Default: neither is
    /// encrypted.
    ///
    /// The first key seals, all of them open, so a key is changed in two steps: put the new one behind the old one
    /// everywhere, then in front. Entries that no key opens are misses. Draw keys at random; the crate wipes none from memory.
    pub fn encrypt_with(mut self, keys: impl IntoIterator<Item = [u8; 32]>) -> Self {
        self.shared.settings.secrets = keys.into_iter().collect();
        self.shared.sealed = true;
        self
    }

    /// Of processes that miss the same key at once, lets one load and the others wait for its result. Default: each process loads for itself.
    ///
    /// `lease` bounds both: how long the others wait before they load for themselves, and how long a loader that has died keeps
    /// others from taking its place.
    pub fn load_across_processes(mut self, lease: Duration) -> Self {
        self.shared.settings.claim = Some(lease);
        self
    }
}

impl Shared {
    /// The rules that these settings break, of which the first is told.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 6] {
        let settings = &self.settings;
        [
            (
                settings.max_staleness.is_zero(),
                "max_staleness",
                "must be above zero",
            ),
            (
                settings.budget.is_zero(),
                "shared_budget",
                "must be above zero",
            ),
            (
                settings.fence <= settings.budget,
                "fence",
                "must be longer than `shared_budget`",
            ),
            (
                settings.claim.is_some_and(|lease| lease.is_zero()),
                "load_across_processes",
                "must be above zero",
            ),
            (
                self.sealed && settings.secrets.is_empty(),
                "encrypt_with",
                "needs a key",
            ),
            (
                self.required && self.open.is_none(),
                "require_shared",
                "needs a shared tier",
            ),
        ]
    }

    /// Whether a tier was asked for.
    pub(super) fn is_set(&self) -> bool {
        self.open.is_some()
    }

    /// Whether encryption was asked for.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Makes the tier that was asked for.
    ///
    /// # Errors
    /// Settings of it that cannot be.
    pub(super) fn open(&mut self) -> Result<Option<Opened>, Error> {
        let opened = self.open.take().map(|open| open(&self.settings));
        opened.transpose().map_err(Error::shared_tier)
    }

    /// Waits a little for the tier to answer; the engine must be listening to it.
    ///
    /// # Errors
    /// What somebody must mend; where the tier is required, also that it does not answer.
    pub(super) async fn prove(&self, opened: Opened, engine: &Engine) -> Result<(), Error> {
        let proof = async {
            // Its first beat: from then on the first reads find a tier that is there.
            engine.begun().await;
            // Once more, for the error. With the engine's own bound on silence: whatever a silence before has made doubtful
            // is ended by whoever beats first.
            opened.tier.beat(self.settings.max_staleness).await?;
            opened.trial.await
        };
        let proven = timeout(PATIENCE, proof)
            .await
            .unwrap_or_else(|_| Err(TierError::passing("it does not answer")));
        match proven {
            Err(error) if self.required || error.is_lasting() => Err(Error::shared_tier(error)),
            _ => Ok(()),
        }
    }
}
