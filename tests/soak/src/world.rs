//! The tables and what may stand in them.
//!
//! What a row holds follows from its table, id and version, so an answer that mixes rows, versions or tables gives itself away,
//! as does one from a transaction that was rolled back.

pub(crate) mod outside;

use crate::record::{Row, Seen};

/// So many tables, from 0 on, whose rows are written alone. Many, because the next write to a table hides that one
/// before was missed: of some of them, the next one must be seconds away.
pub(crate) const SINGLES: u8 = 24;
/// So many pairs of tables follow. In a pair, rows of the same id are written together, in one transaction, and always
/// have the same version.
pub(crate) const PAIRS: u8 = 4;
/// The first of the tables that only those write who bypass the pools, if there are any.
const OUTSIDE: u8 = SINGLES + 2 * PAIRS;
/// What every row is made with.
pub(crate) const FIRST_VERSION: i64 = 1;
/// Ids count from 1.
pub(crate) const ROWS: i32 = 12;

/// What a transaction leaves that is rolled back.
const UNDONE: &str = "undone";

/// The statements that make the world anew.
pub(crate) fn create() -> Vec<String> {
    let create = |table| {
        let table = name(table);
        let first = payload(&table, &FIRST_VERSION.to_string());
        format!(
            "DROP TABLE IF EXISTS {table};
             CREATE TABLE {table} (id int PRIMARY KEY, version bigint NOT NULL, payload text NOT NULL);
             INSERT INTO {table} SELECT id, {FIRST_VERSION}, {first} FROM generate_series(1, {ROWS}) AS id"
        )
    };
    (0..OUTSIDE).map(create).collect()
}

/// The tables of a pair.
pub(crate) fn pair(number: u8) -> [u8; 2] {
    let left = SINGLES + 2 * number;
    [left, left + 1]
}

/// The pair that a table belongs to.
pub(crate) fn pair_of(table: u8) -> Option<u8> {
    let place = table.checked_sub(SINGLES)?;
    Some(place / 2).filter(|&pair| pair < PAIRS)
}

/// Reads the rows with the ids `$1` to `$2`, in order.
pub(crate) fn select(table: u8) -> String {
    select_where(table, "id BETWEEN $1 AND $2")
}

/// Reads the row with the id `$1`.
pub(crate) fn select_one(table: u8) -> String {
    select_where(table, "id = $1")
}

fn select_where(table: u8, condition: &str) -> String {
    let (distinct, order) = match outside::versions(table) {
        Versions::One => ("", "id"),
        Versions::First => ("DISTINCT ON (id)", "id, version"),
        Versions::Last => ("DISTINCT ON (id)", "id, version DESC"),
    };
    let table = name(table);
    format!(
        "SELECT {distinct} id, version, payload FROM {table} WHERE {condition} ORDER BY {order}"
    )
}

/// Which of the versions of a row that a table holds is the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Versions {
    /// It holds one.
    One,
    First,
    Last,
}

/// Reads the rows with the id `$1` of a pair.
pub(crate) fn select_pair(number: u8) -> String {
    let [left, right] = pair(number).map(name);
    format!(
        "SELECT l.id, l.version AS left_version, l.payload AS left_payload,
                r.version AS right_version, r.payload AS right_payload
         FROM {left} l JOIN {right} r ON r.id = l.id WHERE l.id = $1"
    )
}

/// Reads table, id and version of every row that is to be looked at.
pub(crate) fn select_versions() -> String {
    let select = |table| format!("SELECT {table}, id, version FROM {}", name(table));
    let all: Vec<String> = (0..OUTSIDE).map(select).collect();
    all.join(" UNION ALL ")
}

/// Writes a row, and returns its new version: without parameters, so that PostgreSQL hears of it in one message.
pub(crate) fn update_at_once(row: Row) -> String {
    update(row.table).replace("$1", &row.id.to_string())
}

/// Writes the row with the id `$1`, and returns its new version.
pub(crate) fn update(table: u8) -> String {
    let table = name(table);
    let next = payload(&table, "(version + 1)");
    format!(
        "UPDATE {table} SET version = version + 1, payload = {next} WHERE id = $1 RETURNING version"
    )
}

