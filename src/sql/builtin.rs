//! Names that mean something to the server itself: catalogs, system columns, bare words, literals that ask for the clock.

use super::{
    facts::{Dialect, Reason, Relation},
    normal::RESERVED,
};

/// Why a relation is not a user's own permanent one.
pub(super) fn catalog(dialect: Dialect, relation: &Relation) -> Option<Reason> {
    let name = &*relation.name;
    let schema = relation.schema.as_deref().map(str::to_ascii_lowercase);
    let schema = schema.as_deref();
    let system = match dialect {
        Dialect::Postgres => match schema {
            Some(schema) if schema == "pg_temp" || schema.starts_with("pg_temp_") => {
                return Some(Reason::TemporaryTable(relation.to_string().into()));
            }
            Some(schema) => schema == "information_schema" || schema.starts_with("pg_"),
            None => name.starts_with("pg_"),
        },
        Dialect::MySql => matches!(
            schema,
            Some("information_schema" | "performance_schema" | "mysql" | "sys")
        ),
        Dialect::Sqlite => {
            let lower = name.to_ascii_lowercase();
            if schema == Some("temp") && !lower.starts_with("sqlite_") {
                return Some(Reason::TemporaryTable(relation.to_string().into()));
            }
            lower.starts_with("sqlite_") || lower == "dbstat" || lower.starts_with("pragma_")
        }
    };
    system.then(|| Reason::SystemCatalog(relation.to_string().into()))
}

/// Whether an unquoted name without a schema is MySQL's `DUAL`, which stands for no table.
pub(super) fn is_no_table(dialect: Dialect, relation: &Relation) -> bool {
    dialect == Dialect::MySql && relation.schema.is_none() && &*relation.name == "dual"
}

/// Whether a column is one that the server keeps for itself, or one of a sequence, which moves without a write. SQLite's `rowid` is not: it is the row's, as any column.
pub(super) fn is_system_column(dialect: Dialect, name: &str) -> bool {
    match dialect {
        Dialect::Postgres => matches!(
            name,
            "ctid"
                | "xmin"
                | "xmax"
                | "cmin"
                | "cmax"
                | "tableoid"
                | "last_value"
                | "log_cnt"
                | "is_called"
        ),
        Dialect::MySql | Dialect::Sqlite => false,
    }
}

/// Why an unquoted word that stands where a column could stand keeps a result out of the cache.
pub(super) fn bare_word(dialect: Dialect, word: &str) -> Option<Reason> {
    let time = match word {
        "current_date" | "current_time" | "current_timestamp" => true,
        "localtime" | "localtimestamp" => dialect != Dialect::Sqlite,
        "utc_date" | "utc_time" | "utc_timestamp" => dialect == Dialect::MySql,
        _ => false,
    };
    let session = match dialect {
        Dialect::Postgres => matches!(
            word,
            "current_catalog"
                | "current_role"
                | "current_schema"
                | "current_user"
                | "session_user"
                | "system_user"
                | "user"
        ),
        Dialect::MySql => matches!(word, "current_user" | "current_role") || word.starts_with('@'),
        Dialect::Sqlite => false,
    };
    if time {
        Some(Reason::TimeDependent(word.into()))
    } else if session {
        Some(Reason::SessionDependent(word.into()))
    } else {
        None
    }
}

/// Types of PostgreSQL whose input is looked up in the catalogs.
const LOOKUP_TYPES: &[&str] = &[
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
];

/// Whether a word is one of PostgreSQL's types whose input is looked up in the catalogs, or an array of one (`_regclass`).
pub(super) fn is_lookup_type(word: &str) -> bool {
    let name = word.trim_start_matches('_');
    let like = name.len() >= 7 && name.is_char_boundary(3) && name[..3].eq_ignore_ascii_case("reg");
    like && LOOKUP_TYPES
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

/// The word by which a literal asks PostgreSQL for the time, should it be read as a date: it can stand beside a time and a zone.
pub(super) fn clock_literal(text: &str) -> Option<&'static str> {
    text.split(|c: char| !c.is_ascii_alphabetic())
        .find_map(|word| {
            ["now", "today", "tomorrow", "yesterday"]
                .into_iter()
                .find(|special| word.eq_ignore_ascii_case(special))
        })
}

