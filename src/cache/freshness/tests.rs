use super::{super::testkit, *};

const SECOND: Duration = Duration::from_secs(1);

/// What a reader with `terms` gets of an entry of one row that is `age` seconds old.
fn verdict(age: u32, validity: Validity, terms: &Terms) -> Verdict {
    judge(&testkit::meta(at(0), 1), validity, at(age), terms, None)
}

fn at(seconds: u32) -> Tick {
    Tick::from_nanos(u64::from(seconds) * 1_000_000_000)
}

fn terms() -> Terms {
    Terms {
        ttl: 10 * SECOND,
        stale_while_revalidate: 5 * SECOND,
        stale_if_error: 20 * SECOND,
        ..Terms::default()
    }
}

#[test]
fn an_entry_goes_from_fresh_to_stale_to_if_error_to_gone() {
    let terms = terms();
    let verdicts = [0, 9, 10, 14, 15, 29, 30].map(|age| verdict(age, Validity::Current, &terms));
    let stale = Verdict::Refresh(Cause::Expired);
    assert_eq!(
        verdicts,
        [
            Verdict::Fresh,
            Verdict::Fresh,
            stale,
            stale,
            Verdict::IfError,
            Verdict::IfError,
            Verdict::Gone
        ]
    );
}

#[test]
fn nothing_stale_is_older_than_the_cap() {
    let terms = Terms {
        max_stale: 12 * SECOND,
        tolerate_stale: Some(60 * SECOND),
        ..terms()
    };
    assert_eq!(
        verdict(12, Validity::Current, &terms),
        Verdict::Refresh(Cause::Expired)
    );
    assert_eq!(verdict(13, Validity::Current, &terms), Verdict::Gone);
    assert_eq!(
        verdict(12, Validity::Changed, &terms),
        Verdict::Refresh(Cause::Invalidated)
    );
    assert_eq!(verdict(13, Validity::Changed, &terms), Verdict::Gone);
    assert!(!stands_in(
        &testkit::meta(at(0), 1),
        Validity::Current,
        at(13),
        &terms
    ));
}

#[test]
fn what_a_write_invalidated_is_answered_only_to_those_who_tolerate_it() {
    assert_eq!(verdict(1, Validity::Changed, &terms()), Verdict::Gone);
    let tolerant = Terms {
        tolerate_stale: Some(2 * SECOND),
        ..terms()
    };
    assert_eq!(
        verdict(2, Validity::Changed, &tolerant),
        Verdict::Refresh(Cause::Invalidated)
    );
    assert_eq!(verdict(3, Validity::Changed, &tolerant), Verdict::Gone);
}

#[test]
fn a_strict_reader_takes_neither_the_invalidated_nor_the_contended() {
    let strict = Terms {
        consistency: Consistency::Strict,
        tolerate_stale: Some(60 * SECOND),
        ..terms()
    };
    assert_eq!(verdict(1, Validity::Current, &strict), Verdict::Fresh);
    assert_eq!(verdict(1, Validity::Contended, &strict), Verdict::Gone);
    assert_eq!(verdict(1, Validity::Changed, &strict), Verdict::Gone);
    assert_eq!(verdict(1, Validity::Contended, &terms()), Verdict::Fresh);
    assert!(!stands_in(
        &testkit::meta(at(0), 1),
        Validity::Contended,
        at(1),
        &strict
    ));
}

#[test]
fn a_result_without_rows_lives_shorter_and_never_longer() {
    let empty = testkit::meta(at(0), 0);
    let terms = Terms {
        ttl: 10 * SECOND,
        empty_ttl: 2 * SECOND,
        ..Terms::default()
    };
    assert_eq!(
        judge(&empty, Validity::Current, at(1), &terms, None),
        Verdict::Fresh
    );
    assert_eq!(
        judge(&empty, Validity::Current, at(2), &terms, None),
        Verdict::Gone
    );
    let short = Terms {
        ttl: SECOND,
        ..terms
    };
    assert_eq!(
        judge(&empty, Validity::Current, at(1), &short, None),
        Verdict::Gone
    );
}

#[test]
fn the_jitter_takes_at_most_its_share_of_the_life() {
    let share = Share::new(0.1);
    let parts: Vec<Share> = (0..1000_u64).map(|n| share.part(n << 54)).collect();
    assert!(parts.iter().all(|part| part.0 < share.0));
    assert!(
        parts.iter().any(|part| part.0 > share.0 / 2)
            && parts.iter().any(|part| part.0 < share.0 / 2)
    );

    let mut meta = testkit::meta(at(0), 1);
    meta.jitter = Share::new(0.125);
    assert_eq!(
        judge(&meta, Validity::Current, at(8), &terms(), None),
        Verdict::Fresh
    );
    assert_eq!(
        judge(&meta, Validity::Current, at(9), &terms(), None),
        Verdict::Refresh(Cause::Expired)
    );
}

#[test]
fn a_share_is_taken_from_any_float_without_surprise() {
    assert_eq!(Share::new(-1.0), Share(0));
    assert_eq!(Share::new(f64::NAN), Share(0));
    assert_eq!(Share::new(7.0), Share(u32::MAX));
    assert_eq!(Share::new(0.5).of(1000), 500);
    assert!(Share::new(1.0).of(u64::MAX) < u64::MAX);
}

#[test]
fn an_early_refresh_is_due_past_its_share_of_the_life() {
    let meta = testkit::meta(at(0), 1);
    let early = Some(Share::new(0.5));
    assert_eq!(
        judge(&meta, Validity::Current, at(4), &terms(), early),
        Verdict::Fresh
    );
    assert_eq!(
        judge(&meta, Validity::Current, at(5), &terms(), early),
        Verdict::Refresh(Cause::Early)
    );
    assert_eq!(
        judge(&meta, Validity::Current, at(10), &terms(), early),
        Verdict::Refresh(Cause::Expired)
    );
}

#[test]
fn what_stands_in_for_a_failed_load_must_be_asked_for_and_valid() {
    let meta = testkit::meta(at(0), 1);
    assert!(
        stands_in(&meta, Validity::Current, at(5), &terms()),
        "also while fresh: a forced refresh may fail"
    );
    assert!(stands_in(&meta, Validity::Current, at(29), &terms()));
    assert!(!stands_in(&meta, Validity::Current, at(30), &terms()));
    assert!(!stands_in(&meta, Validity::Changed, at(5), &terms()));
    let unasked = Terms {
        stale_if_error: Duration::ZERO,
        ..terms()
    };
    assert!(!stands_in(&meta, Validity::Current, at(5), &unasked));
}

#[test]
fn endless_windows_do_not_overflow() {
    let endless = Terms {
        ttl: Duration::MAX,
        stale_while_revalidate: Duration::MAX,
        stale_if_error: Duration::MAX,
        max_stale: Duration::MAX,
        ..Terms::default()
    };
    assert_eq!(
        verdict(u32::MAX, Validity::Current, &endless),
        Verdict::Fresh
    );
    assert_eq!(endless.life(), Duration::MAX);
}
