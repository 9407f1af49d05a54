//! Short runs of the checker: it finds nothing as long as everything works, and something as soon as a mechanism is broken.

use std::{
    process::Command,
    sync::{Condvar, Mutex, PoisonError},
};

use serde_json::Value;

/// So many runs at a time: more would starve one another. Those of two cores take up to two minutes together.
static PLACES: Mutex<usize> = Mutex::new(2);
static FREED: Condvar = Condvar::new();

struct Place;

impl Place {
    fn take() -> Self {
        let places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = FREED
            .wait_while(places, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Self
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *PLACES.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        FREED.notify_one();
    }
}

struct Run {
    code: Option<i32>,
    output: String,
    /// The last line.
    verdict: Value,
}

fn soak(arguments: &str) -> Run {
    let _place = Place::take();
    let output = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(arguments.split(' '))
        .output()
        .expect("the checker was built");
    let errors = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = text.lines().last().unwrap_or_default();
    let verdict =
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}\n{text}\n{errors}"));
    Run {
        code: output.status.code(),
        verdict,
        output: text,
    }
}

impl Run {
    fn number(&self, name: &str) -> f64 {
        self.verdict[name].as_f64().expect("the last line tells it")
    }

    #[track_caller]
    fn is_clean(&self) {
        assert_eq!(self.number("violations"), 0.0, "{}", self.output);
        assert_eq!(self.code, Some(0), "{}", self.output);
        // It would be easy to keep all promises by caching nothing. A machine that has much else to do has few hits: it spends
        // more of the time on what follows a fault.
        assert!(self.number("operations") > 1_000.0, "{}", self.output);
        assert!(self.number("hit_rate") > 0.03, "{}", self.output);
        assert!(self.number("faults") >= 12.0, "{}", self.output);
    }

    #[track_caller]
    fn sees_what_others_write(&self) {
        assert!(self.number("outside_writes") > 300.0, "{}", self.output);
        let lag = self.number("lag_p50_ms");
        assert!(lag > 0.0 && lag < 1_000.0, "{}", self.output);
    }

    #[track_caller]
    fn is_found(&self, promises: &[&str]) {
        assert_eq!(self.code, Some(1), "{}", self.output);
        assert!(self.number("violations") > 0.0, "{}", self.output);
        let told = |promise: &&str| {
            self.output
                .lines()
                .any(|line| line.starts_with("VIOLATION") && line.contains(*promise))
        };
        assert!(promises.iter().any(told), "{}", self.output);
    }
}

#[test]
fn no_promise_is_broken_whatever_fails() {
    soak("--seconds 46 --fault all --seed 1").is_clean();
}

#[test]
fn no_strict_promise_is_broken_whatever_fails() {
    soak("--seconds 46 --fault all --strict --seed 2").is_clean();
}

#[test]
fn a_cache_that_does_not_compare_stamps_is_found() {
    soak("--seconds 300 --fault none --seed 3 --sabotage stamps").is_found(&["P1", "P3", "P5"]);
}

#[test]
fn a_cache_without_a_lease_is_found_when_redis_is_paused() {
    soak("--seconds 300 --fault redis-pause --seed 2 --sabotage lease").is_found(&["P3"]);
}

#[test]
fn a_strict_writer_without_a_fence_is_found_when_it_is_killed() {
    soak("--seconds 300 --fault worker-killed --strict --seed 21 --sabotage fence")
        .is_found(&["P4"]);
}

#[test]
fn a_cache_that_does_not_compare_epochs_is_found_when_redis_comes_back_from_an_old_dump() {
    soak("--seconds 300 --fault redis-restart-old-dump --seed 12 --sabotage epoch")
        .is_found(&["P1", "P3", "P5"]);
}

#[test]
fn what_is_written_past_the_pools_is_seen_whatever_ends_the_stream() {
    let run = soak("--seconds 14 --outside-writer --fault consumer-cut --seed 4");
    assert_eq!(run.code, Some(0), "{}", run.output);
    assert_eq!(run.number("violations"), 0.0, "{}", run.output);
    assert!(run.number("faults") >= 1.0, "{}", run.output);
    run.sees_what_others_write();
}

#[test]
fn a_cache_that_changes_of_others_do_not_move_is_found() {
    soak("--seconds 300 --outside-writer --fault none --seed 5 --sabotage feed").is_found(&["P6"]);
}
