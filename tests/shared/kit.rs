//! Tiers with names of their own, and a watcher that writes down what it is told.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use cachedpool::{
    cache::shared::{
        Fetched, Held, Hold, HoldReason, Reading, Session, SharedTier, Step, TierError, Watcher,
        Word,
    },
    tier::{Redis, RedisTier},
};
use cachedpool_test_support::wait_until;

/// Long enough that no test is silent for so long by accident.
pub(crate) const NO_SILENCE: Duration = Duration::from_secs(3600);

/// For states that come by themselves.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// What a watcher was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Moved(Vec<(u16, Word)>),
    Everything,
    Doubtful(Vec<u16>, Duration),
    Lost(Session),
}

#[derive(Debug, Default)]
pub(crate) struct Diary(Mutex<Vec<Told>>);

impl Diary {
    /// What was told since this was last asked.
    pub(crate) fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn note(&self, told: Told) {
        self.0.lock().unwrap().push(told);
    }
}

impl Watcher for Diary {
    fn moved(&self, words: &[(u16, Word)]) {
        self.note(Told::Moved(words.to_vec()));
    }

    fn moved_everything(&self) {
        self.note(Told::Everything);
    }

    fn doubtful(&self, slots: &[u16], span: Duration) {
        self.note(Told::Doubtful(slots.to_vec(), span));
    }

    fn lost(&self, session: Session) {
        self.note(Told::Lost(session));
    }
}

/// A process, as far as the tier is concerned.
pub(crate) struct Process {
    pub(crate) tier: RedisTier,
    pub(crate) diary: Arc<Diary>,
}

impl Process {
    /// Not connected yet.
    pub(crate) fn new(settings: Redis, strict: Option<Duration>) -> Self {
        let tier = RedisTier::new(settings, strict).unwrap();
        let diary = Arc::new(Diary::default());
        tier.attach(diary.clone());
        Self { tier, diary }
    }

    /// Connected, with nothing told yet.
    pub(crate) async fn linked(settings: Redis) -> Self {
        let this = Self::new(settings, None);
        this.beat().await.unwrap();
        this.diary.take();
        this
    }

    pub(crate) async fn beat(&self) -> Result<Session, TierError> {
        self.tier.beat(NO_SILENCE).await
    }

    /// Beats until that works.
    pub(crate) async fn recover(&self) -> Session {
        let mut session = None;
        wait_until(SOON, "a beat", async || {
            session = self.beat().await.ok();
            session.is_some()
        })
        .await;
        session.unwrap()
    }

    pub(crate) async fn read(&self, slots: &[u16]) -> Reading {
        self.tier.read(slots).await.unwrap()
    }

    pub(crate) async fn word(&self, slot: u16) -> Word {
        self.read(&[slot]).await.words[0]
    }

    pub(crate) async fn held(&self, slot: u16) -> Held {
        self.read(&[slot]).await.held
    }

    pub(crate) async fn fetch(&self, key: &str, slots: &[u16]) -> Fetched {
        self.tier.fetch(key, slots).await.unwrap()
    }

    /// Moves slots.
    pub(crate) async fn advance(&self, slots: &[u16]) -> Vec<(u16, Word)> {
        let steps: Vec<Step> = slots.iter().map(|&slot| moves(slot)).collect();
        self.tier.advance(&steps).await.unwrap()
    }

    pub(crate) async fn hold(&self, slots: &[u16], id: u64, span: Duration, reason: HoldReason) {
        let hold = Hold { id, span, reason };
        self.tier.hold(slots, hold).await.unwrap();
    }

    /// Hears all that was told until now.
    pub(crate) async fn told(&self) -> Vec<Told> {
        self.beat().await.unwrap();
        self.diary.take()
    }
}

/// A step that moves a slot.
pub(crate) fn moves(slot: u16) -> Step {
    Step {
        slot,
        moves: true,
        releases: None,
    }
}

/// A namespace that no other test uses.
pub(crate) fn namespace() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The binary's Redis, with a namespace for one test.
pub(crate) async fn settings() -> Redis {
    let url = cachedpool_test_support::redis().await.url();
    Redis::new(url).namespace(namespace())
}
