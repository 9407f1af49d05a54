//! A connection out of the pool together with all that must be settled before another may have it.

mod control;
mod pending;
mod under;

use std::{borrow::Cow, sync::Arc};

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::{
    front::{Fault, Front, Outcome},
    ledger::{Effect, Ledger},
    plan::SessionChange,
    statement::Statement,
    touched::Touched,
};
use crate::{
    cache::{Receipt, Tags, Token, WriteGuard},
    pool::Core,
    sql::Kind,
};
use control::{begin, commit, rollback, undoes};
use pending::{Pending, Settled};
use under::Under;

/// What a running statement sends to whoever waits for it.
pub(crate) enum Message<DB: Front> {
    Item(Result<DB::Item, DB::Error>),
    /// It has ended, and what it changed is invalidated.
    Done(Token),
}

/// Transaction control through the driver's own methods.
pub(crate) enum Control<DB: Front> {
    Begin(Option<DB::Opening>),
    Commit,
    Rollback,
}

/// Held by one owner at a time, a caller or a task, who alone writes it. Dropping it settles it.
pub(crate) struct Checkout<DB: Front> {
    /// `None` only while it is being dropped.
    connection: Option<DB::Pooled>,
    ledger: Ledger,
    /// How many of the driver's transactions are open, one in the other. Counted here because sqlx's own count lags behind on
    /// SQLite, where a rollback that a dropped `Transaction` queues is counted when the worker thread comes to it.
    depth: usize,
    /// The connection must not serve anybody else: its session differs from the others', or it broke.
    spoilt: bool,
    /// Somebody was given it past the cache.
    unseen: bool,
    /// Code ran on the server that may have changed the session.
    suspect: bool,
    /// A commit or rollback failed, so sqlx may count transactions that are no more, and undo the wrong one.
    miscounted: bool,
    /// The definitions by which what is in the ledger was expanded.
    under: Under,
    core: Arc<Core<DB>>,
}

