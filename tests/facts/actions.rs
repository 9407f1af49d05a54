//! What is done to each target and what is called, where somebody else judges unknown functions.

use cachedpool::sql::{Action, Dialect, Facts, Functions, Ops, analyse};

use super::cases::{list, steps, table};

fn described(facts: &Facts) -> String {
    let actions = facts.actions.iter().map(action).collect::<Vec<_>>();
    let actions = match &actions[..] {
        [] => "-".to_owned(),
        some => some.join(","),
    };
    let kind = format!("{:?}", facts.kind).to_lowercase();
    let verdict = facts.refusal.as_ref().map_or("ok", |reason| reason.label());
    let (calls, steps) = (list(&facts.calls), steps(facts));
    format!("{actions} {calls} {kind} {verdict} {steps}")
}

pub(super) fn action(Action { relation, ops }: &Action) -> String {
    if *ops == Ops::ALL {
        return format!("{relation}:all");
    }
    let ways = [
        (Ops::INSERT, "insert"),
        (Ops::UPDATE, "update"),
        (Ops::DELETE, "delete"),
        (Ops::TRUNCATE, "truncate"),
    ];
    let done = ways.into_iter().filter(|(way, _)| ops.holds(*way));
    let names: Vec<&str> = done.map(|(_, name)| name).collect();
    format!("{relation}:{}", names.join("+"))
}

#[test]
fn targets_have_their_actions_and_calls_are_listed() {
    let functions = Functions::new().judged_elsewhere();
    table(include_str!("cases/actions.txt"), |expected, sql| {
        let (dialect, rest) = expected.split_once(' ').expect("the dialect comes first");
        let dialect = match dialect {
            "postgres" => Dialect::Postgres,
            "mysql" => Dialect::MySql,
            "sqlite" => Dialect::Sqlite,
            other => panic!("no dialect: {other}"),
        };
        let facts = analyse(dialect, sql, &functions);
        for action in &facts.actions {
            assert!(facts.named_writes.contains(&action.relation), "{sql}");
        }
        (rest.to_owned(), described(&facts))
    });
}

#[test]
fn a_declared_procedure_does_what_was_declared() {
    let functions = Functions::new()
        .judged_elsewhere()
        .declare("p", ["a"], ["b"]);
    let facts = analyse(Dialect::Postgres, "CALL p(f(1))", &functions);
    assert_eq!(list(&facts.reads), "a");
    assert_eq!(
        described(&facts),
        "b:all f write not_a_read write,perhaps-session"
    );
    assert_eq!(
        facts.writes,
        cachedpool::sql::Writes::Relations(facts.named_writes.clone())
    );
}

#[test]
fn a_call_that_cannot_be_read_still_writes_everything() {
    let functions = Functions::new().judged_elsewhere();
    for text in [
        "CALL p(query_to_xml('x', true, true, ''))",
        "CALL p(U&\"\\0066\"(1))",
        "CALL p() x",
        "CALL",
    ] {
        let facts = analyse(Dialect::Postgres, text, &functions);
        assert_eq!(facts.writes, cachedpool::sql::Writes::Everything, "{text}");
    }
}
