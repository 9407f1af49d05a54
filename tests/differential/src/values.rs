//! Values, and the many ways in which a statement can spell one.
//!
//! The ranges are small, so that reads and writes meet, and the spellings hold what could make two values look different that
//! the database takes for equal, and the other way round: widths, quotes, leading zeros, trailing blanks, case, composed letters.

use chrono::NaiveDate;
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    strategy::{BoxedStrategy, Union},
};
use uuid::Uuid;

use crate::server::Server;

/// A bound value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Argument {
    Small(i16),
    Int(i32),
    Big(i64),
    Real(f64),
    Text(String),
    Bool(bool),
    Uuid(Uuid),
    Day(NaiveDate),
    Ints(Vec<i32>),
    Bigs(Vec<i64>),
    NoInt,
}

impl Argument {
    /// Stands for its type.
    pub(crate) fn letter(&self) -> char {
        match self {
            Argument::Small(_) => 's',
            Argument::Int(_) | Argument::NoInt => 'i',
            Argument::Big(_) => 'b',
            Argument::Real(_) => 'r',
            Argument::Text(_) => 't',
            Argument::Bool(_) => 'f',
            Argument::Uuid(_) => 'u',
            Argument::Day(_) => 'd',
            Argument::Ints(_) => 'I',
            Argument::Bigs(_) => 'B',
        }
    }
}

/// A part of a statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Sql(String),
    Bound(Argument),
    /// The bound value before this one, or the literal, once more.
    Same,
}

/// A statement in parts.
pub(crate) type Pieces = Vec<Piece>;

/// What a column holds, and a hole of a template takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An integer of this range.
    Integer(i64, i64),
    /// As `Integer`, in the spellings that also an argument of a function may have.
    PlainInteger(i64, i64),
    /// An integer or NULL.
    Maybe,
    Text,
    /// A text that a column of eight characters can hold, or nearly.
    Code,
    Flag,
    Day,
    Uuid,
    Price,
    Weight,
}

impl Kind {
    /// The kind of this name in the files of the schemas.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "key" => Kind::Integer(1, 12),
            "key!" => Kind::PlainInteger(1, 12),
            "org" => Kind::Integer(1, 4),
            "org!" => Kind::PlainInteger(1, 4),
            "n" => Kind::Integer(0, 9),
            "n!" => Kind::PlainInteger(0, 9),
            "maybe" => Kind::Maybe,
            "text" => Kind::Text,
            "code" => Kind::Code,
            "flag" => Kind::Flag,
            "day" => Kind::Day,
            "uid" => Kind::Uuid,
            "price" => Kind::Price,
            "weight" => Kind::Weight,
            _ => return None,
        })
    }

    /// Whether sums and lists make sense.
    pub(crate) fn is_integer(self) -> bool {
        matches!(
            self,
            Kind::Integer(..) | Kind::PlainInteger(..) | Kind::Maybe
        )
    }

    /// Values of this kind, spelled in some way.
    pub(crate) fn values(self, server: Server) -> BoxedStrategy<Pieces> {
        match self {
            Kind::Integer(from, to) => spelled(from..=to, integers(server)),
            Kind::PlainInteger(from, to) => spelled(from..=to, plain_integers()),
            Kind::Maybe => prop_oneof![
                4 => Kind::PlainInteger(0, 9).values(server),
                1 => Just(sql("NULL")),
                1 => Just(bound(Argument::NoInt)),
            ]
            .boxed(),
            Kind::Text => spelled(select(TEXTS), texts(server)),
            Kind::Code => spelled(select(CODES), texts(server)),
            Kind::Flag => spelled(any::<bool>(), flags(server)),
            Kind::Day => spelled(1..=6_u32, days(server)),
            Kind::Uuid => spelled(1..=8_u128, uuids(server)),
            Kind::Price => spelled(select(PRICES), decimals()),
            Kind::Weight => spelled(select(WEIGHTS), decimals()),
        }
    }
}

