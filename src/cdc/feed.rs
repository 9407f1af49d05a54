//! The task of a pool that hears of the writes of others: sessions, one after the other, of whatever source.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{runtime::Handle, time::timeout};

use super::trouble::{Kind, Trouble};
use crate::{
    cache::{Engine, Tick},
    observe::Event,
};

/// How long a pool's `build()` waits for the first session.
const PATIENCE: Duration = Duration::from_secs(10);

/// How soon a session is followed by another, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Where news of the writes of others come from.
pub(crate) trait Source: Send + Sync + 'static {
    /// What has been opened and not begun.
    type Session: Send;

    /// Whether memory answers also while nothing is heard.
    fn serves_when_blind(&self) -> bool;

    /// Nobody reads any more.
    fn is_closed(&self) -> bool;

    /// Opens a session. What is committed once this has returned, it will hear of.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    ///
    /// # Errors
    /// Those of the kind [`Kind::Lasting`] are for somebody to mend; the others pass.
    fn open(&self) -> impl Future<Output = Result<Self::Session, Trouble>> + Send;

    /// Follows until it cannot be told any more what others write, and says why. It begins with everything, it alone says that
    /// it hears ([`Engine::changes_heard`]), and it does not keep the engine alive.
    fn run(
        &self,
        session: Self::Session,
        engine: Weak<Engine>,
    ) -> impl Future<Output = Trouble> + Send;
}

/// What it takes to hear of the writes of others.
pub(crate) struct Feed<S> {
    engine: Weak<Engine>,
    source: S,
}

impl<S: Source> Feed<S> {
    /// Begins to follow, on the runtime of `handle`, until the engine is gone. From now on memory answers only while the
    /// source is heard.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    ///
    /// # Errors
    /// What somebody must mend. A server that is away is none.
    pub(crate) async fn start(
        engine: &Arc<Engine>,
        source: S,
        handle: &Handle,
    ) -> Result<(), Trouble> {
        if !source.serves_when_blind() {
            engine.rely_on_changes();
        }
        let feed = Self {
            engine: Arc::downgrade(engine),
            source,
        };
        let opened = timeout(PATIENCE, feed.source.open()).await;
        let opened = opened.unwrap_or_else(|_| Err(Trouble::passing("nothing to hear in time")));
        match opened {
            Err(trouble) if matches!(trouble.kind, Kind::Lasting(_)) => return Err(trouble),
            opened => handle.spawn(feed.run(opened)),
        };
        Ok(())
    }

    async fn run(self, mut opened: Result<S::Session, Trouble>) {
        let mut back_off = BACK_OFF.0;
        // Told once an outage, and not with every attempt.
        let mut told = false;
        loop {
            let trouble = match opened {
                Ok(session) => {
                    told = false;
                    let begun = self.now();
                    let trouble = self.source.run(session, self.engine.clone()).await;
                    // One that ends at once, each time, must not move everything a hundred times a second.
                    if self.now().since(begun) > BACK_OFF.1 {
                        back_off = BACK_OFF.0;
                    }
                    trouble
                }
                Err(trouble) => trouble,
            };
            let Some(engine) = self.engine.upgrade() else {
                return;
            };
            if self.source.is_closed() {
                return;
            }
            self.lost(&engine, &trouble, told);
            told = true;
            let time = engine.time().clone();
            drop(engine);
            time.sleep(back_off).await;
            back_off = (back_off * 2).min(BACK_OFF.1);
            opened = self.source.open().await;
        }
    }

    /// The time of an engine that is there.
    fn now(&self) -> Tick {
        let engine = self.engine.upgrade();
        engine.map_or(Tick::BEGIN, |engine| engine.now())
    }

    /// From now on nobody knows what others write.
    fn lost(&self, engine: &Engine, trouble: &Trouble, told: bool) {
        engine.changes_lost();
        let problem: Arc<str> = trouble.to_string().into();
        if trouble.kind == Kind::Malformed {
            // Whatever it was about; the next session begins so too, but may be a while.
            engine.invalidate_all();
            engine.emit(Event::ChangesMalformed { problem });
        } else if !told {
            engine.emit(Event::ChangesLost { problem });
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::cache::{EngineSettings, testkit};

    /// One that is never opened.
    struct Nowhere;

    impl Source for Nowhere {
        type Session = ();

        fn serves_when_blind(&self) -> bool {
            false
        }

        fn is_closed(&self) -> bool {
            false
        }

        async fn open(&self) -> Result<(), Trouble> {
            Err(Trouble::passing("nowhere"))
        }

        async fn run(&self, (): (), _: Weak<Engine>) -> Trouble {
            Trouble::gone()
        }
    }

    #[tokio::test]
    async fn a_malformed_message_ends_every_result_and_the_hearing_and_is_told() {
        let (engine, _) = testkit::engine(EngineSettings::default(), Handle::current());
        let feed = Feed {
            engine: Arc::downgrade(&engine),
            source: Nowhere,
        };
        engine.changes_heard(engine.now().plus(Duration::from_secs(60)));
        let mut events = engine.events().subscribe();
        let noted = engine.stamp(&testkit::tables(["t"]));
        feed.lost(&engine, &Trouble::passing("away"), false);
        assert!(!engine.stats().changes_live);
        assert!(engine.still_holds(&noted));
        let away = events.next().await.unwrap();
        assert!(matches!(away, Event::ChangesLost { .. }), "{away}");
        feed.lost(&engine, &Trouble::malformed("odd"), true);
        assert!(!engine.still_holds(&noted));
        assert_eq!(events.next().await, Some(Event::InvalidatedEverything));
        let odd = events.next().await.unwrap();
        assert!(matches!(odd, Event::ChangesMalformed { .. }), "{odd}");
    }
}
