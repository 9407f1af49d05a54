//! What a worker tells of what it did: one line of text each.
//!
//! A line ends with a full stop, so that one that a killed worker did not finish is told from a whole one.

use std::{fmt, str::FromStr};

use crate::clock::{Delay, Moment};

/// Stands for the token of a write that was given none.
pub(crate) const NO_TOKEN: &str = "-";

/// A row of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Row {
    /// Its table's place in the list of tables.
    pub(crate) table: u8,
    pub(crate) id: i32,
}

/// A row as somebody saw it or left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) row: Row,
    pub(crate) version: i64,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The memory of the process.
    Local,
    /// The tier that processes share.
    Shared,
    /// The database, since the cache had nothing to answer.
    Database,
    /// The database, which alone was asked.
    Truth,
}

/// What was asked of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    Bounded,
    Strict,
}

/// Whether a process follows what others write for all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Office {
    Leader,
    Follower,
}

/// A read that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) begin: Moment,
    pub(crate) end: Moment,
    pub(crate) source: Source,
    pub(crate) demand: Demand,
    /// What the write had left of whose token the answer had to be.
    pub(crate) after: Option<Seen>,
    pub(crate) seen: Vec<Seen>,
}

/// A write that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) begin: Moment,
    /// When the writer knew.
    pub(crate) end: Moment,
    pub(crate) left: Vec<Seen>,
    pub(crate) token: Option<String>,
}

/// Something that did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    Read,
    Write,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Read(Read),
    Write(Write),
    /// The database said no, or did not answer, or nobody knows.
    Failed(Effort),
    /// What must never be, whatever the time.
    Wrong(String),
    /// The process was kept from running.
    Delayed(Delay),
    /// How late the writes of others were, by what the pool itself says, in microseconds: the last one, and the worst of all.
    Lag {
        last: u64,
        worst: u64,
    },
    /// From now on it follows what others write for all processes, or does not.
    Office(Office),
    /// All that had been acknowledged before is known to the other processes, or was not theirs to know.
    Delivered(Moment),
    /// Everything that had ended before has been told.
    Mark(Moment),
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.table, self.id)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.row, self.version)
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(read) => {
                let source = match read.source {
                    Source::Local => "l",
                    Source::Shared => "s",
                    Source::Database => "d",
                    Source::Truth => "t",
                };
                let demand = match read.demand {
                    Demand::Bounded => "b",
                    Demand::Strict => "s",
                };
                write!(f, "R {} {} {source} {demand} ", read.begin, read.end)?;
                match read.after {
                    Some(after) => write!(f, "{after}")?,
                    None => f.write_str("-")?,
                }
                read.seen.iter().try_for_each(|seen| write!(f, " {seen}"))?;
            }
            Self::Write(write) => {
                let token = write.token.as_deref().unwrap_or(NO_TOKEN);
                write!(f, "W {} {} {token}", write.begin, write.end)?;
                write
                    .left
                    .iter()
                    .try_for_each(|left| write!(f, " {left}"))?;
            }
            Self::Failed(Effort::Read) => f.write_str("F r")?,
            Self::Failed(Effort::Write) => f.write_str("F w")?,
            Self::Wrong(what) => write!(f, "X {}", what.replace('\n', " "))?,
            Self::Delayed(delay) => write!(f, "L {} {}", delay.from, delay.to)?,
            Self::Lag { last, worst } => write!(f, "G {last} {worst}")?,
            Self::Office(Office::Leader) => f.write_str("O l")?,
            Self::Office(Office::Follower) => f.write_str("O f")?,
            Self::Delivered(moment) => write!(f, "D {moment}")?,
            Self::Mark(moment) => write!(f, "M {moment}")?,
        }
        f.write_str(" .")
    }
}

/// A text that is no whole record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

impl FromStr for Seen {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let (row, version) = text.split_once('=').ok_or(Unreadable)?;
        let (table, id) = row.split_once(':').ok_or(Unreadable)?;
        let row = Row {
            table: number(table)?,
            id: number(id)?,
        };
        Ok(Self {
            row,
            version: number(version)?,
        })
    }
}

