//! SQLite's `data_version` as a source: a number that is another one when somebody else has committed.
//!
//! Asked on one connection, two answers differ if another connection has committed between them, of this or of any process
//! (SQLite's documentation of the pragma). An answer that equals the one before is therefore proof as of when it was asked
//! for; one that differs moves everything.

mod settings;

pub use settings::DataVersion;

use std::{convert::Infallible, sync::Weak, time::Duration};

use tokio::time::timeout;

use super::{feed::Source, trouble::Trouble};
use crate::{cache::Engine, observe::Event};

/// How long it may take to open a session.
const PATIENCE: Duration = Duration::from_secs(10);

/// The least silence that is taken for the end of a connection.
const SILENCE: Duration = Duration::from_secs(2);

/// What the room asks of the pool.
pub(crate) trait Files: Send + Sync + 'static {
    type Poll: Poll;

    /// Opens a connection of its own.
    fn open(&self) -> impl Future<Output = Result<Self::Poll, Trouble>> + Send;

    /// Nobody reads any more.
    fn is_closed(&self) -> bool;
}

/// The connection that asks.
pub(crate) trait Poll: Send {
    /// Asks.
    fn version(&mut self) -> impl Future<Output = Result<Version, Trouble>> + Send;
}

/// What the files of one connection are at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version(pub(crate) Vec<i64>);

/// A file that is asked, and the pool that wants to know.
pub(crate) struct Polled<F> {
    files: F,
    settings: DataVersion,
}

impl<F: Files> Polled<F> {
    pub(crate) fn new(files: F, settings: DataVersion) -> Self {
        Self { files, settings }
    }

    async fn follow(&self, mut poll: F::Poll, engine: Weak<Engine>) -> Result<Infallible, Trouble> {
        let max_staleness = self.settings.max_staleness;
        let mut known = None;
        loop {
            let time = match (engine.upgrade(), self.files.is_closed()) {
                (Some(engine), false) => engine.time().clone(),
                (_, true) => return Err(Trouble::passing("the pool is closed")),
                (None, false) => return Err(Trouble::gone()),
            };
            // Before it is asked: what shows by then shows in the answer.
            let asked = time.now();
            let version = timeout(SILENCE.max(max_staleness * 2), poll.version()).await;
            let version =
                version.unwrap_or_else(|_| Err(Trouble::passing("the file is silent")))?;
            let engine = engine.upgrade().ok_or_else(Trouble::gone)?;
            match known.replace((version.clone(), asked)) {
                Some((before, _)) if before == version => {}
                Some((_, since)) => {
                    let receipt = engine.invalidate_all();
                    // Committed after the answer before, so as long ago at most.
                    engine.change_followed(engine.now().since(since));
                    receipt.delivered().await;
                }
                None => {
                    engine.invalidate_all().delivered().await;
                    engine.emit(Event::ChangesHeard);
                }
            }
            engine.changes_heard(asked.plus(max_staleness));
            drop(engine);
            time.sleep(self.settings.interval).await;
        }
    }
}

impl<F: Files> Source for Polled<F> {
    type Session = F::Poll;

    fn serves_when_blind(&self) -> bool {
        self.settings.serves_when_blind
    }

    fn is_closed(&self) -> bool {
        self.files.is_closed()
    }

    async fn open(&self) -> Result<F::Poll, Trouble> {
        timeout(PATIENCE, self.files.open())
            .await
            .unwrap_or_else(|_| Err(Trouble::passing("the file cannot be opened in time")))
    }

    async fn run(&self, poll: F::Poll, engine: Weak<Engine>) -> Trouble {
        let Err(trouble) = self.follow(poll, engine).await;
        trouble
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
