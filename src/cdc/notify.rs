//! `LISTEN` and `NOTIFY` as a source: tables that triggers tell, and the proof that they are heard.
//!
//! # What the server owes
//! A listener is told of a transaction when snapshots show it, never before, and of transactions in the order in which they were committed,
//! over all channels. It is told of each that is committed once its `LISTEN` has returned; what was committed before shows by then.
//!
//! # Beats
//! A listener that is not told anything cannot tell that from being forgotten. So a *beat* is sent over another connection and
//! must come back by the listening one: whatever showed when the beat was sent has been told before it. The same statement
//! looks whether each table still has its trigger, and what it sees is part of the proof.

mod payload;
mod settings;

pub use settings::Notifications;

use std::{convert::Infallible, sync::Weak, time::Duration};

use futures_util::FutureExt as _;
use tokio::{sync::watch, time::timeout};

use super::{feed::Source, trouble::Trouble};
use crate::{
    cache::{Engine, Tag, Tags},
    observe::Event,
};
use payload::Payload;

/// How long it may take to open a session.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long triggers may be made for before that. Each stays that was made, so the next attempt goes on from there.
const MAKING: Duration = Duration::from_secs(60);

/// The most notifications that are taken before the clock moves for them.
const BATCH: usize = 1024;

/// The least silence that is taken for the end of a connection.
const SILENCE: Duration = Duration::from_secs(2);

/// What the room asks of the pool.
pub(crate) trait Post: Send + Sync + 'static {
    type Ears: Ears;
    type Voice: Voice;

    /// Makes what is missing, where it may.
    ///
    /// # Errors
    /// A table that is not covered all the same is a trouble.
    fn prepare(&self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Connects, and listens.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    fn open(&self) -> impl Future<Output = Result<(Self::Ears, Self::Voice), Trouble>> + Send;

    /// What a change moves of a table of which it says no more; `None` for everything.
    fn of_table(&self, schema: &str, name: &str) -> Option<Vec<Tag>>;

    /// The definitions must be read again, soon.
    fn definitions_moved(&self);

    /// Nobody reads any more.
    fn is_closed(&self) -> bool;
}

/// The connection that listens.
pub(crate) trait Ears: Send {
    /// What comes next. Dropping the future loses nothing.
    fn next(&mut self) -> impl Future<Output = Result<Notice, Trouble>> + Send;
}

/// The connection that asks.
pub(crate) trait Voice: Send {
    /// Sends a beat, and looks whether all tables are covered.
    ///
    /// # Errors
    /// A table that is not is a trouble.
    fn beat(&mut self, number: u64) -> impl Future<Output = Result<Cover, Trouble>> + Send;
}

/// What has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The payload of a trigger.
    Written(String),
    /// A beat of our own.
    Beat(u64),
}

/// Which triggers there are on which tables: as long as it is the same, they are the same ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cover(pub(crate) String);

/// A server that notifies, and the pool that wants to hear.
pub(crate) struct Notified<P> {
    post: P,
    settings: Notifications,
}

impl<P: Post> Notified<P> {
    pub(crate) fn new(post: P, settings: Notifications) -> Self {
        Self { post, settings }
    }

    /// Moves the clock for what is told. `beats` learns of a beat after that.
    async fn hear(
        &self,
        ears: &mut P::Ears,
        beats: &watch::Sender<Beats>,
        engine: &Weak<Engine>,
    ) -> Result<Infallible, Trouble> {
        loop {
            let mut next = Some(ears.next().await?);
            let (mut moved, mut beat, mut tables) = (Some(Vec::new()), None, 0_u64);
            for left in (0..BATCH).rev() {
                match next.take() {
                    None => break,
                    Some(Notice::Beat(number)) => beat = Some(number),
                    Some(Notice::Written(payload)) => {
                        tables += 1;
                        let told = self.tags(&payload)?;
                        match (&mut moved, told) {
                            (Some(moved), Some(told)) => moved.extend(told),
                            _ => moved = None,
                        }
                    }
                }
                if left > 0 {
                    next = ears.next().now_or_never().transpose()?;
                }
            }
            if tables > 0 {
                let engine = engine.upgrade().ok_or_else(Trouble::gone)?;
                let tags = moved.map_or_else(Tags::everything, Tags::from_iter);
                let receipt = engine.invalidate(&tags);
                let lag = beats.borrow().took;
                for _ in 0..tables {
                    engine.change_followed(lag);
                }
                drop(engine);
                // The others must know before it counts as heard.
                receipt.delivered().await;
            }
            if let Some(number) = beat {
                beats.send_modify(|beats| beats.came = number);
            }
        }
    }

