//! One stretch of hearing: from the start of a stream to whatever ends it.
//!
//! # When the clock moves
//! A transaction's commit is in the log, and so in the stream, a moment *before* other snapshots show it (PostgreSQL writes the
//! commit record, waits for synchronous standbys, and only then takes the transaction off the list of those that run). Were
//! the clock moved as soon as the commit comes, a load that begins after that could still read the rows from before it, and
//! would be valid for good. So the server is asked which transactions still run, and the clock moves for those that do not:
//! a load that notes the clock afterwards asks the database afterwards, and sees the change.
//!
//! # The beginning
//! Everything is invalid then: nobody knows what was written before. A transaction that had its commit in the log before the slot
//! was made does not come, and may show after the beginning. It runs when the session begins, so the end of each of those is taken for a
//! change of everything.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::time::timeout;

use super::{
    changes::{Changes, Running, is_of},
    hearing::Hearing,
    pgoutput::{Message, decode},
    transaction::{Collector, Committed},
    trouble::Trouble,
    wire::{Heard, Line},
};
use crate::{
    cache::{Engine, Tags, Tick, Time},
    observe::Event,
};

/// The most messages that are taken before the clock moves for them.
const BATCH: usize = 1024;

/// The most transactions that were committed and do not show yet. Each has a connection of its own that waits for that.
const MOST_HIDDEN: usize = 4096;

/// How soon the server is asked again whether a transaction shows, at first and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// How long an answer of the server may take.
const ANSWER: Duration = Duration::from_secs(5);

/// The least silence that is taken for the end of a connection.
const SILENCE: Duration = Duration::from_secs(2);

pub(super) struct Session<L> {
    line: L,
    engine: Weak<Engine>,
    changes: Arc<dyn Changes>,
    max_staleness: Duration,
    time: Time,
    hearing: Hearing,
    collector: Collector,
    /// What was committed and has not moved the clock.
    hidden: VecDeque<Committed>,
    /// The transactions that ran at the beginning and still do.
    early: Vec<u64>,
    /// When what came last was sent, and when it came.
    sent: Tick,
    came: Tick,
    /// When what we have been told was all there was.
    complete: Option<Tick>,
    /// Up to when the clock has moved for what showed.
    proven: Tick,
    pause: Duration,
}

impl<L: Line> Session<L> {
    pub(super) fn new(
        line: L,
        engine: &Arc<Engine>,
        changes: Arc<dyn Changes>,
        max_staleness: Duration,
    ) -> Self {
        Self {
            line,
            engine: Arc::downgrade(engine),
            changes,
            max_staleness,
            time: engine.time().clone(),
            hearing: Hearing::default(),
            collector: Collector::default(),
            hidden: VecDeque::new(),
            early: Vec::new(),
            sent: engine.now(),
            came: engine.now(),
            complete: None,
            proven: engine.now(),
            pause: AGAIN.0,
        }
    }

