//! What holds for any text, whatever is in it.

use std::thread;

use cachedpool::sql::{Dialect, Facts, Functions, Relation, Writes, analyse};
use proptest::{prelude::*, sample::select};

const DIALECTS: [Dialect; 3] = [Dialect::Postgres, Dialect::MySql, Dialect::Sqlite];

fn facts(dialect: Dialect, sql: &str) -> Facts {
    analyse(dialect, sql, &Functions::new())
}

/// Words and marks that mean something in some place.
pub(super) fn soup() -> impl Strategy<Value = Vec<&'static str>> {
    let pieces = vec![
        "select",
        "SELECT",
        "*",
        "from",
        "users",
        "Orders",
        "\"Quoted\"",
        "where",
        "a",
        "=",
        "1",
        "'text'",
        "'it''s'",
        "(",
        ")",
        ",",
        ".",
        ";",
        "insert",
        "into",
        "values",
        "update",
        "set",
        "delete",
        "with",
        "as",
        "union",
        "all",
        "join",
        "on",
        "only",
        "table",
        "now()",
        "f(x)",
        "$1",
        "?",
        ":a",
        "@x",
        "::",
        "[",
        "]",
        "-",
        "--",
        "/*",
        "*/",
        "/*!50000",
        "$$",
        "'",
        "\"",
        "`",
        "E'\\''",
        "case",
        "when",
        "end",
        "begin",
        "commit",
        "rollback",
        "to",
        "savepoint",
        "s",
        "create",
        "drop",
        "temp",
        "explain",
        "analyze",
        "for",
        "share",
        "limit",
        "5",
        "1.5e3",
        "#",
        "\\",
        "%",
        "->>",
        "{",
        "é",
        "x'41'",
        "cast",
        "like",
        "null",
        "not",
        "in",
        "exists",
    ];
    prop::collection::vec(select(pieces), 0..40)
}

/// Texts that the servers accept, in pieces between which any space can stand.
fn sentences() -> impl Strategy<Value = &'static [&'static str]> {
    select(vec![
        &[
            "select", "a", ",", "b", "from", "users", "where", "id", "=", "$1", "order", "by", "a",
        ][..],
        &[
            "with", "t", "as", "(", "select", "*", "from", "t", ")", "select", "*", "from", "t",
            "join", "u", "on", "t.a", "=", "u.a",
        ],
        &[
            "insert",
            "into",
            "s.t",
            "(",
            "a",
            ")",
            "select",
            "x",
            "from",
            "v",
            "where",
            "y",
            "<",
            "'it''s -- /* no comment'",
        ],
        &[
            "update", "t", "set", "a", "=", "(", "select", "max", "(", "b", ")", "from", "u", ")",
        ],
        &[
            "delete", "from", "t", "where", "a", "in", "(", "1", ",", "2", ")",
        ],
        &[
            "select", "count", "(", "*", ")", "from", "a", ",", "b", "where", "a.x", "=", "b.x",
        ],
        &["begin"],
        &["rollback", "to", "savepoint", "x"],
        &["drop", "table", "if", "exists", "a", ",", "b"],
    ])
}

