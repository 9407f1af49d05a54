//! What a run says: lines for people, and one for programs.

use crate::{
    judge::{Spread, Tally, Verdict, millis},
    options::Options,
    pool::{CHANGES_STALENESS, MAX_STALENESS, SLACK},
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
    if let Some(rate) = options.outside {
        println!(
            "others write {rate} times a second, which may be missed for {CHANGES_STALENESS:?} more"
        );
    }
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
    let lag = Spread::of(&total.lags);
    if lag.count > 0 {
        println!(
            "others wrote {} times; from the acknowledgement until a process sees it:",
            total.outside
        );
        println!(
            "{:<24}{:>8}{:>10}{:>10}{:>10}",
            "time of", "seen", "p50 ms", "p99 ms", "worst ms"
        );
        for (name, tally) in &verdict.periods {
            spread(name, &Spread::of(&tally.lags));
        }
        spread("all", &lag);
        let told = Spread {
            worst: verdict.worst_told_lag,
            ..Spread::of(&verdict.told_lags)
        };
        spread("as the pools say", &told);
    }
    for violation in &verdict.told {
        println!("VIOLATION {violation}");
    }
    println!(
        "{{\"operations\": {}, \"hit_rate\": {:.4}, \"faults\": {}, \"violations\": {}, \"worst_staleness_ms\": {:.1}, \
         \"outside_writes\": {}, \"lag_p50_ms\": {:.1}, \"lag_p99_ms\": {:.1}, \"worst_lag_ms\": {:.1}}}",
        total.operations(),
        total.hit_rate(),
        outcome.faults,
        total.violations,
        millis(total.worst),
        total.outside,
        millis(lag.half),
        millis(lag.most),
        millis(lag.worst)
    );
}

fn spread(name: &str, lag: &Spread) {
    println!(
        "{name:<24}{:>8}{:>10.1}{:>10.1}{:>10.1}",
        lag.count,
        millis(lag.half),
        millis(lag.most),
        millis(lag.worst)
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
