//! Plays histories and counts what came of them.

use std::{collections::HashSet, env, fmt, sync::Arc, time::Duration};

use cachedpool::cache::Sabotage;
use cachedpool_test_support::wait_until;
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{
        Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestRng, TestRunner,
    },
};
use tokio::runtime::Runtime;

use crate::{
    database,
    history::{Hints, History, Mode, Pace, Read},
    judge::Case,
    record::Moment,
    strategy::histories,
    world::World,
};

/// How many histories a test plays unless it is told otherwise.
const CASES: u32 = 200;

/// Within how many histories a broken mechanism must be noticed.
const PATIENCE: u32 = 500;

/// When all tasks have ended, background work must follow soon, however busy the machine is.
const QUIET: Duration = Duration::from_secs(60);

/// What histories came to.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    histories: u64,
    answers: u64,
    commits: u64,
    cut: u64,
    hits: u64,
    stale_hits: u64,
    coalesced: u64,
    loads: u64,
    load_failures: u64,
    refreshes: u64,
    invalidations: u64,
}

impl Figures {
    fn add(&mut self, more: Figures) {
        let Figures {
            histories,
            answers,
            commits,
            cut,
            hits,
            stale_hits,
            coalesced,
            loads,
            load_failures,
            refreshes,
            invalidations,
        } = more;
        self.histories += histories;
        self.answers += answers;
        self.commits += commits;
        self.cut += cut;
        self.hits += hits;
        self.stale_hits += stale_hits;
        self.coalesced += coalesced;
        self.loads += loads;
        self.load_failures += load_failures;
        self.refreshes += refreshes;
        self.invalidations += invalidations;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} histories, {} answers judged ({} hits, {} stale hits, {} coalesced), {} loads ({} failed), \
             {} refreshes, {} commits, {} invalidations, {} cut futures",
            self.histories,
            self.answers,
            self.hits,
            self.stale_hits,
            self.coalesced,
            self.loads,
            self.load_failures,
            self.refreshes,
            self.commits,
            self.invalidations,
            self.cut
        )
    }
}

/// Plays random histories and shrinks the first one that goes wrong.
pub(crate) fn every_history_is_right(name: &str, runtime: &Runtime) {
    let mut runner = runner(Config {
        cases: variable("CACHEDPOOL_MODEL_CASES").map_or(CASES, |cases| {
            u32::try_from(cases).expect("that many histories take forever")
        }),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/model/regressions.txt",
        ))),
        max_shrink_iters: 500,
        max_shrink_time: 60_000,
        ..Config::default()
    });
    let figures = std::cell::RefCell::new(Figures::default());
    let result = runner.run(&histories(), |history| {
        match runtime.block_on(play(&history, Sabotage::None)) {
            Ok(more) => {
                figures.borrow_mut().add(more);
                Ok(())
            }
            Err(violation) => Err(TestCaseError::fail(violation)),
        }
    });
    figure!(
        "{name}: {}, violations: {}",
        figures.borrow(),
        u8::from(result.is_err())
    );
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

/// Plays random histories on a broken pool until one goes wrong.
pub(crate) fn histories_until_one_is_wrong(name: &str, runtime: &Runtime, sabotage: Sabotage) {
    let mut runner = runner(Config {
        failure_persistence: None,
        ..Config::default()
    });
    for nth in 1..=PATIENCE {
        let history = histories().new_tree(&mut runner).unwrap().current();
        if let Err(violation) = runtime.block_on(play(&history, sabotage)) {
            figure!("{name}: noticed in history {nth}");
            assert!(violation.contains("fits none of the states"), "{violation}");
            return;
        }
    }
    panic!("{name}: not noticed in {PATIENCE} histories");
}

/// With a seed of its own, so that two runs play the same histories.
fn runner(config: Config) -> TestRunner {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&variable("CACHEDPOOL_MODEL_SEED").unwrap_or(1).to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

fn variable(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {value}")),
    )
}

/// Plays one history and judges it.
async fn play(history: &History, sabotage: Sabotage) -> Result<Figures, String> {
    let world = World::new(&history.settings, history.tasks.len(), sabotage).await;
    let world = Arc::new(world.map_err(|error| error.to_string())?);
    let tasks: Vec<_> = history
        .tasks
        .iter()
        .map(|turns| tokio::spawn(world.clone().task(turns.clone())))
        .collect();
    for task in tasks {
        task.await.map_err(|panic| panic.to_string())?;
    }
    let settled = settle(&world).await;
    // Once with entries of all ages, and once when whatever was written from outside must be seen as well.
    sweep(&world).await;
    world.hand.advance(Duration::from_secs(1_000));
    sweep(&world).await;
    settle(&world).await;
    judge(&world, settled).await
}

/// Waits until nothing is under way any more. What was written through the pool counts as acknowledged from then on.
async fn settle(world: &World) -> Moment {
    wait_until(
        QUIET,
        "all connections are back and no flight is in the air",
        async || {
            let inner = world.pool.inner();
            inner.num_idle() == inner.size() as usize && world.stats().in_flight == 0
        },
    )
    .await;
    world.record.now()
}

/// Asks everything again that was asked before.
async fn sweep(world: &World) {
    let plainly = |read: &Read| Read {
        hints: Hints {
            tolerate_stale: None,
            mode: Mode::Normal,
            ..read.hints.clone()
        },
        ..read.clone()
    };
    let reads: HashSet<Read> = world
        .record
        .evidence()
        .looks
        .iter()
        .map(|look| plainly(&look.read))
        .collect();
    for read in &reads {
        world.read(read, Pace::Through).await;
    }
}

async fn judge(world: &World, settled: Moment) -> Result<Figures, String> {
    let broken = |error: sqlx::Error| error.to_string();
    let mut connection = world.pool.inner().acquire().await.map_err(broken)?;
    let journal = database::journal(&mut connection).await.map_err(broken)?;
    let end = database::state(&mut connection).await.map_err(broken)?;
    drop(connection);

    let evidence = std::mem::take(&mut *world.record.evidence());
    let mut case = Case::new(&evidence, &journal, &world.start, settled);
    if *case.last_state() != end {
        return Err(format!(
            "the journal leads to {:?}, not to {end:?}",
            case.last_state()
        ));
    }
    case.judge();

    let stats = world.stats();
    if stats.bytes > world.settings.capacity {
        case.violations
            .push(format!("P9: {} bytes in memory", stats.bytes));
    }
    if stats.quarantined > 0 {
        case.violations.push(format!(
            "P9: {} slots are closed for nothing",
            stats.quarantined
        ));
    }
    if case.violations.is_empty() {
        Ok(Figures {
            histories: 1,
            answers: evidence.looks.len() as u64,
            commits: case.commits() as u64,
            cut: evidence.cut,
            hits: stats.hits_local,
            stale_hits: stats.stale_hits,
            coalesced: stats.coalesced,
            loads: stats.loads,
            load_failures: stats.load_failures,
            refreshes: stats.refreshes_started,
            invalidations: stats.invalidations,
        })
    } else {
        Err(case.violations.join("\n"))
    }
}
