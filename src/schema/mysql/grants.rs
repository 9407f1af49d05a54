//! What the account may do, as far as that decides what `information_schema` shows it.
//!
//! Triggers are hidden from an account without the privilege TRIGGER, and foreign keys from one that has nothing but
//! SELECT. A catalog with holes would lose writes, so a load has to know whether the account sees all. Read from SHOW
//! GRANTS, since `information_schema` lists neither the privileges of roles nor those of PUBLIC.
//!
//! In doubt a privilege is taken for missing.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::{
    CatalogReader, LoadError,
    reader::{ask, fields},
};

use super::listing::text;

/// The account's grants, with those of its active roles.
pub(super) struct Grants {
    /// The account as GRANT spells it.
    account: String,
    lines: Vec<Line>,
    /// Databases in grants are names, not patterns (MySQL's `partial_revokes`).
    literal: bool,
    /// As the server says it.
    version: String,
}

/// A line of SHOW GRANTS, without whom it is about.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    effect: Effect,
    privileges: String,
    target: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Effect {
    Grant,
    Revoke,
}

/// What a grant is about.
enum Target {
    Everything,
    Database(String),
    Table(String, String),
}

impl Grants {
    /// Reads them.
    pub(super) async fn load<R: CatalogReader>(
        reader: &mut R,
    ) -> Result<Self, LoadError<R::Error>> {
        let query = format!(
            "SELECT {}, {}, {} LIMIT 1",
            text("CURRENT_USER()"),
            text("CURRENT_ROLE()"),
            text("VERSION()")
        );
        let row = ask(reader, query).await?.into_iter().flatten().collect();
        let [user, roles, version] = fields(row);
        let shown = if version.contains("MariaDB") || roles.is_empty() || roles == "NONE" {
            // MariaDB shows what the active role grants, and PUBLIC, unasked.
            "SHOW GRANTS".to_owned()
        } else {
            format!("SHOW GRANTS FOR CURRENT_USER() USING {roles}")
        };
        let rows = ask(reader, shown).await?;
        let revokes = ask(
            reader,
            "SHOW GLOBAL VARIABLES LIKE 'partial_revokes'".to_owned(),
        )
        .await?;
        Ok(Self {
            account: account(&user),
            lines: rows
                .iter()
                .flatten()
                .flatten()
                .filter_map(|line| Line::parse(line))
                .collect(),
            literal: revokes
                .iter()
                .flatten()
                .flatten()
                .any(|value| value == "ON"),
            version,
        })
    }

    /// Whether the server is a MariaDB with defaults of parameters, which came with 11.8.
    pub(super) fn has_defaults(&self) -> bool {
        let mut numbers = self.version.split(|c: char| !c.is_ascii_digit());
        let mut number = || numbers.next().and_then(|number| number.parse::<u32>().ok());
        let has = match (number(), number()) {
            (Some(major), Some(minor)) => (major, minor) >= (11, 8),
            _ => true,
        };
        has && self.version.contains("MariaDB")
    }

    /// Whether the triggers of a table are shown.
    pub(super) fn shows_triggers(&self, database: &str, table: &str) -> bool {
        let mut global = false;
        let mut revoked = false;
        let mut by_name = false;
        let mut by_pattern = Vec::new();
        let mut on_table = false;
        for line in &self.lines {
            let holds = line.holds_trigger();
            match (&line.effect, line.target()) {
                (Effect::Grant, Some(Target::Everything)) => global |= holds,
                (Effect::Grant, Some(Target::Database(pattern))) => {
                    if self.names(&pattern, database) {
                        by_name |= holds;
                        by_pattern.push(holds);
                    } else if !self.literal && like(&pattern, database) {
                        by_pattern.push(holds);
                    }
                }
                (Effect::Grant, Some(Target::Table(db, name))) => {
                    on_table |= holds && db == database && name == table;
                }
                // Takes something from what is granted on everything.
                (Effect::Revoke, Some(Target::Database(db))) => revoked |= holds && db == database,
                _ => {}
            }
        }
        // Of several patterns that match, the server takes one alone: the most exact one.
        let on_database =
            by_name || (!by_pattern.is_empty() && by_pattern.iter().all(|holds| *holds));
        (global && !revoked) || on_database || on_table
    }

    /// All of them, in a form that changes if they do. SHOW GRANTS itself holds digests of passwords; this does not.
    pub(super) fn fingerprint(&self) -> String {
        let mut lines: Vec<_> = self.lines.iter().map(|line| format!("{line:?}")).collect();
        lines.sort_unstable();
        format!("{} {} {}", self.account, self.literal, lines.join(";"))
    }