/// Writes the row with the id `$1` if it has the version `$2`.
pub(crate) fn update_from(table: u8) -> String {
    let table = name(table);
    let next = payload(&table, "(version + 1)");
    format!(
        "UPDATE {table} SET version = version + 1, payload = {next} WHERE id = $1 AND version = $2"
    )
}

/// Writes what nobody may ever see to the row with the id `$1`.
pub(crate) fn spoil(table: u8) -> String {
    let table = name(table);
    format!("UPDATE {table} SET version = version + 1, payload = '{UNDONE}' WHERE id = $1")
}

/// The SQL for what a row of this version holds: some are long enough to be compressed.
fn payload(table: &str, version: &str) -> String {
    // The casts make it immutable, which generated columns ask for.
    format!("'{table}/' || id::text || '/' || {version}::text || '/' || repeat('x', id % 4 * 700)")
}

fn name(table: u8) -> String {
    outside::name(table).unwrap_or_else(|| format!("items_{table}"))
}

/// What an answer says of one row, if it can be true.
pub(crate) fn witness(row: Row, version: i64, payload: &str) -> Result<Seen, String> {
    let filler = usize::try_from(row.id % 4 * 700).expect("ids are not negative");
    let expected = format!("{}/{}/{version}/", name(row.table), row.id);
    let long = payload.len() == expected.len() + filler;
    if long
        && payload.starts_with(&expected)
        && payload[expected.len()..].bytes().all(|b| b == b'x')
    {
        return Ok(Seen { row, version });
    }
    let shown: String = payload.chars().take(40).collect();
    Err(format!(
        "{row} in version {version} held {} bytes that begin with {shown:?}",
        payload.len()
    ))
}

/// Chooses ids so that few are asked for often.
pub(crate) struct Zipf {
    /// The sum of the weights up to each id.
    sums: Vec<f64>,
}

impl Zipf {
    /// Over `count` numbers from 0, the weight of the n-th one being 1 / n.
    pub(crate) fn new(count: usize) -> Self {
        let mut sum = 0.0;
        let sums = (1..=u32::try_from(count).expect("a small world"))
            .map(|rank| {
                sum += 1.0 / f64::from(rank);
                sum
            })
            .collect();
        Self { sums }
    }

    /// One of them.
    pub(crate) fn choose(&self, random: &mut fastrand::Rng) -> usize {
        let all = self.sums.last().copied().unwrap_or_default();
        let point = random.f64() * all;
        self.sums
            .partition_point(|&sum| sum < point)
            .min(self.sums.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: Row = Row { table: 1, id: 2 };

    fn held(text: &str, filler: usize) -> String {
        text.to_owned() + &"x".repeat(filler)
    }

    #[test]
    fn what_a_row_holds_in_its_version_is_taken() {
        let seen = witness(ROW, 7, &held("items_1/2/7/", 1400));
        assert_eq!(
            seen,
            Ok(Seen {
                row: ROW,
                version: 7
            })
        );
    }

    #[test]
    fn another_table_row_version_or_length_and_what_was_undone_are_found() {
        for wrong in [
            held("items_2/2/7/", 1400),
            held("items_1/3/7/", 1400),
            held("items_1/2/8/", 1400),
            held("items_1/2/7/", 1399),
            held("items_1/2/7/", 1399) + "y",
            UNDONE.to_owned(),
            String::new(),
        ] {
            assert!(witness(ROW, 7, &wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tables_of_pairs_are_told_from_those_before_and_behind_them() {
        assert_eq!(pair_of(SINGLES - 1), None);
        assert_eq!(pair_of(SINGLES), Some(0));
        assert_eq!(pair_of(OUTSIDE - 1), Some(PAIRS - 1));
        assert_eq!(pair_of(OUTSIDE), None);
    }

    #[test]
    fn few_are_chosen_often_and_all_of_them_sometimes() {
        let (zipf, mut random) = (Zipf::new(40), fastrand::Rng::with_seed(1));
        let mut counts = [0; 40];
        for _ in 0..40_000 {
            counts[zipf.choose(&mut random)] += 1;
        }
        assert!(counts[0] > 20 * counts[39], "{counts:?}");
        assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
    }
}
