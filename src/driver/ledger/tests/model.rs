//! A server with one client, as others see it: what a transaction is on each database.

use crate::sql::Dialect;

/// Tables are numbers here; each has a version that every write raises.
pub(super) const TABLES: usize = 3;

pub(super) type Versions = [u32; TABLES];

/// What a text asks of the server, one statement each.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Write(usize),
    /// A definition, which on MySQL commits.
    Define(usize),
    /// A write that the server refuses, and what comes of that.
    Refused(usize, Refusal),
    Begin,
    Commit(bool),
    Rollback(bool),
    Savepoint(usize),
    RollbackTo(usize),
    Release(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nothing was written.
    Whole,
    /// Some of it was written all the same (SQLite's `OR FAIL`).
    Partial,
    /// The server has rolled the whole transaction back (deadlock, `OR ROLLBACK`).
    EndsTransaction,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    savepoints: Vec<Savepoint>,
    /// SQLite: a savepoint outside of a transaction began it, and its release commits it.
    by_savepoint: bool,
}

#[derive(Clone, Debug)]
struct Savepoint {
    name: usize,
    before: Versions,
}

/// A server with one client whose transactions we follow, as others see it.
#[derive(Clone, Debug)]
pub(super) struct Server {
    dialect: Dialect,
    /// A table whose rows no rollback takes back.
    unbound: Option<usize>,
    pub(super) committed: Versions,
    working: Versions,
    pub(super) open: Option<Open>,
    /// PostgreSQL: the transaction has failed and refuses everything.
    failed: bool,
}

impl Server {
    pub(super) fn new(dialect: Dialect, unbound: Option<usize>) -> Self {
        Server {
            dialect,
            unbound,
            committed: [0; TABLES],
            working: [0; TABLES],
            open: None,
            failed: false,
        }
    }

    /// Which tables others see changed.
    pub(super) fn changed_since(&self, before: &Versions) -> [bool; TABLES] {
        std::array::from_fn(|table| self.committed[table] != before[table])
    }

    fn write(&mut self, table: usize) {
        self.working[table] += 1;
        if self.open.is_none() || self.unbound == Some(table) {
            self.committed[table] = self.working[table];
        }
    }

    fn restore(&mut self, mut to: Versions) {
        if let Some(table) = self.unbound {
            to[table] = self.working[table];
        }
        self.working = to;
    }

    fn end(&mut self, commits: bool, chain: bool) {
        if commits && !self.failed {
            self.committed = self.working;
        } else {
            self.restore(self.committed);
        }
        self.failed = false;
        self.open = chain.then(Open::default);
    }

    /// Runs a text; whether it succeeded. A failure keeps what came before it, as far as the server does.
    pub(super) fn run(&mut self, text: &[Op]) -> bool {
        let implicit = self.dialect == Dialect::Postgres && self.open.is_none() && text.len() > 1;
        if !implicit {
            return text.iter().all(|op| self.step(op));
        }
        // Several statements make a transaction, until one of them controls it.
        let mut explicit = false;
        self.open = Some(Open::default());
        for op in text {
            let done = match op {
                Op::Begin => {
                    explicit = true;
                    !self.failed
                }
                Op::Commit(true)
                | Op::Rollback(true)
                | Op::Savepoint(_)
                | Op::RollbackTo(_)
                | Op::Release(_)
                    if !explicit =>
                {
                    false
                }
                Op::Commit(chain) | Op::Rollback(chain) => {
                    let done = self.step(op);
                    if !chain {
                        explicit = false;
                        self.open = Some(Open::default());
                    }
                    done
                }
                _ => self.step(op),
            };
            if !done {
                if explicit {
                    self.failed = true;
                } else {
                    self.end(false, false);
                }
                return false;
            }
        }
        if !explicit {
            self.end(true, false);
        }
        true
    }

    fn step(&mut self, op: &Op) -> bool {
        if self.failed && !matches!(op, Op::Commit(_) | Op::Rollback(_) | Op::RollbackTo(_)) {
            return false;
        }
        let done = self.control(op);
        if !done && self.dialect == Dialect::Postgres && self.open.is_some() {
            self.failed = true;
        }
        done
    }

    fn control(&mut self, op: &Op) -> bool {
        use Dialect::{MySql, Postgres, Sqlite};
        let outside = self.open.is_none();
        match *op {
            Op::Write(table) => self.write(table),
            Op::Define(table) => {
                if self.dialect == MySql {
                    self.end(true, false);
                }
                self.write(table);
            }
            Op::Refused(table, refusal) => {
                match refusal {
                    Refusal::Partial if self.dialect != Postgres => self.write(table),
                    Refusal::EndsTransaction if self.dialect != Postgres && !outside => {
                        self.end(false, false);
                    }
                    _ => {}
                }
                return false;
            }
            Op::Begin => match (self.dialect, outside) {
                (_, true) => self.open = Some(Open::default()),
                (MySql, false) => self.end(true, true),
                (Sqlite, false) => return false,
                (_, false) => {}
            },
            Op::Commit(chain) | Op::Rollback(chain) => match (self.dialect, outside) {
                (Sqlite, true) => return false,
                (Postgres, true) => return !chain,
                _ => self.end(matches!(op, Op::Commit(_)), chain),
            },
            Op::Savepoint(name) => {
                if outside && self.dialect == Postgres {
                    return false;
                }
                if outside && self.dialect == Sqlite {
                    self.open = Some(Open {
                        by_savepoint: true,
                        ..Open::default()
                    });
                }
                let before = self.working;
                if let Some(open) = &mut self.open {
                    // MySQL deletes an older one of the same name. (Manual, "SAVEPOINT".)
                    if self.dialect == MySql {
                        open.savepoints.retain(|older| older.name != name);
                    }
                    open.savepoints.push(Savepoint { name, before });
                }
            }
            Op::RollbackTo(name) => {
                let Some(at) = self.find(name) else {
                    return false;
                };
                if let Some(open) = &mut self.open {
                    open.savepoints.truncate(at + 1);
                    let before = open.savepoints[at].before;
                    self.restore(before);
                    self.failed = false;
                }
            }
            Op::Release(name) => {
                let Some(at) = self.find(name) else {
                    return false;
                };
                if let Some(open) = &mut self.open {
                    open.savepoints.truncate(at);
                    if at == 0 && open.by_savepoint {
                        self.end(true, false);
                    }
                }
            }
        }
        true
    }

    fn find(&self, name: usize) -> Option<usize> {
        self.open
            .as_ref()?
            .savepoints
            .iter()
            .rposition(|savepoint| savepoint.name == name)
    }
}
