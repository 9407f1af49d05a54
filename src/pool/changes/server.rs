//! What the feed asks of the server beside its stream, on a connection of its own.

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection as _, Error, PgConnection, Postgres, Row,
    postgres::{PgArguments, PgConnectOptions, PgRow, PgSslMode},
    query::Query,
};
use tokio::sync::Mutex;

use crate::cdc::{LogicalReplication, Moment, Publication, Running, Target, Trouble};

/// The first version whose publications and snapshots are what is asked for here.
const OLDEST: i32 = 140_000;

/// A publication that leaves nothing out. One of all tables names none, but those that it excepts (PostgreSQL 19).
const WHOLE: &str = "puballtables AND pubinsert AND pubupdate AND pubdelete AND pubtruncate AND NOT pubviaroot \
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_publication_rel WHERE prpubid = pg_publication.oid)";

pub(super) struct Server {
    options: PgConnectOptions,
    publication: String,
    creates_publication: bool,
    /// Opened when it is needed, thrown away when it fails.
    connection: Mutex<Option<PgConnection>>,
}

impl Server {
    pub(super) fn new(options: &PgConnectOptions, replication: &LogicalReplication) -> Self {
        Self {
            options: options.clone(),
            publication: replication.publication.clone(),
            creates_publication: replication.creates_publication,
            connection: Mutex::default(),
        }
    }

    /// How far the server is, as of some moment after the call.
    ///
    /// # Cancel safety
    /// Dropping the future drops the connection.
    pub(super) async fn moment(&self) -> Result<Moment, Trouble> {
        // Not how far it is flushed alone: a commit that does not wait for that is seen before. Whoever changes the publication
        // makes another row of it.
        let sql = format!(
            "SELECT pg_catalog.pg_current_snapshot()::text, \
                    (pg_catalog.pg_current_wal_insert_lsn() - '0/0')::int8, \
                    (pg_catalog.pg_current_wal_flush_lsn() - '0/0')::int8, \
                    (SELECT pg_catalog.concat_ws(' ', oid, xmin) FROM pg_catalog.pg_publication \
                     WHERE pubname = $1 AND {WHOLE})"
        );
        let question = sqlx::query(AssertSqlSafe(sql)).bind(self.publication.clone());
        let row = self.ask(question).await?;
        let position = |column| row.try_get(column).map(i64::cast_unsigned);
        let text: String = row.try_get(0).map_err(Trouble::passing)?;
        let publication: Option<String> = row.try_get(3).map_err(Trouble::passing)?;
        let left_out = || Trouble::passing("the publication leaves something out by now");
        Ok(Moment {
            running: Running::parse(&text)
                .ok_or_else(|| Trouble::passing("a snapshot in an unknown form"))?,
            written: position(1).map_err(Trouble::passing)?,
            flushed: position(2).map_err(Trouble::passing)?,
            publication: publication.map(Publication).ok_or_else(left_out)?,
        })
    }

    /// Has the server write its log out: by a transaction of one message, whose commit waits for the disk but for no standby.
    ///
    /// # Cancel safety
    /// As with [`moment`](Self::moment).
    pub(super) async fn flush(&self) -> Result<(), Trouble> {
        let sql = "SELECT pg_catalog.set_config('synchronous_commit', 'local', true), \
                          pg_catalog.pg_logical_emit_message(true, 'cachedpool', ''::text)::text";
        self.ask(sqlx::query(sql)).await.map(|_| ())
    }

    /// How many bytes of its log the server keeps for a slot; `None` if it has none of that name that somebody uses.
    ///
    /// # Cancel safety
    /// As with [`moment`](Self::moment).
    pub(super) async fn retained(&self, slot: &str) -> Result<Option<u64>, Trouble> {
        let sql = "SELECT max(pg_catalog.pg_current_wal_lsn() - restart_lsn)::int8, count(*) \
                   FROM pg_catalog.pg_replication_slots WHERE slot_name = $1 AND active";
        let row = self.ask(sqlx::query(sql).bind(slot.to_owned())).await?;
        let bytes: Option<i64> = row.try_get(0).map_err(Trouble::passing)?;
        let count: i64 = row.try_get(1).map_err(Trouble::passing)?;
        let bytes = bytes.map_or(0, |bytes| u64::try_from(bytes).unwrap_or_default());
        Ok((count > 0).then_some(bytes))
    }

    /// Asks a question that has an answer of one row.
    async fn ask(&self, question: Query<'static, Postgres, PgArguments>) -> Result<PgRow, Trouble> {
        let mut held = self.connection.lock().await;
        // Out of its place while it is used: a future that is dropped leaves none that is half-way.
        let mut connection = match held.take() {
            Some(connection) => connection,
            None => PgConnection::connect_with(&self.options)
                .await
                .map_err(Trouble::passing)?,
        };
        let answer = question.fetch_one(&mut connection).await;
        let row = answer.map_err(Trouble::passing)?;
        *held = Some(connection);
        Ok(row)
    }

