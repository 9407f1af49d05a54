//! What bodies of routines, triggers and rules can do.

use cachedpool::sql::{Body, Dialect, Functions, Language, Relation, body};

use super::{
    actions::action,
    cases::{list, table},
};

fn language(name: &str) -> (Dialect, Language) {
    match name {
        "plpgsql" => (Dialect::Postgres, Language::PlPgSql),
        "sql" => (Dialect::Postgres, Language::Sql),
        "rule" => (Dialect::Postgres, Language::Rule),
        "stored" => (Dialect::MySql, Language::StoredProgram),
        "view" => (Dialect::MySql, Language::Sql),
        "trigger" => (Dialect::Sqlite, Language::SqliteTrigger),
        other => panic!("no language: {other}"),
    }
}

/// Its actions, its calls, those of `mentions` that it mentions, and `!` for unknown, `~` for a changed session, and the verdict.
fn described(body: &Body, mentions: &str) -> String {
    let actions: Vec<String> = body.actions.iter().map(action).collect();
    let actions = match &actions[..] {
        [] => "-".to_owned(),
        some => some.join(","),
    };
    let mentioned = |name: &&str| {
        let relation = match name.rsplit_once('.') {
            Some((schema, name)) => Relation {
                schema: Some(schema.into()),
                name: name.into(),
            },
            None => Relation {
                schema: None,
                name: (*name).into(),
            },
        };
        **name == *"-" || body.mentions.contains(&relation)
    };
    let mentions: Vec<&str> = mentions.split(',').filter(mentioned).collect();
    let unknown = if body.unknown.is_some() { "!" } else { "" };
    let session = if body.changes_session { "~" } else { "" };
    let verdict = body.refusal.as_ref().map_or("ok", |reason| reason.label());
    let (calls, mentions) = (list(&body.calls), mentions.join(","));
    format!("{actions} {calls} {mentions} {unknown}{session}{verdict}")
}

#[test]
fn bodies_have_their_effects() {
    let functions = Functions::new().declare("declared", ["a"], ["b"]);
    table(include_str!("cases/bodies.txt"), |expected, text| {
        let fields: Vec<&str> = expected.split(' ').collect();
        let [name, _, _, mentions, _] = fields[..] else {
            panic!("not five fields: {expected}")
        };
        let (dialect, language) = language(name);
        let body = body(dialect, language, text, &functions);
        (
            expected.to_owned(),
            format!("{name} {}", described(&body, mentions)),
        )
    });
}
