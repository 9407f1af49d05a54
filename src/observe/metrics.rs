//! The counters of a [`Stats`] through the `metrics` facade.
//!
//! Reads and writes never touch the facade: a snapshot is published whole, on demand or at an interval of the
//! application's choice, so the feature costs the hit path nothing.

use ::metrics::{Label, counter, gauge};

use super::Stats;

/// Tells the installed recorder of `stats`: counters as `cachedpool_<name>_total`, the numbers of now as gauges
/// `cachedpool_<name>`, labelled with `pool`.
///
/// Call it as often as the recorder is scraped. Calling it for snapshots of one pool out of order does no harm:
/// counters only go up.
pub fn publish(pool: &str, stats: &Stats) {
    let pool = || Label::new("pool", pool.to_owned());
    for (name, number) in stats.numbers() {
        match name {
            "entries" | "bytes" | "in_flight" | "quarantined" => {
                // A recorder's gauge is a float.
                #[expect(clippy::cast_precision_loss, reason = "exact up to 2⁵³")]
                gauge!(format!("cachedpool_{name}"), vec![pool()]).set(number as f64);
            }
            _ => counter!(format!("cachedpool_{name}_total"), vec![pool()]).absolute(number),
        }
    }
    for (name, counts) in [
        ("bypasses", &stats.bypasses),
        ("stores_skipped", &stats.stores_skipped),
    ] {
        for (&reason, &count) in counts {
            let labels = vec![pool(), Label::new("reason", reason)];
            counter!(format!("cachedpool_{name}_total"), labels).absolute(count);
        }
    }
}
