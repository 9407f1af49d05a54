//! The messages of the output plugin `pgoutput`, protocol versions 1 and 2: bytes in, messages out.
//!
//! As the PostgreSQL manual has them ("Logical Replication Message Formats"). Promises that whatever is not exactly such a
//! message is an error: too short, too long, of an unknown kind, with an unknown flag. Never a panic, never a skip.

mod reader;

use std::fmt;

use reader::Reader;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A transaction follows.
    Begin {
        /// Of its commit.
        final_lsn: u64,
        /// When it was committed, in microseconds since 2000-01-01.
        committed: i64,
        /// Its number.
        xid: u32,
    },
    /// The transaction is complete.
    Commit {
        /// Of the commit.
        lsn: u64,
        /// Behind it.
        end_lsn: u64,
        /// When, in microseconds since 2000-01-01.
        committed: i64,
    },
    /// Where a transaction came from that was replicated itself.
    Origin,
    /// What a number stands for in the changes that follow.
    Relation(Relation),
    /// What the number of a type stands for.
    Type,
    /// A new row.
    Insert {
        /// Of the table.
        relation: u32,
        /// The row.
        new: Tuple<'a>,
    },
    /// A changed row.
    Update {
        /// Of the table.
        relation: u32,
        /// What it was, if the replica identity changed or is the whole row.
        old: Option<Old<'a>>,
        /// What it is.
        new: Tuple<'a>,
    },
    /// A row that is gone.
    Delete {
        /// Of the table.
        relation: u32,
        /// What it was.
        old: Old<'a>,
    },
    /// Tables that were emptied.
    Truncate {
        /// Their numbers.
        relations: Vec<u32>,
    },
    /// What somebody wrote into the log by `pg_logical_emit_message`.
    Message,
    /// A part of a transaction that is not committed yet follows.
    StreamStart {
        /// The transaction.
        xid: u32,
    },
    /// The part is complete.
    StreamStop,
    /// A transaction that came in parts was committed.
    StreamCommit {
        /// Which.
        xid: u32,
        /// Behind the commit.
        end_lsn: u64,
        /// When, in microseconds since 2000-01-01.
        committed: i64,
    },
    /// A transaction that came in parts, or a part of it, was rolled back.
    StreamAbort {
        /// The transaction.
        xid: u32,
        /// The sub-transaction; the same where all of it was.
        subxid: u32,
    },
}

/// A table, as the server describes it before its first change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its number.
    pub id: u32,
    /// Its schema.
    pub schema: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Its columns in order, but for generated ones.
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: Box<str>,
    /// It is part of the replica identity.
    pub identity: bool,
    /// The number of its type.
    pub kind: u32,
    /// The type's modifier.
    pub modifier: i32,
}

/// A row: a value a column.
pub type Tuple<'a> = Vec<Datum<'a>>;

