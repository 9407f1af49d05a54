//! The triggers that tell of changes: how they are made, found and taken away.
//!
//! They are of statements, so a transaction tells of a table once however many rows it changes: the server drops what a
//! transaction repeats. They fire also where `session_replication_role` keeps others from it.

use sqlx::{AssertSqlSafe, Connection as _, Error, Executor as _, PgConnection, PgPool, Row as _};

use crate::cdc::{Cover, Notifications, Trouble};

/// Where triggers tell. An empty payload is for everything.
pub(super) const CHANNEL: &str = "cachedpool";

/// The first version that can replace a trigger without a moment in which there is none.
const OLDEST: i32 = 140_000;

/// What triggers call, for whoever owns a table. Whatever it does is spelled with its schema, since it runs with the writer's
/// search path.
const FUNCTION: &str = "\
CREATE SCHEMA IF NOT EXISTS cachedpool; \
GRANT USAGE ON SCHEMA cachedpool TO PUBLIC; \
CREATE OR REPLACE FUNCTION cachedpool.notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_catalog.pg_notify('cachedpool', pg_catalog.format('%s %s%s',
    pg_catalog.length(TG_TABLE_SCHEMA::pg_catalog.text), TG_TABLE_SCHEMA, TG_TABLE_NAME));
  RETURN NULL;
END $$";

/// The number of that function.
const MADE: &str = "SELECT p.oid FROM pg_catalog.pg_proc p \
                    JOIN pg_catalog.pg_namespace s ON s.oid = p.pronamespace \
                    WHERE s.nspname = 'cachedpool' AND p.proname = 'notify' AND p.pronargs = 0";

/// Each table whose rows can be read, and its trigger where it has one that does all it should: after each statement (bits 8, 4, 16
/// and 32 of `tgtype`: DELETE, INSERT, UPDATE, TRUNCATE), without a condition, always.
///
/// Joined fully, although a trigger has a table: of a left join the planner believes that there are few triggers, and goes through
/// all of them once a table.
fn tables() -> String {
    format!(
        "(SELECT c.oid, n.oid AS namespace, n.nspname, c.relname \
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
          WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' \
            AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')) c \
         FULL JOIN \
         (SELECT t.tgrelid, t.oid, t.xmin AS maker FROM pg_catalog.pg_trigger t \
          WHERE t.tgname = 'cachedpool' AND t.tgenabled = 'A' AND t.tgtype = 60 AND t.tgqual IS NULL \
            AND t.tgattr::pg_catalog.text = '' AND t.tgfoid = ({MADE})) t \
         ON t.tgrelid = c.oid"
    )
}

/// Those of them that have none.
const BARE: &str = "c.oid IS NOT NULL AND t.oid IS NULL";

/// How a statement calls them.
const TITLE: &str = "pg_catalog.format('%I.%I', c.nspname, c.relname)";

/// What stands in the way on this server, whatever its tables.
pub(super) async fn check(connection: &mut PgConnection) -> Result<(), Trouble> {
    let row = sqlx::query(
        "SELECT pg_catalog.current_setting('server_version_num')::int4, pg_catalog.pg_is_in_recovery()",
    )
    .fetch_one(connection)
    .await
    .map_err(Trouble::passing)?;
    if row.try_get::<i32, _>(0).map_err(Trouble::passing)? < OLDEST {
        return Err(Trouble::lasting(
            "the server is older than PostgreSQL 14",
            "an upgrade",
        ));
    }
    match row.try_get(1).map_err(Trouble::passing)? {
        true => Err(Trouble::lasting(
            "the server is a standby, on which nobody can listen",
            "a pool on the primary",
        )),
        false => Ok(()),
    }
}

/// Whether all tables are covered, and by what.
///
/// # Errors
/// A table that is not is of the kind that somebody must mend.
pub(super) async fn cover(connection: &mut PgConnection) -> Result<Cover, Trouble> {
    let found = found(connection).await.map_err(Trouble::passing)?;
    if let Some(table) = found.subscribed {
        return Err(Trouble::lasting(
            format!(
                "`{table}` is written by a subscription, which fires no trigger of a statement"
            ),
            "`cdc::LogicalReplication`, or a pool on the publisher",
        ));
    }
    match found.first {
        None => Ok(Cover(found.print)),
        Some(table) => Err(Trouble::lasting(
            format!(
                "{} table(s) tell of no changes, `{table}` among them",
                found.bare
            ),
            format!(
                "`Notifications::create_triggers()`, or for each of them: {FUNCTION}; {}",
                statement(&table)
            ),
        )),
    }
}

