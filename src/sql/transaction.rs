//! Transaction control, read from the tokens: it must be followed exactly, whatever the parser thinks of it.

use super::{
    cursor::Cursor,
    facts::{Dialect, Kind, Step, Writes},
    names,
    part::{Context, Part},
    token::{Token, TokenKind},
};

/// The facts of a statement if it is transaction control.
pub(super) fn transaction(context: Context<'_>, tokens: &[Token<'_>]) -> Option<Part> {
    let dialect = context.dialect;
    let mut at = Cursor::new(dialect, tokens);
    let steps = match dialect {
        Dialect::Postgres => postgres(&mut at)?,
        Dialect::MySql => mysql(&mut at)?,
        Dialect::Sqlite => sqlite(&mut at)?,
    };
    let mut part = Part::stepping(Kind::Transaction, steps);
    part.everything = part.steps.contains(&Step::Write(Writes::Everything));
    Some(part)
}

fn postgres(at: &mut Cursor<'_, '_>) -> Option<Vec<Step>> {
    if at.word("begin") || at.words(&["start", "transaction"]) {
        return Some(vec![Step::Begin]);
    }
    if at.words(&["prepare", "transaction"]) {
        // The writes leave this session; they show when somebody says COMMIT PREPARED, which need not be us.
        return Some(vec![
            Step::Write(Writes::Everything),
            Step::Commit { chain: false },
        ]);
    }
    if at.words(&["commit", "prepared"]) {
        return Some(vec![Step::Write(Writes::Everything)]);
    }
    if at.words(&["rollback", "prepared"])
        || at.words(&["set", "transaction"])
        || at.words(&["set", "constraints"])
    {
        return Some(Vec::new());
    }
    if at.one_of(&["commit", "end"]) {
        at.one_of(&["work", "transaction"]);
        return ended(at, |chain| Step::Commit { chain });
    }
    if at.one_of(&["rollback", "abort"]) {
        at.one_of(&["work", "transaction"]);
        return if at.word("to") {
            Some(vec![rollback_to(Dialect::Postgres, at)])
        } else {
            ended(at, |chain| Step::Rollback { chain })
        };
    }
    savepoint(Dialect::Postgres, at)
}

fn mysql(at: &mut Cursor<'_, '_>) -> Option<Vec<Step>> {
    if at.words(&["start", "transaction"]) {
        return Some(vec![Step::Commit { chain: false }, Step::Begin]);
    }
    if at.word("begin") {
        at.word("work");
        // MariaDB's `BEGIN NOT ATOMIC` is a block of statements.
        let plain = at.at_end();
        return Some(if plain {
            vec![Step::Commit { chain: false }, Step::Begin]
        } else {
            unknown()
        });
    }
    if at.word("xa") {
        return Some(unknown());
    }
    if at.words(&["set", "transaction"]) {
        return Some(Vec::new());
    }
    if at.word("commit") {
        at.word("work");
        return ended(at, |chain| Step::Commit { chain });
    }
    if at.word("rollback") {
        at.word("work");
        return if at.word("to") {
            Some(vec![rollback_to(Dialect::MySql, at)])
        } else {
            ended(at, |chain| Step::Rollback { chain })
        };
    }
    savepoint(Dialect::MySql, at)
}

fn sqlite(at: &mut Cursor<'_, '_>) -> Option<Vec<Step>> {
    if at.word("begin") {
        return Some(vec![Step::Begin]);
    }
    if at.one_of(&["commit", "end"]) {
        return Some(vec![Step::Commit { chain: false }]);
    }
    if at.word("rollback") {
        // A transaction can carry a name here, which means nothing.
        if at.word("transaction") && !at.peek().is_some_and(|token| token.is_word("to")) {
            at.identifier();
        }
        let step = if at.word("to") {
            rollback_to(Dialect::Sqlite, at)
        } else {
            Step::Rollback { chain: false }
        };
        return Some(vec![step]);
    }
    savepoint(Dialect::Sqlite, at)
}

fn unknown() -> Vec<Step> {
    vec![
        Step::Write(Writes::Everything),
        Step::UnknownTransaction,
        Step::Session,
    ]
}

/// `[AND [NO] CHAIN] [[NO] RELEASE]`; what else stands there is no plain end of a transaction.
fn ended(at: &mut Cursor<'_, '_>, step: impl Fn(bool) -> Step) -> Option<Vec<Step>> {
    let chain = at.words(&["and", "chain"]);
    let said = chain || at.words(&["and", "no", "chain"]);
    let released = at.words(&["no", "release"]) || at.word("release");
    if at.at_end() {
        Some(vec![step(chain)])
    } else if said || released {
        Some(unknown())
    } else {
        Some(vec![step(false), Step::UnknownTransaction])
    }
}

fn rollback_to(dialect: Dialect, at: &mut Cursor<'_, '_>) -> Step {
    at.word("savepoint");
    name(dialect, at).map_or(Step::UnknownTransaction, Step::RollbackTo)
}

fn savepoint(dialect: Dialect, at: &mut Cursor<'_, '_>) -> Option<Vec<Step>> {
    let step: fn(Box<str>) -> Step = if at.word("savepoint") {
        Step::Savepoint
    } else if at.word("release") {
        at.word("savepoint");
        Step::Release
    } else {
        return None;
    };
    Some(vec![
        name(dialect, at).map_or(Step::UnknownTransaction, step),
    ])
}

/// A savepoint's name. MySQL and SQLite compare these without regard to case, quoted or not.
fn name(dialect: Dialect, at: &mut Cursor<'_, '_>) -> Option<Box<str>> {
    let token = at.peek()?;
    let name = match token.kind {
        TokenKind::Word | TokenKind::Quoted | TokenKind::Text => names::identifier(dialect, token)?,
        _ => return None,
    };
    at.next();
    match dialect {
        Dialect::Postgres => Some(name),
        Dialect::MySql | Dialect::Sqlite => Some(name.to_lowercase().into()),
    }
}
