//! What the room asks of the pool.

use futures_core::future::BoxFuture;

use super::{
    pgoutput::{Datum, Relation},
    trouble::Trouble,
};
use crate::cache::{Stamp, Tag};

/// What a change moves. Tags are `None` for everything.
pub(crate) trait Moves: Send + Sync + 'static {
    /// What a change of one row moves.
    fn of_row(&self, relation: &Relation, rows: Rows<'_, '_>) -> Option<Vec<Tag>>;

    /// What a change moves that can be of any row.
    fn of_table(&self, relation: &Relation) -> Option<Vec<Tag>>;

    /// The definitions by which it tells that. While the stamp holds, they are those of the database as far as is known.
    fn definitions(&self) -> Stamp;

    /// A table is not what it was: the definitions must be read again, soon.
    fn definitions_moved(&self);
}

/// The pool, as far as changes are concerned.
pub(crate) trait Changes: Moves {
    /// How far the server is, as of some moment after the call.
    fn moment(&self) -> BoxFuture<'_, Result<Moment, Trouble>>;

    /// How many bytes of its log the server keeps for a slot; `None` if it has none of that name.
    fn retained<'a>(&'a self, slot: &'a str) -> BoxFuture<'a, Result<Option<u64>, Trouble>>;

    /// Has the server write its log out, which it may put off for as long as nobody commits.
    fn flush(&self) -> BoxFuture<'_, Result<(), Trouble>>;

    /// What stands in the way of a feed.
    fn check(&self) -> BoxFuture<'_, Result<(), Trouble>>;

    /// Nobody reads any more.
    fn is_closed(&self) -> bool;
}

/// A row before and after a change. A value is `None` where it is not known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'r, 'a> {
    pub(super) relation: &'r Relation,
    /// Neither for a row that was not there.
    pub(super) old: Option<Before<'r, 'a>>,
    pub(super) new: Option<&'r [Datum<'a>]>,
}

/// What is known of a row before its change.
#[derive(Clone, Copy, Debug)]
pub(super) enum Before<'r, 'a> {
    /// All of it.
    Whole(&'r [Datum<'a>]),
    /// The replica identity.
    Identity(&'r [Datum<'a>]),
    /// The replica identity, which the change left as it was.
    SameIdentity,
}

impl<'a> Rows<'_, 'a> {
    /// What a column held in each of the versions of the row that there are.
    pub(crate) fn versions(&self, column: usize) -> impl Iterator<Item = Option<Datum<'a>>> {
        let known = |row: &[Datum<'a>]| match row.get(column) {
            Some(Datum::Unchanged) | None => None,
            Some(&value) => Some(value),
        };
        let identity = self
            .relation
            .columns
            .get(column)
            .is_some_and(|column| column.identity);
        let old = self.old.map(|old| match old {
            Before::Whole(row) => known(row),
            Before::Identity(row) => known(row).filter(|_| identity),
            Before::SameIdentity => self.new.and_then(known).filter(|_| identity),
        });
        let new = self.new.map(|row| match (known(row), self.old) {
            // A large value that stayed what it was.
            (None, Some(Before::Whole(old))) => known(old),
            (value, _) => value,
        });
        old.into_iter().chain(new)
    }
}

/// How far a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The transactions whose changes nobody else sees yet.
    pub(crate) running: Running,
    /// The position behind all that is in the log: whatever anybody has seen by now was committed before it.
    pub(crate) written: u64,
    /// The position up to which the log is flushed, and so can be told.
    pub(crate) flushed: u64,
    pub(crate) publication: Publication,
}

/// By what the changes are selected: as long as it is the same, it has left nothing out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Publication(pub(crate) String);

/// The transactions that run, as PostgreSQL's `pg_snapshot` tells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    /// The number behind the latest that has ended (`xmax`). Numbers from here on may be given out, and run.
    next: u64,
    /// Those before it whose changes nobody else sees yet.
    open: Vec<u64>,
}