/// What a row was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Old<'a> {
    /// The replica identity alone; the other columns are shown as null.
    Identity(Tuple<'a>),
    /// All of it.
    Whole(Tuple<'a>),
}

/// A value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datum<'a> {
    /// NULL.
    Null,
    /// A large value that the change left as it was, and that is not sent.
    Unchanged,
    /// In the type's text form.
    Text(&'a [u8]),
    /// In the type's binary form.
    Binary(&'a [u8]),
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the stream itself.
    Outside,
    /// Between the start and the stop of a part: changes name their (sub-)transaction.
    InPart,
}

/// Why bytes are no message. Holds none of them: they can be anybody's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub(crate) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a malformed replication message: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// Reads one message.
///
/// # Errors
/// If it is not exactly one.
pub fn decode(bytes: &[u8], place: Place) -> Result<Message<'_>, Malformed> {
    let mut reader = Reader::new(bytes);
    let kind = reader.u8()?;
    if place == Place::InPart && matches!(kind, b'R' | b'Y' | b'I' | b'U' | b'D' | b'T' | b'M') {
        // Which sub-transaction: what it changed counts even if it is rolled back.
        reader.u32()?;
    }
    let message = match kind {
        b'B' => Message::Begin {
            final_lsn: reader.u64()?,
            committed: reader.i64()?,
            xid: reader.u32()?,
        },
        b'C' => {
            reader.flags(0)?;
            Message::Commit {
                lsn: reader.u64()?,
                end_lsn: reader.u64()?,
                committed: reader.i64()?,
            }
        }
        b'O' => {
            reader.u64()?;
            reader.text()?;
            Message::Origin
        }
        b'R' => Message::Relation(relation(&mut reader)?),
        b'Y' => {
            reader.u32()?;
            reader.text()?;
            reader.text()?;
            Message::Type
        }
        b'I' => {
            let relation = reader.u32()?;
            match reader.u8()? {
                b'N' => Message::Insert {
                    relation,
                    new: tuple(&mut reader)?,
                },
                _ => return Err(Malformed("an insert without a new row")),
            }
        }
        b'U' => update(&mut reader)?,
        b'D' => {
            let relation = reader.u32()?;
            let old = match reader.u8()? {
                b'K' => Old::Identity(tuple(&mut reader)?),
                b'O' => Old::Whole(tuple(&mut reader)?),
                _ => return Err(Malformed("a delete without an old row")),
            };
            Message::Delete { relation, old }
        }
        b'T' => truncate(&mut reader)?,
        b'M' => {
            reader.flags(1)?;
            reader.u64()?;
            reader.text()?;
            reader.sized()?;
            Message::Message
        }
        b'S' => {
            let xid = reader.u32()?;
            reader.flags(1)?;
            Message::StreamStart { xid }
        }
        b'E' => Message::StreamStop,
        b'c' => {
            let xid = reader.u32()?;
            reader.flags(0)?;
            reader.u64()?;
            Message::StreamCommit {
                xid,
                end_lsn: reader.u64()?,
                committed: reader.i64()?,
            }
        }
        b'A' => Message::StreamAbort {
            xid: reader.u32()?,
            subxid: reader.u32()?,
        },
        _ => return Err(Malformed("an unknown kind")),
    };
    reader.end()?;
    Ok(message)
}

fn relation(reader: &mut Reader<'_>) -> Result<Relation, Malformed> {
    let id = reader.u32()?;
    let schema = match reader.text()? {
        // So the plugin spells it.
        "" => "pg_catalog",
        schema => schema,
    };
    let name = reader.text()?;
    if !matches!(reader.u8()?, b'd' | b'n' | b'f' | b'i') {
        return Err(Malformed("an unknown replica identity"));
    }
    let count = reader.count()?;
    let columns = (0..count).map(|_| {
        Ok(Column {
            identity: reader.flags(1)? == 1,
            name: reader.text()?.into(),
            kind: reader.u32()?,
            modifier: reader.i32()?,
        })
    });
    let columns = columns.collect::<Result<_, Malformed>>()?;
    Ok(Relation {
        id,
        schema: schema.into(),
        name: name.into(),
        columns,
    })
}

fn update<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, Malformed> {
    let relation = reader.u32()?;
    let mut kind = reader.u8()?;
    let old = match kind {
        b'K' => Some(Old::Identity(tuple(reader)?)),
        b'O' => Some(Old::Whole(tuple(reader)?)),
        _ => None,
    };
    if old.is_some() {
        kind = reader.u8()?;
    }
    match kind {
        b'N' => Ok(Message::Update {
            relation,
            old,
            new: tuple(reader)?,
        }),
        _ => Err(Malformed("an update without a new row")),
    }
}

fn truncate<'a>(reader: &mut Reader<'a>) -> Result<Message<'a>, Malformed> {
    let count = reader.i32()?;
    // CASCADE and RESTART IDENTITY.
    reader.flags(3)?;
    let relations = (0..count).map(|_| reader.u32()).collect::<Result<_, _>>()?;
    match count {
        0.. => Ok(Message::Truncate { relations }),
        _ => Err(Malformed("a negative count")),
    }
}

fn tuple<'a>(reader: &mut Reader<'a>) -> Result<Tuple<'a>, Malformed> {
    let count = reader.count()?;
    let values = (0..count).map(|_| match reader.u8()? {
        b'n' => Ok(Datum::Null),
        b'u' => Ok(Datum::Unchanged),
        b't' => reader.sized().map(Datum::Text),
        b'b' => reader.sized().map(Datum::Binary),
        _ => Err(Malformed("an unknown form of a value")),
    });
    values.collect()
}

#[cfg(all(test, not(shuttle)))]
mod tests;
