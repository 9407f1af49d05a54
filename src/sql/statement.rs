//! Tells what kind of statement it is by its first word, and asks the file that knows that kind.

use super::{
    cursor::Cursor,
    ddl,
    facts::{Dialect, Kind, Reason, Step, Writes},
    part::{Context, Part},
    query, scan,
    token::{Token, TokenKind},
    transaction, utility,
};

/// How deep statements can stand in one another (`EXPLAIN EXPLAIN …`) before they are given up on.
const MAX_DEPTH: usize = 8;

/// The facts of one statement, given without its `;`.
pub(super) fn statement(context: Context<'_>, tokens: &[Token<'_>]) -> Part {
    nested(context, tokens, 0)
}

fn nested(context: Context<'_>, tokens: &[Token<'_>], depth: usize) -> Part {
    if depth > MAX_DEPTH {
        return Part::unknown(Kind::Other, Reason::Unparsed);
    }
    if tokens
        .iter()
        .any(|token| matches!(token.kind, TokenKind::CodeOpen | TokenKind::CodeClose))
    {
        return scan::executable_comment(context, tokens);
    }
    let Some(head) = tokens.iter().find(|token| !token.is_punct("(")) else {
        return Part::unknown(Kind::Other, Reason::Unparsed);
    };
    if head.is_one_of(&[
        "select", "with", "values", "table", "insert", "update", "delete", "merge", "replace",
    ]) {
        return query::query(context, tokens, head);
    }
    let explains = match context.dialect {
        Dialect::Postgres | Dialect::Sqlite => head.is_word("explain"),
        Dialect::MySql => head.is_one_of(&["explain", "describe", "desc"]) || runs_analyzed(tokens),
    };
    if explains {
        return explain(context, tokens, depth);
    }
    if head.is_word("declare") && context.dialect == Dialect::Postgres {
        return declare(context, tokens, depth);
    }
    transaction::transaction(context, tokens)
        .or_else(|| utility::utility(context, tokens))
        .or_else(|| ddl::ddl(context, tokens))
        .unwrap_or_else(|| Part::unknown(Kind::Other, Reason::Unparsed))
}

/// MariaDB's `ANALYZE [FORMAT = …] SELECT …` runs the statement; `ANALYZE TABLE` does not.
fn runs_analyzed(tokens: &[Token<'_>]) -> bool {
    tokens[0].is_word("analyze")
        && tokens.get(1).is_some_and(|next| {
            next.is_one_of(&[
                "format", "select", "with", "update", "delete", "insert", "replace",
            ])
        })
}

/// `EXPLAIN` runs nothing, `EXPLAIN ANALYZE` runs its statement.
fn explain(context: Context<'_>, tokens: &[Token<'_>], depth: usize) -> Part {
    let mut at = Cursor::new(context.dialect, tokens);
    let mut runs = at.next().is_some_and(|head| head.is_word("analyze"));
    if context.dialect == Dialect::Postgres && at.peek().is_some_and(|token| token.is_punct("(")) {
        // `EXPLAIN (SELECT …)` has no options.
        let mut ahead = at;
        ahead.next();
        let options = ahead.group_body();
        if !options.first().is_some_and(|first| {
            first.is_one_of(&["select", "with", "values", "table"]) || first.is_punct("(")
        }) {
            // `ANALYZE false` does not run it; to be sure that it was read right, any `ANALYZE` counts.
            runs |= options.iter().any(|option| {
                // A quoted option is the option of that name.
                option.kind == TokenKind::Quoted || option.is_one_of(&["analyze", "analyse"])
            });
            at = ahead;
        }
    }
    loop {
        if at.one_of(&["analyze", "analyse"]) {
            runs = true;
        } else if at.word("format") {
            at.operator("=");
            at.next();
        } else if !(at.one_of(&["verbose", "extended", "partitions"])
            || at.words(&["query", "plan"]))
        {
            break;
        }
    }
    // MySQL: `DESCRIBE t`, and `EXPLAIN FOR CONNECTION 7`.
    let describes = context.dialect == Dialect::MySql
        && !at.peek().is_some_and(|token| {
            token.is_punct("(")
                || token.is_one_of(&[
                    "select", "with", "values", "table", "insert", "update", "delete", "replace",
                ])
        });
    if describes {
        return if runs {
            Part::unknown(Kind::Other, Reason::Unparsed)
        } else {
            Part::inert(Kind::Other, Reason::Show)
        };
    }
    let inner = nested(context, at.rest(), depth + 1);
    if runs {
        let kind = if inner.steps.is_empty() {
            Kind::Other
        } else {
            inner.kind
        };
        return Part {
            kind,
            refusal: Some(Reason::Explain),
            ..inner
        };
    }
    let mut part = Part {
        reads: inner.reads,
        named: inner.named,
        calls: inner.calls,
        ..Part::inert(Kind::Other, Reason::Explain)
    };
    if context.dialect == Dialect::MySql && inner.everything {
        // To plan a derived table MySQL can run it, and with it the functions that it calls.
        part.everything = true;
        part.steps.push(Step::Write(Writes::Everything));
    }
    part
}

/// `DECLARE c CURSOR FOR query`: what the query calls runs with `FETCH`, before the transaction ends.
fn declare(context: Context<'_>, tokens: &[Token<'_>], depth: usize) -> Part {
    let query = tokens
        .iter()
        .position(|token| token.is_word("for"))
        .map(|at| &tokens[at + 1..]);
    let inner = nested(context, query.unwrap_or_default(), depth + 1);
    Part {
        kind: Kind::Other,
        refusal: Some(Reason::Cursor),
        ..inner
    }
}
