//! Statements that are neither queries nor DDL nor transaction control: session settings, cursors, notifications,
//! maintenance, calls of procedures.

use super::{
    called::{Called, Doubt},
    calls::Arguments,
    cursor::Cursor,
    facts::{Dialect, Kind, Ops, Reason, Step, Writes},
    functions::Judgement,
    part::{Context, Part},
    scan,
    token::{Token, TokenKind},
};

/// SQLite's pragmas that take an argument and only read.
const READING_PRAGMAS: &[&str] = &[
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// The facts of a statement if it is one of these.
pub(super) fn utility(context: Context<'_>, tokens: &[Token<'_>]) -> Option<Part> {
    let mut at = Cursor::new(context.dialect, tokens);
    let head = at.next()?;
    let is = |words: &[&str]| head.is_one_of(words);
    if is(&["call"])
        && let Some(part) = call(context, tokens)
    {
        return Some(part);
    }
    if is(&["call", "do", "execute", "exec"]) {
        return Some(match context.dialect {
            // What it begins it also ends: no transaction is open after it that was not before.
            // (Manual, "Transaction Management" of procedures; PREPARE takes no transaction control.)
            Dialect::Postgres => Part::writing_everything(Kind::Write).then(Step::PerhapsSession),
            Dialect::MySql | Dialect::Sqlite => Part::unknown(Kind::Write, Reason::NotARead),
        });
    }
    match context.dialect {
        Dialect::Postgres if is(&["set"]) => Some(match at.word("local") {
            true => Part::stepping(Kind::Session, []),
            false => Part::stepping(Kind::Session, [Step::Session]),
        }),
        Dialect::Postgres if is(&["reset", "discard", "load"]) => {
            Some(Part::stepping(Kind::Session, [Step::Session]))
        }
        Dialect::Postgres if is(&["listen", "unlisten", "notify"]) => {
            Some(Part::inert(Kind::Other, Reason::Notification))
        }
        Dialect::Postgres if is(&["fetch", "move", "close"]) => {
            Some(Part::inert(Kind::Other, Reason::Cursor))
        }
        Dialect::Postgres if is(&["show"]) => Some(Part::inert(Kind::Other, Reason::Show)),
        // Nothing runs until EXECUTE, which can write everything.
        Dialect::Postgres if is(&["prepare", "deallocate"]) => {
            Some(Part::inert(Kind::Other, Reason::NotARead))
        }
        Dialect::Postgres
            if is(&[
                "lock",
                "vacuum",
                "analyze",
                "analyse",
                "checkpoint",
                "cluster",
                "reindex",
            ]) =>
        {
            Some(Part::inert(Kind::Other, Reason::NotARead))
        }
        Dialect::MySql => mysql(context, head, at),
        Dialect::Sqlite => sqlite(head, at),
        Dialect::Postgres => None,
    }
}

/// A `CALL` whose procedure somebody else judges. `None` if nobody does, or if its arguments are not plain.
fn call(context: Context<'_>, tokens: &[Token<'_>]) -> Option<Part> {
    if context.judgement == Judgement::Here || context.dialect == Dialect::Sqlite {
        return None;
    }
    let mut at = Cursor::new(context.dialect, tokens);
    at.next();
    let procedure = at.relation()?;
    // MySQL needs no brackets.
    let plain = at.at_end() || (at.skip_group() && at.at_end());
    if !plain || scan::identifiers(context.dialect, tokens).unreadable {
        return None;
    }
    let mut called = Called::by(context, &tokens[1..]);
    // Without brackets, or with a name that is grammar elsewhere.
    called.add(context, procedure, TokenKind::Quoted, Arguments::None);
    if called.doubt == Doubt::Anything {
        return None;
    }
    let mut part = Part::writing(Kind::Write, Ops::ALL, called.writes);
    part.reads = called.reads;
    part.calls = called.listed;
    Some(match context.dialect {
        Dialect::MySql => part.then(Step::UnknownTransaction).then(Step::Session),
        Dialect::Postgres | Dialect::Sqlite => part.then(Step::PerhapsSession),
    })
}

