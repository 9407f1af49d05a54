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
            "entries"
            | "bytes"
            | "in_flight"
            | "quarantined"
            | "change_lag_micros"
            | "worst_change_lag_micros"
            | "retained_wal_bytes" => {
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
        ("shared_refusals", &stats.shared_refusals),
        ("shared_stores_withheld", &stats.shared_stores_withheld),
    ] {
        for (&reason, &count) in counts {
            let labels = vec![pool(), Label::new("reason", reason)];
            counter!(format!("cachedpool_{name}_total"), labels).absolute(count);
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::{Arc, Mutex},
    };

    use ::metrics::{
        Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder,
        SharedString, Unit, with_local_recorder,
    };

    use super::*;

    /// Writes down what it is told, by name and labels.
    #[derive(Clone, Default)]
    struct Notes(Arc<Mutex<BTreeMap<String, f64>>>);

    struct Note(Notes, String);

    impl Note {
        fn write(&self, value: f64) {
            self.0
                .0
                .lock()
                .expect("nobody panics while writing")
                .insert(self.1.clone(), value);
        }
    }

    impl CounterFn for Note {
        fn increment(&self, _: u64) {
            panic!("counts are absolute");
        }

        #[expect(clippy::cast_precision_loss, reason = "the test's numbers are small")]
        fn absolute(&self, value: u64) {
            self.write(value as f64);
        }
    }

    impl GaugeFn for Note {
        fn increment(&self, _: f64) {
            panic!("gauges are set");
        }

        fn decrement(&self, _: f64) {
            panic!("gauges are set");
        }

        fn set(&self, value: f64) {
            self.write(value);
        }
    }

    impl Notes {
        fn note(&self, key: &Key) -> Arc<Note> {
            let labels: Vec<String> = key
                .labels()
                .map(|label| format!("{}={}", label.key(), label.value()))
                .collect();
            Arc::new(Note(
                self.clone(),
                format!("{}{{{}}}", key.name(), labels.join(",")),
            ))
        }
    }

    impl Recorder for Notes {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(self.note(key))
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(self.note(key))
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn a_snapshot_is_published_under_the_pool_and_the_reason() {
        let stats = Stats {
            hits_local: 3,
            entries: 5,
            bypasses: BTreeMap::from([("volatile function", 2)]),
            ..Stats::default()
        };
        let notes = Notes::default();
        with_local_recorder(&notes, || publish("main", &stats));
        let notes = notes.0.lock().unwrap();
        assert_eq!(notes["cachedpool_hits_local_total{pool=main}"], 3.0);
        assert_eq!(notes["cachedpool_entries{pool=main}"], 5.0);
        assert_eq!(
            notes["cachedpool_bypasses_total{pool=main,reason=volatile function}"],
            2.0
        );
    }
}
