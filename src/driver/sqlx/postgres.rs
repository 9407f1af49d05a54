//! PostgreSQL.

use futures_core::future::BoxFuture;
use sqlx::{
    Arguments, Encode, Error, Postgres, Row, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgConnectOptions, PgConnection, PgTypeInfo},
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
        let _ = arguments.add(Peek(|buffer: &[u8]| key.extend_from_slice(buffer)));
    }

    fn canaries() -> Vec<PgArguments> {
        canaries::<Postgres>()
    }

    fn values(arguments: &mut PgArguments) -> Values {
        let kinds = values::postgres::kinds(arguments);
        let mut all = Values::new();
        let _ = arguments.add(Peek(|buffer: &[u8]| {
            all = values::postgres::values(&kinds, buffer);
        }));
        all
    }

    fn value_canaries() -> Vec<(PgArguments, Values)> {
        values::canaries::<Postgres>(Canonical::Bool(true))
    }

    fn session(connection: &mut PgConnection) -> BoxFuture<'_, Result<Session, Error>> {
        Box::pin(async move {
            let row = sqlx::query(sqlx::AssertSqlSafe(session_sql()))
                .fetch_one(connection)
                .await?;
            let names = ["database", "session_user", "role", "temporary_tables"]
                .into_iter()
                .chain(SETTINGS)
                .chain(EXTENSIONS.map(|(name, _)| name))
                .chain(["settings"]);
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

    fn given(options: &PgConnectOptions) -> String {
        options.get_options().unwrap_or_default().to_owned()
    }

    fn identity(connection: &mut PgConnection) -> BoxFuture<'_, Result<Identity, Error>> {
        Box::pin(async move {
            // The number is drawn when a cluster is made, and its standbys have it too. What a standby answers lags behind the
            // primary, whose processes must not take it for theirs. Not everybody may ask for the number.
            let sql = "SELECT pg_catalog.pg_is_in_recovery(), \
                (SELECT system_identifier FROM pg_catalog.pg_control_system())::text, \
                (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())::text";
            match sqlx::query(sql).fetch_one(connection).await {
                Ok(row) if row.try_get(0)? => Ok(Identity::of_its_own()),
                Ok(row) => Ok(Identity {
                    parts: vec![
                        ("system_identifier", row.try_get(1)?),
                        ("database_oid", row.try_get(2)?),
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

    through_executor!(Postgres, postgres);
}

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

/// Those of extensions, with the value that holds until a connection loads the extension: it may do so at any time.
const EXTENSIONS: [(&str, &str); 9] = [
    ("pg_trgm.similarity_threshold", "0.3"),
    ("pg_trgm.word_similarity_threshold", "0.6"),
    ("pg_trgm.strict_word_similarity_threshold", "0.5"),
    ("hnsw.ef_search", "40"),
    ("hnsw.iterative_scan", "off"),
    ("hnsw.max_scan_tuples", "20000"),
    ("ivfflat.probes", "1"),
    ("ivfflat.iterative_scan", "off"),
    ("ivfflat.max_probes", "32768"),
];

/// Asks for all parts of a session. The last is whatever else a session can set and somebody has set, for this connection,
/// user, database or server, but for what cannot change an answer: names of applications, time limits, logs. Settings of
/// extensions come and go as a connection loads those, so of them only the ones that are set for user or database count.
fn session_sql() -> String {
    let settings = SETTINGS.map(|name| format!("current_setting('{name}', true)"));
    let extensions = EXTENSIONS
        .map(|(name, default)| format!("coalesce(current_setting('{name}', true), '{default}')"));
    let known = SETTINGS.map(|name| format!("'{name}'"));
    format!(
        "SELECT current_database()::text, session_user::text, current_user::text, \
         (pg_my_temp_schema() <> 0)::text, {}, {}, \
         (SELECT json_object_agg(name, setting ORDER BY name)::text FROM ( \
             SELECT name, setting FROM pg_catalog.pg_settings \
             WHERE source <> 'default' \
             AND context IN ('user', 'superuser', 'backend', 'superuser-backend') \
             AND position('.' IN name) = 0 AND name NOT IN ({}) \
             AND name <> 'application_name' AND name <> 'client_min_messages' \
             AND name NOT LIKE '%\\_timeout' AND name NOT LIKE 'log\\_%' AND name NOT LIKE 'tcp\\_%' \
             AND name NOT LIKE 'transaction\\_%' \
             UNION \
             SELECT own.name, current_setting(own.name, true) FROM ( \
                 SELECT split_part(unnest(setconfig), '=', 1) AS name \
                 FROM pg_catalog.pg_db_role_setting \
                 WHERE setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) \
                 AND setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user)) \
             ) own \
             WHERE position('.' IN own.name) > 0 AND current_setting(own.name, true) IS NOT NULL \
         ) other)",
        settings.join(", "),
        extensions.join(", "),
        known.join(", "),
    )
}

/// Shows the encoded values.
struct Peek<F>(F);

impl<F: FnOnce(&[u8])> Encode<'_, Postgres> for Peek<F> {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Err(Peeked.into())
    }

    #[inline]
    fn encode(self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // The last four bytes are the length that the buffer has reserved for this value itself.
        (self.0)(&buffer[..buffer.len() - 4]);
        Err(Peeked.into())
    }
}

impl<F> Type<Postgres> for Peek<F> {
    fn type_info() -> PgTypeInfo {
        <i32 as Type<Postgres>>::type_info()
    }
}
