//! A catalog as lines of text, a fact a line, for tests of the loaders.

use std::fmt::Display;

use super::{
    Catalog, ColumnKind,
    catalog::{
        Column, Definition, Entry, Hook, HookKind, ImpliedCall, Program, RelationKind, Routine,
    },
};

impl Catalog {
    /// Every fact. Those of one kind are in the order in which the loader found them.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("path {}", list(&self.path))];
        lines.extend(self.relations.iter().flat_map(relation));
        lines.extend(self.foreign_keys.iter().map(|key| {
            format!(
                "foreign key {}: {} -> {}({}) delete {:?} update {:?}",
                key.name,
                key.child,
                key.parent,
                list(&key.referenced),
                key.on_delete,
                key.on_update
            )
        }));
        let parents = self.parents.iter();
        lines.extend(parents.map(|(child, parent)| format!("parent of {child}: {parent}")));
        lines.extend(self.hooks.iter().map(hook));
        lines.extend(self.routines.iter().map(routine));
        lines.extend(self.implied.iter().map(implied));
        lines.extend(self.at_ddl.iter().map(|name| format!("at ddl {name}")));
        lines
    }
}

fn relation(entry: &Entry) -> Vec<String> {
    let name = &entry.name;
    let kind = match entry.kind {
        RelationKind::Table => "table",
        RelationKind::View => "view",
        RelationKind::MaterializedView => "materialized view",
        RelationKind::Foreign => "foreign table",
        RelationKind::Sequence => "sequence",
    };
    let mut head = format!("{kind} {name}");
    head += &marks([
        (entry.row_security, "row_security"),
        (entry.unlogged, "unlogged"),
        (entry.replaces, "replaces"),
    ]);
    let mut lines = vec![head];
    lines.extend(entry.columns.iter().map(|c| column(name, c)));
    let keys = entry.keys.iter();
    lines.extend(keys.map(|key| format!("key {name}({})", list(key))));
    lines.extend(entry.definition.iter().map(|d| definition(name, d)));
    lines
}

fn column(relation: &impl Display, column: &Column) -> String {
    let kind = match column.kind {
        ColumnKind::Integer { min, max } => format!("integer {min}..{max}"),
        ColumnKind::Text { max_chars: None } => "text".to_owned(),
        ColumnKind::Text {
            max_chars: Some(max),
        } => format!("text {max}"),
        ColumnKind::PaddedText { max_chars: None } => "padded text".to_owned(),
        ColumnKind::PaddedText {
            max_chars: Some(max),
        } => format!("padded text {max}"),
        ColumnKind::Uuid => "uuid".to_owned(),
        ColumnKind::Bool => "bool".to_owned(),
        ColumnKind::Date => "date".to_owned(),
        ColumnKind::Other => "other".to_owned(),
    };
    let marks = marks([(column.computed, "computed"), (column.numbered, "numbered")]);
    format!("column {relation}.{} {kind}{marks}", column.name)
}

fn definition(relation: &impl Display, definition: &Definition) -> String {
    let mut line = format!("definition {relation}:");
    if let Some(reads) = &definition.reads {
        line += &format!(" reads [{}]", list(reads));
    }
    line += &format!(" calls [{}]", list(&definition.calls));
    if let Some(refusal) = &definition.refusal {
        line += &format!(" refused {refusal:?}");
    }
    match &definition.text {
        Some(text) => line + ": " + &one_line(text),
        None => line + " hidden",
    }
}

fn hook(hook: &Hook) -> String {
    let kind = match hook.kind {
        HookKind::Trigger => "trigger",
        HookKind::Rule => "rule",
        HookKind::Column => "column hook",
    };
    let program = match &hook.program {
        Program::Text(language, text) => format!("{language:?}: {}", one_line(text)),
        Program::Call(functions) => format!("call [{}]", list(functions)),
        Program::Unknown(why) => format!("unknown: {why}"),
    };
    let (name, relation, ops) = (&hook.name, &hook.relation, hook.ops);
    format!("{kind} {name} on {relation} {ops:?} {program}")
}

fn routine(routine: &Routine) -> String {
    let mut line = format!("routine {} {:?}", routine.name, routine.volatility);
    line += &marks([(routine.of_rows, "of_rows"), (routine.harmless, "harmless")]);
    match &routine.body {
        Ok((language, text)) => format!("{line} {language:?}: {}", one_line(text)),
        Err(why) => format!("{line} unreadable: {why}"),
    }
}

fn implied(call: &ImpliedCall) -> String {
    let by = call.operator.as_deref().or(call.type_name.as_deref());
    let operator = by.unwrap_or("anything");
    format!("implied by {operator}: {}", call.function)
}

/// The words of what holds.
fn marks<const N: usize>(marks: [(bool, &str); N]) -> String {
    let held = marks.iter().filter(|(holds, _)| *holds);
    held.map(|(_, word)| format!(" {word}")).collect()
}

fn list(items: &[impl Display]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    items.join(", ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
