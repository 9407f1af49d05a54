//! MySQL and MariaDB.

use std::{collections::HashMap, mem};

use futures_core::future::BoxFuture;
use sqlx::{
    Arguments, Encode, Error, MySql, Row, Type,
    encode::IsNull,
    error::BoxDynError,
    mysql::{MySqlArguments, MySqlConnection, MySqlDatabaseError, MySqlTypeInfo},
};

use super::{
    backend::{Driver, through_executor},
    parameters::{canaries, print_list},
    peek::Peeked,
    values,
};
use crate::{
    cache::Params,
    driver::{
        front::{Session, Values},
        identity::Identity,
    },
    schema::Canonical,
    sql::Dialect,
};

impl Driver for MySql {
    const DIALECT: Dialect = Dialect::MySql;

    fn parameters(arguments: &mut MySqlArguments, key: &mut Params) {
        if arguments.len() == 0 {
            return;
        }
        // `Debug` would print each byte, so it sees a copy without them: the types and the NULL bitmap. They cannot be
        // taken out of the original for a moment: a failed addition, which is the only way in, cuts the buffer back to
        // its length before, so nothing can be put back.
        let mut shown = arguments.clone();
        let mut values = Vec::new();
        let _ = shown.add(Take(&mut values));
        print_list("", None, &shown, key);
        key.extend_from_slice(&values);
    }

    fn canaries() -> Vec<MySqlArguments> {
        canaries::<MySql>()
    }

    fn values(arguments: &mut MySqlArguments) -> Values {
        // A copy, for the reason given above.
        let mut shown = arguments.clone();
        let mut bytes = Vec::new();
        let _ = shown.add(Take(&mut bytes));
        values::mysql::values(&values::mysql::shape(&shown), &bytes)
    }

    fn value_canaries() -> Vec<(MySqlArguments, Values)> {
        values::canaries::<MySql>(Canonical::Integer(1))
    }

    fn session(connection: &mut MySqlConnection) -> BoxFuture<'_, Result<Session, Error>> {
        Box::pin(async move {
            let sql =
                "SELECT CONVERT(DATABASE() USING utf8mb4), CONVERT(CURRENT_USER() USING utf8mb4)";
            let row = sqlx::query(sql).fetch_one(&mut *connection).await?;
            let mut session = Session::default();
            for (index, name) in ["database", "role"].into_iter().enumerate() {
                session.parts.push((
                    name,
                    row.try_get::<Option<String>, _>(index)?.unwrap_or_default(),
                ));
            }
            let told = variables(connection, &[&VARIABLES[..], &UNREPEATABLE].concat()).await?;
            refuse_unrepeatable(&told)?;
            for name in VARIABLES {
                session
                    .parts
                    .push((name, told.get(name).cloned().unwrap_or_default()));
            }
            Ok(session)
        })
    }

    fn identity(connection: &mut MySqlConnection) -> BoxFuture<'_, Result<Identity, Error>> {
        Box::pin(async move {
            let told = variables(
                connection,
                &["innodb_read_only", "read_only", "server_uuid"],
            )
            .await?;
            let is_set = |name| told.get(name).is_some_and(|value| value != "OFF");
            if is_set("read_only") || is_set("innodb_read_only") {
                // A replica, most likely, whose answers lag behind its source's.
                return Ok(Identity::of_its_own());
            }
            match told.get("server_uuid") {
                // MySQL draws it at random when it is installed.
                Some(uuid) if !uuid.is_empty() => Ok(Identity {
                    parts: vec![("server_uuid", uuid.clone())],
                }),
                _ => identity_of_mariadb(connection).await,
            }
        })
    }

    fn rollback_leaves_rows(
        connection: &mut MySqlConnection,
    ) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async move {
            // Engines that know transactions roll back; any other keeps what was written.
            let engines = "SELECT COUNT(*) FROM information_schema.tables \
                JOIN information_schema.engines USING (engine) \
                WHERE COALESCE(transactions, 'NO') <> 'YES' \
                AND table_schema NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')";
            let leaving: i64 = sqlx::query_scalar(engines).fetch_one(connection).await?;
            Ok(leaving > 0)
        })
    }

    fn is_outage(error: &dyn sqlx::error::DatabaseError) -> bool {
        // MySQL manual, "Server Error Message Reference": connections, memory, shutdown, lock waits and deadlocks,
        // network, statement timeouts (3024; MariaDB 1969).
        const OUTAGES: [u16; 16] = [
            1037, 1038, 1040, 1041, 1053, 1077, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1317,
            1969, 3024,
        ];
        error
            .try_downcast_ref::<MySqlDatabaseError>()
            .is_some_and(|error| OUTAGES.contains(&error.number()))
    }

    through_executor!(MySql, mysql);
}

