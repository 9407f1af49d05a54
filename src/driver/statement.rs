//! What a pool knows of each SQL text: its facts, turned into tags. Kept once per distinct text, in a bounded map.

use std::{
    collections::HashSet,
    hash::BuildHasher as _,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use foldhash::quality::FixedState;
use quick_cache::sync::Cache;

use super::{
    ledger::{Effect, Touched},
    policy::CachePolicy,
};
use crate::{
    cache::{Engine, Tag, Tags, Terms},
    observe::Event,
    sql::{self, Dialect, Facts, Functions, Reason, Relation, Step, Writes},
};

/// Texts longer than this are analysed each time they come: a map of them could not be bounded in bytes.
const LONGEST_TEXT: usize = 64 << 10;

/// One SQL text as the pool sees it.
#[derive(Debug)]
pub(crate) struct Statement {
    /// Stands for the normal form in keys. Never given to another normal form, so comparing it compares the whole text.
    pub(crate) id: u64,
    pub(crate) facts: Facts,
    /// The tables it reads and the tags that its comment names.
    pub(crate) reads: Tags,
    /// What running it does to rows and to the connection's transaction, in order; empty for a pure read.
    pub(crate) effects: Vec<Effect>,
    /// Whether it leaves the connection's session in another state than the pool's connections have.
    pub(crate) session: SessionChange,
    /// Why its result must not be cached.
    pub(crate) refusal: Option<Reason>,
    /// The pool's terms with those of its comment.
    pub(crate) terms: Terms,
}

impl Statement {
    /// Whether running it changes nothing, neither rows nor the state of the connection.
    pub(crate) fn is_plain_read(&self) -> bool {
        self.effects.is_empty() && self.session == SessionChange::None
    }
}

/// What a statement does to the session of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SessionChange {
    None,
    /// Perhaps something: it is to be looked at.
    Perhaps,
    /// Something that can change the result of later reads.
    Certain,
}

/// The statements of one pool.
pub(crate) struct Statements {
    dialect: Dialect,
    functions: Functions,
    terms: Terms,
    /// Text to statement. Written by whoever meets a new text.
    texts: Cache<Box<str>, Arc<Statement>>,
    /// Normal form to id. An evicted form gets a new id when it comes back, which costs its entries and nothing else.
    ids: Cache<Arc<str>, u64>,
    next_id: AtomicU64,
    /// Names of temporary tables that were ever made through this pool. One of them may hide an ordinary table on the
    /// connection that made it, so reads of the name are never cached. Written by `shadow`; only grows, by DDL.
    temporary: RwLock<Names>,
    engine: Arc<Engine>,
}