    /// Follows the stream until it ends, and says why.
    pub(super) async fn run(mut self) -> Trouble {
        let Err(trouble) = self.follow().await;
        trouble
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, Trouble> {
        self.begin().await?;
        loop {
            let waits = !self.hidden.is_empty() || !self.early.is_empty();
            let tick = self.max_staleness / 4;
            let tick = if waits { self.pause.min(tick) } else { tick };
            let heard = tokio::select! {
                biased;
                heard = self.line.next() => Some(heard?),
                () = self.time.sleep(tick) => None,
            };
            let mut next = heard;
            for left in (0..BATCH).rev() {
                let Some(heard) = next.take() else { break };
                self.take(heard)?;
                if left > 0 {
                    next = self.line.next().now_or_never().transpose()?;
                }
            }
            self.settle().await?;
            if let Some(complete) = self.complete.take() {
                self.prove(complete)?;
            }
            self.listens()?;
        }
    }

    async fn begin(&mut self) -> Result<(), Trouble> {
        // Before the clock moves: what does not run by now shows by now.
        self.early = self.running().await?.open().to_vec();
        let engine = self.engine()?;
        let now = engine.now();
        engine.changed_unheard().delivered().await;
        self.proven = now;
        engine.changes_heard(now.plus(self.max_staleness));
        engine.emit(Event::ChangesHeard);
        Ok(())
    }

    /// Takes what has come.
    fn take(&mut self, heard: Heard) -> Result<(), Trouble> {
        self.came = self.time.now();
        let malformed = Trouble::malformed;
        let changes = &*self.changes;
        let (committed, sent) = match heard {
            Heard::Alive(sent) => (None, Some(sent)),
            Heard::Message(message) => {
                let taken = self.collector.take(message, changes);
                (taken.map_err(malformed)?, None)
            }
            Heard::Bytes(bytes, sent) => {
                let message: Message<'_> =
                    decode(&bytes, self.collector.place()).map_err(malformed)?;
                let taken = self.collector.take(message, changes);
                (taken.map_err(malformed)?, Some(sent))
            }
        };
        if let Some(committed) = committed {
            if self.hidden.len() >= MOST_HIDDEN {
                return Err(Trouble::passing("too many commits do not show"));
            }
            // It came, and all of it: it moves what it touched, and not everything.
            self.early.retain(|xid| !is_of(*xid, committed.xid));
            self.hidden.push_back(committed);
            self.pause = AGAIN.0;
        }
        if let Some(sent) = sent {
            self.sent = self.hearing.sent(sent, self.came);
        }
        // While a transaction is being told, what we know is what was true before it.
        if self.collector.is_between() {
            self.complete = Some(self.sent);
        }
        Ok(())
    }

    /// Fails if nothing comes any more, what comes is too old, or nobody wants it.
    fn listens(&self) -> Result<(), Trouble> {
        let (now, most) = (self.time.now(), SILENCE.max(self.max_staleness * 2));
        let is_late = self.collector.is_between() && now.since(self.proven) > most;
        if now.since(self.came) > most || is_late {
            return Err(Trouble::passing("nothing was heard for too long"));
        }
        match self.changes.is_closed() {
            true => Err(Trouble::passing("the pool is closed")),
            false => Ok(()),
        }
    }

    /// Moves the clock for what shows by now.
    async fn settle(&mut self) -> Result<(), Trouble> {
        if self.hidden.is_empty() && self.early.is_empty() {
            return Ok(());
        }
        let running = self.running().await?;
        let engine = self.engine()?;
        let mut tags = Tags::none();
        let early = self.early.len();
        self.early.retain(|xid| running.open().contains(xid));
        if self.early.len() < early {
            tags = Tags::everything();
        }
        let (mut done, mut shown) = (None, Vec::new());
        for committed in std::mem::take(&mut self.hidden) {
            if !running.shows(committed.xid) {
                self.hidden.push_back(committed);
                continue;
            }
            if self.hidden.is_empty() {
                done = Some(committed.end);
            }
            shown.push(committed.at);
            let moved = committed.touched.tags(|noted| engine.is_settled(noted));
            tags = tags.union(&moved);
        }
        self.pause = (self.pause * 2).min(AGAIN.1);
        if !tags.is_empty() {
            let receipt = engine.changed(&tags);
            let now = engine.now();
            for at in shown {
                if let Some(lag) = self.hearing.since(at, now) {
                    engine.change_followed(lag);
                }
            }
            receipt.delivered().await;
        }
        // Not before the others have been told.
        if let Some(end) = done {
            self.line.confirm(end);
        }
        Ok(())
    }

    /// All that showed at `sent` has moved the clock.
    fn prove(&mut self, sent: Tick) -> Result<(), Trouble> {
        self.proven = self.proven.max(sent);
        self.engine()?
            .changes_heard(self.proven.plus(self.max_staleness));
        Ok(())
    }

    async fn running(&self) -> Result<Running, Trouble> {
        timeout(ANSWER, self.changes.running())
            .await
            .unwrap_or_else(|_| Err(Trouble::passing("the server does not say what runs")))
    }

    fn engine(&self) -> Result<Arc<Engine>, Trouble> {
        self.engine
            .upgrade()
            .ok_or_else(|| Trouble::passing("the pool is gone"))
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
