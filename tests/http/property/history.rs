//! What is played: handlers that read whatever they like, and what clients and writers do.

use proptest::prelude::*;

/// Rows of each table, by their ids from 1 on.
pub(super) const ROWS: i64 = 3;
/// Words that stand for what is not in the database.
pub(super) const WORDS: usize = 2;
/// Paths, and values of the header that responses vary by.
const PATHS: usize = 4;
const VARIANTS: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Pages,
    Notes,
}

/// What can be read, and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    Row(Table, i64),
    Whole(Table),
    Word(usize),
}

/// How one thing is read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Cached,
    Plain,
    Connection,
}

/// A part of a handler.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Read(Thing, Way),
    /// All at once.
    Joined(Vec<(Thing, Way)>),
    /// In a task of its own, which is given the scope.
    Carried(Vec<(Thing, Way)>),
    Transaction(Vec<Thing>),
}

/// A handler.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) parts: Vec<Part>,
    /// Read while the body is sent.
    pub(super) in_body: Vec<(Thing, Way)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) path: usize,
    pub(super) variant: usize,
    /// The client tells which response it has.
    pub(super) conditional: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Write {
    Alone(Thing),
    Transaction(Vec<Thing>),
    /// A transaction that comes to nothing.
    RolledBack(Thing),
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    Ask(Request),
    Write(Write),
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Alone(Act),
    /// All at once.
    Together(Vec<Act>),
    /// The clock is turned by so many seconds.
    After(u64),
}

/// What is kept of responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bodies {
    Kept,
    /// They are too large: their validators alone.
    Passed,
}

#[derive(Clone, Debug)]
pub(super) struct History {
    pub(super) plans: Vec<Plan>,
    pub(super) bodies: Bodies,
    /// Expired responses are served while they are made anew.
    pub(super) is_lenient: bool,
    pub(super) steps: Vec<Step>,
}

impl Write {
    pub(super) fn things(&self) -> &[Thing] {
        match self {
            Write::Alone(thing) | Write::RolledBack(thing) => std::slice::from_ref(thing),
            Write::Transaction(things) => things,
        }
    }
}

impl Plan {
    /// All that it reads.
    pub(super) fn things(&self) -> Vec<Thing> {
        let parts = self.parts.iter().flat_map(|part| match part {
            Part::Read(thing, _) => vec![*thing],
            Part::Joined(reads) | Part::Carried(reads) => reads.iter().map(|read| read.0).collect(),
            Part::Transaction(things) => things.clone(),
        });
        parts
            .chain(self.in_body.iter().map(|read| read.0))
            .collect()
    }
}

pub(super) fn histories(steps: usize) -> impl Strategy<Value = History> {
    let plans = prop::collection::vec(plan(), PATHS);
    let steps = prop::collection::vec(step(), steps);
    let bodies = prop_oneof![2 => Just(Bodies::Kept), 1 => Just(Bodies::Passed)];
    (plans, bodies, any::<bool>(), steps).prop_map(|(plans, bodies, is_lenient, steps)| History {
        plans,
        bodies,
        is_lenient,
        steps,
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let in_body = prop_oneof![2 => Just(vec![]), 1 => prop::collection::vec(read(), 1..3)];
    (prop::collection::vec(part(), 1..4), in_body)
        .prop_map(|(parts, in_body)| Plan { parts, in_body })
}

fn part() -> impl Strategy<Value = Part> {
    let several = || prop::collection::vec(read(), 1..4);
    prop_oneof![
        3 => read().prop_map(|(thing, way)| Part::Read(thing, way)),
        1 => several().prop_map(Part::Joined),
        1 => several().prop_map(Part::Carried),
        1 => prop::collection::vec(row(), 1..3).prop_map(Part::Transaction),
    ]
}

fn read() -> impl Strategy<Value = (Thing, Way)> {
    let way = prop_oneof![
        2 => Just(Way::Cached),
        1 => Just(Way::Plain),
        1 => Just(Way::Connection),
    ];
    (thing(), way)
}

fn thing() -> impl Strategy<Value = Thing> {
    prop_oneof![
        4 => row(),
        1 => (0..WORDS).prop_map(Thing::Word),
    ]
}

fn row() -> impl Strategy<Value = Thing> {
    let table = || prop_oneof![Just(Table::Pages), Just(Table::Notes)];
    prop_oneof![
        3 => (table(), 1..=ROWS).prop_map(|(table, id)| Thing::Row(table, id)),
        1 => table().prop_map(Thing::Whole),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    (0..PATHS, 0..VARIANTS, any::<bool>()).prop_map(|(path, variant, conditional)| Request {
        path,
        variant,
        conditional,
    })
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        4 => thing().prop_map(Write::Alone),
        1 => prop::collection::vec(row(), 1..3).prop_map(Write::Transaction),
        1 => row().prop_map(Write::RolledBack),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![3 => request().prop_map(Act::Ask), 1 => write().prop_map(Act::Write)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => act().prop_map(Step::Alone),
        3 => prop::collection::vec(act(), 2..6).prop_map(Step::Together),
        1 => (1..50_u64).prop_map(Step::After),
    ]
}