/// How the tables are covered.
struct Found {
    bare: i64,
    /// The first of those that are not.
    first: Option<String>,
    /// The first that this server is sent by another.
    subscribed: Option<String>,
    print: String,
}

async fn found(connection: &mut PgConnection) -> Result<Found, Error> {
    let sql = format!(
        "SELECT pg_catalog.count(*) FILTER (WHERE {BARE}), \
                pg_catalog.min({TITLE}) FILTER (WHERE {BARE}), \
                (SELECT pg_catalog.min({TITLE}) FROM pg_catalog.pg_subscription_rel s \
                 JOIN (SELECT c.oid, c.relname, n.nspname FROM pg_catalog.pg_class c \
                       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace) c ON c.oid = s.srrelid), \
                pg_catalog.concat_ws(' ', pg_catalog.count(*), pg_catalog.sum(pg_catalog.hashtextextended( \
                    pg_catalog.concat_ws(' ', c.oid, c.namespace, c.relname, t.oid, t.maker), 0))) \
         FROM {}",
        tables()
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await?;
    Ok(Found {
        bare: row.try_get(0)?,
        first: row.try_get(1)?,
        subscribed: row.try_get(2)?,
        print: row.try_get(3)?,
    })
}

/// Makes the triggers that are missing, and says whether there were any.
pub(super) async fn create(connection: &mut PgConnection) -> Result<bool, Trouble> {
    let bare = format!("SELECT {TITLE} FROM {} WHERE {BARE} ORDER BY 1", tables());
    let bare: Vec<String> = sqlx::query_scalar(AssertSqlSafe(bare))
        .fetch_all(&mut *connection)
        .await
        .map_err(Trouble::passing)?;
    if bare.is_empty() {
        return Ok(false);
    }
    let made = sqlx::query(MADE).fetch_optional(&mut *connection).await;
    if made.map_err(Trouble::passing)?.is_none() {
        alone(connection, FUNCTION).await?;
    }
    for table in bare {
        // One table at a time, or those who write to several could meet us half-way and neither could go on. Whoever
        // hears already learns that it has missed something.
        alone(
            connection,
            &format!("{}; NOTIFY {CHANNEL}", statement(&table)),
        )
        .await?;
    }
    Ok(true)
}

/// Runs statements in a transaction, while no other process is at the same.
async fn alone(connection: &mut PgConnection, statements: &str) -> Result<(), Trouble> {
    // Any number that others are not likely to take for something else.
    let all = format!(
        "BEGIN; SET LOCAL lock_timeout = '2s'; SELECT pg_catalog.pg_advisory_xact_lock(7161116103105128); \
         {statements}; COMMIT"
    );
    let Err(error) = connection.execute(AssertSqlSafe(all)).await else {
        return Ok(());
    };
    // It stands in the middle. If this fails too, so does what is next.
    let _ = connection.execute("ROLLBACK").await;
    let code = error.as_database_error().and_then(|error| error.code());
    // Insufficient privilege (PostgreSQL manual, appendix A).
    match code.as_deref() {
        Some("42501") => Err(Trouble::lasting(
            error,
            format!("as the owner: {statements}"),
        )),
        _ => Err(Trouble::passing(error)),
    }
}

fn statement(table: &str) -> String {
    format!(
        "CREATE OR REPLACE TRIGGER cachedpool AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} \
         FOR EACH STATEMENT EXECUTE FUNCTION cachedpool.notify(); \
         ALTER TABLE {table} ENABLE ALWAYS TRIGGER cachedpool"
    )
}

impl Notifications {
    /// Takes away what [`create_triggers`](Self::create_triggers) has made, in the database that `pool` reaches: the triggers, their
    /// function and its schema. It waits for those who write to the tables, and has all others wait meanwhile.
    ///
    /// # Staleness
    /// A pool that still follows answers nothing from its cache from then on, within its `max_staleness`. It makes them again if
    /// it may.
    ///
    /// # Cancel safety
    /// Dropped, either all of it happens or nothing.
    ///
    /// # Errors
    /// What the database says: a role that does not own them, or something of somebody else's in the schema `cachedpool`.
    pub async fn drop_triggers(pool: &PgPool) -> Result<(), Error> {
        let mut connection = pool.acquire().await?;
        let mut transaction = connection.begin().await?;
        let steps =
            "DROP FUNCTION IF EXISTS cachedpool.notify() CASCADE; DROP SCHEMA IF EXISTS cachedpool";
        transaction.execute(steps).await?;
        transaction.commit().await
    }
}
