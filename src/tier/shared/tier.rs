//! [`RedisTier`]: the engine's calls, one by one.

use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_core::future::BoxFuture;

use super::{
    fault::Fault,
    hearing::Hearing,
    links::{Links, Pulse, milliseconds},
    names::Names,
    place::Servers,
    random,
    reading::Question,
    settings::Redis,
};
use crate::cache::shared::{
    Claim, Fetched, Hold, Reading, Session, SharedTier, Since, Step, TierError, Watcher, Word,
};

/// The shared tier on Redis.
///
/// Only [`beat`](SharedTier::beat) connects. Without a connection everything else fails at once.
pub struct RedisTier {
    servers: Servers,
    names: Arc<Names>,
    strict: Option<Duration>,
    /// Tells this process's steps from those of others.
    origin: u64,
    watcher: OnceLock<Arc<dyn Watcher>>,
    sessions: Arc<AtomicU64>,
    /// Set by `beat`, under `beating`; taken away by whoever finds that it is over.
    links: Mutex<Option<Arc<Links>>>,
    /// Held by the one beat that is under way.
    beating: tokio::sync::Mutex<()>,
    /// How often links were asked for.
    attempts: AtomicUsize,
    /// Of the last beat, in milliseconds, for shards that lose their epoch between two.
    max_silence: AtomicU64,
}

impl RedisTier {
    /// A tier by these settings. `strict` is the span of the fences that strict writers of all processes set, if this
    /// process is to wait for fences that a Redis may have forgotten.
    ///
    /// Does not connect: Redis being away is no error.
    ///
    /// # Errors
    /// When the settings cannot work: a URL that cannot be read, a namespace that could meet another.
    pub fn new(settings: Redis, strict: Option<Duration>) -> Result<Self, TierError> {
        let servers = Servers::new(&settings)?;
        let names = Names::new(&settings.namespace, servers.shards(), servers.database());
        Ok(Self {
            servers,
            names: Arc::new(names),
            strict,
            origin: random(),
            watcher: OnceLock::new(),
            sessions: Arc::default(),
            links: Mutex::new(None),
            beating: tokio::sync::Mutex::new(()),
            attempts: AtomicUsize::new(0),
            max_silence: AtomicU64::new(u64::MAX),
        })
    }

    /// Connects once, and tries each command that the tier will need. Nobody hears of a beat for longer than `max_silence`: then
    /// the clock begins anew, as at a [`beat`](SharedTier::beat).
    ///
    /// # Errors
    /// What is missing: the server, its version, a permission.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn check(&self, max_silence: Duration) -> Result<(), TierError> {
        let trial = async {
            let links = self.connect(None).await?;
            let pulse = Pulse {
                max_silence,
                strict: self.strict,
            };
            links.beat(pulse).await?;
            links.rehearse(pulse).await
        };
        trial.await.map_err(|fault| fault.error)
    }

    async fn connect(&self, watcher: Option<Arc<dyn Watcher>>) -> Result<Links, Fault> {
        let hearing = Hearing::new(
            self.names.clone(),
            watcher,
            self.origin,
            self.sessions.clone(),
        );
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        Links::open(
            &self.servers,
            attempt,
            self.names.clone(),
            Arc::new(hearing),
        )
        .await
    }

    fn linked(&self) -> Option<Arc<Links>> {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if links.as_ref().is_some_and(|links| links.hearing.is_over()) {
            *links = None;
        }
        links.clone()
    }

    /// Does something over the links that there are. They are given up if it fails in a way that says so.
    async fn with<'a, T, F>(&'a self, work: impl FnOnce(Arc<Links>) -> F) -> Result<T, TierError>
    where
        F: Future<Output = Result<T, Fault>> + 'a,
    {
        let Some(links) = self.linked() else {
            return Err(TierError::passing("there is no link to Redis"));
        };
        work(links.clone())
            .await
            .map_err(|fault| links.suffer(fault))
    }

    async fn beat_once(&self, max_silence: Duration) -> Result<Session, TierError> {
        let _alone = self.beating.lock().await;
        self.max_silence
            .store(milliseconds(max_silence), Ordering::Relaxed);
        let pulse = self.pulse();
        if let Some(links) = self.linked() {
            let unanswered = Unanswered(Some(&links.hearing));
            let answer = links.beat(pulse).await;
            unanswered.answered();
            return answer
                .map(|()| links.hearing.session())
                .map_err(|fault| links.suffer(fault));
        }
        // Nobody sees the new links before their first beat was answered: dropped until then, they leave nothing behind.
        let opened = async {
            let links = self.connect(self.watcher.get().cloned()).await?;
            links.beat(pulse).await?;
            Ok(links)
        };
        let links = opened.await.map_err(|fault: Fault| fault.error)?;
        let session = links.hearing.session();
        *self.links.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(links));
        Ok(session)
    }

    fn pulse(&self) -> Pulse {
        Pulse {
            max_silence: Duration::from_millis(self.max_silence.load(Ordering::Relaxed)),
            strict: self.strict,
        }
    }

    async fn look(&self, question: Question<'_>) -> Result<Fetched, TierError> {
        let pulse = self.pulse();
        self.with(async |links: Arc<Links>| links.read(question, pulse).await)
            .await
    }
}

