use super::{super::testkit::tables, *};
use crate::cache::ManualTime;

fn clock() -> (Arc<Clock>, ManualTime) {
    let (time, hand) = Time::manual();
    let observer = Arc::new(Observer::new(16, None));
    (
        Arc::new(Clock::new(time, Duration::from_secs(60), None, 1, observer)),
        hand,
    )
}

#[test]
fn a_stamp_holds_until_one_of_its_tags_moves() {
    let (clock, _hand) = clock();
    let (both, users, other) = (
        tables(["users", "orders"]),
        tables(["users"]),
        tables(["other"]),
    );
    let stamp = clock.stamp(&both);
    clock.advance(&other);
    assert_eq!(clock.check(&stamp), Validity::Current);
    clock.advance(&users);
    assert_eq!(clock.check(&stamp), Validity::Changed);
    assert_eq!(clock.check(&clock.stamp(&both)), Validity::Current);
}

#[test]
fn everything_moves_every_stamp_even_one_without_tags() {
    let (clock, _hand) = clock();
    let stamps = [Tags::none(), tables(["users"])].map(|tags| clock.stamp(&tags));
    clock.advance_all();
    assert!(
        stamps
            .iter()
            .all(|stamp| clock.check(stamp) == Validity::Changed)
    );
}

#[test]
fn a_committed_write_is_in_flight_first_and_moves_the_stamp_at_its_end() {
    let (clock, _hand) = clock();
    let users = tables(["users"]);
    let stamp = clock.stamp(&users);
    let write = clock.write(users.clone());
    assert_eq!(clock.check(&stamp), Validity::Contended);
    assert_eq!(clock.stamp(&users).standing, Standing::WriterInFlight);
    write.committed();
    assert_eq!(clock.check(&stamp), Validity::Changed);
    assert_eq!(clock.stamp(&users).standing, Standing::Clear);
}

#[test]
fn a_write_that_was_undone_leaves_what_was_valid_valid() {
    let (clock, _hand) = clock();
    let users = tables(["users"]);
    let stamp = clock.stamp(&users);
    let (one, two) = (clock.write(users.clone()), clock.write(users));
    one.undone();
    assert_eq!(clock.check(&stamp), Validity::Contended);
    two.undone();
    assert_eq!(clock.check(&stamp), Validity::Current);
}

#[test]
fn a_write_of_unknown_outcome_closes_its_slots_until_the_deadline() {
    let (clock, hand) = clock();
    let users = tables(["users"]);
    let before = clock.stamp(&users);
    clock.write(users.clone()).unknown();
    assert_eq!(clock.check(&before), Validity::Changed);
    let during = clock.stamp(&users);
    assert_eq!(during.standing, Standing::Quarantined);
    assert_eq!(clock.quarantined(), 1);

    hand.advance(Duration::from_secs(59));
    assert_eq!(clock.stamp(&users).standing, Standing::Quarantined);
    hand.advance(Duration::from_secs(1));
    let after = clock.stamp(&users);
    assert_eq!(after.standing, Standing::Clear);
    assert_eq!(clock.check(&after), Validity::Current);
    assert_eq!(
        clock.check(&during),
        Validity::Changed,
        "what began in quarantine must not outlive it"
    );
    assert_eq!(clock.check(&before), Validity::Changed);
    assert_eq!(clock.quarantined(), 0);
}

#[test]
fn a_second_unknown_write_prolongs_the_quarantine() {
    let (clock, hand) = clock();
    let users = tables(["users"]);
    clock.write(users.clone()).unknown();
    hand.advance(Duration::from_secs(40));
    clock.write(users.clone()).unknown();
    hand.advance(Duration::from_secs(40));
    assert_eq!(clock.stamp(&users).standing, Standing::Quarantined);
    hand.advance(Duration::from_secs(20));
    assert_eq!(clock.stamp(&users).standing, Standing::Clear);
}

#[test]
fn a_dropped_guard_counts_as_unknown() {
    let (clock, _hand) = clock();
    let users = tables(["users"]);
    drop(clock.write(users.clone()));
    assert_eq!(clock.stamp(&users).standing, Standing::Quarantined);
}

#[test]
fn a_write_during_a_quarantine_does_not_end_it() {
    let (clock, _hand) = clock();
    let users = tables(["users"]);
    clock.write(users.clone()).unknown();
    clock.write(users.clone()).committed();
    clock.write(users.clone()).undone();
    clock.advance(&users);
    assert_eq!(clock.stamp(&users).standing, Standing::Quarantined);
}

#[test]
fn a_write_of_everything_counts_for_every_reader() {
    let (clock, _hand) = clock();
    let users = tables(["users"]);
    let stamp = clock.stamp(&users);
    let write = clock.write(Tags::everything());
    assert_eq!(clock.check(&stamp), Validity::Contended);
    write.committed();
    assert_eq!(clock.check(&stamp), Validity::Changed);
}

#[test]
fn a_stamp_of_everything_is_never_storable() {
    let (clock, _hand) = clock();
    assert_eq!(
        clock.stamp(&Tags::everything()).standing,
        Standing::Everything
    );
}

#[test]
fn a_full_count_of_writers_sticks_and_spoils_no_other_field() {
    let (clock, _hand) = clock();
    let users = tables(["users"]);
    let slot = users.write_slots()[0];
    clock.slots[usize::from(slot)].store(7 * VERSION + WRITERS - WRITER, Ordering::Relaxed);
    let writes = [clock.write(users.clone()), clock.write(users.clone())];
    assert_eq!(clock.word(slot), 7 * VERSION + WRITERS);
    for write in writes {
        write.committed();
    }
    assert_eq!(
        clock.word(slot),
        9 * VERSION + WRITERS,
        "the count has stuck, the versions have not"
    );
}

#[test]
fn the_last_version_wraps_without_touching_the_other_fields() {
    let (clock, _hand) = clock();
    let users = tables(["users"]);
    let slot = users.write_slots()[0];
    clock.slots[usize::from(slot)].store(!(WRITERS | QUARANTINE), Ordering::Relaxed);
    let write = clock.write(users.clone());
    clock.advance(&users);
    assert_eq!(clock.word(slot), WRITER);
    write.undone();
}

#[test]
fn stamps_of_different_tags_differ_even_with_equal_versions() {
    let (clock, _hand) = clock();
    assert_ne!(
        clock.stamp(&tables(["users"])),
        clock.stamp(&tables(["orders"]))
    );
    assert_eq!(
        clock.stamp(&tables(["users"])),
        clock.stamp(&tables(["users"]))
    );
}

#[test]
fn an_invalidation_is_told_and_counted_once_whatever_it_touches() {
    let (clock, _hand) = clock();
    let mut events = clock.observer.events.subscribe();
    clock.write(tables(["users", "orders"])).committed();
    clock.advance(&Tags::none());
    drop(clock.write(Tags::none()));
    clock.advance_all();
    assert_eq!(events.try_next(), Some(Event::Invalidated { tags: 2 }));
    assert_eq!(events.try_next(), Some(Event::InvalidatedEverything));
    assert_eq!(events.try_next(), None);
    assert_eq!(clock.observer.stats().invalidations, 2);
}
