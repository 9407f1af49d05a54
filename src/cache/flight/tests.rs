use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::Wake,
};

use super::{super::testkit, *};
use crate::cache::{Entry, Tick};

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Bell {
    fn rings(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn entry(value: u64) -> Arc<dyn AnyEntry> {
    Arc::new(Entry {
        meta: testkit::meta(Tick::from_nanos(0), 1),
        value,
    })
}

fn board(flights: &Arc<Flights>) -> Boarding {
    flights.board(&testkit::key(1), &testkit::stamp(Tick::from_nanos(0)))
}

fn lead(flights: &Arc<Flights>) -> Leader {
    match board(flights) {
        Boarding::Lead(leader) => leader,
        Boarding::Wait(_) | Boarding::Full => panic!("the lead is free"),
    }
}

fn wait(flights: &Arc<Flights>) -> Waiter {
    match board(flights) {
        Boarding::Wait(waiter) => waiter,
        Boarding::Lead(_) | Boarding::Full => panic!("somebody leads"),
    }
}

fn poll(waiter: &mut Waiter, bell: &Arc<Bell>) -> Poll<Landing> {
    Pin::new(waiter).poll(&mut Context::from_waker(&bell.clone().into()))
}

#[test]
fn all_who_wait_share_what_the_leader_loaded() {
    let flights = Flights::new(8);
    let leader = lead(&flights);
    let bell = Arc::new(Bell::default());
    let mut waiters: Vec<Waiter> = (0..3).map(|_| wait(&flights)).collect();
    assert!(
        waiters
            .iter_mut()
            .all(|waiter| poll(waiter, &bell).is_pending())
    );
    leader.done(entry(7));
    assert_eq!(bell.rings(), 3);
    assert!(
        waiters
            .iter_mut()
            .all(|waiter| matches!(poll(waiter, &bell), Poll::Ready(Landing::Done(_))))
    );
    assert_eq!(flights.len(), 0);
}

#[test]
fn a_failed_load_sends_everyone_on_at_once() {
    let flights = Flights::new(8);
    let leader = lead(&flights);
    let bell = Arc::new(Bell::default());
    let mut waiters: Vec<Waiter> = (0..3).map(|_| wait(&flights)).collect();
    assert!(
        waiters
            .iter_mut()
            .all(|waiter| poll(waiter, &bell).is_pending())
    );
    leader.failed();
    assert_eq!(bell.rings(), 3);
    assert!(
        waiters
            .iter_mut()
            .all(|waiter| matches!(poll(waiter, &bell), Poll::Ready(Landing::Failed)))
    );
    assert_eq!(flights.len(), 0);
}

#[test]
fn a_dropped_leader_hands_over_to_exactly_one() {
    let flights = Flights::new(8);
    let leader = lead(&flights);
    let bell = Arc::new(Bell::default());
    let (mut first, mut second) = (wait(&flights), wait(&flights));
    assert!(poll(&mut first, &bell).is_pending() && poll(&mut second, &bell).is_pending());
    drop(leader);
    assert_eq!(bell.rings(), 1);
    let Poll::Ready(Landing::Lead(leader)) = poll(&mut first, &bell) else {
        panic!("the first takes the lead")
    };
    assert!(poll(&mut second, &bell).is_pending());
    leader.done(entry(7));
    assert!(matches!(
        poll(&mut second, &bell),
        Poll::Ready(Landing::Done(_))
    ));
}

#[test]
fn one_who_was_woken_to_lead_and_is_dropped_passes_it_on() {
    let flights = Flights::new(8);
    let leader = lead(&flights);
    let (first_bell, second_bell) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
    let (mut first, mut second) = (wait(&flights), wait(&flights));
    assert!(
        poll(&mut first, &first_bell).is_pending() && poll(&mut second, &second_bell).is_pending()
    );
    drop(leader);
    assert_eq!((first_bell.rings(), second_bell.rings()), (1, 0));
    drop(first);
    assert_eq!(second_bell.rings(), 1);
    assert!(matches!(
        poll(&mut second, &second_bell),
        Poll::Ready(Landing::Lead(_))
    ));
}

#[test]
fn a_flight_that_everybody_left_is_gone() {
    let flights = Flights::new(8);
    let leader = lead(&flights);
    let (first, second) = (wait(&flights), wait(&flights));
    drop(leader);
    assert_eq!(flights.len(), 1);
    drop(first);
    drop(second);
    assert_eq!(flights.len(), 0);
    drop(lead(&flights));
    assert_eq!(flights.len(), 0);
}

#[test]
fn a_newcomer_takes_a_vacant_lead_and_the_woken_waits_on() {
    let flights = Flights::new(8);
    let leader = lead(&flights);
    let bell = Arc::new(Bell::default());
    let mut waiter = wait(&flights);
    assert!(poll(&mut waiter, &bell).is_pending());
    drop(leader);
    let newcomer = lead(&flights);
    assert!(poll(&mut waiter, &bell).is_pending());
    newcomer.done(entry(7));
    assert!(matches!(
        poll(&mut waiter, &bell),
        Poll::Ready(Landing::Done(_))
    ));
}

#[test]
fn another_stamp_is_another_flight() {
    let flights = Flights::new(8);
    let _leader = lead(&flights);
    let mut later = testkit::stamp(Tick::from_nanos(0));
    later.versions[0] += 1;
    assert!(matches!(
        flights.board(&testkit::key(1), &later),
        Boarding::Lead(_)
    ));
}

#[test]
fn over_the_bound_one_goes_alone_but_still_joins() {
    let flights = Flights::new(1);
    let _leader = lead(&flights);
    assert!(matches!(board(&flights), Boarding::Wait(_)));
    assert!(matches!(
        flights.board(&testkit::key(2), &testkit::stamp(Tick::from_nanos(0))),
        Boarding::Full
    ));
}

#[test]
fn a_waiter_that_is_first_polled_after_the_end_sees_the_outcome() {
    let flights = Flights::new(8);
    let leader = lead(&flights);
    let mut waiter = wait(&flights);
    leader.done(entry(7));
    let bell = Arc::new(Bell::default());
    assert!(matches!(
        poll(&mut waiter, &bell),
        Poll::Ready(Landing::Done(_))
    ));
    assert_eq!(bell.rings(), 0);
}

#[test]
fn a_waker_whose_drop_drops_another_place_does_not_deadlock() {
    /// A task that holds a place of its own, and lives as long as its waker.
    struct Task(
        #[expect(dead_code, reason = "held for its drop")] std::sync::Mutex<Option<Waiter>>,
    );
    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }
    let flights = Flights::new(8);
    let leader = lead(&flights);
    let mut waiter = wait(&flights);
    let task = Arc::new(Task(std::sync::Mutex::new(Some(wait(&flights)))));
    assert!(
        Pin::new(&mut waiter)
            .poll(&mut Context::from_waker(&task.into()))
            .is_pending()
    );
    // The waiter has moved to another task: the last waker of the first one is dropped in here.
    assert!(poll(&mut waiter, &Arc::new(Bell::default())).is_pending());
    leader.done(entry(7));
}
