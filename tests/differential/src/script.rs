//! Chooses statements: some of those in the files of the schemas with their holes filled, some composed.

use proptest::{
    prelude::*,
    strategy::{BoxedStrategy, Union, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    area::{Area, Locks},
    compose,
    server::Server,
    statement::{Statement, Template},
    values::Pieces,
};

/// Kinds of statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Read,
    /// Any write.
    Write,
    /// A write beside which others can read while its transaction is open.
    WriteOfRows,
    Refill,
    Call,
    Ddl,
    Outside,
    Session,
}

/// Statements by role, always the same for a seed.
pub(crate) struct Script {
    server: Server,
    areas: Vec<Scenes>,
    runner: TestRunner,
}

/// Strategies for the statements of one area; `None` where there are none.
struct Scenes {
    reads: Option<BoxedStrategy<Pieces>>,
    writes: Option<BoxedStrategy<Pieces>>,
    writes_of_rows: Option<BoxedStrategy<Pieces>>,
    refill: Option<BoxedStrategy<Pieces>>,
    calls: Option<BoxedStrategy<Pieces>>,
    ddl: Option<BoxedStrategy<Pieces>>,
    outside: Option<BoxedStrategy<Pieces>>,
    session: Option<BoxedStrategy<Pieces>>,
}

impl Script {
    pub(crate) fn new(server: Server, areas: &[Area], seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Script {
            server,
            areas: areas.iter().map(|area| Scenes::new(server, area)).collect(),
            runner: TestRunner::new_with_rng(
                Config::default(),
                TestRng::from_seed(RngAlgorithm::ChaCha, &bytes),
            ),
        }
    }

    /// A statement of this role; `None` if the area has none.
    pub(crate) fn next(&mut self, area: usize, role: Role) -> Option<Statement> {
        let scenes = &self.areas[area];
        let strategy = match role {
            Role::Read => &scenes.reads,
            Role::Write => &scenes.writes,
            Role::WriteOfRows => &scenes.writes_of_rows,
            Role::Refill => &scenes.refill,
            Role::Call => &scenes.calls,
            Role::Ddl => &scenes.ddl,
            Role::Outside => &scenes.outside,
            Role::Session => &scenes.session,
        };
        let tree = strategy
            .as_ref()?
            .new_tree(&mut self.runner)
            .expect("nothing is rejected");
        Some(Statement::new(self.server, tree.current()))
    }
}

impl Scenes {
    fn new(server: Server, area: &Area) -> Self {
        let all = |templates: &[Template]| one_of(templates.iter(), server);
        let of_rows = area
            .writes
            .iter()
            .filter(|(_, locks)| *locks == Locks::Rows);
        let composed = || compose::writes(server, &area.tables);
        Scenes {
            reads: either(all(&area.reads), compose::reads(server, &area.tables)),
            writes: either(
                one_of(area.writes.iter().map(|(template, _)| template), server),
                composed(),
            ),
            writes_of_rows: either(
                one_of(of_rows.map(|(template, _)| template), server),
                composed(),
            ),
            refill: all(&area.refill),
            calls: all(&area.calls),
            ddl: all(&area.ddl),
            outside: all(&area.outside),
            session: all(&area.session),
        }
    }
}

fn one_of<'a>(
    templates: impl Iterator<Item = &'a Template>,
    server: Server,
) -> Option<BoxedStrategy<Pieces>> {
    let filled: Vec<_> = templates.map(|template| template.filled(server)).collect();
    (!filled.is_empty()).then(|| Union::new(filled).boxed())
}

/// Three of five from the first, as long as there are both.
fn either(
    first: Option<BoxedStrategy<Pieces>>,
    second: Option<BoxedStrategy<Pieces>>,
) -> Option<BoxedStrategy<Pieces>> {
    match (first, second) {
        (Some(first), Some(second)) => Some(prop_oneof![3 => first, 2 => second].boxed()),
        (first, second) => first.or(second),
    }
}
