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
//! change of everything, also of one that comes: the publication may have left something of it out before the session began.
//!
//! # How long it holds
//! The pool is told until when memory may answer: until the agreed time after the last moment for which it is known that nothing is
//! missing (`proof.rs`).

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::FutureExt as _;
use tokio::time::timeout;

use super::{
    changes::{Changes, Moment, Publication},
    hearing::Hearing,
    pgoutput::{Message, decode},
    proof::Proof,
    settings::LogicalReplication,
    slots::Retained,
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
    /// When something came last.
    came: Tick,
    proof: Proof,
    /// Up to where the server had flushed its log when it was asked last.
    flushed: u64,
    /// By what the changes were selected at the beginning.
    publication: Option<Publication>,
    retained: Retained,
    pause: Duration,
}

impl<L: Line> Session<L> {
    pub(super) fn new(
        line: L,
        engine: &Arc<Engine>,
        changes: Arc<dyn Changes>,
        settings: &LogicalReplication,
    ) -> Self {
        Self {
            line,
            engine: Arc::downgrade(engine),
            changes,
            max_staleness: settings.max_staleness,
            time: engine.time().clone(),
            hearing: Hearing::default(),
            collector: Collector::default(),
            hidden: VecDeque::new(),
            early: Vec::new(),
            came: engine.now(),
            proof: Proof::new(settings.max_staleness),
            flushed: 0,
            publication: None,
            retained: Retained::new(settings.most_retained),
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
            let rest = self.proof.rest(self.time.now());
            let rest = if waits { self.pause.min(rest) } else { rest };
            let heard = tokio::select! {
                biased;
                heard = self.line.next() => Some(heard?),
                () = self.time.sleep(rest) => None,
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
            self.prove().await?;
            self.watch().await?;
            self.listens()?;
        }
    }

    async fn begin(&mut self) -> Result<(), Trouble> {
        // Else the answers would be another server's, and prove nothing.
        self.watch().await?;
        // A snapshot lists what runs only below the latest number that has ended. This one ends, so all that were given out before it
        // are listed. Its commit waits for no standby, which those others may.
        self.answered(self.changes.flush()).await?;
        // Before the clock moves: what does not run by now shows by now.
        self.early = self.moment().await?.running.open().to_vec();
        let engine = self.engine()?;
        let now = engine.now();
        engine.changed_unheard().delivered().await;
        engine.changes_heard(now.plus(self.max_staleness));
        engine.emit(Event::ChangesHeard);
        Ok(())
    }

    /// Takes what has come.
    fn take(&mut self, heard: Heard) -> Result<(), Trouble> {
        self.came = self.time.now();
        let malformed = Trouble::malformed;
        let changes = &*self.changes;
        let committed = match heard {
            Heard::Alive(position, sent) => {
                self.hearing.note(sent, self.came);
                self.proof.reach(position);
                return Ok(());
            }
            Heard::Message(message) => self.collector.take(message, changes),
            Heard::Bytes(bytes, sent) => {
                self.hearing.note(sent, self.came);
                let message: Message<'_> =
                    decode(&bytes, self.collector.place()).map_err(malformed)?;
                self.collector.take(message, changes)
            }
        };
        if let Some(committed) = committed.map_err(malformed)? {
            if self.hidden.len() >= MOST_HIDDEN {
                return Err(Trouble::passing("too many commits do not show"));
            }
            // They come in the order of their commits.
            self.proof.reach(committed.end);
            self.hidden.push_back(committed);
            self.pause = AGAIN.0;
        }
        Ok(())
    }

    /// Fails if nothing comes any more, or nobody wants it.
    fn listens(&self) -> Result<(), Trouble> {
        if self.time.now().since(self.came) > SILENCE.max(self.max_staleness * 2) {
            return Err(Trouble::passing("nothing was heard for too long"));
        }
        match self.changes.is_closed() {
            true => Err(Trouble::passing("the pool is closed")),
            false => Ok(()),
        }
    }

    /// Moves the clock for what shows by now, and confirms it.
    async fn settle(&mut self) -> Result<(), Trouble> {
        if self.hidden.is_empty() && self.early.is_empty() && !self.is_due() {
            self.line.confirm(self.proof.reached());
            return Ok(());
        }
        let running = self.moment().await?.running;
        let engine = self.engine()?;
        let (mut done, mut moved, mut shown) = (None, Vec::new(), Vec::new());
        let early = self.early.len();
        self.early.retain(|xid| running.open().contains(xid));
        if self.early.len() < early {
            moved.push(Tags::everything());
        }
        for committed in std::mem::take(&mut self.hidden) {
            if !running.shows(committed.xid) {
                self.hidden.push_back(committed);
                continue;
            }
            if self.hidden.is_empty() {
                done = Some(committed.end);
            }
            let tags = committed.touched.tags(|noted| engine.is_settled(noted));
            if !tags.is_empty() {
                shown.push(committed.at);
                moved.push(tags);
            }
        }
        self.pause = (self.pause * 2).min(AGAIN.1);
        if !moved.is_empty() {
            let receipt = engine.changed(&Tags::of_all(&moved));
            let now = engine.now();
            for at in shown {
                if let Some(lag) = self.hearing.since(at, now) {
                    engine.change_followed(lag);
                }
            }
            receipt.delivered().await;
        }
        // Not before the others have been told.
        if self.hidden.is_empty() {
            // Also past what was none of ours, whose log the server would keep otherwise.
            done = Some(self.proof.reached());
        }
        if let Some(end) = done {
            self.line.confirm(end);
        }
        Ok(())
    }

    /// Lets memory answer for as long as what has moved the clock is new enough.
    async fn prove(&mut self) -> Result<(), Trouble> {
        // What came and does not show did not show when it was asked for last, which was after all of the questions.
        if let Some(proven) = self.proof.proven() {
            self.engine()?
                .changes_heard(proven.plus(self.max_staleness));
        }
        let now = self.time.now();
        match self.proof.waits_for_the_disk(now, self.flushed) {
            true => self.answered(self.changes.flush()).await,
            false => Ok(()),
        }
    }

    /// Looks now and then how much of its log the server keeps for the stream.
    async fn watch(&mut self) -> Result<(), Trouble> {
        let now = self.time.now();
        if !self.retained.is_due(now) {
            return Ok(());
        }
        let slot = self.line.name();
        let bytes = self.answered(self.changes.retained(slot)).await?;
        let bytes = bytes.ok_or_else(|| {
            Trouble::passing("the server that was asked does not know the stream's slot")
        })?;
        let engine = self.engine()?;
        engine.log_retained(bytes);
        if let Some(bytes) = self.retained.note(now, bytes) {
            let slot = self.line.name().into();
            engine.emit(Event::ChangesLogRetained { slot, bytes });
        }
        Ok(())
    }

    fn is_due(&self) -> bool {
        self.proof.rest(self.time.now()).is_zero()
    }

    /// Asks the server how far it is.
    async fn moment(&mut self) -> Result<Moment, Trouble> {
        let now = self.time.now();
        let moment = self.answered(self.changes.moment()).await?;
        // Another one may have left out what the stream has passed since the question before.
        if *self
            .publication
            .get_or_insert_with(|| moment.publication.clone())
            != moment.publication
        {
            return Err(Trouble::passing("the publication was changed"));
        }
        self.proof.ask(now, moment.written);
        self.flushed = moment.flushed;
        Ok(moment)
    }

    async fn answered<T>(
        &self,
        answer: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        timeout(ANSWER, answer)
            .await
            .unwrap_or_else(|_| Err(Trouble::passing("the server does not answer")))
    }

    fn engine(&self) -> Result<Arc<Engine>, Trouble> {
        self.engine.upgrade().ok_or_else(Trouble::gone)
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
