//! Asks a question in all the ways that the crate offers.

use std::{fmt::Write as _, time::Duration};

use cachedpool::{
    CacheExt, CachePolicy, CachedPool, CachedRead, cache::Consistency, is_not_cached,
};
use sqlx::{
    Arguments as _, AssertSqlSafe, Error, FromRow, Row, Sqlite,
    sqlite::{SqliteArguments, SqliteRow},
};

use crate::{
    history::{Builder, Fetch, Form, Hints, Mode, Question, Read, Spelling},
    plain::{Failure, Line},
    record::About,
};

/// The tag of tagged reads.
pub(crate) const TAG: &str = "red";

pub(crate) type Rows = (Vec<Line>, Option<About>);

impl FromRow<'_, SqliteRow> for Line {
    fn from_row(row: &SqliteRow) -> Result<Self, Error> {
        match row.try_get::<i64, _>("level")? {
            0 => Ok(Line {
                id: row.try_get("id")?,
                version: row.try_get("version")?,
                other: row.try_get("other")?,
            }),
            // What a connection that breaks gives.
            1 => Err(std::io::Error::other("the table `fault` says so").into()),
            _ => Err(Error::Decode("the table `fault` says so".into())),
        }
    }
}

/// For `Map`: a function captures nothing, so its result may be cached.
#[expect(clippy::needless_pass_by_value, reason = "sqlx passes rows by value")]
fn line(row: SqliteRow) -> Result<Line, Error> {
    Line::from_row(&row)
}

macro_rules! fetch {
    ($read:expr, $query:expr, $line:expr) => {{
        let (query, line) = ($query, $line);
        match ($read.fetch, $read.form) {
            (Fetch::One, Form::Owned) => query.fetch_one().await.map(|row| (vec![line(row)], None)),
            (Fetch::Optional, Form::Owned) => query
                .fetch_optional()
                .await
                .map(|row| (row.into_iter().map(line).collect(), None)),
            (Fetch::All, Form::Owned) => query
                .fetch_all()
                .await
                .map(|rows| (rows.into_iter().map(line).collect(), None)),
            (Fetch::One, Form::Shared) => query.fetch_one_shared().await.map(|row| {
                let about = About::of(&row);
                (vec![line(row.into_owned())], Some(about))
            }),
            (Fetch::Optional, Form::Shared) => query.fetch_optional_shared().await.map(|row| {
                let about = About::of(&row);
                (
                    row.into_owned().into_iter().map(line).collect(),
                    Some(about),
                )
            }),
            (Fetch::All, Form::Shared) => query.fetch_all_shared().await.map(|rows| {
                let about = About::of(&rows);
                (
                    rows.into_owned().into_iter().map(line).collect(),
                    Some(about),
                )
            }),
        }
    }};
}

macro_rules! fetch_direct {
    ($read:expr, $query:expr, $pool:expr, $line:expr) => {{
        let (query, line) = ($query, $line);
        match $read.fetch {
            Fetch::One => query.fetch_one($pool).await.map(|row| vec![line(row)]),
            Fetch::Optional => query
                .fetch_optional($pool)
                .await
                .map(|row| row.into_iter().map(line).collect()),
            Fetch::All => query
                .fetch_all($pool)
                .await
                .map(|rows| rows.into_iter().map(line).collect()),
        }
        .map(|lines| (lines, None))
    }};
}

/// Reads; `None` if the read was to be answered from the cache alone and was not.
pub(crate) async fn run(pool: &CachedPool<Sqlite>, read: &Read) -> Result<Option<Rows>, Failure> {
    let sql = AssertSqlSafe(read.sql());
    let (arguments, hints) = (read.question.arguments(), &read.hints);
    let result = match (&read.question, read.builder, hints.mode) {
        (Question::Sum(..), _, Mode::Direct) => {
            fetch_direct!(
                read,
                sqlx::query_scalar_with(sql, arguments),
                pool,
                Line::number
            )
        }
        (_, _, Mode::Direct) => {
            fetch_direct!(
                read,
                sqlx::query_as_with(sql, arguments),
                pool,
                |line: Line| line
            )
        }
        (Question::Sum(..), _, _) => {
            let query = sqlx::query_scalar_with::<_, i64, _>(sql, arguments);
            fetch!(read, hinted(query.cached(pool), hints), Line::number)
        }
        (_, Builder::QueryAs, _) => {
            let query = sqlx::query_as_with::<_, Line, _>(sql, arguments);
            fetch!(read, hinted(query.cached(pool), hints), |line| line)
        }
        (_, Builder::Map, _) => {
            let query = sqlx::query_with(sql, arguments).try_map(line);
            fetch!(read, hinted(query.cached(pool), hints), |line| line)
        }
    };
    match result {
        Ok(rows) => Ok(Some(rows)),
        Err(error) if is_not_cached(&error) && hints.mode == Mode::OnlyIfCached => Ok(None),
        Err(Error::RowNotFound) => Err(Failure::NoRow),
        Err(Error::Io(_)) => Err(Failure::Outage),
        Err(Error::Decode(_)) => Err(Failure::Broken),
        Err(error) => Err(Failure::Unexpected(error.to_string())),
    }
}

