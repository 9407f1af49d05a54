//! When which fault comes.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::{
    clock,
    crew::{Crew, News},
    faults::{Fault, Stage},
    options::{Faults, Options},
    pool::Sabotage,
};

/// Before the first fault the caches fill.
const WARM_UP: Duration = Duration::from_secs(2);
/// What one fault and the recovery from it take at most.
const TURN: Duration = Duration::from_secs(7);
/// The same at least: shorter than that, and faults would overlap in what they do.
const SHORTEST_TURN: Duration = Duration::from_millis(3500);
/// The part of its turn that a fault lasts, at most.
const PART: f64 = 0.45;
/// How long a fault lasts.
const SPAN: (f64, f64) = (1.2, 4.0);

/// Does what the options say until `end`, and returns when everything is well again.
pub(crate) async fn direct(stage: &Stage, crew: &Crew, options: &Options, end: Instant) {
    let mut random = fastrand::Rng::with_seed(options.seed);
    let mut bags = 0;
    let mut turn_ends = Instant::now() + WARM_UP;
    let turn = turn(options);
    let mut acts = Vec::new();
    loop {
        // Slow servers make turns longer. A run that had time for every fault has every fault all the same.
        let owed = bags == 1 && !acts.is_empty() && has_room_for_all(options);
        if turn_ends >= end && !owed {
            sleep_until(end).await;
            return;
        }
        sleep_until(turn_ends).await;
        turn_ends += turn;
        if acts.is_empty() {
            acts = bag(options, bags > 0, &mut random);
            bags += 1;
        }
        let Some(act) = acts.pop() else { continue };
        let longest = (turn.as_secs_f64() * PART).min(SPAN.1);
        let part = match options.sabotage {
            Sabotage::None => random.f64(),
            // The longer it lasts, the more is there to find.
            _ => 1.0,
        };
        let span = Duration::from_secs_f64(SPAN.0 + part * (longest - SPAN.0).max(0.0));
        crew.report(News::Faults {
            since: clock::now(),
            name: act.name(),
            count: act.count(),
        })
        .await;
        match act {
            Act::One(fault) => {
                stage.inject(fault, span, crew, &mut random).await;
            }
            Act::Two(fault, other) => {
                let mut others = random.fork();
                tokio::join!(
                    stage.inject(fault, span, crew, &mut random),
                    stage.inject(other, span, crew, &mut others)
                );
            }
        }
        // A fault that took longer than its turn leaves the next one its own.
        turn_ends = turn_ends.max(Instant::now() + turn.mul_f64(1.0 - PART));
    }
}

enum Act {
    One(Fault),
    Two(Fault, Fault),
}

impl Act {
    fn name(&self) -> &'static str {
        match self {
            Self::One(fault) => fault.name(),
            Self::Two(..) => "mixed",
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Two(..) => 2,
        }
    }
}

fn has_room_for_all(options: &Options) -> bool {
    let turns = u32::try_from(faults(options).count()).expect("a few");
    options.time >= WARM_UP + SHORTEST_TURN * turns
}

/// All that can happen in this run.
fn faults(options: &Options) -> impl Iterator<Item = Fault> {
    let follows = options.outside.is_some();
    let all = Fault::ALL.iter().copied();
    all.filter(move |fault| follows || !fault.is_of_the_feed())
}

/// Short runs shorten the turns so that each fault has its own.
fn turn(options: &Options) -> Duration {
    let acts = match options.faults {
        Faults::None | Faults::One(_) => 2,
        Faults::All => faults(options).count(),
    };
    let time = options.time.saturating_sub(WARM_UP);
    let share = time.div_f64(f64::from(u32::try_from(acts).expect("a few")) + 0.5);
    share.clamp(SHORTEST_TURN, TURN)
}

/// What comes next, last one first.
fn bag(options: &Options, again: bool, random: &mut fastrand::Rng) -> Vec<Act> {
    let mut acts: Vec<Act> = match options.faults {
        Faults::None => return Vec::new(),
        Faults::One(fault) => return vec![Act::One(fault)],
        Faults::All => faults(options).map(Act::One).collect(),
    };
    if again {
        for fault in faults(options) {
            let other = [Fault::WorkerKilled, Fault::PostgresRestart][random.usize(..2)];
            // Two that hit the same one would undo one another.
            if fault.target() != other.target() {
                acts.push(Act::Two(fault, other));
            }
        }
    }
    random.shuffle(&mut acts);
    acts
}
