//! What is known about functions: the built-in ones of each database, and those that the user declared.
//!
//! The built-in ones stand in one data file a database. In these, `#` begins a comment line, `[class]` a section, and all
//! else is names. A name that has overloads of different classes is in the most careful of them.

use std::{collections::HashMap, sync::LazyLock};

use super::facts::{Dialect, Relation};

/// What a call of a function can depend on and do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Grammar that looks like a call: only its arguments count.
    Syntax,
    /// Depends on its arguments and on settings that are part of every key.
    Pure,
    /// Reads the clock.
    Time,
    /// Reads the clock when called with fewer arguments than this.
    TimeUnder(usize),
    /// Reads the clock unless its arguments are plain literals that do not ask for it (SQLite's `date('now')`).
    TimeText,
    /// Depends on the session.
    Session,
    /// Changes the session.
    SessionSet,
    /// Reads system catalogs.
    Catalog,
    /// Differs from call to call, or is called for its effect, which is not on tables.
    Volatile,
    /// Can write anything.
    Anything,
}

/// Functions that the user vouches for. Empty by default: an unknown function is then taken to be able to do anything.
///
/// Names are matched as they are called: `f` is not `app.f`. An unquoted name is given in any case, one that has to be
/// quoted in SQL with its double quotes. What is declared here counts more than what is known about built-in functions.
///
/// # Example
/// ```
/// use cachedpool::sql::{Dialect, Functions, analyse};
///
/// let functions = Functions::new().assume_pure("slug").declare("app.touch", ["users"], ["visits"]);
/// assert_eq!(analyse(Dialect::Postgres, "SELECT slug(title) FROM posts", &functions).refusal, None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Functions {
    declared: HashMap<Relation, Effects>,
    judgement: Judgement,
}

/// Who judges a call of a function that is neither built in nor declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Judgement {
    /// This room: it can do anything.
    #[default]
    Here,
    /// Whoever asked, who finds it in [`Facts::calls`](super::Facts::calls).
    Elsewhere,
}

/// What a declared function reads and writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Effects {
    pub(super) reads: Vec<Relation>,
    pub(super) writes: Vec<Relation>,
}

impl Functions {
    /// No functions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares that the function's result depends on its arguments alone and that it changes nothing.
    #[must_use]
    pub fn assume_pure(self, name: impl AsRef<str>) -> Self {
        self.declare(name, [""; 0], [""; 0])
    }

    /// Declares which relations the function reads and writes, and that its result depends on nothing else. A read that
    /// calls it is cacheable if it writes nothing.
    #[must_use]
    pub fn declare<R, W>(mut self, name: impl AsRef<str>, reads: R, writes: W) -> Self
    where
        R: IntoIterator,
        R::Item: AsRef<str>,
        W: IntoIterator,
        W::Item: AsRef<str>,
    {
        let effects = Effects {
            reads: reads
                .into_iter()
                .map(|name| Relation::named(name.as_ref()))
                .collect(),
            writes: writes
                .into_iter()
                .map(|name| Relation::named(name.as_ref()))
                .collect(),
        };
        self.declared
            .insert(Relation::named(name.as_ref()), effects);
        self
    }

    /// Leaves the judgement of functions that are neither built in nor declared to the caller, who has a catalog: a call of
    /// one is in [`Facts::calls`](super::Facts::calls), and neither refuses the result nor counts as a write or as a change of
    /// the session. So does `CALL`, whose procedure still counts as a possible change of the session. What the parser cannot
    /// read is judged as if nobody had a catalog.
    #[must_use]
    pub fn judged_elsewhere(mut self) -> Self {
        self.judgement = Judgement::Elsewhere;
        self
    }

    pub(super) fn judgement(&self) -> Judgement {
        self.judgement
    }

    /// The declared functions, each with the relations that it is declared to read or write.
    pub fn declarations(
        &self,
    ) -> impl Iterator<Item = (&Relation, impl Iterator<Item = &Relation>)> {
        self.declared
            .iter()
            .map(|(name, effects)| (name, effects.reads.iter().chain(&effects.writes)))
    }

