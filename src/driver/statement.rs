//! What a pool knows of each SQL text: its facts, turned into tags. Kept once per distinct text, in a bounded map.

use std::{
    any::Any,
    collections::HashSet,
    hash::BuildHasher as _,
    sync::{
        Arc, OnceLock, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use foldhash::quality::FixedState;
use quick_cache::sync::Cache;

use super::{
    plan::{Habits, Plan, RowTags, SessionChange},
    policy::CachePolicy,
    snapshot::Snapshot,
};
use crate::{
    cache::{Engine, Terms},
    observe::Event,
    sql::{self, Dialect, Facts, Functions, Kind, Reason},
};

/// Texts longer than this are analysed each time they come: a map of them could not be bounded in bytes.
const LONGEST_TEXT: usize = 64 << 10;

/// One SQL text as the pool sees it.
#[derive(Debug)]
pub(crate) struct Statement {
    /// Stands for the normal form and what it depends on in keys. Never given to another one of either, so comparing it
    /// compares both.
    pub(crate) id: u64,
    pub(crate) facts: Facts,
    pub(crate) plan: Plan,
    /// What the plan was made from.
    pub(crate) snapshot: Arc<Snapshot>,
    /// The pool's terms with those of its comment.
    pub(crate) terms: Terms,
    /// What a front-end has learnt of it from the server.
    learnt: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Statement {
    /// What has been learnt of it, while the definitions are those of its snapshot.
    #[cfg_attr(
        not(feature = "tokio-postgres"),
        allow(dead_code, reason = "sqlx keeps it by connection")
    )]
    pub(crate) fn learnt<T: 'static>(&self) -> Option<&T> {
        self.learnt.get()?.downcast_ref()
    }

    /// Keeps what has been learnt of it. The first who learns it is believed.
    #[cfg_attr(
        not(feature = "tokio-postgres"),
        allow(dead_code, reason = "sqlx keeps it by connection")
    )]
    pub(crate) fn learn(&self, learnt: impl Any + Send + Sync) {
        let _ = self.learnt.set(Box::new(learnt));
    }

    /// Whether a part of it can leave the session in a state in which the names of a later part mean something else.
    pub(crate) fn moves_on_the_way(&self) -> bool {
        let several = || self.facts.refusal == Some(Reason::SeveralStatements);
        match self.plan.session {
            SessionChange::None => false,
            // All names of one statement are looked up before it runs.
            SessionChange::Perhaps => several(),
            SessionChange::Certain => true,
        }
    }
}

/// The statements of one pool.
pub(crate) struct Statements {
    dialect: Dialect,
    /// As declared; a snapshot with a catalog has its own.
    functions: Functions,
    /// Those of the pool, which hints and comments change.
    pub(crate) terms: Terms,
    row_tags: RowTags,
    /// Text to statement. Written by whoever meets a new text.
    texts: Cache<Box<str>, Arc<Statement>>,
    /// Normal form and what it depends on to id. An evicted one gets a new id when it comes back, which costs its entries and
    /// nothing else.
    ids: Cache<Arc<str>, u64>,
    known: RwLock<Known>,
    engine: Arc<Engine>,
}

/// What texts are judged by.
#[derive(Clone, Debug)]
struct Known {
    /// Written by `install`.
    snapshot: Arc<Snapshot>,
    /// Names of temporary tables that were ever made through this pool. One of them may hide an ordinary table on the
    /// connection that made it, so reads of the name are never cached. Written by `shadow`; only grows, by DDL.
    temporary: Arc<Names>,
}

impl Statements {
    pub(crate) fn new(
        functions: Functions,
        (terms, row_tags): (Terms, RowTags),
        capacity: usize,
        snapshot: Snapshot,
        engine: Arc<Engine>,
    ) -> Self {
        Statements {
            dialect: snapshot.dialect,
            functions,
            terms,
            row_tags,
            texts: Cache::new(capacity),
            ids: Cache::new(capacity),
            known: RwLock::new(Known {
                snapshot: Arc::new(snapshot),
                temporary: Arc::default(),
            }),
            engine,
        }
    }

    /// The statement of this text; analysed if it was not met before.
    #[inline]
    pub(crate) fn of(&self, text: &str) -> Arc<Statement> {
        match self.texts.get(text) {
            Some(statement) => statement,
            None => self.analyse(text),
        }
    }

    #[cold]
    fn analyse(&self, text: &str) -> Arc<Statement> {
        loop {
            let known = self.known().clone();
            let functions = match &known.snapshot.graph {
                Some(graph) => graph.functions(),
                None => &self.functions,
            };
            let facts = sql::analyse(self.dialect, text, functions);
            let statement = Arc::new(self.statement(facts, &known));
            // Held until the statement is kept: whoever changes what texts are judged by either was here before, or drops it
            // again.
            let now = self.known();
            if !now.is(&known) {
                continue;
            }
            if text.len() <= LONGEST_TEXT {
                self.texts.insert(text.into(), statement.clone());
            }
            drop(now);
            let faults = &statement.facts.hints.faults;
            if !faults.is_empty() {
                self.engine.emit(Event::HintFault {
                    names: faults.iter().map(|name| name.to_string()).collect(),
                });
            }
            return statement;
        }
    }

