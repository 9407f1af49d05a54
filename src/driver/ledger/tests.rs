//! The ledger against a model of each server's transactions: whatever others see changed by a text, the ledger has named.

use proptest::prelude::*;

use super::*;

/// Tables are numbers here; each has a version that every write raises.
const TABLES: usize = 3;

type Versions = [u32; TABLES];

/// What a text asks of the server, one statement each.
#[derive(Clone, Debug)]
enum Op {
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
enum Refusal {
    /// Nothing was written.
    Whole,
    /// Some of it was written all the same (SQLite's `OR FAIL`).
    Partial,
    /// The server has rolled the whole transaction back (deadlock, `OR ROLLBACK`).
    EndsTransaction,
}

#[derive(Clone, Debug, Default)]
struct Open {
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
struct Server {
    dialect: Dialect,
    /// A table whose rows no rollback takes back.
    unbound: Option<usize>,
    committed: Versions,
    working: Versions,
    open: Option<Open>,
    /// PostgreSQL: the transaction has failed and refuses everything.
    failed: bool,
}

impl Server {
    fn new(dialect: Dialect, unbound: Option<usize>) -> Self {
        Server {
            dialect,
            unbound,
            committed: [0; TABLES],
            working: [0; TABLES],
            open: None,
            failed: false,
        }
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
    fn run(&mut self, text: &[Op]) -> bool {
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

fn tag(table: usize) -> Touched {
    Touched::Tags(vec![Tag::table(&table.to_string())])
}

fn names(touched: &Touched, table: usize) -> bool {
    match touched {
        Touched::Nothing => false,
        Touched::Tags(tags) => tags.contains(&Tag::table(&table.to_string())),
        Touched::Everything => true,
    }
}

fn effect(dialect: Dialect, op: &Op) -> Effect {
    let name = |name: usize| format!("s{name}").into_boxed_str();
    match *op {
        Op::Write(table) | Op::Refused(table, _) => Effect::Write(tag(table)),
        Op::Define(table) if dialect == Dialect::MySql => Effect::CommittingWrite(tag(table)),
        Op::Define(table) => Effect::Write(tag(table)),
        Op::Begin => Effect::Begin,
        Op::Commit(chain) => Effect::Commit { chain },
        Op::Rollback(chain) => Effect::Rollback { chain },
        Op::Savepoint(at) => Effect::Savepoint(name(at)),
        Op::RollbackTo(at) => Effect::RollbackTo(name(at)),
        Op::Release(at) => Effect::Release(name(at)),
    }
}

fn effects(dialect: Dialect, text: &[Op]) -> Vec<Effect> {
    text.iter().map(|op| effect(dialect, op)).collect()
}

/// What the connection tells the clock of a text, as `Checkout` does.
fn told(ledger: &mut Ledger, effects: &[Effect], succeeded: bool) -> Touched {
    let mut after = ledger.clone();
    let mut told = after.apply_text(effects);
    if succeeded {
        *ledger = after;
    } else {
        told.add(&ledger.failed(effects));
    }
    told
}

fn written() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..TABLES).prop_map(Op::Write),
        1 => (0..TABLES).prop_map(Op::Define),
        2 => Just(Op::Begin),
        2 => any::<bool>().prop_map(Op::Commit),
        1 => any::<bool>().prop_map(Op::Rollback),
        2 => (0..2_usize).prop_map(Op::Savepoint),
        1 => (0..2_usize).prop_map(Op::RollbackTo),
        1 => (0..2_usize).prop_map(Op::Release),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    let refusal = prop_oneof![
        Just(Refusal::Whole),
        Just(Refusal::Partial),
        Just(Refusal::EndsTransaction)
    ];
    prop_oneof![
        8 => written(),
        1 => (0..TABLES, refusal).prop_map(|(table, refusal)| Op::Refused(table, refusal)),
    ]
}

fn dialects() -> impl Strategy<Value = Dialect> {
    prop_oneof![
        Just(Dialect::Postgres),
        Just(Dialect::MySql),
        Just(Dialect::Sqlite)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn whatever_others_see_changed_is_named(
        dialect in dialects(),
        unbound in prop::option::of(0..TABLES),
        texts in prop::collection::vec(
            prop_oneof![3 => prop::collection::vec(any_op(), 1), 1 => prop::collection::vec(any_op(), 2..5)],
            1..25,
        ),
    ) {
        // Only MySQL has tables without transactions.
        let unbound = unbound.filter(|_| dialect == Dialect::MySql);
        let mut server = Server::new(dialect, unbound);
        let mut ledger = Ledger::new(dialect, unbound.is_some());
        for text in &texts {
            let before = server.committed;
            let succeeded = server.run(text);
            let told = told(&mut ledger, &effects(dialect, text), succeeded);
            for table in 0..TABLES {
                prop_assert!(
                    server.committed[table] == before[table] || names(&told, table),
                    "{dialect:?}: {text:?} changed {table}, and only {told:?} was told"
                );
            }
            prop_assert!(
                !ledger.is_settled() || server.open.is_none(),
                "{dialect:?}: a transaction is open after {text:?}"
            );
        }
        // The connection is closed with whatever is open: nothing more becomes visible.
        ledger.close();
        prop_assert!(ledger.is_settled());
    }

    #[test]
    fn nothing_else_is_named_as_long_as_nothing_fails(
        dialect in dialects(),
        ops in prop::collection::vec(written(), 1..25),
    ) {
        let mut server = Server::new(dialect, None);
        let mut ledger = Ledger::new(dialect, false);
        for op in &ops {
            let before = server.committed;
            let text = std::slice::from_ref(op);
            if !server.run(text) {
                break;
            }
            let told = told(&mut ledger, &effects(dialect, text), true);
            for table in 0..TABLES {
                // A write that a rollback took back, and another that was made after it, end in one commit.
                prop_assert_eq!(
                    server.committed[table] != before[table],
                    names(&told, table),
                    "{:?}: {:?} of {:?}", dialect, op, table
                );
            }
        }
    }
}

/// A ledger after some effects, and what the last of them made visible.
fn after(dialect: Dialect, effects: &[Effect]) -> (Ledger, Touched) {
    let mut ledger = Ledger::new(dialect, false);
    let mut visible = Touched::Nothing;
    for effect in effects {
        visible = ledger.apply(effect);
    }
    (ledger, visible)
}

fn write(table: usize) -> Effect {
    Effect::Write(tag(table))
}

#[test]
fn a_commit_names_what_its_transaction_wrote_once() {
    let commit = Effect::Commit { chain: false };
    let effects = [Effect::Begin, write(0), write(1), write(0), commit.clone()];
    let (mut ledger, visible) = after(Dialect::Postgres, &effects);
    let mut both = tag(0);
    both.add(&tag(1));
    assert_eq!(visible, both);
    assert!(ledger.is_settled());
    assert_eq!(ledger.apply(&commit), Touched::Nothing);
}

#[test]
fn a_chained_commit_leaves_the_next_transaction_open() {
    let chain = Effect::Commit { chain: true };
    let (mut ledger, visible) = after(Dialect::MySql, &[Effect::Begin, write(0), chain, write(1)]);
    assert_eq!(visible, Touched::Nothing);
    assert!(!ledger.is_settled());
    assert_eq!(ledger.apply(&Effect::Begin), tag(1));
}

#[test]
fn writes_before_a_begin_in_one_postgres_text_wait_for_its_commit() {
    let mut ledger = Ledger::new(Dialect::Postgres, false);
    ledger.apply_text(&[write(0), Effect::Begin, write(1)]);
    let visible = ledger.apply(&Effect::Commit { chain: false });
    assert!(names(&visible, 0) && names(&visible, 1));
}

#[test]
fn in_doubt_a_write_is_named_at_once_and_again_until_the_doubt_is_over() {
    let (mut ledger, _) = after(Dialect::MySql, &[Effect::Begin, write(0)]);
    assert!(names(&ledger.failed(&[write(1)]), 0));
    assert_eq!(ledger.apply(&write(2)), tag(2));
    let rollback = ledger.apply(&Effect::Rollback { chain: false });
    assert!((0..3).all(|table| names(&rollback, table)));
    assert_eq!(
        ledger.apply(&Effect::Rollback { chain: false }),
        Touched::Nothing
    );
    assert!(ledger.is_settled());
}

#[test]
fn after_control_that_cannot_be_followed_everything_written_is_named_every_time() {
    let (mut ledger, _) = after(Dialect::Postgres, &[Effect::UnknownTransaction, write(0)]);
    assert!(names(&ledger.apply(&write(1)), 0));
    assert!(!ledger.is_settled());
    assert!(names(&ledger.close(), 1));
    assert!(ledger.is_settled());
}

#[test]
fn where_mysql_may_open_transactions_by_itself_a_commit_settles_nothing() {
    let commit = Effect::Commit { chain: false };
    let (mut ledger, visible) = after(
        Dialect::MySql,
        &[Effect::UnknownTransaction, write(0), commit.clone()],
    );
    assert_eq!(visible, tag(0));
    assert!(!ledger.is_settled());
    ledger.apply(&write(1));
    assert_eq!(ledger.apply(&commit), tag(1));
    let (ledger, _) = after(
        Dialect::Postgres,
        &[Effect::UnknownTransaction, write(0), commit],
    );
    assert!(ledger.is_settled());
}

#[test]
fn savepoint_names_are_compared_as_the_database_compares_them() {
    for (dialect, kept) in [
        (Dialect::Postgres, true),
        (Dialect::MySql, false),
        (Dialect::Sqlite, false),
    ] {
        let effects = [
            Effect::Begin,
            Effect::Savepoint("A".into()),
            write(0),
            Effect::RollbackTo("a".into()),
            Effect::Commit { chain: false },
        ];
        let (_, visible) = after(dialect, &effects);
        assert_eq!(names(&visible, 0), kept, "{dialect:?}");
    }
}

#[test]
fn more_tags_than_are_remembered_are_everything() {
    let mut ledger = Ledger::new(Dialect::Postgres, false);
    ledger.apply(&Effect::Begin);
    for table in 0..=MOST_TAGS {
        ledger.apply(&write(table));
    }
    assert_eq!(
        ledger.apply(&Effect::Commit { chain: false }),
        Touched::Everything
    );
}
