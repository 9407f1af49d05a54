//! What a run says.

use crate::{answer::Answer, history::History, options::Options, play::Tally};

/// Mismatches past these are only named: the first one is the one to look at.
const TOLD: u64 = 3;
/// The last events before a mismatch that are told.
const EVENTS: usize = 60;

/// Tells of a mismatch, for people.
pub(crate) fn mismatch(
    options: &Options,
    tally: &Tally,
    history: &History,
    read: &str,
    cached: &Answer,
    plain: &Answer,
) {
    if tally.mismatches > TOLD {
        eprintln!("MISMATCH also in step {}: {read}", history.step());
        return;
    }
    let (since, events) = history.since_loaded(read, EVENTS);
    eprintln!(
        "MISMATCH {} in step {}, pair {} of seed {}\n  read:   {read}\n  cached: {cached}\n  plain:  {plain}\n  since it was loaded: {since} events; the last ones, also from before:",
        options.server,
        history.step(),
        tally.pairs,
        options.seed
    );
    for (step, event) in events {
        eprintln!("    {step}: {event}");
    }
}

/// Says how it goes.
pub(crate) fn progress(tally: &Tally) {
    eprintln!(
        "  {} pairs, {} hits, {} mismatches",
        tally.pairs, tally.hits, tally.mismatches
    );
}

/// Says how it was. The last line is for programs.
pub fn conclude(tally: &Tally) {
    println!(
        "{{\"pairs\": {}, \"hits\": {}, \"mismatches\": {}}}",
        tally.pairs, tally.hits, tally.mismatches
    );
}
