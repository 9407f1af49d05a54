//! The task of a pool that hears of the writes of others: sessions, one after the other.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{runtime::Handle, time::timeout};

use super::{
    LogicalReplication, Target,
    changes::Changes,
    session::Session,
    trouble::{Kind, Trouble},
    wire::Slot,
};
use crate::{
    cache::{Engine, shared::random},
    observe::Event,
};

/// How long a pool's `build()` waits for the stream.
const PATIENCE: Duration = Duration::from_secs(10);

/// How soon a session is followed by another, at first and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// What it takes to hear of the writes of others.
pub(crate) struct Feed {
    engine: Weak<Engine>,
    changes: Arc<dyn Changes>,
    target: Target,
    settings: LogicalReplication,
}

impl Feed {
    /// Begins to follow, on the runtime of `handle`, until the engine is gone. From now on memory answers only while the
    /// stream is heard.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    ///
    /// # Errors
    /// What somebody must mend. A server that is away is none.
    pub(crate) async fn start(
        engine: &Arc<Engine>,
        changes: Arc<dyn Changes>,
        target: Target,
        settings: LogicalReplication,
        handle: &Handle,
    ) -> Result<(), Trouble> {
        if !settings.serves_when_blind {
            engine.rely_on_changes();
        }
        let feed = Self {
            engine: Arc::downgrade(engine),
            changes,
            target,
            settings,
        };
        let opened = timeout(PATIENCE, feed.open()).await;
        let opened = opened.unwrap_or_else(|_| Err(Trouble::passing("no stream in time")));
        match opened {
            Err(trouble) if matches!(trouble.kind, Kind::Lasting(_)) => return Err(trouble),
            opened => handle.spawn(feed.run(opened)),
        };
        Ok(())
    }

    async fn run(self, mut opened: Result<Slot, Trouble>) {
        let mut back_off = BACK_OFF.0;
        // Told once an outage, and not with every attempt.
        let mut told = false;
        loop {
            let trouble = match opened {
                Ok(slot) => {
                    (back_off, told) = (BACK_OFF.0, false);
                    let Some(engine) = self.engine.upgrade() else {
                        return;
                    };
                    let changes = self.changes.clone();
                    let session = Session::new(slot, &engine, changes, self.settings.max_staleness);
                    drop(engine);
                    session.run().await
                }
                Err(trouble) => trouble,
            };
            let Some(engine) = self.engine.upgrade() else {
                return;
            };
            if self.changes.is_closed() {
                return;
            }
            self.lost(&engine, &trouble, told);
            told = true;
            let time = engine.time().clone();
            drop(engine);
            time.sleep(back_off).await;
            back_off = (back_off * 2).min(BACK_OFF.1);
            opened = self.open().await;
        }
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

    async fn open(&self) -> Result<Slot, Trouble> {
        // A server that has accepted the connection may still never answer.
        let checked = timeout(PATIENCE, self.changes.check()).await;
        checked.unwrap_or_else(|_| Err(Trouble::passing("no answer from the server")))?;
        let name = format!("cachedpool_{:016x}", random());
        Slot::open(&self.target, &self.settings, &name).await
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::{
        cache::{EngineSettings, Tags, testkit},
        cdc::testkit::Plain,
    };

    #[tokio::test]
    async fn a_malformed_message_ends_every_result_and_the_hearing_and_is_told() {
        let (engine, _) = testkit::engine(EngineSettings::default(), Handle::current());
        let plain = Plain::new(engine.stamp(&Tags::definitions()));
        let feed = Feed {
            engine: Arc::downgrade(&engine),
            changes: Arc::new(plain),
            target: Target {
                host: "host".into(),
                port: 1,
                user: "user".into(),
                password: "secret".into(),
                database: "database".into(),
            },
            settings: LogicalReplication::new(),
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
        assert!(!format!("{:?}", feed.target).contains("secret"));
    }
}
