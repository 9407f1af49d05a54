//! The multi-process checker: several processes read and write through pools on one PostgreSQL and one Redis, while these fail in
//! every way that can be arranged, and what the processes saw is judged by what `cachedpool` promises.
//!
//! `docs/soak.md` says what is checked and how to read the output. The exit code is 0 if no promise was broken, 1 if one was, and
//! 2 if the checker itself could not do its work.

mod clock;
mod crew;
mod director;
mod faults;
mod judge;
mod options;
mod outside;
mod pool;
mod record;
mod report;
mod run;
mod watch;
mod worker;
mod world;

use std::process::ExitCode;

use tokio::runtime::Builder;

use crate::{
    options::{Misuse, Options, USAGE},
    pool::{Follows, Sabotage, Settings},
    record::Demand,
};

const BROKEN: u8 = 1;
const TROUBLE: u8 = 2;

fn main() -> ExitCode {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be started");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, rest)) if first == "worker" => runtime.block_on(work(rest)),
        Some((first, [])) if first == "--help" => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => match Options::parse(arguments.into_iter()) {
            Ok(options) => runtime.block_on(check(&options)),
            Err(misuse) => {
                eprintln!("{misuse}\n\n{USAGE}");
                ExitCode::from(TROUBLE)
            }
        },
    }
}

async fn check(options: &Options) -> ExitCode {
    report::announce(options);
    match run::run(options).await {
        Ok(outcome) => {
            report::conclude(&outcome);
            match outcome.verdict.total().violations {
                0 => ExitCode::SUCCESS,
                _ => ExitCode::from(BROKEN),
            }
        }
        Err(trouble) => {
            eprintln!("the checker failed: {trouble}");
            ExitCode::from(TROUBLE)
        }
    }
}

async fn work(arguments: &[String]) -> ExitCode {
    let worked = match settings(arguments) {
        Ok((settings, seed)) => worker::work(settings, seed)
            .await
            .map_err(|error| error.to_string()),
        Err(misuse) => Err(misuse.to_string()),
    };
    match worked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("a worker failed: {error}");
            ExitCode::from(TROUBLE)
        }
    }
}

/// What a worker is told by the process that started it.
fn settings(arguments: &[String]) -> Result<(Settings, u64), Misuse> {
    let [postgres, redis, demand, sabotage, seed, follows] = arguments else {
        return Err(Misuse::worker());
    };
    let demand = match demand.as_str() {
        "bounded" => Demand::Bounded,
        "strict" => Demand::Strict,
        _ => return Err(Misuse::worker()),
    };
    let settings = Settings {
        postgres: postgres.clone(),
        redis: redis.clone(),
        demand,
        sabotage: Sabotage::named(sabotage).ok_or_else(Misuse::worker)?,
        follows: Follows::named(follows).ok_or_else(Misuse::worker)?,
    };
    Ok((settings, seed.parse().map_err(|_| Misuse::worker())?))
}
