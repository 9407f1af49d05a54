//! What one connection has written and not yet committed.
//!
//! A pure state machine: it is told of each effect in the order in which the server ran it, and says which tags may
//! have become visible to others by it. It never guesses low: where the state of the server's transaction is in doubt,
//! whatever was written counts as visible at once *and* again at every later chance until the doubt is over.

use super::touched::Touched;
use crate::sql::Dialect;

/// The most savepoints that are followed, one in the other; past it nobody knows.
const MOST_SAVEPOINTS: usize = 256;

/// One step of a text, as far as transactions care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Write(Touched),
    CommittingWrite(Touched),
    Begin,
    Commit { chain: bool },
    Rollback { chain: bool },
    Savepoint(Box<str>),
    RollbackTo(Box<str>),
    Release(Box<str>),
    UnknownTransaction,
}

impl Effect {
    /// What it writes, if it is a write.
    pub(crate) fn touched(&self) -> Option<&Touched> {
        match self {
            Effect::Write(touched) | Effect::CommittingWrite(touched) => Some(touched),
            _ => None,
        }
    }

    /// The same, of everything if it writes at all.
    pub(crate) fn widened(&self) -> Effect {
        match self {
            Effect::Write(touched) if !touched.is_empty() => Effect::Write(touched.widest()),
            Effect::CommittingWrite(touched) if !touched.is_empty() => {
                Effect::CommittingWrite(touched.widest())
            }
            effect => effect.clone(),
        }
    }
}

/// Where the server's transaction stands.
#[derive(Clone, Debug)]
enum State {
    /// Each statement commits by itself.
    Autocommit,
    /// A transaction is open; the first frame is the transaction's own, each further one a savepoint's.
    Open(Vec<Frame>),
    /// Nobody knows; the tags are those written since.
    Unknown(Touched),
}

#[derive(Clone, Debug, Default)]
struct Frame {
    savepoint: Option<Box<str>>,
    written: Touched,
}

/// The ledger of one connection. Written only by whoever holds the connection.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    dialect: Dialect,
    /// Whether a rollback leaves some tables changed (MySQL with a storage engine that has no transactions).
    rollback_leaves_rows: bool,
    /// The server reported an error inside the open transaction and may have ended it by itself.
    doubtful: bool,
    /// MySQL: the session may open transactions by itself (`autocommit = 0`, `completion_type = CHAIN`), so no COMMIT
    /// tells any more whether one is open.
    unfollowed: bool,
    state: State,
}

impl Ledger {
    pub(crate) fn new(dialect: Dialect, rollback_leaves_rows: bool) -> Self {
        Ledger {
            dialect,
            rollback_leaves_rows,
            doubtful: false,
            unfollowed: false,
            state: State::Autocommit,
        }
    }

    /// Some table keeps its rows when a transaction is rolled back, as has just turned out.
    pub(crate) fn rollbacks_leave_rows(&mut self) {
        self.rollback_leaves_rows = true;
    }

    /// Whether an error of a read cannot change what the ledger knows.
    pub(crate) fn reads_are_harmless(&self) -> bool {
        self.dialect == Dialect::Postgres || self.is_settled()
    }

