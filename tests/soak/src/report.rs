//! What a run says: lines for people, and one for programs.

use crate::{
    judge::{Tally, Verdict, millis},
    options::Options,
    pool::{MAX_STALENESS, SLACK},
    run::Outcome,
};

/// Says what is about to be done.
pub(crate) fn announce(options: &Options) {
    println!(
        "{} processes for {:?}, faults {:?}, {:?}, sabotage {}, seed {}",
        options.processes,
        options.time,
        options.faults,
        options.demand,
        options.sabotage.name(),
        options.seed
    );
    println!("allowed staleness: {MAX_STALENESS:?} and {SLACK:?} of slack");
}

/// Says how it goes.
pub(crate) fn progress(verdict: &Verdict) {
    let total = verdict.total();
    println!(
        "  {} operations, hit rate {:.3}, {} violations, worst staleness {:.1} ms",
        total.operations(),
        total.hit_rate(),
        total.violations,
        millis(total.worst)
    );
}

/// Says how it was. The last line is for programs.
pub(crate) fn conclude(outcome: &Outcome) {
    let verdict = &outcome.verdict;
    println!(
        "{:<24}{:>6}{:>10}{:>9}{:>9}{:>10}{:>8}{:>9}{:>11}{:>11}",
        "time of",
        "times",
        "local",
        "shared",
        "database",
        "past",
        "writes",
        "hit rate",
        "worst ms",
        "violations"
    );
    for (name, tally) in &verdict.periods {
        row(name, tally);
    }
    let total = verdict.total();
    row("all", &total);
    println!(
        "failed: {} reads, {} writes (the database was away, or a strict write could not be announced)",
        verdict.failed_reads, verdict.failed_writes
    );
    println!("seen writes that nobody was told of: {}", verdict.untold);
    println!(
        "processes were kept from running: {:.1} ms at most, {:.1} ms in all",
        millis(verdict.longest_delay),
        millis(verdict.delays)
    );
    for violation in &verdict.told {
        println!("VIOLATION {violation}");
    }
    println!(
        "{{\"operations\": {}, \"hit_rate\": {:.4}, \"faults\": {}, \"violations\": {}, \"worst_staleness_ms\": {:.1}}}",
        total.operations(),
        total.hit_rate(),
        outcome.faults,
        total.violations,
        millis(total.worst)
    );
}

fn row(name: &str, tally: &Tally) {
    println!(
        "{name:<24}{:>6}{:>10}{:>9}{:>9}{:>10}{:>8}{:>9.3}{:>11.1}{:>11}",
        tally.count,
        tally.local,
        tally.shared,
        tally.database,
        tally.truth,
        tally.writes,
        tally.hit_rate(),
        millis(tally.worst),
        tally.violations
    );
}
