//! The corpus: what PostgreSQL's own grammar says about its own test suite.

use std::{collections::HashSet, fs, path::PathBuf};

use cachedpool::sql::{Dialect, Explanation, Reason, Relation, explain};
use serde_json::Value;

struct Case {
    sql: String,
    kind: String,
    reads: HashSet<String>,
    writes: HashSet<String>,
    functions: Vec<String>,
    locks: bool,
    found: Explanation,
}

fn file(name: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/facts/corpus", name]
        .iter()
        .collect();
    fs::read_to_string(path).expect("the corpus stands beside the test")
}

fn corpus() -> Vec<Case> {
    let strings = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .expect("a list")
            .iter()
            .map(|name| name.as_str().expect("a name").to_owned())
            .collect()
    };
    file("postgres_regress_facts.jsonl")
        .lines()
        .map(|line| {
            let case: Value = serde_json::from_str(line).expect("a JSON object a line");
            let sql = case["sql"].as_str().expect("a text").to_owned();
            Case {
                found: explain(Dialect::Postgres, &sql),
                sql,
                kind: case["kind"].as_str().expect("a kind").to_owned(),
                reads: strings(&case["reads"]).into_iter().collect(),
                writes: strings(&case["writes"]).into_iter().collect(),
                functions: strings(&case["functions"]),
                locks: case["locks"].as_bool().expect("a truth value"),
            }
        })
        .collect()
}

fn names(relations: &[Relation]) -> HashSet<String> {
    relations.iter().map(Relation::to_string).collect()
}

/// A SELECT that names ordinary relations only, takes no lock and calls immutable built-in functions only.
fn ought_to_be_cacheable(case: &Case, immutable: &HashSet<&str>) -> bool {
    let ordinary =
        |name: &String| !name.starts_with("pg_") && !name.starts_with("information_schema.");
    let built_in =
        |name: &String| immutable.contains(name.strip_prefix("pg_catalog.").unwrap_or(name));
    let lower = case.sql.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let system_column =
        words.any(|word| ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"].contains(&word));
    case.kind == "Select"
        && !case.locks
        && case.writes.is_empty()
        && !case.reads.is_empty()
        && case.reads.iter().all(ordinary)
        && case.functions.iter().all(built_in)
        && !system_column
}

fn share(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole as f64
}

#[test]
fn the_facts_agree_with_the_grammar_of_postgres() {
    let immutable = file("postgres_immutable.txt");
    let immutable: HashSet<&str> = immutable.split_ascii_whitespace().collect();
    let cases = corpus();
    let mut missing_writes = Vec::new();
    let mut missing_reads = Vec::new();
    let (mut cacheable, mut parsed, mut extra, mut eligible, mut eligible_cacheable) =
        (0, 0, 0, 0, 0);
    for case in &cases {
        let (reads, writes) = (names(&case.found.reads), names(&case.found.writes));
        if !case.found.everything && !case.writes.is_subset(&writes) {
            missing_writes.push(&case.sql);
        }
        if case.found.cacheable {
            cacheable += 1;
            if !case.reads.is_subset(&reads) {
                missing_reads.push(&case.sql);
            }
        }
        if case.found.reason != Some(Reason::Unparsed) {
            parsed += 1;
            extra += usize::from(!reads.is_subset(&case.reads) || !writes.is_subset(&case.writes));
        }
        if ought_to_be_cacheable(case, &immutable) {
            eligible += 1;
            eligible_cacheable += usize::from(case.found.cacheable);
        }
    }
    figure!("statements                          {}", cases.len());
    figure!(
        "a target missing from the writes    {}",
        missing_writes.len()
    );
    figure!("called cacheable                    {cacheable}");
    figure!(
        "  a table missing from the reads    {}",
        missing_reads.len()
    );
    figure!("ought to be cacheable               {eligible}");
    figure!(
        "  called cacheable                  {eligible_cacheable} ({:.1} %)",
        share(eligible_cacheable, eligible)
    );
    figure!("understood                          {parsed}");
    figure!(
        "  tables that are not named there   {extra} ({:.2} %)",
        share(extra, parsed)
    );
    assert_eq!(cases.len(), 11_149);
    assert!(missing_writes.is_empty(), "{missing_writes:#?}");
    assert!(missing_reads.is_empty(), "{missing_reads:#?}");
    assert!(share(eligible_cacheable, eligible) >= 93.0);
    assert!(share(extra, parsed) <= 1.0);
}

#[test]
fn nothing_of_the_corpus_is_cacheable_that_writes_or_locks() {
    for case in corpus() {
        if case.found.cacheable {
            assert!(
                case.kind == "Select" && !case.locks && case.writes.is_empty(),
                "{}",
                case.sql
            );
        }
    }
}