const TEXTS: &[&str] = &[
    "a", "A", "a ", "b", "ab", "", "0", "1", "\u{e4}", "a\u{308}",
];
const CODES: &[&str] = &["c1", "c2", "c3", "c4", "C1", "c1 ", "c1        ", "3", "03"];
const PRICES: &[&str] = &["0", "1", "1.0", "1.00", "1.5", "2", "2.50", "3"];
const WEIGHTS: &[&str] = &["0", "-0.0", "0.5", "1", "1e0", "0.1", "3"];

/// A list of one to four integers: `1, $1, 3`.
pub(crate) fn list(server: Server, kind: Kind) -> BoxedStrategy<Pieces> {
    vec(kind.values(server), 1..5)
        .prop_map(|values| join(values, ", "))
        .boxed()
}

/// An array of integers, on PostgreSQL.
pub(crate) fn array() -> BoxedStrategy<Pieces> {
    let values = || vec(1..=12_i64, 0..4);
    prop_oneof![
        3 => values().prop_map(|values| bound(Argument::Bigs(values))),
        2 => values().prop_map(|values| bound(Argument::Ints(values.into_iter().map(narrow).collect()))),
        1 => values().prop_map(|values| sql(format!("'{{{}}}'", commas(&values)))),
        1 => vec(1..=12_i64, 1..4).prop_map(|values| sql(format!("ARRAY[{}]", commas(&values)))),
    ]
    .boxed()
}

/// A piece of text.
pub(crate) fn sql(text: impl Into<String>) -> Pieces {
    vec![Piece::Sql(text.into())]
}

/// Puts parts together with something between them.
pub(crate) fn join(parts: Vec<Pieces>, between: &str) -> Pieces {
    let mut joined = Pieces::new();
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            joined.extend(sql(between));
        }
        joined.extend(part);
    }
    joined
}

fn bound(argument: Argument) -> Pieces {
    vec![Piece::Bound(argument)]
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn commas(values: &[i64]) -> String {
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    values.join(",")
}

fn narrow<N: TryFrom<i64>>(value: i64) -> N
where
    N::Error: std::fmt::Debug,
{
    N::try_from(value).expect("values are small")
}

/// A way to spell a value, and how often it is taken.
type Spelling<T> = (u32, fn(&T) -> Pieces);

fn spelled<T: Clone + std::fmt::Debug + 'static>(
    values: impl Strategy<Value = T> + 'static,
    spellings: Vec<Spelling<T>>,
) -> BoxedStrategy<Pieces> {
    let spellings = Union::new_weighted(
        spellings
            .into_iter()
            .map(|(weight, spell)| (weight, Just(spell)))
            .collect(),
    );
    (values, spellings)
        .prop_map(|(value, spell)| spell(&value))
        .boxed()
}

fn plain_integers() -> Vec<Spelling<i64>> {
    vec![
        (1, |value| sql(value.to_string())),
        (1, |value| bound(Argument::Int(narrow(*value)))),
    ]
}

fn integers(server: Server) -> Vec<Spelling<i64>> {
    let mut spellings: Vec<Spelling<i64>> = vec![
        (20, |value| sql(value.to_string())),
        (20, |value| bound(Argument::Big(*value))),
        (10, |value| bound(Argument::Int(narrow(*value)))),
        (6, |value| bound(Argument::Small(narrow(*value)))),
        (1, |value| sql(format!("'{value}'"))),
        (1, |value| sql(format!("'0{value}'"))),
        (1, |value| sql(format!("{value}.0"))),
        (1, |value| sql(format!("{value} + 0"))),
        (1, |value| {
            bound(Argument::Real(f64::from(narrow::<i32>(*value))))
        }),
        // Rounds to the value where it is stored, and equals nothing where it is compared.
        (1, |value| sql(format!("{value}.2"))),
    ];
    match server {
        Server::Postgres => spellings.push((2, |value| sql(format!("{value}::bigint")))),
        Server::MariaDb => {
            spellings.push((2, |value| bound(Argument::Text(value.to_string()))));
            spellings.push((1, |value| sql(format!("'{value}x'"))));
            spellings.push((1, |value| sql(format!("0x{value:02x}"))));
        }
        Server::Sqlite => {
            spellings.push((2, |value| bound(Argument::Text(value.to_string()))));
            spellings.push((1, |value| bound(Argument::Text(format!("0{value}")))));
        }
    }
    spellings
}

