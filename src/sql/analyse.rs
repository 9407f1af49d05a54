//! One text from its tokens to its facts: splits it into statements, asks for the facts of each and puts them together.

use std::{mem, sync::Arc};

use super::{
    facts::{Dialect, Facts, Kind, Reason, Step, Writes},
    functions::Functions,
    hints::hints,
    implied::Implied,
    normal,
    part::{Context, Part, relations, sorted, united},
    pins::Pins,
    statement::statement,
    token::{Token, lex},
};

/// What is known about `sql`. Never fails: of what cannot be read, the worst is assumed.
///
/// # Example
/// ```
/// use cachedpool::sql::{Dialect, Functions, Kind, analyse};
///
/// let facts = analyse(Dialect::Postgres, "SELECT * FROM Users WHERE id = $1", &Functions::new());
/// assert_eq!((facts.kind, facts.refusal), (Kind::Read, None));
/// assert_eq!(facts.reads[0].to_string(), "users");
/// ```
#[must_use]
pub fn analyse(dialect: Dialect, sql: &str, functions: &Functions) -> Facts {
    let context = Context {
        dialect,
        functions,
        judgement: functions.judgement(),
    };
    let lexed = lex(dialect, sql);
    let hints = hints(&lexed.comments);
    let (normal, mut parts) = if lexed.complete {
        let statements = split(dialect, &lexed.tokens);
        let normal = match &statements[..] {
            // A `;` behind a single statement means nothing.
            [only] => normal::spell(dialect, only),
            _ => normal::spell(dialect, &lexed.tokens),
        };
        (
            normal,
            statements
                .iter()
                .map(|tokens| one(context, tokens))
                .collect(),
        )
    } else {
        (
            sql.to_owned(),
            vec![Part::unknown(Kind::Other, Reason::Unparsed)],
        )
    };
    let (refusal, pins) = match &mut parts[..] {
        [] => (Some(Reason::NotARead), Pins::default()),
        [only] => (only.refusal.take(), mem::take(&mut only.pins)),
        _ => (Some(Reason::SeveralStatements), Pins::default()),
    };
    let changes_variables =
        dialect == Dialect::MySql && lexed.comments.iter().any(|comment| sets_variables(comment));
    let refusal = refusal
        .or_else(|| changes_variables.then(|| Reason::SessionDependent("set_var".into())))
        .or_else(|| hints.off.then_some(Reason::HintOff));
    let actions = united(gathered(&parts, |part| &part.named));
    Facts {
        kind: kind(&parts),
        reads: sorted(gathered(&parts, |part| &part.reads)),
        writes: writes(&parts),
        named_writes: relations(&actions),
        actions,
        calls: sorted(gathered(&parts, |part| &part.calls)),
        implied: Implied::by(dialect, &lexed.tokens),
        pins,
        temporary: sorted(gathered(&parts, |part| &part.temporary)),
        refusal,
        steps: parts.into_iter().flat_map(|part| part.steps).collect(),
        normal: Arc::from(normal),
        hints,
    }
}

/// The statements of a text, without their `;` and without empty ones.
fn split<'a, 's>(dialect: Dialect, tokens: &'a [Token<'s>]) -> Vec<&'a [Token<'s>]> {
    let mut statements = Vec::new();
    let mut rest = tokens;
    while !rest.is_empty() {
        // The body of a routine has `;` of its own: such a statement goes on to the end of the text.
        let end = if has_body(dialect, rest) {
            rest.len()
        } else {
            length(rest)
        };
        let mut statement = &rest[..end];
        while let [before @ .., last] = statement
            && last.is_punct(";")
        {
            statement = before;
        }
        if !statement.is_empty() {
            statements.push(statement);
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    statements
}

fn length(tokens: &[Token<'_>]) -> usize {
    tokens
        .iter()
        .position(|token| token.is_punct(";"))
        .unwrap_or(tokens.len())
}

/// Whether the next statement can hold others: `CREATE TRIGGER … BEGIN …; END`, `CREATE RULE … DO (…; …)`, `BEGIN NOT ATOMIC`.
fn has_body(dialect: Dialect, tokens: &[Token<'_>]) -> bool {
    let head = &tokens[..length(tokens)];
    let Some(first) = head.first() else {
        return false;
    };
    if dialect == Dialect::MySql && first.is_word("begin") {
        return head.get(1).is_some_and(|next| next.is_word("not"));
    }
    first.is_one_of(&["create", "alter"])
        && head.iter().any(|token| {
            token.is_one_of(&[
                "procedure",
                "function",
                "trigger",
                "event",
                "package",
                "rule",
                "schema",
            ])
        })
}

fn one(context: Context<'_>, tokens: &[Token<'_>]) -> Part {
    let part = statement(context, tokens);
    // Where a body began and what follows it cannot be told apart.
    let several = tokens.iter().any(|token| token.is_punct(";"));
    if several {
        Part {
            named: part.named,
            calls: part.calls,
            ..Part::unknown(part.kind, Reason::NotARead)
        }
    } else {
        part
    }
}

/// MySQL's optimizer hints change no result, but for the one that sets variables.
fn sets_variables(comment: &str) -> bool {
    comment.starts_with("/*+") && comment.to_ascii_lowercase().contains("set_var")
}

fn kind(parts: &[Part]) -> Kind {
    [
        Kind::Ddl,
        Kind::Write,
        Kind::Transaction,
        Kind::Session,
        Kind::Other,
        Kind::Read,
    ]
    .into_iter()
    .find(|kind| parts.iter().any(|part| part.kind == *kind))
    .unwrap_or(Kind::Other)
}

/// What the steps write together.
fn writes(parts: &[Part]) -> Writes {
    let mut all = Vec::new();
    for step in parts.iter().flat_map(|part| &part.steps) {
        match step {
            Step::Write(Writes::Everything) | Step::CommittingWrite(Writes::Everything) => {
                return Writes::Everything;
            }
            Step::Write(Writes::Relations(some))
            | Step::CommittingWrite(Writes::Relations(some)) => {
                all.extend(some.iter().cloned());
            }
            _ => {}
        }
    }
    Writes::Relations(sorted(all))
}

fn gathered<T: Clone>(parts: &[Part], of: impl Fn(&Part) -> &Vec<T>) -> Vec<T> {
    parts
        .iter()
        .flat_map(|part| of(part).iter().cloned())
        .collect()
}
