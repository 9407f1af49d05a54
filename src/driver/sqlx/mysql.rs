//! MySQL and MariaDB.

use std::mem;

use futures_core::future::BoxFuture;
use sqlx::{
    Arguments, Encode, Error, MySql, Row, Type,
    encode::IsNull,
    error::BoxDynError,
    mysql::{MySqlArguments, MySqlConnection, MySqlDatabaseError, MySqlTypeInfo},
};

use super::{
    backend::{Driver, Session, through_executor},
    parameters::{canaries, print_list},
    peek::Peeked,
};
use crate::{cache::Params, driver::identity::Identity, sql::Dialect};

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

    fn session(connection: &mut MySqlConnection) -> BoxFuture<'_, Result<Session, Error>> {
        /// Session variables that change what a query answers.
        const VARIABLES: [&str; 10] = [
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
        ];
        Box::pin(async move {
            let variables: Vec<String> = VARIABLES
                .iter()
                .map(|name| format!("CONVERT(CONCAT(@@{name}) USING utf8mb4)"))
                .collect();
            let sql = format!(
                "SELECT CONVERT(DATABASE() USING utf8mb4), CONVERT(CURRENT_USER() USING utf8mb4), {}",
                variables.join(", ")
            );
            let row = sqlx::query(sqlx::AssertSqlSafe(sql))
                .fetch_one(&mut *connection)
                .await?;
            let mut session = Session::default();
            for (index, name) in ["database", "role"]
                .into_iter()
                .chain(VARIABLES)
                .enumerate()
            {
                session.parts.push((
                    name,
                    row.try_get::<Option<String>, _>(index)?.unwrap_or_default(),
                ));
            }
            refuse_unrepeatable(&mut *connection).await?;
            Ok(session)
        })
    }

    fn identity(connection: &mut MySqlConnection) -> BoxFuture<'_, Result<Identity, Error>> {
        /// MySQL draws its `server_uuid` at random. MariaDB has none: there the others together tell servers apart.
        const VARIABLES: [&str; 6] = [
            "server_uuid",
            "server_uid",
            "server_id",
            "hostname",
            "port",
            "datadir",
        ];
        Box::pin(async move {
            let sql = "SHOW VARIABLES WHERE Variable_name IN \
                ('server_uuid', 'server_uid', 'server_id', 'hostname', 'port', 'datadir')";
            let rows = sqlx::query(sql).fetch_all(connection).await?;
            let mut parts = Vec::new();
            for name in VARIABLES {
                for row in &rows {
                    if row.try_get::<String, _>(0)?.eq_ignore_ascii_case(name) {
                        parts.push((name, row.try_get::<String, _>(1)?));
                    }
                }
            }
            let told = |name| {
                parts
                    .iter()
                    .any(|(own, value)| *own == name && !value.is_empty())
            };
            if told("server_uuid") || told("hostname") {
                Ok(Identity { parts })
            } else {
                Ok(Identity::of_its_own())
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

    through_executor!(MySql);
}

/// Refuses settings under which a read may see what is not committed, or not see what is: neither can be cached.
async fn refuse_unrepeatable(connection: &mut MySqlConnection) -> Result<(), Error> {
    let autocommit: i64 = sqlx::query_scalar("SELECT @@autocommit")
        .fetch_one(&mut *connection)
        .await?;
    // MariaDB 11.1 and MySQL 5.7.20 have the new name, older ones only `tx_isolation`.
    let isolation = sqlx::query(
        "SHOW VARIABLES WHERE Variable_name IN ('transaction_isolation', 'tx_isolation')",
    );
    let levels = isolation.fetch_all(connection).await?;
    let dirty = levels.iter().any(|row| {
        row.try_get::<String, _>(1)
            .is_ok_and(|level| level == "READ-UNCOMMITTED")
    });
    match (autocommit, dirty) {
        (0, _) => Err(Error::Configuration(
            "the pool's connections have autocommit off".into(),
        )),
        (_, true) => Err(Error::Configuration(
            "the pool's connections read uncommitted rows".into(),
        )),
        _ => Ok(()),
    }
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
