//! The tables that only those write who bypass the pools, and what their writes do to others.
//!
//! In each family, a write to one table changes others by what the database does of itself: foreign keys that cascade, and a trigger.
//! What is so changed has the version of the write, so it is judged like any other row.

use super::{FIRST_VERSION, OUTSIDE, ROWS, Versions, payload};
use crate::record::Row;

/// So many families. More than one, for the reason that there are many tables of any kind.
pub(crate) const FAMILIES: u8 = 4;
/// The table whose rows are written for the sake of when that is seen.
pub(crate) const BEACON: u8 = OUTSIDE + FAMILIES * KINDS;
/// The table that is written in transactions of a million rows.
pub(crate) const BULK: u8 = BEACON + 1;
/// All of them.
pub(crate) const TABLES: std::ops::RangeInclusive<u8> = OUTSIDE..=BULK;

/// A large transaction has so many rows.
const MANY: u32 = 1_000_000;
/// So many versions of a row wait to be deleted, and how often more are added.
const AHEAD: i64 = 200;
const REFILL: i64 = 50;

/// What a table of a family is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A change of its version cascades.
    Parent,
    /// To here.
    Child,
    /// And here: a table that is dropped and made again.
    Grown,
    /// The deletion of a stem cascades to the leaf; the first one left is the version.
    Leaf,
    /// A trigger of it writes the log.
    Source,
    /// The last entry is the version.
    Log,
}

const ALL: [Kind; 6] = [
    Kind::Parent,
    Kind::Child,
    Kind::Grown,
    Kind::Leaf,
    Kind::Source,
    Kind::Log,
];
const KINDS: u8 = 6;

impl Kind {
    /// The table of this kind.
    pub(crate) fn of(self, family: u8) -> u8 {
        OUTSIDE + family * KINDS + self as u8
    }

    fn word(self) -> &'static str {
        match self {
            Self::Parent => "parents",
            Self::Child => "children",
            Self::Grown => "grown",
            Self::Leaf => "leaves",
            Self::Source => "sources",
            Self::Log => "log",
        }
    }
}

fn place(table: u8) -> Option<(Kind, u8)> {
    let place = table.checked_sub(OUTSIDE)?;
    let kind = ALL[usize::from(place % KINDS)];
    Some((kind, place / KINDS)).filter(|&(_, family)| family < FAMILIES)
}

/// Nothing for a table that the pools write too.
pub(super) fn name(table: u8) -> Option<String> {
    match table {
        BEACON => Some("beacons".to_owned()),
        BULK => Some("bulk".to_owned()),
        table => place(table).map(|(kind, family)| format!("{}_{family}", kind.word())),
    }
}

pub(super) fn versions(table: u8) -> Versions {
    match place(table) {
        Some((Kind::Leaf, _)) => Versions::First,
        Some((Kind::Log, _)) => Versions::Last,
        _ => Versions::One,
    }
}

/// The statements that make these tables, and have their changes told.
pub(crate) fn create() -> Vec<String> {
    let mut all = vec![
        plain("beacons"),
        plain("bulk"),
        "CREATE TABLE bulk_rows (id int PRIMARY KEY, payload text NOT NULL)".to_owned(),
    ];
    for family in 0..FAMILIES {
        all.extend(create_family(family));
    }
    all.push("CREATE PUBLICATION cachedpool FOR ALL TABLES".to_owned());
    all
}

fn plain(table: &str) -> String {
    let first = payload(table, &FIRST_VERSION.to_string());
    format!(
        "CREATE TABLE {table} (id int PRIMARY KEY, version bigint NOT NULL, payload text NOT NULL);
         INSERT INTO {table} SELECT id, {FIRST_VERSION}, {first} FROM generate_series(1, {ROWS}) AS id"
    )
}

fn create_family(family: u8) -> Vec<String> {
    let of = |kind: Kind| format!("{}_{family}", kind.word());
    let [parents, sources, log] = [Kind::Parent, Kind::Source, Kind::Log].map(of);
    let logged = payload(&log, "new.version").replace("id::text", "new.id::text");
    let logged = logged.replace("id % 4", "new.id % 4");
    vec![
        plain(&parents),
        format!("ALTER TABLE {parents} ADD UNIQUE (id, version)"),
        create_child(Kind::Child, family),
        create_child(Kind::Grown, family),
        format!(
            "CREATE TABLE stems_{family} (id int, version bigint, PRIMARY KEY (id, version));
             CREATE TABLE leaves_{family} (id int, version bigint, payload text NOT NULL, PRIMARY KEY (id, version),
               FOREIGN KEY (id, version) REFERENCES stems_{family} ON DELETE CASCADE)"
        ),
        add_leaves(family, &format!("generate_series(1, {ROWS})"), 1, AHEAD),
        plain(&sources),
        format!(
            "CREATE TABLE {log} (id int, version bigint, payload text NOT NULL, PRIMARY KEY (id, version));
             INSERT INTO {log} SELECT id, version, {} FROM {sources};
             CREATE FUNCTION write_{log}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               INSERT INTO {log} VALUES (new.id, new.version, {logged});
               DELETE FROM {log} WHERE id = new.id AND version < new.version - 20;
               RETURN NULL;
             END $$;
             CREATE TRIGGER writes_log AFTER UPDATE ON {sources} FOR EACH ROW EXECUTE FUNCTION write_{log}()",
            payload(&log, "version")
        ),
    ]
}

