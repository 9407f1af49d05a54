//! Queries and changes of rows: parsed, walked, and if that fails judged by their tokens.

use sqlparser::{
    ast::Statement,
    dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect},
    parser::Parser,
    tokenizer::Token as ParserToken,
};

use super::{
    facts::{Dialect, Reason, Step},
    normal,
    part::{Context, Part},
    scan,
    token::{Gap, Token, TokenKind},
    walk,
};

/// Longer texts are not parsed.
const MAX_TOKENS: usize = 200_000;
/// Texts with more words and operators are not parsed: a chain of these becomes a tree as deep as the chain is long.
const MAX_CHAIN: usize = 16_000;
/// How deep brackets can be nested.
const MAX_NESTING: usize = 64;
/// What a level of a tree can cost on the stack where it is walked or dropped.
const STACK_PER_LEVEL: usize = 2 << 10;
/// What everything else can cost.
const STACK_AT_LEAST: usize = 256 << 10;

/// The facts of a statement that begins with `head`, after brackets.
pub(super) fn query(context: Context<'_>, tokens: &[Token<'_>], head: &Token<'_>) -> Part {
    let chain = tokens
        .iter()
        .filter(|token| {
            matches!(
                token.kind,
                TokenKind::Word | TokenKind::Operator | TokenKind::Quoted
            ) || (token.kind == TokenKind::Punct && !matches!(token.text, "," | "(" | ")"))
        })
        .count();
    let reads = head.is_one_of(&["select", "with", "values", "table"]);
    let mut part =
        if tokens.len() > MAX_TOKENS || chain > MAX_CHAIN || nesting(tokens) > MAX_NESTING {
            scan::unparsed(context, tokens)
        } else {
            let stack = STACK_AT_LEAST + chain * STACK_PER_LEVEL;
            stacker::maybe_grow(stack, stack, || match parse(context.dialect, tokens) {
                Some(statement) => walk::statement(context, &statement),
                None => scan::unparsed(context, tokens),
            })
        };
    from_tokens(context.dialect, tokens, &mut part);
    if !reads {
        part.refusal = Some(Reason::NotARead);
    }
    part
}

fn nesting(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for token in tokens {
        if token.is_punct("(") || token.is_punct("[") || token.is_word("case") {
            depth += 1;
            deepest = deepest.max(depth);
        } else if token.is_punct(")") || token.is_punct("]") || token.is_word("end") {
            depth = depth.saturating_sub(1);
        }
    }
    deepest
}

fn parse(dialect: Dialect, tokens: &[Token<'_>]) -> Option<Statement> {
    let text = match rewritten(tokens) {
        Some(tokens) => normal::spell(dialect, &tokens),
        None => normal::spell(dialect, tokens),
    };
    let grammar: &dyn sqlparser::dialect::Dialect = match dialect {
        Dialect::Postgres => &PostgreSqlDialect {},
        Dialect::MySql => &MySqlDialect {},
        Dialect::Sqlite => &SQLiteDialect {},
    };
    let mut parser = Parser::new(grammar)
        .with_recursion_limit(4 * MAX_NESTING)
        .try_with_sql(&text)
        .ok()?;
    let statement = parser.parse_statement().ok()?;
    // What is left over was not understood.
    (parser.peek_token_ref().token == ParserToken::EOF).then_some(statement)
}

/// `TABLE t` as `SELECT * FROM t`, which it means and which the parser reads better; `None` if there is none.
fn rewritten<'s>(tokens: &[Token<'s>]) -> Option<Vec<Token<'s>>> {
    let named = |at: usize| {
        tokens
            .get(at + 1)
            .is_some_and(|next| matches!(next.kind, TokenKind::Word | TokenKind::Quoted))
            && !at.checked_sub(1).is_some_and(|before| {
                tokens[before].is_punct(".")
                    || tokens[before].is_one_of(&["into", "temp", "temporary", "unlogged"])
            })
    };
    tokens
        .iter()
        .enumerate()
        .position(|(at, token)| token.is_word("table") && named(at))?;
    let mut out = Vec::with_capacity(tokens.len() + 4);
    for (at, token) in tokens.iter().enumerate() {
        if token.is_word("table") && named(at) {
            let plain = |kind, text| Token {
                kind,
                text,
                gap: Gap::Space,
            };
            out.extend([
                plain(TokenKind::Word, "select"),
                plain(TokenKind::Operator, "*"),
                plain(TokenKind::Word, "from"),
            ]);
        } else {
            out.push(*token);
        }
    }
    Some(out)
}

/// What is told by tokens more surely than by the parser's tree.
fn from_tokens(dialect: Dialect, tokens: &[Token<'_>], part: &mut Part) {
    if dialect != Dialect::MySql {
        return;
    }
    let follows = |words: &[&str]| {
        tokens.windows(words.len()).any(|window| {
            window
                .iter()
                .zip(words)
                .all(|(token, word)| token.is_word(word))
        })
    };
    if follows(&["lock", "in", "share", "mode"]) {
        part.refusal = Some(Reason::LocksRows);
    }
    if follows(&["next", "value", "for"]) || follows(&["previous", "value", "for"]) {
        part.refusal = Some(Reason::VolatileFunction("next value for".into()));
    }
    if tokens
        .iter()
        .any(|token| token.is_word("sql_calc_found_rows"))
    {
        part.refusal = Some(Reason::SessionDependent("sql_calc_found_rows".into()));
    }
    if let Some(variable) = tokens
        .iter()
        .find(|token| token.kind == TokenKind::Variable)
    {
        part.refusal = Some(Reason::SessionDependent(
            variable.text.to_lowercase().into(),
        ));
        let set = tokens.iter().any(|token| token.text == ":=")
            || tokens
                .windows(2)
                .any(|pair| pair[0].is_word("into") && pair[1].kind == TokenKind::Variable);
        if set && !part.steps.contains(&Step::Session) {
            part.steps.push(Step::Session);
        }
    }
}