impl<DB: Front> Checkout<DB> {
    pub(crate) fn new(core: Arc<Core<DB>>, connection: DB::Pooled) -> Self {
        let ledger = Ledger::new(DB::DIALECT, core.rollback_leaves_rows());
        Checkout {
            connection: Some(connection),
            ledger,
            depth: 0,
            spoilt: false,
            unseen: false,
            suspect: false,
            miscounted: false,
            under: Under::Nothing,
            core,
        }
    }

    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        self.connection.as_mut().expect("only dropping takes it")
    }

    /// Whether a plain read may run on the connection without being followed.
    pub(crate) fn reads_are_harmless(&self, statement: &Statement) -> bool {
        let changes = self.leads_elsewhere(statement) && !statement.plan.elsewhere().is_empty();
        self.ledger.reads_are_harmless() && !changes
    }

    /// Whether a transaction may be open.
    pub(crate) fn in_transaction(&self) -> bool {
        !self.ledger.is_settled()
    }

    /// Whether something is written and not committed.
    pub(super) fn has_written(&self) -> bool {
        self.ledger.has_written()
    }

    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// From here on nobody sees what happens on the connection.
    pub(crate) fn lose_sight(&mut self) {
        self.spoilt = true;
        self.unseen = true;
        self.ledger.apply(&Effect::UnknownTransaction);
        let visible = self.ledger.apply(&Effect::Write(Touched::Definitions));
        self.core.engine.invalidate(&visible.to_tags());
    }

    /// Runs a statement to its end and settles what it did before its last answer is sent, so that whoever has seen the
    /// end of it reads what it wrote (P1).
    ///
    /// It runs in a task of its own: no caller's drop reaches an await in here.
    pub(crate) async fn run(
        &mut self,
        statement: &Statement,
        mut query: DB::Query,
        answers: &mpsc::Sender<Message<DB>>,
    ) {
        let effects = self.effects(statement, &mut query);
        let pending = match self.expect(&effects).await {
            Ok(pending) => pending,
            Err(refused) => {
                // The statement is not sent, and all is as before it.
                let token = self.nothing().delivered().await;
                let _ = answers.send(Message::Item(Err(refused))).await;
                let _ = answers.send(Message::Done(token)).await;
                return;
            }
        };
        self.foresee(statement);
        let mut last = None;
        {
            let mut items = DB::run(self.connection(), query);
            while let Some(item) = items.next().await {
                let failed = item.is_err();
                if let Some(item) = last.replace(item) {
                    // Nobody listens any more: the statement goes on all the same.
                    let _ = answers.send(Message::Item(item)).await;
                }
                if failed {
                    break;
                }
            }
        }
        let result = match &last {
            Some(Err(error)) => Err(DB::outcome(error)),
            _ => Ok(()),
        };
        let defined = pending.moves_definitions;
        let mut settled = self.settle(pending, &effects, result);
        if statement.facts.kind == Kind::Ddl {
            let core = self.core.clone();
            core.survey(self.connection()).await;
            if self.core.rollback_leaves_rows() {
                self.ledger.rollbacks_leave_rows();
            }
        }
        if defined {
            self.look().await;
        }
        if statement.plan.session == SessionChange::Certain && self.core.session.lives_in_connection
        {
            // It cannot be closed, so what was read before must not be answered to those who read now.
            settled.receipt = settled.receipt.and(self.core.engine.invalidate_all());
        }
        let token = settled.told(&self.core.engine).await;
        if let Some(item) = last {
            let _ = answers.send(Message::Item(item)).await;
        }
        let _ = answers.send(Message::Done(token)).await;
    }

    /// Runs transaction control and settles what it did. Runs in a task of its own, as [`run`](Self::run) does.
    ///
    /// A commit that must not be sent, because the other processes could not be told of it, ends in a rollback.
    pub(crate) async fn control(&mut self, control: Control<DB>) -> Result<Token, DB::Error> {
        let effects = match &control {
            Control::Begin(None) => begin::<DB>(self.depth),
            Control::Begin(Some(opening)) => self.begin_with(opening),
            Control::Commit => commit::<DB>(self.depth),
            Control::Rollback => rollback::<DB>(self.depth),
        };
        match self.expect(&effects).await {
            Ok(pending) => self.carry_out(control, pending, &effects).await,
            Err(refused) => {
                if let Control::Commit = control {
                    let effects = rollback::<DB>(self.depth);
                    let pending = self.undo(&effects);
                    // If that fails the connection is broken or `miscounted`: nothing commits on it any more.
                    let _ = self.carry_out(Control::Rollback, pending, &effects).await;
                }
                Err(refused)
            }
        }
    }

    async fn carry_out(
        &mut self,
        control: Control<DB>,
        pending: Pending,
        effects: &[Effect],
    ) -> Result<Token, DB::Error> {
        let (ends, depth) = match &control {
            Control::Begin(_) => (false, self.depth + 1),
            Control::Commit | Control::Rollback => (true, self.depth.saturating_sub(1)),
        };
        let open = self.depth;
        let connection = self.connection();
        let result = match control {
            Control::Begin(opening) => DB::begin(connection, open, opening).await,
            Control::Commit => DB::commit(connection, open).await,
            Control::Rollback => DB::rollback(connection, open).await,
        };
        match &result {
            Ok(()) => self.depth = depth,
            Err(_) => self.miscounted |= ends,
        }
        let defined = pending.moves_definitions;
        let settled = self.settle(
            pending,
            effects,
            result.as_ref().map(drop).map_err(DB::outcome),
        );
        if defined {
            self.look().await;
        }
        let token = settled.told(&self.core.engine).await;
        result.map(|()| token)
    }

    /// What a caller's own way to begin does: it may be any text, and write.
    fn begin_with(&mut self, opening: &DB::Opening) -> Vec<Effect> {
        let statement = self.core.statements.of(DB::opening(opening));
        self.foresee(&statement);
        let own = match self.leads_elsewhere(&statement) {
            true => statement.plan.elsewhere(),
            false => statement.plan.effects(),
        };
        let mut effects = self.expanded(&statement, own.into());
        if !effects.contains(&Effect::Begin) {
            // The driver makes sure that a transaction is open afterwards, and nobody saw it begin.
            effects.push(Effect::UnknownTransaction);
        }
        effects
    }

    /// Takes note of what a statement will do to the session, before it is sent.
    fn foresee(&mut self, statement: &Statement) {
        self.spoilt |= statement.plan.session == SessionChange::Certain;
        self.suspect |= statement.plan.session == SessionChange::Perhaps;
        self.core.statements.shadow(&statement.facts);
    }

    /// Announces to the clock what these effects will make visible, before the server hears of them; where writes are
    /// strict, to the other processes as well.
    ///
    /// # Errors
    /// When the others could not be told: nothing may be sent then. What undoes is never refused.
    async fn expect(&mut self, effects: &[Effect]) -> Result<Pending, DB::Error> {
        let mut after = self.ledger.clone();
        let visible = after.apply_text(effects);
        match self.core.engine.announce(visible.to_tags()).await {
            Ok(guard) => Ok(Pending::new(guard, after, &visible)),
            Err(_) if undoes(effects) => Ok(self.undo(effects)),
            Err(refused) => Err(DB::fault(Fault::Fence(Box::new(refused)))),
        }
    }

    /// As `expect`, for a rollback: it makes nothing visible save what may have been so before.
    fn undo(&self, effects: &[Effect]) -> Pending {
        let mut after = self.ledger.clone();
        let visible = after.apply_text(effects);
        let guard = self.core.engine.write(visible.to_tags());
        Pending::new(guard, after, &visible)
    }

    /// Books how it went.
    fn settle(
        &mut self,
        pending: Pending,
        effects: &[Effect],
        result: Result<(), Outcome>,
    ) -> Settled {
        let engine = &self.core.engine;
        // Before the write's own step, which may be one of the definitions.
        let holds = pending.moves_definitions || !pending.writes || self.under.holds(engine);
        let receipt = match result {
            Ok(()) => {
                self.ledger = pending.after;
                pending.guard.committed()
            }
            Err(Outcome::NotSent) => {
                pending.guard.undone();
                self.nothing()
            }
            Err(Outcome::Refused) => {
                let visible = self.ledger.failed(effects);
                // Not `undone`: a refused statement may have changed rows before it failed (`INSERT OR FAIL`, tables
                // without transactions, several statements in one text).
                let receipt = pending.guard.committed();
                receipt.and(engine.invalidate(&visible.to_tags()))
            }
            Err(Outcome::Unknown) => {
                self.spoilt = true;
                let visible = self.ledger.failed(effects);
                let receipt = pending.guard.unknown();
                receipt.and(engine.invalidate(&visible.to_tags()))
            }
        };
        let under = match pending.moves_definitions || !pending.writes {
            true => Under::Nothing,
            false => self.under.clone(),
        };
        if self.ledger.is_settled() {
            self.under = Under::Nothing;
        }
        match holds {
            true => Settled { receipt, under },
            false => Settled {
                receipt: receipt.and(self.core.engine.invalidate_all()),
                under: Under::Nothing,
            },
        }
    }

    /// What a statement will do on this connection, by the definitions of now.
    fn effects(&mut self, statement: &Statement, query: &mut DB::Query) -> Vec<Effect> {
        let values = || DB::values(query);
        if statement.plan.is_plain_read() && !self.core.passes(statement) {
            return vec![Effect::Write(Touched::Everything)];
        }
        let effects = match self.leads_elsewhere(statement) {
            true => statement.plan.elsewhere().into(),
            false => statement.plan.effects_with(values),
        };
        self.expanded(statement, effects)
    }

    /// Whether a statement's names can mean something else on this connection than on the pool's others.
    pub(super) fn leads_elsewhere(&self, statement: &Statement) -> bool {
        // One that cannot be closed keeps what was made on it.
        let keeps =
            || self.core.session.lives_in_connection && self.core.statements.has_temporary_code();
        self.spoilt || self.suspect || statement.moves_on_the_way() || keeps()
    }

    /// Takes note of the definitions by which `effects` were expanded. Where they may not be those that the statement will
    /// meet, everything is what it changes.
    fn expanded(&mut self, statement: &Statement, effects: Cow<'_, [Effect]>) -> Vec<Effect> {
        if effects.is_empty() {
            return Vec::new();
        }
        let engine = &self.core.engine;
        let holds = engine.is_settled(&statement.snapshot.stamp);
        if !engine.still_holds(&statement.snapshot.stamp) {
            self.core.look_soon();
        }
        self.under.add(&statement.snapshot);
        let defines = |effect: &Effect| effect.touched().is_some_and(Touched::moves_definitions);
        // What follows in the transaction meets the new definitions, which others do not see yet.
        let mid_transaction = !self.ledger.is_settled() && effects.iter().any(defines);
        if holds && !mid_transaction {
            return effects.into_owned();
        }
        effects.iter().map(Effect::widened).collect()
    }

    /// Reads the catalog again: what others do meanwhile goes to the database or invalidates everything.
    async fn look(&mut self) {
        let core = self.core.clone();
        let looked = if !self.spoilt && !self.suspect && self.ledger.is_settled() {
            core.look(self.connection()).await
        } else if let Some(mut other) = DB::try_acquire(&core.inner) {
            core.look(&mut other).await
        } else {
            // To wait for another connection could be to wait for this one.
            return core.look_soon();
        };
        if looked.is_err() {
            core.look_soon();
        }
    }

    /// The receipt for no step at all.
    fn nothing(&self) -> Receipt {
        self.core.engine.invalidate(&Tags::none())
    }

    /// Queues the rollback of all transactions further in than `depth`, as a driver does when its transaction is dropped:
    /// the server hears of it before anything else on this connection.
    pub(crate) fn roll_back_to(&mut self, depth: usize) {
        while self.depth > depth {
            for effect in rollback::<DB>(self.depth) {
                let visible = self.ledger.apply(&effect);
                self.core.engine.invalidate(&visible.to_tags());
            }
            let depth = self.depth;
            DB::queue_rollback(self.connection(), depth);
            self.depth -= 1;
        }
    }
}

