//! Writes: their SQL, and which errors the database may answer.

use sqlx::{AssertSqlSafe, Error, Executor, Sqlite};

use crate::history::{Table, Write};

/// What a write that succeeded tells.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) rows: u64,
    /// The versions of the rows that it removed.
    pub(crate) removed: Vec<i64>,
}

/// Runs a write that leaves `version` in every row that it changes.
pub(crate) async fn run<'e, E>(executor: E, write: &Write, version: i64) -> Result<Done, Error>
where
    E: Executor<'e, Database = Sqlite>,
{
    let sql = AssertSqlSafe(write.sql());
    match *write {
        Write::Delete(_, id) => {
            let removed: Vec<i64> = sqlx::query_scalar(sql).bind(id).fetch_all(executor).await?;
            Ok(Done {
                rows: removed.len() as u64,
                removed,
            })
        }
        Write::SweepWide => {
            let rows: Vec<i64> = sqlx::query_scalar(sql)
                .bind(version)
                .fetch_all(executor)
                .await?;
            Ok(Done {
                rows: rows.len() as u64,
                ..Done::default()
            })
        }
        Write::UpdateReturning(_, id) => {
            let row: Option<(i64, i64)> = sqlx::query_as(sql)
                .bind(version)
                .bind(id)
                .fetch_optional(executor)
                .await?;
            Ok(Done {
                rows: u64::from(row.is_some()),
                ..Done::default()
            })
        }
        _ => {
            let query = sqlx::query(sql).bind(version);
            let query = match *write {
                Write::Insert(_, id)
                | Write::Upsert(_, id)
                | Write::Replace(_, id)
                | Write::Update(_, id)
                | Write::InsertOrRollback(_, id)
                | Write::Refused(_, id) => query.bind(id),
                Write::Sweep(_, low, high) => query.bind(low).bind(high),
                Write::Fault(level) => query.bind(level),
                _ => query,
            };
            Ok(Done {
                rows: query.execute(executor).await?.rows_affected(),
                ..Done::default()
            })
        }
    }
}

impl Write {
    fn sql(&self) -> String {
        match self {
            Write::Insert(table, _) => {
                format!("INSERT INTO {} (version, id) VALUES (?, ?)", table.name())
            }
            Write::Upsert(table, _) => format!(
                "INSERT INTO {} (version, id) VALUES (?, ?)
                 ON CONFLICT (id) DO UPDATE SET version = excluded.version",
                table.name()
            ),
            Write::Replace(table, _) => {
                format!("REPLACE INTO {} (version, id) VALUES (?, ?)", table.name())
            }
            Write::InsertOrRollback(table, _) => {
                format!(
                    "INSERT OR ROLLBACK INTO {} (version, id) VALUES (?, ?)",
                    table.name()
                )
            }
            // The comparison is NULL whatever the version is.
            Write::Refused(table, _) => {
                format!(
                    "INSERT INTO {} (version, id) VALUES (? = NULL, ?)",
                    table.name()
                )
            }
            Write::Update(table, _) => {
                format!("UPDATE {} SET version = ? WHERE id = ?", table.name())
            }
            Write::UpdateReturning(table, _) => {
                format!(
                    "UPDATE {} SET version = ? WHERE id = ? RETURNING id, version",
                    table.name()
                )
            }
            Write::Sweep(table, ..) => {
                format!(
                    "UPDATE {} SET version = ? WHERE id BETWEEN ? AND ?",
                    table.name()
                )
            }
            Write::SweepWide => "UPDATE wide SET version = ? RETURNING id".to_owned(),
            Write::Copy(to, from) => format!(
                "INSERT OR REPLACE INTO {} (version, id) SELECT ?, id FROM {}",
                to.name(),
                from.name()
            ),
            Write::Follow(table, other) => format!(
                "UPDATE {table} SET version = ? FROM {other} WHERE {other}.id = {table}.id",
                table = table.name(),
                other = other.name()
            ),
            Write::Delete(table, _) => {
                format!(
                    "DELETE FROM {} WHERE id = ? RETURNING version",
                    table.name()
                )
            }
            // A version is never zero.
            Write::Clear(table) => format!("DELETE FROM {} WHERE version <> ?1 - ?1", table.name()),
            Write::Fault(_) => "UPDATE fault SET version = ?, level = ?".to_owned(),
        }
    }

    /// The row that certainly has the statement's version after it changed anything.
    pub(crate) fn row(&self) -> Option<(Table, i64)> {
        match *self {
            Write::Insert(table, id)
            | Write::Upsert(table, id)
            | Write::Replace(table, id)
            | Write::Update(table, id)
            | Write::UpdateReturning(table, id)
            | Write::InsertOrRollback(table, id) => Some((table, id)),
            _ => None,
        }
    }

    /// Whether its version is in the journal if it changed anything.
    pub(crate) fn leaves_version(&self) -> bool {
        !matches!(self, Write::Delete(..) | Write::Clear(_))
    }

    /// Whether the database can have answered this error to it.
    pub(crate) fn can_fail_with(&self, error: &Error) -> bool {
        is_busy(error)
            || match self {
                Write::Insert(..) | Write::InsertOrRollback(..) => is_duplicate(error),
                // Which of its two faults the database meets first is its own affair.
                Write::Refused(..) => is_duplicate(error) || has_code(error, &["1299"]),
                _ => false,
            }
    }
}

/// Another connection holds the lock for writing (result codes SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT).
pub(crate) fn is_busy(error: &Error) -> bool {
    has_code(error, &["5", "517"])
}

/// SQLITE_CONSTRAINT_PRIMARYKEY.
pub(crate) fn is_duplicate(error: &Error) -> bool {
    has_code(error, &["1555"])
}

fn has_code(error: &Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| codes.contains(&&*code))
}