fn create_child(kind: Kind, family: u8) -> String {
    let (table, parents) = (
        format!("{}_{family}", kind.word()),
        format!("parents_{family}"),
    );
    let held = payload(&table, "version");
    format!(
        "CREATE TABLE {table} (id int PRIMARY KEY, version bigint NOT NULL,
           payload text GENERATED ALWAYS AS ({held}) STORED,
           FOREIGN KEY (id, version) REFERENCES {parents} (id, version) ON UPDATE CASCADE ON DELETE CASCADE);
         INSERT INTO {table} (id, version) SELECT id, version FROM {parents}"
    )
}

fn add_leaves(family: u8, ids: &str, first: i64, last: i64) -> String {
    let held = payload(&format!("leaves_{family}"), "version");
    format!(
        "INSERT INTO stems_{family} SELECT id, version FROM {ids} AS id, generate_series({first}, {last}) AS version;
         INSERT INTO leaves_{family} SELECT id, version, {held} FROM {ids} AS id, generate_series({first}, {last}) AS version"
    )
}

/// Deletes the first stem of the row with the id `$1`, and returns its version. The leaf goes with it.
pub(crate) fn cut_stem(family: u8) -> String {
    format!(
        "DELETE FROM stems_{family} WHERE id = $1
           AND version = (SELECT min(version) FROM stems_{family} WHERE id = $1) RETURNING version"
    )
}

/// Adds leaves after the deletion of this version, if it is time.
pub(crate) fn refill(family: u8, id: i32, version: i64) -> Option<String> {
    let last = version + AHEAD;
    let due = version % REFILL == 0;
    due.then(|| {
        add_leaves(
            family,
            &format!("generate_series({id}, {id})"),
            last - REFILL + 1,
            last,
        )
    })
}

/// Deletes the row with the id `$1` and returns its version.
pub(crate) fn delete(table: u8) -> String {
    let table = super::name(table);
    format!("DELETE FROM {table} WHERE id = $1 RETURNING version")
}

/// Makes the row with the id `$1` in the version `$2`.
pub(crate) fn insert(row: Row) -> String {
    let table = super::name(row.table);
    let held = payload(&table, "version");
    format!(
        "INSERT INTO {table} SELECT id, version, {held} FROM (VALUES ($1::int, $2::bigint)) AS it (id, version)"
    )
}

/// Writes all rows of the table for that, and returns their new versions.
pub(crate) fn update_bulk() -> String {
    let next = payload("bulk", "(version + 1)");
    format!("UPDATE bulk SET version = version + 1, payload = {next} RETURNING id, version")
}

/// As many rows more as a large transaction has.
pub(crate) fn fill_bulk() -> String {
    format!("INSERT INTO bulk_rows SELECT id, 'row ' || id FROM generate_series(1, {MANY}) AS id")
}

/// Takes them away again.
pub(crate) const EMPTY_BULK: &str = "TRUNCATE bulk_rows";

/// Drops a table and makes it again, in one transaction.
pub(crate) fn grow_again(family: u8) -> String {
    // Whoever writes to the parents would wait for this, and this for them.
    format!(
        "BEGIN; LOCK TABLE parents_{family} IN ACCESS EXCLUSIVE MODE; DROP TABLE grown_{family}; {}; COMMIT",
        create_child(Kind::Grown, family)
    )
}

/// Changes of definitions that leave every row as it was, and undo one another.
pub(crate) fn alter(table: u8) -> [String; 4] {
    let table = super::name(table);
    [
        format!("ALTER TABLE {table} ADD COLUMN extra int NOT NULL DEFAULT 7"),
        format!("CREATE INDEX {table}_extra ON {table} (extra)"),
        format!("DROP INDEX {table}_extra"),
        format!("ALTER TABLE {table} DROP COLUMN extra"),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_tables_have_one_name() {
        let names: BTreeSet<String> = (0..=BULK).map(crate::world::name).collect();
        assert_eq!(names.len(), usize::from(BULK) + 1);
        assert_eq!(crate::world::name(Kind::Log.of(FAMILIES - 1)), "log_3");
        assert_eq!(versions(Kind::Leaf.of(1)), Versions::First);
    }

    #[test]
    fn leaves_are_added_before_there_are_none() {
        let mut last = AHEAD;
        for cut in 1..10_000 {
            assert!(cut < last);
            if let Some(sql) = refill(0, 1, cut) {
                assert!(
                    sql.contains(&format!("({}, {})", last + 1, last + REFILL)),
                    "{sql}"
                );
                last += REFILL;
            }
        }
    }
}