fn mysql(context: Context<'_>, head: &Token<'_>, mut at: Cursor<'_, '_>) -> Option<Part> {
    let is = |words: &[&str]| head.is_one_of(words);
    if is(&["set"]) {
        return Some(mysql_set(context, at));
    }
    if is(&["use"]) {
        return Some(Part::stepping(Kind::Session, [Step::Session]));
    }
    if is(&["show", "help"]) {
        return Some(Part::inert(Kind::Other, Reason::Show));
    }
    if is(&["binlog"]) {
        // Applies the row events that it is given.
        return Some(Part::unknown(Kind::Write, Reason::NotARead));
    }
    if is(&["handler"]) {
        return Some(Part::inert(Kind::Other, Reason::Cursor));
    }
    if is(&[
        "prepare",
        "deallocate",
        "kill",
        "checksum",
        "signal",
        "resignal",
        "get",
    ]) {
        return Some(Part::inert(Kind::Other, Reason::NotARead));
    }
    let instance = is(&["lock"]) && at.peek().is_some_and(|next| next.is_word("instance"));
    let persist = is(&["reset"]) && at.peek().is_some_and(|next| next.is_word("persist"));
    if is(&["unlock", "purge"]) || instance || persist {
        // UNLOCK TABLES commits only if LOCK TABLES came before; whether the others do, the manual does not say for each.
        return Some(Part::stepping(
            Kind::Transaction,
            [Step::UnknownTransaction],
        ));
    }
    if is(&["lock"]) {
        return Some(Part::inert(Kind::Transaction, Reason::NotARead).committing());
    }
    if is(&["repair"]) {
        return Some(Part::writing_everything(Kind::Other).committing());
    }
    let commits = is(&[
        "flush", "reset", "cache", "check", "optimize", "start", "stop", "change", "shutdown",
        "clone",
    ]) || (is(&["load"]) && at.word("index"))
        || (is(&["analyze"]) && (at.one_of(&["table", "local", "no_write_to_binlog"])));
    commits.then(|| Part::inert(Kind::Other, Reason::NotARead).committing())
}

fn mysql_set(context: Context<'_>, mut at: Cursor<'_, '_>) -> Part {
    if at.word("statement") {
        // MariaDB's SET STATEMENT … FOR runs the statement behind FOR.
        return Part::unknown(Kind::Write, Reason::NotARead);
    }
    if at.word("password") {
        return Part::stepping(Kind::Session, [Step::Session]).committing();
    }
    let mut part = Part::stepping(Kind::Session, [Step::Session]);
    // The values can be any expression.
    let called = Called::by(context, at.rest());
    if called.can_write(context.dialect) {
        part.everything = true;
        part.steps.insert(0, Step::Write(Writes::Everything));
    }
    part.calls = called.listed;
    let names = |token: &Token<'_>| {
        let name = token.text.trim_start_matches('@').to_ascii_lowercase();
        let last = name
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .trim_matches('`')
            .to_owned();
        matches!(last.as_str(), "autocommit" | "completion_type")
    };
    if at.rest().iter().any(names) {
        part.steps.push(Step::UnknownTransaction);
    }
    part
}

fn sqlite(head: &Token<'_>, mut at: Cursor<'_, '_>) -> Option<Part> {
    if head.is_one_of(&["attach", "detach"]) {
        return Some(Part::stepping(Kind::Session, [Step::Session]));
    }
    if head.is_one_of(&["vacuum"]) {
        // It can give rows without an integer primary key new rowids.
        return Some(Part::writing_everything(Kind::Other));
    }
    if head.is_one_of(&["analyze", "reindex"]) {
        return Some(Part::inert(Kind::Other, Reason::NotARead));
    }
    if !head.is_word("pragma") {
        return None;
    }
    let name = at.relation();
    let reading =
        name.is_some_and(|name| READING_PRAGMAS.contains(&&*name.name.to_ascii_lowercase()));
    if at.at_end() || reading {
        return Some(Part::inert(Kind::Other, Reason::Show));
    }
    Some(Part::stepping(Kind::Session, [Step::Session]))
}
