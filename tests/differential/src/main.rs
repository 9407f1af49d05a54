//! The differential suite from the command line; see `docs/differential.md`.
//!
//! The exit code is 0 if all pairs were equal, 1 if one was not, and 2 if the suite could not do its work or proves nothing,
//! because the cache answered too few of the reads.

use std::process::ExitCode;

use cachedpool_differential::{Misuse, Options, Tally, USAGE, conclude, run};
use tokio::runtime::Builder;

const DIFFERENT: u8 = 1;
const TROUBLE: u8 = 2;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if_eq("--help").is_some() {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match Options::parse(arguments) {
        Ok(options) => check(&options),
        Err(misuse) => refuse(&misuse),
    }
}

fn refuse(misuse: &Misuse) -> ExitCode {
    eprintln!("{misuse}\n\n{USAGE}");
    ExitCode::from(TROUBLE)
}

fn check(options: &Options) -> ExitCode {
    println!(
        "{} pairs on {}, seed {}",
        options.pairs, options.server, options.seed
    );
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be started");
    match runtime.block_on(run(options)) {
        Ok(tally) => {
            conclude(&tally);
            verdict(options, &tally)
        }
        Err(trouble) => {
            eprintln!("the suite failed: {trouble}");
            ExitCode::from(TROUBLE)
        }
    }
}

fn verdict(options: &Options, tally: &Tally) -> ExitCode {
    if tally.mismatches > 0 {
        return ExitCode::from(DIFFERENT);
    }
    // A run that is over before anything could be stored shows nothing, and is not asked for.
    if options.pairs >= 1_000 && tally.hits * 5 < tally.pairs {
        eprintln!("fewer than a fifth of the reads came from the cache: this proves little");
        return ExitCode::from(TROUBLE);
    }
    ExitCode::SUCCESS
}