/// All operators of `pg_catalog` in PostgreSQL 17 that the parser leaves unnamed are among these. Sorted.
const POSTGRES_OPERATORS: &[&str] = &[
    "!!", "!~", "!~*", "!~~", "!~~*", "#", "##", "#-", "#>", "#>>", "%", "&", "&&", "&<", "&<|",
    "&>", "*", "*<", "*<=", "*<>", "*=", "*>", "*>=", "+", "-", "->", "->>", "-|-", "/", "<",
    "<->", "<<", "<<=", "<<|", "<=", "<>", "<@", "<^", "=", ">", ">=", ">>", ">>=", ">^", "?",
    "?#", "?&", "?-", "?-|", "?|", "?||", "@", "@-@", "@>", "@?", "@@", "@@@", "^", "^@", "|",
    "|&>", "|/", "|>>", "||", "||/", "~", "~*", "~<=~", "~<~", "~=", "~>=~", "~>~", "~~", "~~*",
];

/// Words of PostgreSQL that cannot name a table or a column, beside those that no dialect allows. Sorted. Left out are those
/// which the parser keeps as names where they are grammar (`ARRAY`, `DEFAULT`).
const POSTGRES_RESERVED: &[&str] = &[
    "analyse",
    "analyze",
    "asc",
    "both",
    "cast",
    "check",
    "collate",
    "column",
    "concurrently",
    "constraint",
    "cross",
    "deferrable",
    "desc",
    "do",
    "end",
    "except",
    "fetch",
    "for",
    "foreign",
    "full",
    "grant",
    "ilike",
    "initially",
    "inner",
    "intersect",
    "isnull",
    "lateral",
    "leading",
    "like",
    "natural",
    "notnull",
    "offset",
    "only",
    "outer",
    "placing",
    "primary",
    "references",
    "returning",
    "similar",
    "symmetric",
    "tablesample",
    "trailing",
    "unique",
    "variadic",
    "verbose",
    "window",
    "with",
];

/// Words of MySQL's that the parser takes for names where it does not expect them.
const MYSQL_RESERVED: &[&str] = &["delayed", "high_priority", "ignore", "low_priority"];

/// Whether an unquoted `word` that the parser took for a name shows that it has misread the text.
pub(super) fn is_misread(dialect: Dialect, word: &str) -> bool {
    // MySQL has functions of these names.
    let function = dialect == Dialect::MySql
        && (word.eq_ignore_ascii_case("values") || word.eq_ignore_ascii_case("insert"));
    !function && is_reserved(dialect, word)
}

/// Whether an unquoted `word` cannot be a name.
pub(super) fn is_reserved(dialect: Dialect, word: &str) -> bool {
    let mut lower = [0_u8; 13];
    let Some(lower) = lower.get_mut(..word.len()) else {
        return false;
    };
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    let holds = |words: &[&str]| {
        words
            .binary_search_by(|known| known.as_bytes().cmp(lower))
            .is_ok()
    };
    let own = match dialect {
        Dialect::Postgres => POSTGRES_RESERVED,
        Dialect::MySql => MYSQL_RESERVED,
        Dialect::Sqlite => &[],
    };
    holds(RESERVED) || holds(own)
}

/// Whether an operator, or the run of operators that stand together without a space, comes with PostgreSQL.
pub(super) fn is_postgres_operator(run: &str) -> bool {
    // `a=-1` is two operators: one ends in a sign only if one of these is in it (PostgreSQL 17, section 4.1.3).
    let signed = run.contains(['~', '!', '@', '#', '%', '^', '&', '|', '`', '?']);
    let symbol = if signed || run.len() == 1 {
        run
    } else {
        run[1..].trim_end_matches(['+', '-'])
    };
    let symbol = if signed || run.len() == 1 {
        symbol
    } else {
        &run[..=symbol.len()]
    };
    POSTGRES_OPERATORS.binary_search(&symbol).is_ok() || matches!(symbol, "!=" | ":=" | "=>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted() {
        assert!(POSTGRES_OPERATORS.is_sorted());
        assert!(POSTGRES_RESERVED.is_sorted());
        assert!(POSTGRES_RESERVED.iter().all(|word| word.len() <= 12));
    }

    #[test]
    fn a_run_of_operators_is_cut_as_postgres_cuts_it() {
        for run in [
            "=-", "*", "-", "<>-+", "->>", "@>", "||-", "!=", "@-@", "+-",
        ] {
            assert_eq!(is_postgres_operator(run), run != "||-", "{run}");
        }
        for run in ["<=>", "@#@", "=@", "&&&", "==", "<~>"] {
            assert!(!is_postgres_operator(run), "{run}");
        }
    }

    #[test]
    fn a_literal_asks_for_the_time_also_beside_a_time_and_a_zone() {
        for text in [
            "now",
            " NOW ",
            "today 12:00",
            "Tomorrow04:05 UTC",
            "12:00 yesterday",
        ] {
            assert!(clock_literal(text).is_some(), "{text}");
        }
        for text in ["know", "nowhere", "2024-01-01", ""] {
            assert_eq!(clock_literal(text), None, "{text}");
        }
    }
}