    /// Analyses a text anew when it comes again, without what was learnt of it.
    #[cfg_attr(
        not(feature = "tokio-postgres"),
        allow(dead_code, reason = "sqlx keeps it by connection")
    )]
    pub(crate) fn forget(&self, text: &str) {
        self.texts.remove(text);
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().expect("nothing panics under this lock")
    }

    fn statement(&self, facts: Facts, known: &Known) -> Statement {
        let habits = Habits {
            row_tags: self.row_tags,
            temporary: &known.temporary,
        };
        let plan = Plan::new(&facts, &known.snapshot, habits);
        let terms = CachePolicy::from(&facts.hints).terms(&self.terms);
        Statement {
            id: self.id(&facts.normal, &plan),
            facts,
            plan,
            snapshot: known.snapshot.clone(),
            terms,
            learnt: OnceLock::new(),
        }
    }

    fn id(&self, normal: &str, plan: &Plan) -> u64 {
        /// One for all pools: some share a cache.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let fresh = || Ok::<_, std::convert::Infallible>(NEXT.fetch_add(1, Ordering::Relaxed));
        if normal.len() > LONGEST_TEXT {
            // Its entries would be found by nobody, which is what an unbounded family of texts deserves.
            return fresh().unwrap_or_else(|never| match never {});
        }
        let whole: Arc<str> = format!("{normal}\0{}", plan.spelling()).into();
        self.ids
            .get_or_insert_with(&whole, fresh)
            .unwrap_or_else(|never| match never {})
    }

    /// The definitions that texts are judged by now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.known().snapshot.clone()
    }

    /// Judges texts by other definitions from now on.
    pub(crate) fn install(&self, snapshot: Snapshot) {
        let mut known = self.known.write().expect("nothing panics under this lock");
        known.snapshot = Arc::new(snapshot);
        self.texts.clear();
    }

    /// Whether connections may have triggers or views that nobody else sees, where one cannot be closed for it.
    pub(crate) fn has_temporary_code(&self) -> bool {
        self.known().temporary.have_code()
    }

    /// Remembers temporary tables, before the statement that makes them is sent.
    pub(crate) fn shadow(&self, facts: &Facts) {
        let relations = &facts.temporary;
        let makes_code = facts.kind == Kind::Ddl && self.makes_temporary_code(facts);
        if relations.is_empty() && !makes_code {
            return;
        }
        let mut known = self.known.write().expect("nothing panics under this lock");
        let mut temporary = Names::clone(&known.temporary);
        let mut news = makes_code && !temporary.have_code();
        temporary.code |= makes_code;
        for relation in relations {
            news |= temporary.add(&relation.name);
        }
        if news {
            known.temporary = Arc::new(temporary);
            // Statements that were analysed before did not know the name.
            self.texts.clear();
        }
    }

    /// Whether DDL makes a temporary view, a temporary trigger, or a trigger or rule on a temporary table.
    fn makes_temporary_code(&self, facts: &Facts) -> bool {
        let mut words = facts
            .normal
            .split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
        let makes = |word: &str| ["view", "trigger", "rule"].contains(&&*word.to_lowercase());
        if !words.clone().any(makes) {
            return false;
        }
        let known = self.known();
        let is_temporary = |word: &str| {
            ["temp", "temporary", "pg_temp"].contains(&&*word.to_lowercase())
                || known.temporary.holds(word)
        };
        words.any(is_temporary)
    }

    /// The statements that are known now.
    pub(crate) fn all(&self) -> impl Iterator<Item = Arc<Statement>> {
        self.texts.iter().map(|(_, statement)| statement)
    }
}

impl Known {
    fn is(&self, other: &Known) -> bool {
        Arc::ptr_eq(&self.snapshot, &other.snapshot)
            && Arc::ptr_eq(&self.temporary, &other.temporary)
    }
}

impl std::fmt::Debug for Statements {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Statements")
            .field("dialect", &self.dialect)
            .field("texts", &self.texts.len())
            .finish()
    }
}

/// A bounded set of names, without regard to case. Two names with one hash count as one, which costs the reads of the
/// second their caching and nothing else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    tables: HashSet<u16>,
    /// Some connection has had triggers or views of its own.
    code: bool,
}

impl Names {
    /// Whether the name was new.
    fn add(&mut self, name: &str) -> bool {
        self.tables.insert(Self::hash(name))
    }

    pub(crate) fn holds(&self, name: &str) -> bool {
        !self.tables.is_empty() && self.tables.contains(&Self::hash(name))
    }

    /// Whether there were temporary triggers or views.
    pub(crate) fn have_code(&self) -> bool {
        self.code
    }

    fn hash(name: &str) -> u16 {
        let hash = FixedState::default().hash_one(name.to_lowercase());
        // The upper bits are the better mixed ones.
        (hash >> 48) as u16
    }
}