impl Statements {
    pub(crate) fn new(
        dialect: Dialect,
        functions: Functions,
        terms: Terms,
        capacity: usize,
        engine: Arc<Engine>,
    ) -> Self {
        Statements {
            dialect,
            functions,
            terms,
            texts: Cache::new(capacity),
            ids: Cache::new(capacity),
            next_id: AtomicU64::new(1),
            temporary: RwLock::default(),
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
        let facts = sql::analyse(self.dialect, text, &self.functions);
        if !facts.hints.faults.is_empty() {
            self.engine.emit(Event::HintFault {
                names: facts
                    .hints
                    .faults
                    .iter()
                    .map(|name| name.to_string())
                    .collect(),
            });
        }
        let id = self.id(&facts.normal);
        // Held until the statement is kept: `shadow` then either was here before, or drops it again.
        let temporary = self
            .temporary
            .read()
            .expect("nothing panics under this lock");
        let statement = Arc::new(self.statement(id, facts, &temporary));
        if text.len() <= LONGEST_TEXT {
            self.texts.insert(text.into(), statement.clone());
        }
        statement
    }

    fn id(&self, normal: &Arc<str>) -> u64 {
        let fresh =
            || Ok::<_, std::convert::Infallible>(self.next_id.fetch_add(1, Ordering::Relaxed));
        if normal.len() > LONGEST_TEXT {
            // Its entries would be found by nobody, which is what an unbounded family of texts deserves.
            return fresh().unwrap_or_else(|never| match never {});
        }
        self.ids
            .get_or_insert_with(normal, fresh)
            .unwrap_or_else(|never| match never {})
    }

    fn statement(&self, id: u64, facts: Facts, temporary: &Names) -> Statement {
        let words = facts.hints.tags.iter().map(|tag| Tag::user(tag));
        let reads = facts.reads.iter().map(tag_of).chain(words).collect();
        let effects = effects(&facts);
        let session = session(&facts);
        let refusal = facts
            .refusal
            .clone()
            .or_else(|| hidden(&facts.reads, temporary));
        let terms = CachePolicy::from(&facts.hints).terms(&self.terms);
        Statement {
            id,
            facts,
            reads,
            effects,
            session,
            refusal,
            terms,
        }
    }

    /// Remembers temporary tables, before the statement that makes them is sent.
    pub(crate) fn shadow(&self, relations: &[Relation]) {
        if relations.is_empty() {
            return;
        }
        let mut temporary = self
            .temporary
            .write()
            .expect("nothing panics under this lock");
        let mut news = false;
        for relation in relations {
            news |= temporary.add(&relation.name);
        }
        drop(temporary);
        if news {
            // Statements that were analysed before did not know the name.
            self.forget();
        }
    }

    /// Drops all that is known, after DDL.
    pub(crate) fn forget(&self) {
        self.texts.clear();
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
#[derive(Default)]
struct Names(HashSet<u16>);

impl Names {
    /// Whether the name was new.
    fn add(&mut self, name: &str) -> bool {
        self.0.insert(Self::hash(name))
    }

    fn holds(&self, name: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&Self::hash(name))
    }

    fn hash(name: &str) -> u16 {
        let hash = FixedState::default().hash_one(name.to_lowercase());
        // The upper bits are the better mixed ones.
        (hash >> 48) as u16
    }
}

fn hidden(reads: &[Relation], temporary: &Names) -> Option<Reason> {
    reads
        .iter()
        .find(|relation| temporary.holds(&relation.name))
        .map(|relation| Reason::TemporaryTable(relation.name.clone()))
}

/// The tag of a relation: its bare name in lower case. Text does not show in which schema a bare name is found, nor on
/// MySQL and SQLite whether case matters, so `a.t`, `b.t` and `"T"` share a tag: at worst a needless miss.
fn tag_of(relation: &Relation) -> Tag {
    table_tag(&relation.name)
}

/// The tag of a table that a caller names, with or without its schema.
pub(crate) fn table_tag(name: &str) -> Tag {
    let bare = name.rsplit('.').next().unwrap_or(name);
    Tag::table(&bare.trim_matches(['"', '`', '[', ']', ' ']).to_lowercase())
}

fn session(facts: &Facts) -> SessionChange {
    let change = |step: &Step| match step {
        Step::Session => SessionChange::Certain,
        Step::PerhapsSession => SessionChange::Perhaps,
        _ => SessionChange::None,
    };
    facts
        .steps
        .iter()
        .map(change)
        .max()
        .unwrap_or(SessionChange::None)
}

fn effects(facts: &Facts) -> Vec<Effect> {
    let touched = |writes: &Writes| {
        let mut touched = match writes {
            Writes::Everything => Touched::Everything,
            Writes::Relations(relations) if relations.is_empty() => Touched::Nothing,
            Writes::Relations(relations) => Touched::Tags(relations.iter().map(tag_of).collect()),
        };
        // A tag in a write's comment is invalidated with the write.
        if !touched.is_empty() && !facts.hints.tags.is_empty() {
            touched.add(&Touched::Tags(
                facts.hints.tags.iter().map(|tag| Tag::user(tag)).collect(),
            ));
        }
        touched
    };
    let effect = |step: &Step| match step {
        Step::Write(writes) => Some(Effect::Write(touched(writes))),
        Step::CommittingWrite(writes) => Some(Effect::CommittingWrite(touched(writes))),
        Step::Begin => Some(Effect::Begin),
        Step::Commit { chain } => Some(Effect::Commit { chain: *chain }),
        Step::Rollback { chain } => Some(Effect::Rollback { chain: *chain }),
        Step::Savepoint(name) => Some(Effect::Savepoint(name.clone())),
        Step::RollbackTo(name) => Some(Effect::RollbackTo(name.clone())),
        Step::Release(name) => Some(Effect::Release(name.clone())),
        Step::UnknownTransaction => Some(Effect::UnknownTransaction),
        Step::Session | Step::PerhapsSession => None,
    };
    facts.steps.iter().filter_map(effect).collect()
}
