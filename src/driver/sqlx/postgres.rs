//! PostgreSQL.

use futures_core::future::BoxFuture;
use sqlx::{
    Arguments, Encode, Error, Postgres, Row, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgConnection, PgTypeInfo},
};

use super::{
    backend::{Driver, Session, through_executor},
    parameters::{canaries, print_list},
    peek::Peeked,
};
use crate::{cache::Params, driver::identity::Identity, sql::Dialect};

impl Driver for Postgres {
    const DIALECT: Dialect = Dialect::Postgres;

    #[inline]
    fn parameters(arguments: &mut PgArguments, key: &mut Params) {
        if arguments.len() == 0 {
            return;
        }
        let start = key.len();
        // `PgArguments { types: […], buffer: … }`: the types, without the buffer. They end with `], `, and the buffer's
        // bytes carry the length of each value, so the whole is injective.
        print_list("PgTypeInfo", Some("buffer"), arguments, key);
        // The field types of an anonymous record stand only in the buffer's own book-keeping. Rare, so slow will do.
        let types = &key[start..];
        if types.contains(&b'R') && types.windows(6).any(|word| word == b"Record") {
            print_list("", None, arguments, key);
        }
        // Always an error: that is what undoes the addition.
        let _ = arguments.add(Peek(key));
    }

    fn canaries() -> Vec<PgArguments> {
        canaries::<Postgres>()
    }

    fn session(connection: &mut PgConnection) -> BoxFuture<'_, Result<Session, Error>> {
        /// Settings that change what a query answers, or how its text forms look.
        const SETTINGS: [&str; 17] = [
            "server_version_num",
            "search_path",
            "TimeZone",
            "timezone_abbreviations",
            "DateStyle",
            "IntervalStyle",
            "bytea_output",
            "extra_float_digits",
            "lc_collate",
            "lc_ctype",
            "lc_monetary",
            "lc_numeric",
            "lc_time",
            "default_text_search_config",
            "xmloption",
            "row_security",
            "standard_conforming_strings",
        ];
        Box::pin(async move {
            let settings: Vec<String> = SETTINGS
                .iter()
                .map(|name| format!("current_setting('{name}', true)"))
                .collect();
            let sql = format!(
                "SELECT current_database()::text, session_user::text, current_user::text, \
                 (pg_my_temp_schema() <> 0)::text, {}",
                settings.join(", ")
            );
            let row = sqlx::query(sqlx::AssertSqlSafe(sql))
                .fetch_one(connection)
                .await?;
            let names = ["database", "session_user", "role", "temporary_tables"]
                .into_iter()
                .chain(SETTINGS);
            let mut session = Session::default();
            for (index, name) in names.enumerate() {
                session.parts.push((
                    name,
                    row.try_get::<Option<String>, _>(index)?.unwrap_or_default(),
                ));
            }
            Ok(session)
        })
    }

    fn identity(connection: &mut PgConnection) -> BoxFuture<'_, Result<Identity, Error>> {
        Box::pin(async move {
            // The number is drawn when a cluster is made, and its standbys have it too. Not everybody may ask for it.
            let sql = "SELECT (SELECT system_identifier FROM pg_control_system())::text, \
                (SELECT oid FROM pg_database WHERE datname = current_database())::text";
            match sqlx::query(sql).fetch_one(connection).await {
                Ok(row) => Ok(Identity {
                    parts: vec![
                        ("system_identifier", row.try_get(0)?),
                        ("database_oid", row.try_get(1)?),
                    ],
                }),
                Err(Error::Database(_)) => Ok(Identity::of_its_own()),
                Err(error) => Err(error),
            }
        })
    }

    fn is_outage(error: &dyn sqlx::error::DatabaseError) -> bool {
        // PostgreSQL manual, appendix A: connection exceptions, resources, operator intervention, system and internal
        // errors; serialisation failures and deadlocks, lock not available.
        let code = error.code().unwrap_or_default();
        ["08", "40", "53", "57", "58", "XX"]
            .iter()
            .any(|class| code.starts_with(class))
            || code == "55P03"
    }

    through_executor!(Postgres);
}

/// Copies the encoded values into a key.
struct Peek<'a>(&'a mut Params);

impl Encode<'_, Postgres> for Peek<'_> {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Err(Peeked.into())
    }

    #[inline]
    fn encode(self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // The last four bytes are the length that the buffer has reserved for this value itself.
        self.0.extend_from_slice(&buffer[..buffer.len() - 4]);
        Err(Peeked.into())
    }
}

impl Type<Postgres> for Peek<'_> {
    fn type_info() -> PgTypeInfo {
        <i32 as Type<Postgres>>::type_info()
    }
}