fn same(one: &Facts, other: &Facts) -> bool {
    (
        one.kind,
        &one.reads,
        &one.writes,
        &one.actions,
        &one.calls,
        &one.refusal,
        &one.steps,
        &one.normal,
    ) == (
        other.kind,
        &other.reads,
        &other.writes,
        &other.actions,
        &other.calls,
        &other.refusal,
        &other.steps,
        &other.normal,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_text_makes_it_panic(sql in "\\PC{0,200}") {
        for dialect in DIALECTS {
            let _ = facts(dialect, &sql);
        }
    }

    #[test]
    fn no_soup_makes_it_panic_and_the_normal_form_is_its_own(pieces in soup(), gap in select(vec!["", " ", "\n"])) {
        let sql = pieces.join(gap);
        for dialect in DIALECTS {
            let once = facts(dialect, &sql);
            let twice = facts(dialect, &once.normal);
            prop_assert_eq!(&once.normal, &twice.normal, "{:?}", dialect);
            prop_assert!(same(&once, &twice), "{:?}: {:?} {:?}", dialect, once, twice);
        }
    }

    #[test]
    fn space_and_comments_change_no_fact(
        pieces in sentences(),
        gaps in prop::collection::vec(select(vec![" ", "  ", "\n", "\t", "/* trace=7 */", " /* a ; b ' */ ", " -- x ' \n"]), 64),
    ) {
        for dialect in DIALECTS {
            let plain = facts(dialect, &pieces.join(" "));
            let spaced: String = pieces.iter().zip(&gaps).flat_map(|(piece, gap)| [*gap, *piece]).collect();
            let spaced = facts(dialect, &spaced);
            prop_assert!(same(&plain, &spaced), "{:?} {:?}", plain, spaced);
        }
    }

    #[test]
    fn case_changes_no_fact_in_postgres(pieces in sentences(), upper in any::<u64>()) {
        let fold = |(at, piece): (usize, &&str)| match (piece.starts_with('\''), upper >> (at % 64) & 1) {
            (false, 1) => piece.to_ascii_uppercase(),
            _ => (*piece).to_owned(),
        };
        let mixed: Vec<String> = pieces.iter().enumerate().map(fold).collect();
        let (plain, mixed) = (facts(Dialect::Postgres, &pieces.join(" ")), facts(Dialect::Postgres, &mixed.join(" ")));
        prop_assert!(same(&plain, &mixed), "{:?} {:?}", plain, mixed);
    }

    /// Whatever follows or precedes it, a target that is spelled is written.
    #[test]
    fn a_write_is_never_lost_in_soup(mut before in soup(), after in soup()) {
        // What opens a string, a name or a comment would swallow the statement behind it.
        let opens = |piece: &&str| ["'", "\"", "`", "$", "/*", "--", "#", "["].iter().any(|mark| piece.contains(mark));
        before.retain(|piece| !opens(piece));
        for dialect in DIALECTS {
            let sql = format!("{} ; delete from precious where 1 = 1 {}", before.join(" "), after.join(" "));
            let found = facts(dialect, &sql);
            let written = match &found.writes {
                Writes::Everything => true,
                Writes::Relations(relations) => relations.contains(&Relation::named("precious")),
            };
            prop_assert!(written, "{:?}: {} {:?}", dialect, sql, found);
            prop_assert!(found.refusal.is_some());
        }
    }
}

#[test]
fn deep_texts_do_not_overflow_a_small_stack() {
    let deep = |open: &str, close: &str, count: usize| {
        format!(
            "select {}1{} from t",
            open.repeat(count),
            close.repeat(count)
        )
    };
    let mut texts = Vec::new();
    for count in [30, 64, 1_000, 20_000] {
        texts.extend([
            deep("(", ")", count),
            deep("(select ", ")", count),
            deep("lower(", ")", count),
            deep("array[", "]", count),
            deep("case when a then ", " end", count),
            deep("not ", "", count),
            deep("- ", "", count),
            deep("", " + 1", count),
            deep("", "::int", count),
            deep("", " and true", count),
            format!("select * from t{}", " join u".repeat(count)),
            format!(
                "select * from {}t{}",
                "(select * from ".repeat(count),
                ") x".repeat(count)
            ),
            vec!["select 1"; count].join(" union all "),
            format!("{}select 1", "explain ".repeat(count)),
        ]);
    }
    let worker = thread::Builder::new().stack_size(1 << 20).spawn(move || {
        for (dialect, text) in DIALECTS
            .into_iter()
            .flat_map(|dialect| texts.iter().map(move |text| (dialect, text)))
        {
            let _ = facts(dialect, text);
        }
    });
    worker
        .expect("a thread can be started")
        .join()
        .expect("no text overflows the stack");
}