impl Running {
    /// Of the text form, `xmin:xmax:xip,…`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (_, next, open) = (parts.next()?, parts.next()?, parts.next()?);
        let numbers = open.split(',').filter(|number| !number.is_empty());
        let open: Result<_, _> = numbers.map(str::parse).collect();
        parts.next().is_none().then_some(())?;
        Some(Self {
            next: next.parse().ok()?,
            open: open.ok()?,
        })
    }

    /// Whether everybody who asks from now on sees what a transaction did that was committed. It is named by the lower half of its number,
    /// as in the stream.
    pub(super) fn shows(&self, xid: u32) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
        let ahead = (self.next as u32).wrapping_sub(xid);
        // Numbers go round: more than half a round behind is ahead.
        if ahead == 0 || ahead > u32::MAX / 2 {
            return false;
        }
        !self.open.contains(&self.next.wrapping_sub(ahead.into()))
    }

    /// The transactions that run, but for those that have begun since the latest end of one.
    pub(super) fn open(&self) -> &[u64] {
        &self.open
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::cdc::pgoutput::Column;

    #[test]
    fn a_transaction_shows_when_it_has_ended() {
        let running = Running::parse("10:20:10,12").unwrap();
        assert_eq!(running.open(), [10, 12]);
        assert!(running.shows(9) && running.shows(11) && running.shows(19));
        assert!(!running.shows(10) && !running.shows(12));
        assert!(!running.shows(20) && !running.shows(21));
        assert!(Running::parse("10:20:").unwrap().open().is_empty());
        for text in ["", "10:20", "10:20:x", "10:y:", "1:2:3:4"] {
            assert_eq!(Running::parse(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_that_went_round_are_compared_all_the_same() {
        let next = (3_u64 << 32) + 5;
        let open = (3_u64 << 32) - 2;
        let running = Running::parse(&format!("{open}:{next}:{open}")).unwrap();
        assert!(!running.shows(u32::MAX - 1), "two before the round");
        assert!(running.shows(u32::MAX));
        assert!(running.shows(4));
        assert!(!running.shows(5));
    }

    fn relation() -> Relation {
        let column = |name: &str, identity| Column {
            name: name.into(),
            identity,
            kind: 25,
            modifier: -1,
        };
        Relation {
            id: 1,
            schema: "public".into(),
            name: "t".into(),
            columns: vec![column("id", true), column("other", false)],
        }
    }

    fn versions<'a>(rows: Rows<'_, 'a>, column: usize) -> Vec<Option<Datum<'a>>> {
        rows.versions(column).collect()
    }

    #[test]
    fn of_an_update_only_the_replica_identity_is_known_before() {
        let relation = relation();
        let [one, two] = [Datum::Text(b"1"), Datum::Text(b"2")];
        let new = [two, two];
        let rows = |old| Rows {
            relation: &relation,
            old: Some(old),
            new: Some(&new),
        };
        let same = rows(Before::SameIdentity);
        assert_eq!(versions(same, 0), [Some(two), Some(two)]);
        assert_eq!(versions(same, 1), [None, Some(two)]);
        // The plugin shows what is not of the identity as NULL.
        let old = [one, Datum::Null];
        let identity = rows(Before::Identity(&old));
        assert_eq!(versions(identity, 0), [Some(one), Some(two)]);
        assert_eq!(versions(identity, 1), [None, Some(two)]);
        let whole = rows(Before::Whole(&old));
        assert_eq!(versions(whole, 1), [Some(Datum::Null), Some(two)]);
    }

    #[test]
    fn a_large_value_that_stayed_is_known_from_the_whole_old_row_alone() {
        let relation = relation();
        let [one, two] = [Datum::Text(b"1"), Datum::Text(b"2")];
        let new = [one, Datum::Unchanged];
        let old = [one, two];
        let whole = Rows {
            relation: &relation,
            old: Some(Before::Whole(&old)),
            new: Some(&new),
        };
        assert_eq!(versions(whole, 1), [Some(two), Some(two)]);
        let same = Rows {
            old: Some(Before::SameIdentity),
            ..whole
        };
        assert_eq!(versions(same, 1), [None, None]);
    }

    #[test]
    fn a_row_that_came_or_went_has_one_version() {
        let relation = relation();
        let row = [Datum::Text(b"1"), Datum::Null];
        let inserted = Rows {
            relation: &relation,
            old: None,
            new: Some(&row),
        };
        assert_eq!(versions(inserted, 1), [Some(Datum::Null)]);
        let deleted = Rows {
            relation: &relation,
            old: Some(Before::Identity(&row)),
            new: None,
        };
        assert_eq!(versions(deleted, 0), [Some(Datum::Text(b"1"))]);
        assert_eq!(versions(deleted, 1), [None]);
    }
}
