//! What both drivers of PostgreSQL ask the server, as text, and what they make of its answers.

pub(super) mod values;

use super::{
    front::Session,
    identity::{Identity, SYSTEM},
};
use crate::schema::Record;

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
pub(super) fn session_sql() -> String {
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

/// The session that an answer to [`session_sql`] tells.
pub(super) fn session(told: Record) -> Session {
    let names = ["database", "session_user", "role", "temporary_tables"]
        .into_iter()
        .chain(SETTINGS)
        .chain(EXTENSIONS.map(|(name, _)| name))
        .chain(["settings"]);
    let told = told.into_iter().map(Option::unwrap_or_default);
    Session {
        parts: names.zip(told).collect(),
        lives_in_connection: false,
    }
}

/// Asks which database it is. The number is drawn when a cluster is made, and its standbys have it too. Not everybody may ask for
/// it.
pub(super) const IDENTITY: &str = "SELECT pg_catalog.pg_is_in_recovery()::text, \
    (SELECT system_identifier FROM pg_catalog.pg_control_system())::text, \
    (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())::text";

/// The identity that an answer to [`IDENTITY`] tells. What a standby answers lags behind the primary, whose processes must not
/// take it for theirs.
pub(super) fn identity(told: Record) -> Identity {
    match <[_; 3]>::try_from(told) {
        Ok([Some(recovering), Some(system), Some(database)]) if recovering == "false" => Identity {
            parts: vec![(SYSTEM, system), ("database_oid", database)],
        },
        _ => Identity::of_its_own(),
    }
}

/// Whether a SQLSTATE says that the server cannot answer just now (PostgreSQL manual, appendix A): connection exceptions,
/// resources, operator intervention, system and internal errors; serialisation failures and deadlocks, lock not available.
pub(super) fn is_outage(code: &str) -> bool {
    ["08", "40", "53", "57", "58", "XX"]
        .iter()
        .any(|class| code.starts_with(class))
        || code == "55P03"
}
