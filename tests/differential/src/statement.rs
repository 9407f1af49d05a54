//! Statements with their bound values, and the templates that they are made from.

use std::fmt::Write as _;

use proptest::{
    prelude::*,
    strategy::{BoxedStrategy, Just},
};

use crate::{
    server::Server,
    values::{Argument, Kind, Piece, Pieces, array, list, sql},
};

/// A statement as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) arguments: Vec<Argument>,
}

impl Statement {
    /// Writes the parts in the placeholders of the server.
    pub(crate) fn new(server: Server, pieces: Pieces) -> Self {
        let mut statement = Statement {
            sql: String::new(),
            arguments: Vec::new(),
        };
        for piece in pieces {
            match (piece, server) {
                (Piece::Sql(text), _) => statement.sql.push_str(&text),
                (Piece::Bound(argument), _) => {
                    statement.arguments.push(argument);
                    statement.place(server);
                }
                (Piece::Same, Server::Postgres) if !statement.arguments.is_empty() => {
                    statement.place(server);
                }
                (Piece::Same, _) => match statement.arguments.last().cloned() {
                    Some(argument) => {
                        statement.arguments.push(argument);
                        statement.place(server);
                    }
                    None => statement.sql.push('1'),
                },
            }
        }
        statement.name_types();
        statement
    }

    /// Makes texts differ whose arguments differ in type: sqlx keeps prepared statements by their text, and would bind an
    /// argument of one width to a statement that was prepared for another.
    fn name_types(&mut self) {
        if !self.arguments.is_empty() {
            let types: String = self.arguments.iter().map(Argument::letter).collect();
            // Writing to a string cannot fail.
            let _ = write!(self.sql, " -- {types}");
        }
    }

    fn place(&mut self, server: Server) {
        match server {
            Server::Postgres => {
                let number = self.arguments.len();
                // Writing to a string cannot fail.
                let _ = write!(self.sql, "${number}");
            }
            Server::MariaDb | Server::Sqlite => self.sql.push('?'),
        }
    }

    /// Whether a connection may keep it prepared. Not if its columns depend on the schema: PostgreSQL refuses a prepared
    /// statement whose columns have changed. Nor if a bare name comes to mean another relation: what is prepared goes on
    /// with the one that was found first, so that two connections without any cache differ.
    pub(crate) fn can_be_kept(&self) -> bool {
        let depends = ["*", "shadowed", "only_south"];
        !depends.iter().any(|word| self.sql.contains(word))
    }
}

impl std::fmt::Display for Statement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sql)?;
        if !self.arguments.is_empty() {
            write!(f, " {:?}", self.arguments)?;
        }
        Ok(())
    }
}

/// A statement with holes: `SELECT n FROM items WHERE id = {key}`.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Sql(String),
    Value(Kind),
    List(Kind),
    Array,
    Same,
}

impl Template {
    /// Reads a template.
    ///
    /// # Panics
    ///
    /// When a hole has a name that means nothing.
    pub(crate) fn parse(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, hole)) = rest.split_once('{') {
            let (name, after) = hole
                .split_once('}')
                .unwrap_or_else(|| panic!("a hole without an end: {text}"));
            parts.push(Part::Sql(before.to_owned()));
            parts.push(part(name).unwrap_or_else(|| panic!("{{{name}}} means nothing: {text}")));
            rest = after;
        }
        parts.push(Part::Sql(rest.to_owned()));
        Template { parts }
    }

    /// Statements with its holes filled.
    pub(crate) fn filled(&self, server: Server) -> BoxedStrategy<Pieces> {
        let parts: Vec<BoxedStrategy<Pieces>> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Sql(text) => Just(sql(text)).boxed(),
                Part::Value(kind) => kind.values(server),
                Part::List(kind) => list(server, *kind),
                Part::Array => array(),
                Part::Same => Just(vec![Piece::Same]).boxed(),
            })
            .collect();
        parts.prop_map(|parts| parts.concat()).boxed()
    }
}

fn part(name: &str) -> Option<Part> {
    match name {
        "array" => Some(Part::Array),
        "same" => Some(Part::Same),
        _ => match name.strip_suffix("...") {
            Some(kind) => Kind::named(kind).map(Part::List),
            None => Kind::named(name).map(Part::Value),
        },
    }
}