fn texts(server: Server) -> Vec<Spelling<&'static str>> {
    let mut spellings: Vec<Spelling<&'static str>> = vec![
        (8, |text| sql(quoted(text))),
        (8, |text| bound(Argument::Text((*text).to_owned()))),
    ];
    match server {
        Server::Postgres => {
            spellings.push((1, |text| sql(format!("E{}", quoted(text)))));
            spellings.push((1, |text| sql(format!("{}::text", quoted(text)))));
            spellings.push((1, |text| sql(format!("{}::bpchar", quoted(text)))));
        }
        Server::MariaDb => {
            spellings.push((1, |text| sql(format!("\"{text}\""))));
            spellings.push((1, |text| sql(format!("BINARY {}", quoted(text)))));
            spellings.push((1, |_| sql("0")));
        }
        Server::Sqlite => {
            spellings.push((1, |text| sql(format!("CAST({} AS TEXT)", quoted(text)))))
        }
    }
    spellings
}

fn flags(server: Server) -> Vec<Spelling<bool>> {
    let mut spellings: Vec<Spelling<bool>> = vec![
        (3, |flag| sql(if *flag { "TRUE" } else { "FALSE" })),
        (3, |flag| bound(Argument::Bool(*flag))),
    ];
    match server {
        Server::Postgres => spellings.push((1, |flag| sql(if *flag { "'yes'" } else { "'f'" }))),
        Server::MariaDb | Server::Sqlite => {
            spellings.push((1, |flag| sql(if *flag { "1" } else { "0" })));
            spellings.push((1, |flag| bound(Argument::Big(i64::from(*flag)))));
        }
    }
    spellings
}

fn days(server: Server) -> Vec<Spelling<u32>> {
    let mut spellings: Vec<Spelling<u32>> = vec![
        (4, |day| sql(format!("'2024-01-{day:02}'"))),
        (4, |day| bound(Argument::Day(date(*day)))),
    ];
    match server {
        Server::Postgres => {
            spellings.push((1, |day| sql(format!("DATE '2024-01-{day:02}'"))));
            spellings.push((1, |day| sql(format!("'Jan {day} 2024'"))));
            spellings.push((1, |day| sql(format!("'2024-01-{day:02} 12:00'::timestamp"))));
        }
        Server::MariaDb => {
            spellings.push((1, |day| sql(format!("'2024-1-{day}'"))));
            spellings.push((1, |day| sql(format!("202401{day:02}"))));
            spellings.push((1, |day| bound(Argument::Text(format!("2024-01-{day:02}")))));
        }
        Server::Sqlite => {
            spellings.push((1, |day| bound(Argument::Text(format!("2024-01-{day:02}")))));
        }
    }
    spellings
}

fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, day).expect("January has these days")
}

fn uuids(server: Server) -> Vec<Spelling<u128>> {
    let mut spellings: Vec<Spelling<u128>> = vec![
        (3, |value| sql(format!("'{}'", name(*value)))),
        (1, |value| {
            sql(format!("'{}'", name(*value).to_string().to_uppercase()))
        }),
    ];
    match server {
        Server::Postgres => {
            spellings.push((3, |value| bound(Argument::Uuid(name(*value)))));
            spellings.push((1, |value| sql(format!("'{{{}}}'", name(*value)))));
        }
        Server::MariaDb | Server::Sqlite => {
            spellings.push((3, |value| bound(Argument::Text(name(*value).to_string()))));
            spellings.push((1, |value| {
                bound(Argument::Text(name(*value).simple().to_string()))
            }));
        }
    }
    spellings
}

fn name(value: u128) -> Uuid {
    Uuid::from_u128(0xabcd_ef00 + value)
}

fn decimals() -> Vec<Spelling<&'static str>> {
    vec![
        (3, |value| sql(*value)),
        (1, |value| sql(quoted(value))),
        (3, |value| {
            bound(Argument::Real(value.parse().expect("a number")))
        }),
    ]
}