impl<DB: Front> Drop for Checkout<DB> {
    fn drop(&mut self) {
        let doubtful = self.miscounted || self.ledger.is_doubtful();
        self.roll_back_to(0);
        let open = !self.ledger.is_settled();
        // Nothing can commit it after this: the connection is closed, or rolled back by text, before another has it.
        let visible = self.ledger.close();
        self.core.engine.invalidate(&visible.to_tags());
        let Some(connection) = self.connection.take() else {
            return;
        };
        if self.unseen && !visible.is_empty() {
            // Held from here on: what is read meanwhile may be older than it.
            let guard = self.core.engine.write(visible.to_tags());
            let core = self.core.clone();
            self.core.spawn(see_out(core, connection, guard));
        } else if self.core.session.lives_in_connection {
            if open || doubtful {
                self.core.spawn(DB::end_all(connection));
            }
        } else if open || self.spoilt {
            DB::discard(connection);
        } else if doubtful || self.suspect {
            self.core
                .runtime
                .spawn(inspect(self.core.clone(), connection));
        }
    }
}

/// Closes a connection that was used past the cache. What was begun there goes on though nobody waits for it any more: it has
/// ended when the connection answers, and may yet happen where it does not.
async fn see_out<DB: Front>(core: Arc<Core<DB>>, mut connection: DB::Pooled, guard: WriteGuard) {
    let receipt = match DB::answers(&mut connection).await {
        true => guard.committed(),
        false => guard.unknown(),
    };
    if core.session.lives_in_connection {
        DB::end_all(connection).await;
    } else {
        DB::discard(connection);
    }
    receipt.delivered().await;
}

/// Returns a connection, or closes it if it is not as the pool's connections are. Nobody waits for it.
async fn inspect<DB: Front>(core: Arc<Core<DB>>, mut connection: DB::Pooled) {
    if !(DB::is_idle(&mut connection).await && core.session.is_that_of::<DB>(&mut connection).await)
    {
        DB::discard(connection);
    }
}
