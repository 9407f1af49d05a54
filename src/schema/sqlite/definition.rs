//! What the texts in `sqlite_schema` say that no pragma does.

use crate::{
    schema::catalog::Timing,
    sql::{Dialect, Ops, Word, outline},
};

/// Modules whose virtual tables write tables of their own alone, which SQLite calls their shadows.
const MODULES: [&str; 8] = [
    "fts3",
    "fts4",
    "fts4aux",
    "fts5",
    "fts5vocab",
    "geopoly",
    "rtree",
    "rtree_i32",
];

/// The query of a `CREATE VIEW`: what follows its AS.
pub(super) fn view_query(sql: &str) -> Option<&str> {
    let words = outline(Dialect::Sqlite, sql);
    let word = words.iter().find(|word| word.is("as"))?;
    Some(word.rest)
}

/// The changes at which triggers run.
const EVENTS: [(&str, Ops); 3] = [
    ("insert", Ops::INSERT),
    ("update", Ops::UPDATE),
    ("delete", Ops::DELETE),
];

/// The change at which a `CREATE TRIGGER` runs. A trigger that has such a name has it in quotes.
pub(super) fn trigger_ops(sql: &str) -> Ops {
    outline(Dialect::Sqlite, sql)
        .iter()
        .find_map(|word| EVENTS.iter().find(|(event, _)| word.is(event)))
        .map_or(Ops::ALL, |(_, ops)| *ops)
}

/// Whether a `CREATE TRIGGER` says AFTER; else it is BEFORE, as where nothing is said, or INSTEAD OF.
pub(super) fn trigger_timing(sql: &str) -> Timing {
    let words = outline(Dialect::Sqlite, sql);
    let event = words
        .iter()
        .position(|word| EVENTS.iter().any(|(event, _)| word.is(event)));
    match words.get(..event.unwrap_or_default()) {
        Some([.., before, after]) if after.is("after") && is_behind_name(before, after) => {
            Timing::After
        }
        _ => Timing::Before,
    }
}

/// Whether the name of a trigger stands before `after`, which can be its name itself (`CREATE TRIGGER after DELETE …`).
fn is_behind_name(before: &Word<'_>, after: &Word<'_>) -> bool {
    let behind = after.text.len() + after.rest.len();
    let between = &before.rest[..before.rest.len() - behind];
    if before.is("trigger") || before.is("exists") {
        // A name in quotes is no word.
        between.trim_end().ends_with(['"', '\'', '`', ']'])
    } else {
        between.trim().is_empty()
    }
}

/// Why a write to a virtual table can write anything; `None` if its module is known.
pub(super) fn unknown_module(sql: &str) -> Option<Box<str>> {
    let words = outline(Dialect::Sqlite, sql);
    let module = words.windows(2).find(|pair| pair[0].is("using"));
    match module {
        Some([_, module]) if MODULES.iter().any(|known| module.is(known)) => None,
        Some([_, module]) => {
            Some(format!("what the module {} writes is not known", module.text).into())
        }
        _ => Some("its module is not known".into()),
    }
}

/// Whether `word`, in upper case, stands anywhere in a text, if only in a name.
pub(super) fn mentions(sql: &str, word: &str) -> bool {
    sql.to_ascii_uppercase().contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_its_query_behind_names_comments_and_columns() {
        for (sql, query) in [
            ("CREATE VIEW v AS SELECT 1", Some(" SELECT 1")),
            (
                "CREATE VIEW \"my as\"(x, \"as\")as\nselect 1 as a",
                Some("\nselect 1 as a"),
            ),
            (
                "CREATE VIEW [as] /* as */ -- as\n AS VALUES (1)",
                Some(" VALUES (1)"),
            ),
            (
                "CREATE VIEW 'as' AS WITH a AS (SELECT 1) SELECT * FROM a",
                Some(" WITH a AS (SELECT 1) SELECT * FROM a"),
            ),
            ("CREATE VIEW v", None),
        ] {
            assert_eq!(view_query(sql), query, "{sql}");
        }
    }

    #[test]
    fn a_trigger_runs_at_the_event_of_its_head() {
        for (sql, ops) in [
            (
                "CREATE TRIGGER t BEFORE DELETE ON a BEGIN INSERT INTO b VALUES (1); END",
                Ops::DELETE,
            ),
            (
                "CREATE TRIGGER \"insert\" after update of org on a begin delete from b; end",
                Ops::UPDATE,
            ),
            (
                "CREATE TRIGGER [update] INSTEAD OF /* delete */ insert ON v BEGIN SELECT 1; END",
                Ops::INSERT,
            ),
            (
                "CREATE TRIGGER t INSERT ON a BEGIN DELETE FROM b; END",
                Ops::INSERT,
            ),
            ("CREATE TRIGGER t 'unterminated", Ops::ALL),
        ] {
            assert_eq!(trigger_ops(sql), ops, "{sql}");
        }
    }

    #[test]
    fn a_trigger_runs_before_unless_it_says_after_behind_its_name() {
        for (head, timing) in [
            ("t AFTER", Timing::After),
            ("\"t\" after", Timing::After),
            ("[a b]after", Timing::After),
            ("before AFTER", Timing::After),
            ("t", Timing::Before),
            ("t BEFORE", Timing::Before),
            ("t INSTEAD OF", Timing::Before),
            ("after", Timing::Before),
            ("/* x */ after", Timing::Before),
            ("main.after", Timing::Before),
            ("main /* x */ . after", Timing::Before),
            ("\"main\".after", Timing::Before),
            ("IF NOT EXISTS after", Timing::Before),
        ] {
            let sql = format!("CREATE TRIGGER {head} INSERT ON a BEGIN SELECT 1; END");
            assert_eq!(trigger_timing(&sql), timing, "{sql}");
        }
    }

    #[test]
    fn only_known_modules_write_nothing_else() {
        assert_eq!(
            unknown_module("CREATE VIRTUAL TABLE ft USING FTS5(a, content='b')"),
            None
        );
        assert_eq!(
            unknown_module("CREATE VIRTUAL TABLE \"using\" USING rtree(id, x0, x1)"),
            None
        );
        assert!(unknown_module("CREATE VIRTUAL TABLE t USING mine").is_some());
        assert!(unknown_module("CREATE VIRTUAL TABLE t USING \"fts5\"(a)").is_some());
    }
}
