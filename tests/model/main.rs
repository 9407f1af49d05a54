//! The crate's main evidence: random histories of reads, writes, transactions, cancelled futures, failing loads, turned
//! clocks and evictions, from many tasks, against a plain map.
//!
//! A history ([`history`], made by [`strategy`]) is played on a pool over a real SQLite file ([`world`], [`reads`],
//! [`writes`], [`transactions`], paced by [`schedule`]). The database keeps a journal of its commits ([`database`]), the
//! tasks note what they were told and when ([`record`]), and [`judge`] compares both with the plain map ([`plain`]).
//!
//! What is held against the promises:
//! - P0: an answer is a state of the database; an error is one that the database gives in such a state.
//! - P1: no answer is older than a write that was acknowledged before the read began, unless its terms say how old it may
//!   be; strict reads moreover never go back behind what another read has seen.
//! - P2: when all is quiet, every key that was ever read answers what the database holds.
//! - P8: nothing hangs; what was written by a caller who had gone is invalidated too; flights end.
//! - P9: entries, flights and quarantines stay within their bounds.
//!
//! What was found that way stands in [`found`].
//!
//! `CACHEDPOOL_MODEL_CASES` sets how many histories each test plays, `CACHEDPOOL_MODEL_SEED` picks others.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

/// Prints a figure past the test harness, which keeps what `println!` prints of tests that pass.
macro_rules! figure {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let line = format!($($text)*) + "\n";
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }};
}

mod database;
mod found;
mod history;
mod judge;
mod plain;
mod play;
mod progress;
mod reads;
mod record;
mod schedule;
mod strategy;
mod transactions;
mod world;
mod writes;

use cachedpool::cache::Sabotage;
use tokio::runtime::{Builder, Runtime};

use crate::play::{every_history_is_right, histories_until_one_is_wrong};

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn two_threads() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn histories_on_one_thread_agree_with_the_plain_map() {
    every_history_is_right("one thread", &one_thread());
}

#[test]
fn histories_on_two_threads_agree_with_the_plain_map() {
    every_history_is_right("two threads", &two_threads());
}

#[test]
fn without_the_stamp_check_a_stale_answer_is_found() {
    histories_until_one_is_wrong("stamps ignored", &one_thread(), Sabotage::IgnoreStamps);
}

#[test]
fn with_the_stamp_noted_after_the_load_a_stale_answer_is_found() {
    histories_until_one_is_wrong("stamps noted late", &one_thread(), Sabotage::StampAfterLoad);
}