    /// What a notification moves; `None` for everything.
    fn tags(&self, payload: &str) -> Result<Option<Vec<Tag>>, Trouble> {
        match Payload::parse(payload) {
            Some(Payload::Table { schema, name }) => Ok(self.post.of_table(schema, name)),
            Some(Payload::Everything) => Ok(None),
            None => Err(Trouble::malformed("a notification in an unknown form")),
        }
    }

    /// Proves again and again that all is heard.
    async fn prove(
        &self,
        voice: &mut P::Voice,
        beats: &watch::Sender<Beats>,
        engine: &Weak<Engine>,
    ) -> Result<Infallible, Trouble> {
        let max_staleness = self.settings.max_staleness;
        let (mut came, mut known) = (beats.subscribe(), None);
        for number in 1.. {
            let time = match (engine.upgrade(), self.post.is_closed()) {
                (Some(engine), false) => engine.time().clone(),
                (_, true) => return Err(Trouble::passing("the pool is closed")),
                (None, false) => return Err(Trouble::gone()),
            };
            // Before it is sent: what shows by then is told before it.
            let sent = time.now();
            let round = async {
                let cover = voice.beat(number).await?;
                let back = came.wait_for(|beats| beats.came >= number).await;
                back.map_err(|_| Trouble::gone())?;
                Ok(cover)
            };
            let cover = timeout(SILENCE.max(max_staleness * 2), round).await;
            let cover = cover.unwrap_or_else(|_| Err(Trouble::passing("no beat came back")))?;
            let engine = engine.upgrade().ok_or_else(Trouble::gone)?;
            beats.send_modify(|beats| beats.took = engine.now().since(sent));
            if known.as_ref() != Some(&cover) {
                // The beginning, or a trigger that was not there before: what was written without one was not told. It shows by
                // now, since whoever makes a trigger waits for those who write.
                engine.invalidate_all().delivered().await;
                match known.replace(cover) {
                    None => engine.emit(Event::ChangesHeard),
                    Some(_) => self.post.definitions_moved(),
                }
            }
            engine.changes_heard(sent.plus(max_staleness));
            drop(engine);
            time.sleep(max_staleness / 4).await;
        }
        Err(Trouble::passing("no number is left for a beat"))
    }
}

/// What the two halves of a session tell each other.
#[derive(Clone, Copy, Debug, Default)]
struct Beats {
    /// The last that came back. The listening half writes it.
    came: u64,
    /// How long one took. The proving half writes it.
    took: Duration,
}

impl<P: Post> Source for Notified<P> {
    type Session = (P::Ears, P::Voice);

    fn serves_when_blind(&self) -> bool {
        self.settings.serves_when_blind
    }

    fn is_closed(&self) -> bool {
        self.post.is_closed()
    }

    async fn open(&self) -> Result<Self::Session, Trouble> {
        let silent = |_| Trouble::passing("no answer from the server");
        let prepared = timeout(MAKING, self.post.prepare()).await;
        prepared.map_err(silent)??;
        timeout(PATIENCE, self.post.open()).await.map_err(silent)?
    }

    async fn run(&self, (mut ears, mut voice): Self::Session, engine: Weak<Engine>) -> Trouble {
        let (beats, _) = watch::channel(Beats::default());
        let ended = tokio::select! {
            ended = self.hear(&mut ears, &beats, &engine) => ended,
            ended = self.prove(&mut voice, &beats, &engine) => ended,
        };
        let Err(trouble) = ended;
        trouble
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