    /// Whether no transaction can be open.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.state, State::Autocommit)
    }

    /// Whether the server may have ended the transaction by itself.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.doubtful || matches!(self.state, State::Unknown(_))
    }

    /// Books the effects of one text, as [`apply`](Self::apply) does each.
    ///
    /// PostgreSQL runs a text of several statements in a transaction of its own, and a `BEGIN` among them makes that
    /// the open one, with all that stands before it. (Manual, "Multiple Statements in a Simple Query".)
    pub(crate) fn apply_text(&mut self, effects: &[Effect]) -> Touched {
        let mut visible = Touched::Nothing;
        for effect in effects {
            visible.add(&self.apply(effect));
        }
        if self.dialect == Dialect::Postgres
            && let Some(begin) = effects.iter().rposition(|effect| *effect == Effect::Begin)
            && let State::Open(frames) = &mut self.state
        {
            for effect in &effects[..begin] {
                if let Effect::Write(touched) = effect {
                    frames[0].written.add(touched);
                }
            }
        }
        visible
    }

    /// Books one effect that the server has run, or is about to run; returns what others may see changed by it.
    pub(crate) fn apply(&mut self, effect: &Effect) -> Touched {
        let mut visible = match effect {
            Effect::Write(touched) => self.write(touched),
            Effect::CommittingWrite(touched) => {
                let mut visible = self.end(State::Autocommit);
                visible.add(touched);
                visible
            }
            Effect::Begin => self.begin(),
            Effect::Commit { chain } => self.end(after(*chain)),
            Effect::Rollback { chain } => self.roll_back(after(*chain)),
            Effect::Savepoint(name) => self.savepoint(name),
            Effect::RollbackTo(name) => self.roll_back_to(name),
            Effect::Release(name) => self.release(name),
            Effect::UnknownTransaction => {
                let written = self.written();
                self.state = State::Unknown(written);
                self.unfollowed |= self.dialect == Dialect::MySql;
                Touched::Nothing
            }
        };
        // SQLite may have rolled back and begun anew by a savepoint, whose release is then a commit: in doubt, each step
        // may be the one that shows what was written.
        if self.doubtful || matches!(self.state, State::Unknown(_)) {
            visible.add(&self.written());
        }
        visible
    }

    /// The server answered an error to a text with these effects. It may have run some of them, and on MySQL and SQLite
    /// it may have rolled the whole transaction back (deadlock, `ON CONFLICT ROLLBACK`), after which it commits each
    /// further statement by itself. PostgreSQL never does: it refuses everything until the rollback.
    pub(crate) fn failed(&mut self, effects: &[Effect]) -> Touched {
        match (&mut self.state, effects) {
            (State::Autocommit, [Effect::Write(touched) | Effect::CommittingWrite(touched)]) => {
                touched.clone()
            }
            (State::Open(frames), [Effect::Write(touched)]) => {
                if let Some(frame) = frames.last_mut() {
                    frame.written.add(touched);
                }
                self.doubtful |= self.dialect != Dialect::Postgres;
                if self.doubtful {
                    self.written()
                } else {
                    Touched::Nothing
                }
            }
            // A read. It can be the victim of a deadlock, or meet a full disk, and end the transaction all the same.
            (State::Open(_), []) if self.dialect != Dialect::Postgres => {
                self.doubtful = true;
                self.written()
            }
            (_, []) => Touched::Nothing,
            // Transaction control or several statements: how far the server came is anybody's guess.
            _ => {
                let mut visible = Touched::Nothing;
                for effect in effects {
                    visible.add(&self.apply(effect));
                    visible.add(&self.written());
                }
                visible.add(&self.written());
                self.state = State::Unknown(visible.clone());
                visible
            }
        }
    }

    /// The connection goes away, whatever was open with it. Returns what may have become visible meanwhile.
    pub(crate) fn close(&mut self) -> Touched {
        let written = self.written();
        *self = Ledger::new(self.dialect, self.rollback_leaves_rows);
        written
    }

    /// Whether something is written that others do not see yet.
    pub(crate) fn has_written(&self) -> bool {
        !self.written().is_empty()
    }

    fn written(&self) -> Touched {
        match &self.state {
            State::Autocommit => Touched::Nothing,
            State::Open(frames) => merged(frames),
            State::Unknown(written) => written.clone(),
        }
    }

    fn write(&mut self, touched: &Touched) -> Touched {
        match &mut self.state {
            State::Autocommit => touched.clone(),
            State::Open(frames) => {
                if let Some(frame) = frames.last_mut() {
                    frame.written.add(touched);
                }
                // What no rollback takes back, others see at once.
                if self.rollback_leaves_rows {
                    touched.clone()
                } else {
                    Touched::Nothing
                }
            }
            State::Unknown(written) => {
                written.add(touched);
                Touched::Nothing
            }
        }
    }

    fn begin(&mut self) -> Touched {
        match (&self.state, self.dialect) {
            (State::Autocommit, _) => {
                self.state = State::Open(vec![Frame::default()]);
                Touched::Nothing
            }
            // MySQL: BEGIN commits what was open. (Manual, "Statements That Cause an Implicit Commit".)
            (_, Dialect::MySql) => self.end(State::Open(vec![Frame::default()])),
            // SQLite: BEGIN inside a transaction is an error, so after one that succeeded all is known again.
            (State::Unknown(_), Dialect::Sqlite) => self.end(State::Open(vec![Frame::default()])),
            // PostgreSQL: only a warning; SQLite: an error. Either way nothing changes.
            (State::Open(_) | State::Unknown(_), _) => Touched::Nothing,
        }
    }

    fn end(&mut self, next: State) -> Touched {
        let written = self.written();
        self.doubtful = false;
        self.state = match (&self.state, next) {
            (State::Unknown(_), _) if self.unfollowed => State::Unknown(Touched::Nothing),
            // Outside a transaction `COMMIT AND CHAIN` opens none on PostgreSQL, but does on MySQL.
            (State::Autocommit, State::Open(_)) if self.dialect == Dialect::Postgres => {
                State::Autocommit
            }
            (_, next) => next,
        };
        written
    }

    fn roll_back(&mut self, next: State) -> Touched {
        // In doubt, some of it may have been committed before the rollback.
        let survives =
            self.rollback_leaves_rows || self.doubtful || matches!(self.state, State::Unknown(_));
        let written = self.end(next);
        if survives { written } else { Touched::Nothing }
    }

    fn savepoint(&mut self, name: &str) -> Touched {
        let frame = Frame {
            savepoint: Some(name.into()),
            written: Touched::Nothing,
        };
        match (&mut self.state, self.dialect) {
            (State::Open(frames), _) if frames.len() >= MOST_SAVEPOINTS => {
                self.state = State::Unknown(merged(frames));
            }
            (State::Open(frames), _) => {
                // MySQL forgets an older savepoint of the same name.
                if self.dialect == Dialect::MySql
                    && let Some(at) = position(self.dialect, frames, name)
                    && at > 0
                {
                    let older = frames.remove(at);
                    frames[at - 1].written.add(&older.written);
                }
                frames.push(frame);
            }
            // SQLite: a savepoint outside a transaction opens one. (lang_savepoint.html)
            (State::Autocommit, Dialect::Sqlite) => self.state = State::Open(vec![frame]),
            // PostgreSQL answers an error, MySQL forgets the savepoint at once.
            _ => {}
        }
        Touched::Nothing
    }

    fn roll_back_to(&mut self, name: &str) -> Touched {
        if let State::Open(frames) = &mut self.state
            && let Some(at) = position(self.dialect, frames, name)
        {
            let undone = merged(&frames[at..]);
            frames.truncate(at + 1);
            frames[at].written = if self.rollback_leaves_rows || self.doubtful {
                undone
            } else {
                Touched::Nothing
            };
        }
        Touched::Nothing
    }

    fn release(&mut self, name: &str) -> Touched {
        if let State::Open(frames) = &mut self.state
            && let Some(at) = position(self.dialect, frames, name)
        {
            let kept = merged(&frames[at..]);
            frames.truncate(at);
            match frames.last_mut() {
                Some(below) => {
                    below.written.add(&kept);
                    // Had the transaction ended before the savepoint, its release was a COMMIT.
                    if self.doubtful {
                        return kept;
                    }
                }
                // SQLite: releasing the savepoint that opened the transaction is a COMMIT.
                None => {
                    self.state = State::Autocommit;
                    self.doubtful = false;
                    return kept;
                }
            }
        }
        Touched::Nothing
    }
}

fn after(chain: bool) -> State {
    if chain {
        State::Open(vec![Frame::default()])
    } else {
        State::Autocommit
    }
}

fn merged(frames: &[Frame]) -> Touched {
    let mut all = Touched::Nothing;
    for frame in frames {
        all.add(&frame.written);
    }
    all
}

/// The innermost savepoint of that name: the one that the server means. PostgreSQL compares names exactly (unquoted ones
/// arrive folded to lower case), MySQL and SQLite without regard to case, quoted or not.
fn position(dialect: Dialect, frames: &[Frame], name: &str) -> Option<usize> {
    frames.iter().rposition(|frame| {
        frame.savepoint.as_deref().is_some_and(|own| match dialect {
            Dialect::Postgres => own == name,
            Dialect::MySql | Dialect::Sqlite => own.eq_ignore_ascii_case(name),
        })
    })
}

#[cfg(all(test, not(shuttle)))]
mod tests;