impl Read {
    fn sql(&self) -> String {
        let level = if self.guarded {
            "(SELECT level FROM fault)"
        } else {
            "0"
        };
        let columns = format!("id, version, NULL AS other, {level} AS level");
        let select = match self.question {
            Question::Point(table, _) => {
                format!("SELECT {columns} FROM {} WHERE id = ?", table.name())
            }
            Question::Literal(table, id) => {
                format!("SELECT {columns} FROM {} WHERE id = {id}", table.name())
            }
            Question::Range(table, ..) => format!(
                "SELECT {columns} FROM {} WHERE id BETWEEN ? AND ? ORDER BY id",
                table.name()
            ),
            Question::Whole(table) => format!("SELECT {columns} FROM {} ORDER BY id", table.name()),
            Question::Join(left, right) => format!(
                "SELECT l.id AS id, l.version AS version, r.version AS other, {level} AS level
                 FROM {} AS l LEFT JOIN {} AS r ON r.id = l.id ORDER BY l.id",
                left.name(),
                right.name()
            ),
            Question::Sum(table, ..) => format!(
                "SELECT coalesce(sum(version), 0) FROM {} WHERE id BETWEEN ? AND ?",
                table.name()
            ),
        };
        match self.hints.comment() {
            Some(comment) => format!("/* cachedpool:{comment} */ {select}"),
            None => select,
        }
    }
}

impl Question {
    fn arguments(&self) -> SqliteArguments {
        let values = match *self {
            Question::Point(_, id) => vec![id],
            Question::Range(_, low, high) | Question::Sum(_, low, high) => vec![low, high],
            Question::Literal(..) | Question::Whole(_) | Question::Join(..) => vec![],
        };
        let mut arguments = SqliteArguments::default();
        for value in values {
            arguments.add(value).expect("a number encodes");
        }
        arguments
    }
}

impl Hints {
    /// Those that have a spelling in comments, if that is where they stand.
    fn comment(&self) -> Option<String> {
        if self.spelling != Spelling::Comment {
            return None;
        }
        let mut comment = String::new();
        for (name, span) in [
            ("ttl", self.ttl),
            ("swr", self.stale_while_revalidate),
            ("sie", self.stale_if_error),
        ] {
            if let Some(seconds) = span {
                write!(comment, " {name}={seconds}s").expect("a string takes what is written");
            }
        }
        if self.tagged {
            write!(comment, " tags={TAG}").expect("a string takes what is written");
        }
        if self.mode == Mode::Bypass {
            comment += " off";
        }
        (!comment.is_empty()).then_some(comment)
    }
}

macro_rules! hint {
    ($target:expr, $hints:expr) => {{
        let (mut target, hints) = ($target, $hints);
        if hints.spelling != Spelling::Comment {
            if let Some(seconds) = hints.ttl {
                target = target.ttl(Duration::from_secs(seconds));
            }
            if let Some(seconds) = hints.stale_while_revalidate {
                target = target.stale_while_revalidate(Duration::from_secs(seconds));
            }
            if let Some(seconds) = hints.stale_if_error {
                target = target.stale_if_error(Duration::from_secs(seconds));
            }
            if hints.tagged {
                target = target.tag(TAG);
            }
            if hints.mode == Mode::Bypass {
                target = target.bypass();
            }
        }
        // Comments have no word for these.
        if let Some(seconds) = hints.tolerate_stale {
            target = target.tolerate_stale(Duration::from_secs(seconds));
        }
        if hints.strict {
            target = target.consistency(Consistency::Strict);
        }
        if let Some(scope) = hints.scope {
            target = target.scope(scope);
        }
        match hints.mode {
            Mode::Refresh => target.refresh(),
            Mode::OnlyIfCached => target.only_if_cached(),
            Mode::Normal | Mode::Bypass | Mode::Direct => target,
        }
    }};
}

fn hinted<'p, Q>(read: CachedRead<'p, Sqlite, Q>, hints: &Hints) -> CachedRead<'p, Sqlite, Q> {
    match hints.spelling {
        Spelling::Policy => read.policy(&hint!(CachePolicy::new(), hints)),
        Spelling::Calls | Spelling::Comment => hint!(read, hints),
    }
}