/// A beat that was dropped before its answer came. The link may be dead without a sign, so the next beat takes another.
struct Unanswered<'a>(Option<&'a Hearing>);

impl Unanswered<'_> {
    fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(hearing) = self.0 {
            hearing.end();
        }
    }
}

impl SharedTier for RedisTier {
    fn attach(&self, watcher: Arc<dyn Watcher>) {
        // The first one stays.
        let _ = self.watcher.set(watcher);
    }

    fn beat(&self, max_silence: Duration) -> BoxFuture<'_, Result<Session, TierError>> {
        Box::pin(self.beat_once(max_silence))
    }

    fn fetch<'a>(
        &'a self,
        key: &'a str,
        slots: &'a [u16],
    ) -> BoxFuture<'a, Result<Fetched, TierError>> {
        Box::pin(self.look(Question {
            key: Some(key),
            slots,
        }))
    }

    fn read<'a>(&'a self, slots: &'a [u16]) -> BoxFuture<'a, Result<Reading, TierError>> {
        Box::pin(async move {
            let fetched = self.look(Question { key: None, slots }).await?;
            Ok(fetched.reading)
        })
    }

    fn store<'a>(
        &'a self,
        key: &'a str,
        entry: Vec<u8>,
        life: Duration,
    ) -> BoxFuture<'a, Result<(), TierError>> {
        Box::pin(self.with(async move |links: Arc<Links>| links.store(key, &entry, life).await))
    }

    fn advance<'a>(
        &'a self,
        steps: &'a [Step],
    ) -> BoxFuture<'a, Result<Vec<(u16, Word)>, TierError>> {
        Box::pin(self.with(async move |links: Arc<Links>| links.step(self.origin, steps).await))
    }

    fn hold<'a>(&'a self, slots: &'a [u16], hold: Hold) -> BoxFuture<'a, Result<(), TierError>> {
        Box::pin(
            self.with(async move |links: Arc<Links>| links.hold(self.origin, slots, hold).await),
        )
    }

    fn claim<'a>(
        &'a self,
        key: &'a str,
        owner: u64,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claim, TierError>> {
        Box::pin(self.with(async move |links: Arc<Links>| links.claim(key, owner, lease).await))
    }

    fn release<'a>(&'a self, key: &'a str, owner: u64) -> BoxFuture<'a, Result<(), TierError>> {
        Box::pin(self.with(async move |links: Arc<Links>| links.release(key, owner).await))
    }

    fn can_vouch(&self) -> bool {
        true
    }

    fn memory(&self) -> Option<String> {
        let links = self.linked()?;
        let run = links.link(links.home(0)).run();
        Some(format!("{}:{run}", self.names.namespace()))
    }

    fn vouch<'a>(
        &'a self,
        topic: &'a str,
        since: &'a Since<'a>,
    ) -> BoxFuture<'a, Result<(), TierError>> {
        Box::pin(self.with(async move |links: Arc<Links>| links.vouch(topic, since).await))
    }

    fn vouched<'a>(&'a self, topic: &'a str) -> BoxFuture<'a, Result<Option<Duration>, TierError>> {
        Box::pin(self.with(async move |links: Arc<Links>| links.vouched(topic).await))
    }
}

impl fmt::Debug for RedisTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTier")
            .field("linked", &self.linked().is_some())
            .field("strict", &self.strict)
            .finish_non_exhaustive()
    }
}
