//! Random handlers that read random tables, random writes, random requests: a response is never served after a write to
//! anything that it was made of has returned, and is served from the cache otherwise.
//!
//! `CACHEDPOOL_HTTP_CASES` sets how many histories each test plays.

mod history;
mod world;

use std::{cell::Cell, collections::HashMap, env};

use cachedpool::cache::Sabotage;
use futures_util::future::join_all;
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use tokio::runtime::{Builder, Runtime};

use self::{
    history::{Act, Bodies, History, Request, Step, Write, histories},
    world::World,
};

/// How many histories a test plays, and how many steps each has.
const CASES: u32 = 20;
const STEPS: usize = 60;

/// For how long responses are fresh.
const FRESH: u64 = 60;

/// How requests were answered.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    hits: u64,
    not_modified: u64,
    /// By nothing but the validator that was kept.
    unread: u64,
    made: u64,
    together: u64,
}

/// When each response was made that the cache must still have.
type Warm = HashMap<(usize, usize), u64>;

#[test]
fn on_one_thread_no_response_is_older_than_a_write_that_had_returned() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    every_history_is_right(&runtime);
}

#[test]
fn on_two_threads_no_response_is_older_than_a_write_that_had_returned() {
    let mut runtime = Builder::new_multi_thread();
    every_history_is_right(&runtime.worker_threads(2).enable_all().build().unwrap());
}

#[test]
fn without_the_stamp_check_an_older_response_is_found() {
    a_history_is_wrong(Sabotage::IgnoreStamps);
}

#[test]
fn with_the_stamp_noted_after_the_handler_an_older_response_is_found() {
    a_history_is_wrong(Sabotage::StampAfterLoad);
}

fn every_history_is_right(runtime: &Runtime) {
    let cases = env::var("CACHEDPOOL_HTTP_CASES").map_or(CASES, |cases| cases.parse().unwrap());
    let mut runner = runner(cases);
    let figures = Cell::new(Figures::default());
    let played = runner.run(&histories(STEPS), |history| {
        let mut sum = figures.get();
        let played = runtime.block_on(play(&history, Sabotage::None, &mut sum));
        figures.set(sum);
        played.map_err(TestCaseError::fail)
    });
    if let Err(failure) = played {
        panic!("{failure}");
    }
    let Figures {
        hits,
        not_modified,
        unread,
        made,
        together,
    } = figures.get();
    println!("{:?}", figures.get());
    // Otherwise little was held against anything.
    assert!(hits > 50 && not_modified > 20 && unread > 5 && made > 50 && together > 50);
}

fn a_history_is_wrong(sabotage: Sabotage) {
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    let mut runner = runner(1);
    let wrong = (0..200).find_map(|_| {
        let history = histories(STEPS).new_tree(&mut runner).unwrap().current();
        runtime
            .block_on(play(&history, sabotage, &mut Figures::default()))
            .err()
    });
    let wrong = wrong.expect("nobody notices");
    assert!(wrong.contains("older than a write"), "{wrong}");
}

/// With a seed of its own, so that two runs play the same histories.
fn runner(cases: u32) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]))
}

async fn play(history: &History, sabotage: Sabotage, figures: &mut Figures) -> Result<(), String> {
    let world = World::new(history, sabotage).await;
    let (mut now, mut warm) = (0, Warm::new());
    for (at, step) in history.steps.iter().enumerate() {
        let done = match step {
            Step::Alone(Act::Ask(request)) => ask(&world, *request, now, &mut warm, figures).await,
            Step::Alone(Act::Write(write)) => {
                world.write(write).await;
                cool(history, write, &mut warm);
                Ok(())
            }
            Step::Together(acts) => {
                warm.clear();
                figures.together += acts.len() as u64;
                let acts = acts.iter().map(|act| act_on(&world, act));
                join_all(acts).await.into_iter().collect()
            }
            Step::After(seconds) => {
                world.site.after(*seconds);
                now += seconds;
                Ok(())
            }
        };
        done.map_err(|wrong| format!("step {at}, {step:?}: {wrong}"))?;
    }
    Ok(())
}

/// Alone: it must be kept now, and come from the cache if it was kept before.
async fn ask(
    world: &World,
    request: Request,
    now: u64,
    warm: &mut Warm,
    figures: &mut Figures,
) -> Result<(), String> {
    let client = (request.path, request.variant);
    let reply = world.ask(request).await?;
    match reply.is_hit() {
        true => figures.hits += 1,
        false => figures.made += 1,
    }
    figures.not_modified += u64::from(reply.status == 304);
    if world.bodies == Bodies::Passed {
        figures.unread += u64::from(reply.status == 304 && reply.is_hit());
        return Ok(());
    }
    let status = reply.cache_status();
    let made = warm.get(&client).copied();
    let is_fresh = made.is_some_and(|made| now - made < FRESH);
    let is_kept = ["; stored", "; collapsed"]
        .iter()
        .any(|said| status.contains(said));
    match (reply.is_hit(), is_kept) {
        (true, _) if made.is_some() && !is_fresh => {
            // It was stale, and is being made anew.
            warm.remove(&client);
        }
        // It was made by one of several at once.
        (true, _) => {}
        (false, _) if is_fresh => return Err(format!("it is not kept any more: {reply:?}")),
        (false, true) => {
            warm.insert(client, now);
        }
        (false, false) => return Err(format!("it is not kept: {reply:?}")),
    }
    Ok(())
}

async fn act_on(world: &World, act: &Act) -> Result<(), String> {
    match act {
        Act::Ask(request) => world.ask(*request).await.map(drop),
        Act::Write(write) => {
            world.write(write).await;
            Ok(())
        }
    }
}

/// What was written is not kept any more; all else is.
fn cool(history: &History, write: &Write, warm: &mut Warm) {
    let written: Vec<_> = write
        .things()
        .iter()
        .flat_map(|thing| thing.cells())
        .collect();
    warm.retain(|(path, _), _| {
        let read = history.plans[*path].things();
        let mut cells = read.iter().flat_map(|thing| thing.cells());
        !cells.any(|cell| written.contains(&cell))
    });
}