    /// The grants that help, one statement a database, against missing privileges in a database.
    pub(super) fn remedy(&self, missing: &[(String, &str)]) -> String {
        let mut by_database = BTreeMap::<_, BTreeSet<_>>::new();
        for (database, privilege) in missing {
            by_database.entry(database).or_default().insert(*privilege);
        }
        let statements = by_database.into_iter().map(|(database, privileges)| {
            // A database in GRANT is a pattern.
            let database = database
                .replace('`', "``")
                .replace('_', "\\_")
                .replace('%', "\\%");
            let privileges = privileges.into_iter().collect::<Vec<_>>().join(", ");
            format!("GRANT {privileges} ON `{database}`.* TO {}", self.account)
        });
        statements.collect::<Vec<_>>().join("; ")
    }

    /// Whether a grant's database is this one and no pattern.
    fn names(&self, pattern: &str, database: &str) -> bool {
        if self.literal {
            return pattern == database;
        }
        let mut plain = String::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => plain.extend(chars.next()),
                '_' | '%' => return false,
                c => plain.push(c),
            }
        }
        plain == database
    }
}

impl Line {
    /// `None`: the membership of a role, which grants nothing by itself, or another statement.
    fn parse(line: &str) -> Option<Self> {
        let (verb, rest) = line.split_once(' ')?;
        let (effect, before_account) = match verb {
            "GRANT" => (Effect::Grant, " TO "),
            "REVOKE" => (Effect::Revoke, " FROM "),
            _ => return None,
        };
        let (privileges, rest) = split_unquoted(rest, " ON ")?;
        let (target, _) = split_unquoted(rest, before_account)?;
        Some(Self {
            effect,
            privileges: privileges.to_owned(),
            target: target.to_owned(),
        })
    }

    fn holds_trigger(&self) -> bool {
        // The lists of columns hold commas too, but no privilege by itself: names in them are quoted.
        self.privileges
            .split(',')
            .any(|privilege| matches!(privilege.trim(), "TRIGGER" | "ALL PRIVILEGES" | "ALL"))
    }

    /// `None`: a routine, an account.
    fn target(&self) -> Option<Target> {
        let (database, rest) = name(&self.target)?;
        let rest = rest.strip_prefix('.')?;
        match (database.as_str(), rest) {
            ("*", "*") => Some(Target::Everything),
            (_, "*") => Some(Target::Database(database)),
            _ => {
                let (table, rest) = name(rest)?;
                rest.is_empty().then_some(Target::Table(database, table))
            }
        }
    }
}

/// A name at the start of a text, with its quotes taken off, and what follows.
fn name(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next()?;
    if quote != '`' && quote != '"' {
        let end = text.find(['.', ' ']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    }
    let mut name = String::new();
    let mut rest = &text[1..];
    loop {
        let (part, after) = rest.split_once(quote)?;
        name.push_str(part);
        match after.strip_prefix(quote) {
            Some(after) => {
                name.push(quote);
                rest = after;
            }
            None => return Some((name, after)),
        }
    }
}

/// Splits at the first `mark` that is not inside quotes.
fn split_unquoted<'t>(text: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match quote {
            // A doubled quote closes and opens again.
            Some(open) if open == c => quote = None,
            Some(_) => {}
            None if matches!(c, '`' | '"' | '\'') => quote = Some(c),
            None if text[at..].starts_with(mark) => {
                return Some((&text[..at], &text[at + mark.len()..]));
            }
            None => {}
        }
    }
    None
}

/// Whether a grant's pattern (`_`, `%`, `\`) matches a name.
fn like(pattern: &str, name: &str) -> bool {
    let mut pattern = pattern.chars();
    let mut rest = name.chars();
    match pattern.next() {
        None => name.is_empty(),
        Some('%') => {
            let ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.into_iter()
                .any(|at| like(pattern.as_str(), &name[at..]))
        }
        Some('_') => rest.next().is_some() && like(pattern.as_str(), rest.as_str()),
        Some(c) => {
            let c = if c == '\\' { pattern.next() } else { Some(c) };
            rest.next() == c && like(pattern.as_str(), rest.as_str())
        }
    }
}

/// `user@host` as GRANT spells it.
fn account(user: &str) -> String {
    let (name, host) = user.rsplit_once('@').unwrap_or((user, "%"));
    let quote = |part: &str| format!("'{}'", part.replace('\\', "\\\\").replace('\'', "''"));
    format!("{}@{}", quote(name), quote(host))
}
