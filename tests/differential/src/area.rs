//! What the files under `schemas/` say: for each area a schema, and statements that belong to it.
//!
//! A file is SQL in sections, each under a line `-- @name`. `@schema` is run as it stands. In all others a line is a
//! statement, and goes on in the lines after it that begin with a blank; a statement may have holes, see [`Template`].
//! `NORTH` stands for a second database.
//!
//! | Section | What it holds |
//! |---|---|
//! | `@schema` | what makes the relations |
//! | `@tables` | relations from which statements can be composed: `[rw] name column:kind …` |
//! | `@reads` | reads whose answers the state of the database determines |
//! | `@writes` | writes; after `!` one that makes readers wait while its transaction is open |
//! | `@refill` | writes that give the tables rows again |
//! | `@calls` | reads that write: run once, by way of the cache |
//! | `@ddl` | changes of the schema, made through the pool, in any order; some may fail |
//! | `@outside` | changes of the schema made past the pool, which is then told to look |
//! | `@session` | statements for a connection of one's own: temporary tables and what is done to them |

use crate::{server::Server, statement::Template, values::Kind};

/// One file.
#[derive(Debug)]
pub(crate) struct Area {
    pub(crate) name: &'static str,
    pub(crate) schema: String,
    pub(crate) tables: Vec<Table>,
    pub(crate) reads: Vec<Template>,
    pub(crate) writes: Vec<(Template, Locks)>,
    pub(crate) refill: Vec<Template>,
    pub(crate) calls: Vec<Template>,
    pub(crate) ddl: Vec<Template>,
    pub(crate) outside: Vec<Template>,
    pub(crate) session: Vec<Template>,
}

/// A relation from which statements can be composed.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) access: Access,
    pub(crate) columns: Vec<Column>,
}

/// What composed statements may do to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadAndWrite,
}

/// A column and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// Whether a write keeps readers out until its transaction has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locks {
    Rows,
    Readers,
}

macro_rules! files {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("../schemas/", $folder, "/", $name, ".sql")))),*]
    };
}

const POSTGRES: &[(&str, &str)] = files!("postgres": "plain" "cascades" "views" "partitions" "triggers" "rules" "columns" "functions" "tenants" "temporary" "names");
const MARIADB: &[(&str, &str)] =
    files!("mariadb": "plain" "cascades" "views" "triggers" "functions" "temporary" "names");
const SQLITE: &[(&str, &str)] =
    files!("sqlite": "plain" "cascades" "views" "triggers" "temporary" "names");

/// Stands for the name of a second database.
const NORTH: &str = "NORTH";

/// All areas of a server, with a second database of this name.
pub(crate) fn areas(server: Server, north: &str) -> Vec<Area> {
    let files = match server {
        Server::Postgres => POSTGRES,
        Server::MariaDb => MARIADB,
        Server::Sqlite => SQLITE,
    };
    files
        .iter()
        .map(|(name, text)| Area::parse(name, &text.replace(NORTH, north)))
        .collect()
}

impl Area {
    fn parse(name: &'static str, text: &str) -> Self {
        let mut area = Area {
            name,
            schema: String::new(),
            tables: Vec::new(),
            reads: Vec::new(),
            writes: Vec::new(),
            refill: Vec::new(),
            calls: Vec::new(),
            ddl: Vec::new(),
            outside: Vec::new(),
            session: Vec::new(),
        };
        for section in text.split("-- @").skip(1) {
            let (title, body) = section.split_once('\n').unwrap_or((section, ""));
            let templates = || {
                statements(body)
                    .iter()
                    .map(|text| Template::parse(text))
                    .collect()
            };
            match title.trim() {
                "schema" => body.clone_into(&mut area.schema),
                "tables" => {
                    area.tables = statements(body)
                        .iter()
                        .map(|line| Table::parse(line))
                        .collect()
                }
                "reads" => area.reads = templates(),
                "writes" => area.writes = statements(body).iter().map(|line| write(line)).collect(),
                "refill" => area.refill = templates(),
                "calls" => area.calls = templates(),
                "ddl" => area.ddl = templates(),
                "outside" => area.outside = templates(),
                "session" => area.session = templates(),
                other => panic!("{name}: there is no section {other}"),
            }
        }
        area
    }
}

impl Table {
    fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace().peekable();
        let access = match words.next_if_eq(&"rw") {
            Some(_) => Access::ReadAndWrite,
            None => Access::Read,
        };
        let name = words.next().unwrap_or_else(|| panic!("no name: {line}"));
        let column = |word: &str| {
            let (name, kind) = word.split_once(':')?;
            Some(Column {
                name: name.to_owned(),
                kind: Kind::named(kind)?,
            })
        };
        Table {
            name: name.to_owned(),
            access,
            columns: words
                .map(|word| column(word).unwrap_or_else(|| panic!("{word} means nothing: {line}")))
                .collect(),
        }
    }
}

fn write(line: &str) -> (Template, Locks) {
    match line.strip_prefix('!') {
        Some(rest) => (Template::parse(rest.trim_start()), Locks::Readers),
        None => (Template::parse(line), Locks::Rows),
    }
}

/// The statements of a section.
fn statements(body: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    for line in body.lines() {
        match statements.last_mut() {
            _ if line.trim().is_empty() || line.starts_with("--") => {}
            Some(last) if line.starts_with(' ') => {
                last.push('\n');
                last.push_str(line.trim());
            }
            _ => statements.push(line.trim_end().to_owned()),
        }
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_can_be_read_and_every_area_has_a_schema_and_reads() {
        for server in Server::ALL {
            for area in areas(server, "north") {
                assert!(!area.schema.is_empty(), "{server}: {}", area.name);
                assert!(!area.reads.is_empty(), "{server}: {}", area.name);
            }
        }
    }
}
