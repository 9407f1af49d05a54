//! Tables of cases: one line a rule. See `cases/README.md` for how to read them.

use cachedpool::sql::{Dialect, Facts, Functions, Relation, Step, Writes, analyse};

fn check_facts(dialect: Dialect, file: &str, functions: &Functions) {
    check(file, |sql| described(&analyse(dialect, sql, functions)));
}

/// Compares what is `found` for each text of a table with what stands before it.
pub(crate) fn check(file: &str, found: impl Fn(&str) -> String) {
    table(file, |expected, sql| (expected.to_owned(), found(sql)));
}

/// Compares each line of `file`, `what is expected | SQL`: `judge` gives what is expected and what was found.
pub(super) fn table(file: &str, judge: impl Fn(&str, &str) -> (String, String)) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in file
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (expected, sql) = line.split_once(" | ").expect("a line is `facts | SQL`");
        let expected = expected
            .split_ascii_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let sql = sql.replace("\\n", "\n");
        let (expected, found) = judge(&expected, &sql);
        if found != expected {
            wrong.push(format!("{sql}\n  expected {expected}\n  found    {found}"));
        }
        count += 1;
    }
    assert!(count > 0);
    assert!(
        wrong.is_empty(),
        "{} of {count} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

fn described(facts: &Facts) -> String {
    let kind = format!("{:?}", facts.kind).to_lowercase();
    let verdict = facts.refusal.as_ref().map_or("ok", |reason| reason.label());
    let everything = if facts.writes == Writes::Everything {
        "*"
    } else {
        ""
    };
    format!(
        "{kind} {} {everything}{} {verdict} {}",
        list(&facts.reads),
        list(&facts.named_writes),
        steps(facts)
    )
}

pub(super) fn steps(facts: &Facts) -> String {
    match &facts.steps[..] {
        [] => "-".to_owned(),
        some => some.iter().map(step).collect::<Vec<_>>().join(","),
    }
}

pub(super) fn list(relations: &[Relation]) -> String {
    match relations {
        [] => "-".to_owned(),
        _ => relations
            .iter()
            .map(Relation::to_string)
            .collect::<Vec<_>>()
            .join(","),
    }
}

fn step(step: &Step) -> String {
    match step {
        Step::Write(_) => "write".to_owned(),
        Step::CommittingWrite(_) => "committing-write".to_owned(),
        Step::Begin => "begin".to_owned(),
        Step::Commit { chain: false } => "commit".to_owned(),
        Step::Commit { chain: true } => "commit-chain".to_owned(),
        Step::Rollback { chain: false } => "rollback".to_owned(),
        Step::Rollback { chain: true } => "rollback-chain".to_owned(),
        Step::Savepoint(name) => format!("savepoint:{name}"),
        Step::RollbackTo(name) => format!("to:{name}"),
        Step::Release(name) => format!("release:{name}"),
        Step::UnknownTransaction => "unknown".to_owned(),
        Step::Session => "session".to_owned(),
        Step::PerhapsSession => "perhaps-session".to_owned(),
        other => panic!("a step without a name: {other:?}"),
    }
}

#[test]
fn postgres_texts_have_their_facts() {
    check_facts(
        Dialect::Postgres,
        include_str!("cases/postgres.txt"),
        &Functions::new(),
    );
}

#[test]
fn mysql_texts_have_their_facts() {
    check_facts(
        Dialect::MySql,
        include_str!("cases/mysql.txt"),
        &Functions::new(),
    );
}

#[test]
fn sqlite_texts_have_their_facts() {
    check_facts(
        Dialect::Sqlite,
        include_str!("cases/sqlite.txt"),
        &Functions::new(),
    );
}

#[test]
fn declared_functions_count() {
    let functions = Functions::new()
        .assume_pure("slug")
        .assume_pure("\"Odd\"")
        .declare("app.balance", ["accounts", "app.rates"], [""; 0])
        .declare("touch", ["clock"], ["visits"]);
    check_facts(
        Dialect::Postgres,
        include_str!("cases/declared.txt"),
        &functions,
    );
}

#[test]
fn reasons_show_no_literal() {
    let texts = [
        "SELECT * FROM t WHERE d = 'today secret'",
        "SELECT f('secret') FROM t",
        "SELECT * FROM t WHERE x = 'secret' FOR UPDATE",
        "SELEKT 'secret'",
        "SELECT * FROM t WHERE a @#@ 'secret'",
        "SELECT E'\\x6eow secret' FROM t",
    ];
    for text in texts {
        let reason = analyse(Dialect::Postgres, text, &Functions::new())
            .refusal
            .expect("none of them is cacheable");
        assert!(
            !format!("{reason} {reason:?}").contains("secret"),
            "{reason:?}"
        );
    }
}

#[test]
fn hints_come_from_comments_and_not_from_literals() {
    let functions = Functions::new();
    let text =
        "SELECT '/* cachedpool: off */', * FROM t -- cachedpool: ttl=5s\n /* traceparent='00-1' */";
    let facts = analyse(Dialect::Postgres, text, &functions);
    assert_eq!(facts.refusal, None);
    assert_eq!(facts.hints.ttl, Some(std::time::Duration::from_secs(5)));
    let off = analyse(
        Dialect::Sqlite,
        "/* cachedpool: off tags=a,b */ SELECT * FROM t",
        &functions,
    );
    assert_eq!(off.refusal.map(|reason| reason.label()), Some("hint_off"));
    assert_eq!(off.hints.tags.len(), 2);
}

#[test]
fn a_long_name_is_the_table_that_postgres_cuts_it_to() {
    let long = "t".repeat(70);
    let facts = analyse(
        Dialect::Postgres,
        &format!("SELECT * FROM {long}"),
        &Functions::new(),
    );
    assert_eq!(&*facts.reads[0].name, "t".repeat(63));
}

#[test]
fn temporary_tables_are_named() {
    let names = |dialect, sql| list(&analyse(dialect, sql, &Functions::new()).temporary);
    assert_eq!(names(Dialect::Postgres, "CREATE TEMP TABLE x (a int)"), "x");
    assert_eq!(names(Dialect::Postgres, "SELECT * INTO TEMP x FROM y"), "x");
    assert_eq!(
        names(Dialect::Postgres, "CREATE TABLE pg_temp.x (a int)"),
        "pg_temp.x"
    );
    assert_eq!(
        names(Dialect::MySql, "CREATE TEMPORARY TABLE x SELECT * FROM y"),
        "x"
    );
    assert_eq!(
        names(Dialect::Sqlite, "CREATE TEMP VIEW x AS SELECT 1"),
        "x"
    );
    assert_eq!(names(Dialect::Sqlite, "CREATE TABLE temp.x (a)"), "temp.x");
}
