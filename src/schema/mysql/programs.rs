//! Code that the database keeps: triggers, functions, procedures.
//!
//! A body is only handed on if it can be seen and means what it would mean in a statement of the default SQL mode.

use std::collections::BTreeMap;

use super::{
    grants::Grants,
    listing::{PARAMETERS, ROUTINES, TRIGGERS},
    relation,
};
use crate::{
    schema::{
        CatalogReader, LoadError,
        catalog::{Hook, HookKind, Program, Routine, Timing, Volatility},
        reader::ask,
    },
    sql::{Language, Ops, Relation, defaults},
};

/// Triggers.
pub(super) async fn triggers<R: CatalogReader>(
    reader: &mut R,
) -> Result<Vec<Hook>, LoadError<R::Error>> {
    let rows = TRIGGERS.rows(reader).await?;
    Ok(rows
        .into_iter()
        .map(|[name, timing, events, database, table, body, mode]| Hook {
            name: name.into(),
            kind: HookKind::Trigger,
            relation: relation(&database, &table),
            ops: ops(&events),
            timing: match &*timing {
                "AFTER" => Timing::After,
                _ => Timing::Before,
            },
            program: match readable(body, &mode) {
                Ok(body) => Program::Text(Language::StoredProgram, body),
                Err(why) => Program::Unknown(why),
            },
        })
        .collect())
}

/// The changes at which a trigger runs: one, or on MariaDB 12 several.
fn ops(events: &str) -> Ops {
    [
        ("INSERT", Ops::INSERT),
        ("UPDATE", Ops::UPDATE),
        ("DELETE", Ops::DELETE),
    ]
    .into_iter()
    .filter(|(event, _)| events.contains(event))
    .fold(Ops::NONE, |all, (_, op)| all.and(op))
}

/// A body, if it is to be seen and reads as a text of the default `sql_mode` does.
fn readable(body: String, mode: &str) -> Result<String, Box<str>> {
    let foreign = ["ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ORACLE"]
        .into_iter()
        .find(|foreign| mode.split(',').any(|part| part == *foreign));
    match foreign {
        _ if body.is_empty() => Err("its body may not be seen".into()),
        Some(foreign) => Err(format!("it is written in the SQL mode {foreign}").into()),
        None => Ok(body),
    }
}

/// A write to a table whose rows are elsewhere: in tables that the catalog does not name.
pub(super) fn elsewhere(table: &Relation, engine: &str) -> Hook {
    Hook {
        name: format!("ENGINE {engine}").into(),
        kind: HookKind::Trigger,
        relation: table.clone(),
        ops: Ops::ALL,
        timing: Timing::Before,
        program: Program::Unknown("its rows are in tables that the catalog does not name".into()),
    }
}

/// Functions and procedures.
pub(super) async fn routines<R: CatalogReader>(
    reader: &mut R,
    grants: &Grants,
) -> Result<Vec<Routine>, LoadError<R::Error>> {
    let rows = ROUTINES.rows(reader).await?;
    let created = created(reader, grants).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let key = [row[0].clone(), row[1].clone(), row[2].clone()];
            let mut routine = routine(row);
            if let Some(create) = created.get(&key) {
                routine.body = routine.body.and_then(|body| with_defaults(body, create));
            }
            routine
        })
        .collect())
}

/// The texts of CREATE of the routines that have parameters, where these can have defaults: `information_schema` does not
/// show them. By database, name and kind; an empty text may not be seen.
pub(super) async fn created<R: CatalogReader>(
    reader: &mut R,
    grants: &Grants,
) -> Result<BTreeMap<[String; 3], String>, LoadError<R::Error>> {
    let mut created = BTreeMap::new();
    if !grants.has_defaults() {
        return Ok(created);
    }
    for [database, name, kind] in PARAMETERS.rows(reader).await? {
        if !matches!(&*kind, "FUNCTION" | "PROCEDURE") {
            continue;
        }
        let quoted = |name: &str| name.replace('`', "``");
        let query = format!(
            "SHOW CREATE {kind} `{}`.`{}`",
            quoted(&database),
            quoted(&name)
        );
        // The server says of a routine that has just been dropped what it says of one that may not be seen at all. In both
        // cases nothing is known of it; a connection that is lost fails the next question too.
        let rows = ask(reader, query).await.unwrap_or_default();
        let create = rows
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().nth(2));
        let create = create.flatten().unwrap_or_default();
        created.insert([database, name, kind], create);
    }
    Ok(created)
}

/// A body that computes the defaults of the parameters first.
fn with_defaults(
    (language, body): (Language, String),
    create: &str,
) -> Result<(Language, String), Box<str>> {
    let defaults = defaults(create).ok_or("the defaults of its parameters cannot be read")?;
    if defaults.is_empty() {
        return Ok((language, body));
    }
    let computed: Vec<String> = defaults
        .iter()
        .map(|default| format!("DO {default};"))
        .collect();
    Ok((
        language,
        format!("BEGIN {} {body}\n; END", computed.join(" ")),
    ))
}

fn routine(row: [String; 8]) -> Routine {
    let [
        database,
        name,
        kind,
        body,
        definition,
        deterministic,
        access,
        mode,
    ] = row;
    // The server believes these words and checks none, so a function that is called DETERMINISTIC and CONTAINS SQL, which
    // is what it is called by default, may well read tables. Hence never `Immutable`: its body is looked at.
    let volatility = match (&*kind, &*deterministic, &*access) {
        ("FUNCTION", "YES", "CONTAINS SQL" | "NO SQL" | "READS SQL DATA") => Volatility::Stable,
        _ => Volatility::Volatile,
    };
    let body = match (&*kind, &*body) {
        ("FUNCTION" | "PROCEDURE", "SQL") if definition.is_empty() => Err(
            "its body may not be seen: that takes SHOW CREATE ROUTINE (MariaDB), SHOW_ROUTINE (MySQL) \
             or SELECT ON mysql.proc (old MariaDB)"
                .into(),
        ),
        ("FUNCTION" | "PROCEDURE", "SQL") => {
            readable(definition, &mode).map(|body| (Language::StoredProgram, body))
        }
        ("FUNCTION" | "PROCEDURE", language) => {
            Err(format!("it is written in the language {language}").into())
        }
        (kind, _) => Err(format!("it is a {kind}").into()),
    };
    Routine {
        name: relation(&database, &name),
        volatility,
        body,
        of_rows: false,
        packaged: false,
        harmless: false,
    }
}