/// Session variables that change what a query answers. Some are MySQL's alone, some MariaDB's.
const VARIABLES: [&str; 18] = [
    "version",
    "time_zone",
    "sql_mode",
    "character_set_connection",
    "collation_connection",
    "character_set_results",
    "lc_time_names",
    "group_concat_max_len",
    "div_precision_increment",
    "default_week_format",
    "sql_select_limit",
    "sql_auto_is_null",
    "old_mode",
    "system_versioning_asof",
    "block_encryption_mode",
    "max_sort_length",
    "max_recursive_iterations",
    "default_regex_flags",
];

/// Session variables that decide whether a read sees what is committed. MariaDB 11.1 and MySQL 5.7.20 have the new name of the
/// second, older ones only the last.
const UNREPEATABLE: [&str; 3] = ["autocommit", "transaction_isolation", "tx_isolation"];

/// The session's variables of these names, as far as the server has them.
async fn variables(
    connection: &mut MySqlConnection,
    names: &[&str],
) -> Result<HashMap<String, String>, Error> {
    let version: String = sqlx::query_scalar("SELECT CONVERT(VERSION() USING utf8mb4)")
        .fetch_one(&mut *connection)
        .await?;
    let schema = match version.contains("MariaDB") {
        true => "information_schema",
        false => "performance_schema",
    };
    // With a LIMIT of its own, or `sql_select_limit` would cut it off, as it does with SHOW VARIABLES.
    let sql = format!(
        "SELECT CONVERT(variable_name USING utf8mb4), CONVERT(variable_value USING utf8mb4) \
         FROM {schema}.session_variables WHERE variable_name IN ('{}') LIMIT {}",
        names.join("', '"),
        names.len(),
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let value: Option<String> = row.try_get(1)?;
            let name: String = row.try_get(0)?;
            Ok((name.to_lowercase(), value.unwrap_or_default()))
        })
        .collect()
}

/// MariaDB draws nothing at random that everybody may read: names and numbers are the same for all that were set up alike,
/// `server_uid` comes from port and hardware address, and containers have the same of those. So the rest of a `UUID()` is
/// taken as well, of which 14 bits are drawn when the server starts, and the time of the oldest table. Processes that met
/// the server before and after a restart do not share; that costs misses.
async fn identity_of_mariadb(connection: &mut MySqlConnection) -> Result<Identity, Error> {
    const NAMES: [&str; 5] = ["hostname", "port", "datadir", "server_id", "server_uid"];
    let told = variables(connection, &NAMES).await?;
    let drawn = "SELECT CONVERT(UUID() USING utf8mb4), (SELECT CONVERT(MIN(create_time) USING utf8mb4) \
        FROM information_schema.tables WHERE table_schema = DATABASE())";
    let row = sqlx::query(drawn).fetch_one(connection).await?;
    let uuid: String = row.try_get(0)?;
    let oldest: Option<String> = row.try_get(1)?;
    // RFC 9562 §5.1: version 1 is time, version, then clock sequence and node.
    let start = match uuid.split('-').collect::<Vec<_>>()[..] {
        [_, _, version, clock, node] if version.starts_with('1') => format!("{clock}-{node}"),
        _ => return Ok(Identity::of_its_own()),
    };
    let mut parts = vec![
        ("start", start),
        ("oldest_table", oldest.unwrap_or_default()),
    ];
    for name in NAMES {
        parts.push((name, told.get(name).cloned().unwrap_or_default()));
    }
    Ok(Identity { parts })
}

/// Refuses settings under which a read may see what is not committed, or not see what is: neither can be cached.
fn refuse_unrepeatable(told: &HashMap<String, String>) -> Result<(), Error> {
    let is = |name, value| told.get(name).is_some_and(|told| told == value);
    if !is("autocommit", "ON") {
        return Err(Error::Configuration(
            "the pool's connections have autocommit off".into(),
        ));
    }
    if is("transaction_isolation", "READ-UNCOMMITTED") || is("tx_isolation", "READ-UNCOMMITTED") {
        return Err(Error::Configuration(
            "the pool's connections read uncommitted rows".into(),
        ));
    }
    Ok(())
}

/// Takes the encoded values out.
struct Take<'a>(&'a mut Vec<u8>);

impl Encode<'_, MySql> for Take<'_> {
    fn encode_by_ref(&self, _: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        Err(Peeked.into())
    }

    fn encode(self, values: &mut Vec<u8>) -> Result<IsNull, BoxDynError> {
        *self.0 = mem::take(values);
        Err(Peeked.into())
    }
}

impl Type<MySql> for Take<'_> {
    fn type_info() -> MySqlTypeInfo {
        <i32 as Type<MySql>>::type_info()
    }
}