impl FromStr for Record {
    type Err = Unreadable;

    fn from_str(line: &str) -> Result<Self, Unreadable> {
        let line = line.strip_suffix(" .").ok_or(Unreadable)?;
        let (kind, rest) = line.split_once(' ').ok_or(Unreadable)?;
        let mut words = rest.split(' ');
        let mut word = || words.next().ok_or(Unreadable);
        Ok(match kind {
            "R" => {
                let (begin, end) = (number(word()?)?, number(word()?)?);
                let source = match word()? {
                    "l" => Source::Local,
                    "s" => Source::Shared,
                    "d" => Source::Database,
                    "t" => Source::Truth,
                    _ => return Err(Unreadable),
                };
                let demand = match word()? {
                    "b" => Demand::Bounded,
                    "s" => Demand::Strict,
                    _ => return Err(Unreadable),
                };
                let after = match word()? {
                    "-" => None,
                    seen => Some(seen.parse()?),
                };
                let seen = words.map(str::parse).collect::<Result<_, _>>()?;
                Self::Read(Read {
                    begin,
                    end,
                    source,
                    demand,
                    after,
                    seen,
                })
            }
            "W" => {
                let (begin, end) = (number(word()?)?, number(word()?)?);
                let token = Some(word()?).filter(|token| *token != NO_TOKEN);
                let left = words.map(str::parse).collect::<Result<_, _>>()?;
                Self::Write(Write {
                    begin,
                    end,
                    left,
                    token: token.map(str::to_owned),
                })
            }
            "F" => match rest {
                "r" => Self::Failed(Effort::Read),
                "w" => Self::Failed(Effort::Write),
                _ => return Err(Unreadable),
            },
            "X" => Self::Wrong(rest.to_owned()),
            "L" => Self::Delayed(Delay {
                from: number(word()?)?,
                to: number(word()?)?,
            }),
            "G" => Self::Lag {
                last: number(word()?)?,
                worst: number(word()?)?,
            },
            "O" => match rest {
                "l" => Self::Office(Office::Leader),
                "f" => Self::Office(Office::Follower),
                _ => return Err(Unreadable),
            },
            "D" => Self::Delivered(number(rest)?),
            "M" => Self::Mark(number(rest)?),
            _ => return Err(Unreadable),
        })
    }
}

fn number<N: FromStr>(text: &str) -> Result<N, Unreadable> {
    text.parse().map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Vec<Record> {
        let seen = |id, version| Seen {
            row: Row { table: 3, id },
            version,
        };
        let read = Read {
            begin: 1,
            end: 2,
            source: Source::Shared,
            demand: Demand::Strict,
            after: Some(seen(7, 8)),
            seen: vec![seen(1, 12), seen(2, 13)],
        };
        let write = Write {
            begin: 3,
            end: u64::MAX,
            left: vec![seen(9, i64::MAX)],
            token: Some("c0ffee".to_owned()),
        };
        vec![
            Record::Read(read.clone()),
            Record::Read(Read {
                source: Source::Truth,
                demand: Demand::Bounded,
                after: None,
                ..read
            }),
            Record::Write(write.clone()),
            Record::Write(Write {
                token: None,
                ..write
            }),
            Record::Failed(Effort::Read),
            Record::Failed(Effort::Write),
            Record::Wrong("a payload of two words".to_owned()),
            Record::Delayed(Delay { from: 1, to: 2 }),
            Record::Lag { last: 3, worst: 40 },
            Record::Office(Office::Leader),
            Record::Office(Office::Follower),
            Record::Delivered(4),
            Record::Mark(5),
        ]
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        for record in samples() {
            assert_eq!(record.to_string().parse(), Ok(record));
        }
    }

    #[test]
    fn a_line_that_was_not_finished_is_not_taken_for_a_whole_one() {
        for record in samples() {
            let line = record.to_string();
            for length in 0..line.len() {
                assert_eq!(line[..length].parse::<Record>(), Err(Unreadable), "{line}");
            }
        }
    }
}