    /// What stands in the way.
    pub(super) async fn check(&self) -> Result<(), Trouble> {
        let connected = PgConnection::connect_with(&self.options).await;
        let mut connection = connected.map_err(Trouble::passing)?;
        let found = self.found(&mut connection).await;
        let found = found.map_err(Trouble::passing)?;
        if found.version < OLDEST {
            return Err(Trouble::lasting(
                "the server is older than PostgreSQL 14",
                "an upgrade",
            ));
        }
        if found.is_standby {
            return Err(Trouble::lasting(
                "the server is a standby",
                "a pool on the primary",
            ));
        }
        if found.wal_level != "logical" {
            return Err(Trouble::lasting(
                format!("`wal_level` is `{}`", found.wal_level),
                "ALTER SYSTEM SET wal_level = 'logical', and restart the server",
            ));
        }
        let create = format!(
            "CREATE PUBLICATION {} FOR ALL TABLES",
            quoted(&self.publication)
        );
        match found.publication {
            Some(true) => {}
            Some(false) => {
                return Err(Trouble::lasting(
                    format!(
                        "the publication `{}` leaves tables or operations out, or publishes by way of partitions' roots",
                        self.publication
                    ),
                    format!("DROP PUBLICATION {}; {create}", quoted(&self.publication)),
                ));
            }
            None if self.creates_publication => self.create(&mut connection, create).await?,
            None => {
                return Err(Trouble::lasting(
                    format!("there is no publication `{}`", self.publication),
                    create,
                ));
            }
        }
        // For the session that follows. One that was opened for an earlier one may lead to a server that is not the primary any more.
        *self.connection.lock().await = Some(connection);
        Ok(())
    }

    async fn found(&self, connection: &mut PgConnection) -> Result<Found, Error> {
        let sql = format!(
            "SELECT pg_catalog.current_setting('server_version_num')::int4, \
                    pg_catalog.current_setting('wal_level'), \
                    pg_catalog.pg_is_in_recovery(), \
                    (SELECT {WHOLE} FROM pg_catalog.pg_publication WHERE pubname = $1)"
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(&self.publication)
            .fetch_one(connection)
            .await?;
        Ok(Found {
            version: row.try_get(0)?,
            wal_level: row.try_get(1)?,
            is_standby: row.try_get(2)?,
            publication: row.try_get(3)?,
        })
    }

    /// Makes the publication, unless it would have the application's own statements refused.
    async fn create(&self, connection: &mut PgConnection, create: String) -> Result<(), Trouble> {
        let bare: Option<String> = sqlx::query_scalar(
            "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) \
             FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.oid >= 16384 \
               AND (c.relreplident = 'n' OR c.relreplident = 'd' AND NOT EXISTS \
                    (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate AND i.indisvalid) \
                 OR c.relreplident = 'i' AND NOT EXISTS \
                    (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisvalid)) \
             ORDER BY 1 LIMIT 1",
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(Trouble::passing)?;
        if let Some(table) = bare {
            return Err(Trouble::lasting(
                format!(
                    "`{table}` has no replica identity, so PostgreSQL would refuse to update or delete its rows once it is published"
                ),
                format!("ALTER TABLE {table} REPLICA IDENTITY FULL, or a primary key"),
            ));
        }
        let made = sqlx::query(AssertSqlSafe(create.clone()))
            .execute(&mut *connection)
            .await;
        match made {
            Ok(_) => Ok(()),
            // Somebody else was faster.
            Err(Error::Database(error)) if error.code().as_deref() == Some("42710") => Ok(()),
            Err(Error::Database(error)) if error.code().as_deref() == Some("42501") => {
                Err(Trouble::lasting(error, format!("as a superuser: {create}")))
            }
            Err(error) => Err(Trouble::passing(error)),
        }
    }
}

/// What a server says of itself.
struct Found {
    version: i32,
    wal_level: String,
    is_standby: bool,
    /// Whether it is as it should be; `None` if it is missing.
    publication: Option<bool>,
}

/// Where the pool connects.
pub(super) fn target(
    options: &PgConnectOptions,
    settings: &LogicalReplication,
) -> Result<Target, Trouble> {
    let is_required = matches!(
        options.get_ssl_mode(),
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull
    );
    if is_required && !settings.tls.is_set() {
        return Err(Trouble::lasting(
            "the pool requires TLS, and the replication stream is not encrypted",
            "`LogicalReplication::tls`, of the feature `cdc-tls`",
        ));
    }
    let socket = options.get_socket();
    let host = match socket {
        Some(path) => path.to_string_lossy().into_owned(),
        // An address of IPv6 may stand in brackets.
        None => options.get_host().trim_matches(['[', ']']).to_owned(),
    };
    let user = options.get_username();
    Ok(Target {
        host,
        port: options.get_port(),
        user: user.to_owned(),
        password: password(options),
        database: options.get_database().unwrap_or(user).to_owned(),
    })
}

/// sqlx tells the password in a URL only.
fn password(options: &PgConnectOptions) -> String {
    // What else stands in the URL might not fit into one.
    let plain = options
        .clone()
        .host("host")
        .username("user")
        .database("database");
    let url = plain.to_url_lossy();
    decoded(url.password().unwrap_or_default())
}

/// RFC 3986 §2.1.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let digits = others
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &others[2..];
            }
            _ => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_comes_through_whatever_is_in_it() {
        for word in ["", "test", "p@ss:w/o?rd#%41 ä\"'", "%", "100%"] {
            let options = PgConnectOptions::new().username("a b/c@d").password(word);
            let target = target(&options, &LogicalReplication::new());
            assert_eq!(target.unwrap().password, word);
        }
    }

    #[test]
    fn an_address_is_taken_out_of_its_brackets() {
        let options = PgConnectOptions::new().host("[::1]");
        let target = target(&options, &LogicalReplication::new());
        assert_eq!(target.unwrap().host, "::1");
    }

    #[test]
    fn a_pool_that_requires_tls_is_not_followed_in_plain_text() {
        use PgSslMode::{Allow, Disable, Prefer, Require, VerifyCa, VerifyFull};
        let is_refused = |mode| {
            let options = PgConnectOptions::new().ssl_mode(mode);
            target(&options, &LogicalReplication::new()).is_err()
        };
        assert!(![Disable, Allow, Prefer].into_iter().any(is_refused));
        assert!([Require, VerifyCa, VerifyFull].into_iter().all(is_refused));
    }
}