    pub(super) fn declared(&self, function: &Relation) -> Option<&Effects> {
        if self.declared.is_empty() {
            None
        } else {
            self.declared.get(function)
        }
    }
}

impl Relation {
    /// Reads a name written as in SQL: `name`, `schema.name`, `"Quoted"."Name"`; unquoted parts are lower-cased.
    #[must_use]
    pub fn named(text: &str) -> Self {
        let mut parts: Vec<String> = vec![String::new()];
        let mut quoted = false;
        let mut rest = text.trim().chars().peekable();
        while let Some(next) = rest.next() {
            let part = parts.last_mut().expect("there is always one part");
            match next {
                '"' if quoted && rest.peek() == Some(&'"') => part.extend(rest.next()),
                '"' => quoted = !quoted,
                '.' if !quoted => parts.push(String::new()),
                _ if quoted => part.push(next),
                _ => part.extend(next.to_lowercase()),
            }
        }
        let name = parts.pop().expect("there is always one part").into();
        Relation {
            schema: parts.pop().map(String::into),
            name,
        }
    }
}

/// Whether a function is one of the database's own.
#[must_use]
pub fn is_built_in(dialect: Dialect, function: &Relation) -> bool {
    let own = match function.schema.as_deref() {
        None => true,
        Some(schema) => dialect == Dialect::Postgres && schema == "pg_catalog",
    };
    own && built_in(dialect, &function.name).is_some()
}

/// The class of a built-in function, by its name in lower case.
pub(super) fn built_in(dialect: Dialect, name: &str) -> Option<Class> {
    static POSTGRES: LazyLock<HashMap<&str, Class>> =
        LazyLock::new(|| read(include_str!("postgres.txt")));
    static MYSQL: LazyLock<HashMap<&str, Class>> =
        LazyLock::new(|| read(include_str!("mysql.txt")));
    static SQLITE: LazyLock<HashMap<&str, Class>> =
        LazyLock::new(|| read(include_str!("sqlite.txt")));
    match dialect {
        Dialect::Postgres => POSTGRES.get(name).copied(),
        Dialect::MySql => MYSQL.get(name).copied(),
        Dialect::Sqlite => SQLITE.get(name).copied(),
    }
}

fn read(file: &'static str) -> HashMap<&'static str, Class> {
    let mut classes = HashMap::new();
    let mut class = Class::Anything;
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        if let Some(section) = line.strip_prefix('[') {
            class = section_class(section.trim_end_matches(']'))
                .expect("the sections are checked by a test");
        } else {
            classes.extend(line.split_ascii_whitespace().map(|name| (name, class)));
        }
    }
    classes
}

fn section_class(section: &str) -> Option<Class> {
    Some(match section {
        "syntax" => Class::Syntax,
        "pure" => Class::Pure,
        "time" => Class::Time,
        "time-under-1" => Class::TimeUnder(1),
        "time-under-2" => Class::TimeUnder(2),
        "time-text" => Class::TimeText,
        "session" => Class::Session,
        "session-set" => Class::SessionSet,
        "catalog" => Class::Catalog,
        "volatile" => Class::Volatile,
        "anything" => Class::Anything,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_data_file_has_known_sections_and_no_name_twice() {
        for file in [
            include_str!("postgres.txt"),
            include_str!("mysql.txt"),
            include_str!("sqlite.txt"),
        ] {
            let mut names: Vec<&str> = Vec::new();
            for line in file.lines().filter(|line| !line.starts_with('#')) {
                match line.strip_prefix('[') {
                    Some(section) => assert!(
                        section_class(section.trim_end_matches(']')).is_some(),
                        "{section}"
                    ),
                    None => names.extend(line.split_ascii_whitespace()),
                }
            }
            names.sort_unstable();
            let twice: Vec<_> = names.windows(2).filter(|pair| pair[0] == pair[1]).collect();
            assert!(twice.is_empty(), "{twice:?}");
        }
    }

    #[test]
    fn names_are_read_as_in_sql() {
        assert_eq!(Relation::named("App.Users").to_string(), "app.users");
        assert_eq!(
            Relation::named("\"App\".\"a.\"\"b\"").name.as_ref(),
            "a.\"b"
        );
    }
}
