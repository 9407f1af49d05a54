//! The tables, and the journal in which the database itself notes every change in the order of the commits.
//!
//! SQLite lets one transaction write at a time, so the entries of a transaction stand together, transactions stand in
//! the order of their commits, and what was rolled back is not there. Every statement writes a version of its own, by
//! which it is found in the journal; an explicit transaction signs its entries besides.

use sqlx::{AssertSqlSafe, Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    history::{IDS, Table, WIDE},
    plain::{Change, State},
};

/// An entry of the journal.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Which explicit transaction made it; 0 if the statement committed by itself.
    pub(crate) transaction: i64,
    pub(crate) change: Change,
}

/// Signs what the transaction writes from here on; 0 before it ends.
pub(crate) const SIGN: &str = "UPDATE author SET tx = ?";

pub(crate) async fn create(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let mut script = String::from(
        "CREATE TABLE author (tx INTEGER NOT NULL); INSERT INTO author VALUES (0);
         CREATE TABLE journal (seq INTEGER PRIMARY KEY, tx INTEGER NOT NULL, place TEXT NOT NULL, id INTEGER NOT NULL,
                               version INTEGER, gone INTEGER);
         CREATE TABLE fault (level INTEGER NOT NULL, version INTEGER NOT NULL); INSERT INTO fault VALUES (0, 0);
         CREATE TRIGGER fault_journal AFTER UPDATE ON fault BEGIN
             INSERT INTO journal (tx, place, id, version) SELECT tx, 'fault', new.level, new.version FROM author;
         END;",
    );
    for (table, name) in Table::ALL.map(|table| (table, table.name())) {
        script +=
            &format!("CREATE TABLE {name} (id INTEGER PRIMARY KEY, version INTEGER NOT NULL);");
        // So that the first reads find rows, and some find none.
        let ids = match table {
            Table::A | Table::B => 1..IDS,
            Table::C => 1..1,
            Table::Wide => 1..WIDE + 1,
        };
        for id in ids {
            script += &format!("INSERT INTO {name} VALUES ({id}, {});", -id);
        }
        for event in ["INSERT", "UPDATE"] {
            script += &format!(
                "CREATE TRIGGER {name}_{event} AFTER {event} ON {name} BEGIN
                     INSERT INTO journal (tx, place, id, version) SELECT tx, '{name}', new.id, new.version FROM author;
                 END;"
            );
        }
        script += &format!(
            "CREATE TRIGGER {name}_delete AFTER DELETE ON {name} BEGIN
                 INSERT INTO journal (tx, place, id, gone) SELECT tx, '{name}', old.id, old.version FROM author;
             END;"
        );
    }
    sqlx::raw_sql(AssertSqlSafe(script))
        .execute(connection)
        .await?;
    Ok(())
}

/// What the tables hold now.
pub(crate) async fn state(connection: &mut SqliteConnection) -> sqlx::Result<State> {
    let mut state = State {
        fault: sqlx::query_scalar("SELECT level FROM fault")
            .fetch_one(&mut *connection)
            .await?,
        ..State::default()
    };
    for table in Table::ALL {
        let rows: Vec<(i64, i64)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT id, version FROM {}",
            table.name()
        )))
        .fetch_all(&mut *connection)
        .await?;
        state
            .rows
            .extend(rows.into_iter().map(|(id, version)| ((table, id), version)));
    }
    Ok(state)
}

/// Everything that was ever committed, in order.
pub(crate) async fn journal(connection: &mut SqliteConnection) -> sqlx::Result<Vec<Entry>> {
    let entry = |row: SqliteRow| {
        let (place, id): (String, i64) = (row.try_get("place")?, row.try_get("id")?);
        let (version, gone) = (
            row.try_get::<Option<i64>, _>("version")?,
            row.try_get("gone")?,
        );
        let table = Table::ALL.into_iter().find(|table| table.name() == place);
        let change = match (table, version) {
            (Some(table), Some(version)) => Change::Put(table, id, version),
            (Some(table), None) => Change::Gone(table, id, gone),
            (None, version) => Change::Fault(id, version.unwrap_or_default()),
        };
        Ok(Entry {
            transaction: row.try_get("tx")?,
            change,
        })
    };
    sqlx::query("SELECT * FROM journal ORDER BY seq")
        .try_map(entry)
        .fetch_all(connection)
        .await
}
