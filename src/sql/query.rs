//! Queries and changes of rows: parsed, walked, and if that fails judged by their tokens.

use sqlparser::{
    ast::Statement,
    dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect},
    parser::Parser,
    tokenizer::{Token as ParserToken, Tokenizer},
};

use super::{
    builtin,
    facts::{Dialect, Reason, Step},
    implied, normal,
    part::{Context, Part},
    pins::{Operands, Placeholder, pins},
    rewrite, scan,
    token::{Gap, Token, TokenKind},
    walk,
};

/// Longer texts are not parsed.
const MAX_TOKENS: usize = 200_000;
/// Texts with more words and operators are not parsed: a chain of these becomes a tree as deep as the chain is long.
const MAX_CHAIN: usize = 16_000;
/// Texts with more joins in one another are not parsed.
const MAX_JOINS: usize = 128;
/// What a join in another can cost on the stack. The parser's own guard does not know them, and its frames are large.
const STACK_PER_JOIN: usize = 128 << 10;
/// How deep brackets can be nested.
const MAX_NESTING: usize = 64;
/// What a level of a tree can cost on the stack where it is walked or dropped.
const STACK_PER_LEVEL: usize = 2 << 10;
/// What everything else can cost.
const STACK_AT_LEAST: usize = 512 << 10;

/// The facts of a statement that begins with `head`, after brackets.
pub(super) fn query(context: Context<'_>, tokens: &[Token<'_>], head: &Token<'_>) -> Part {
    let mut part = understood(context, tokens).unwrap_or_else(|| {
        let mut part = scan::unparsed(context, tokens);
        from_tokens(context.dialect, tokens, &mut part);
        part
    });
    if !head.is_one_of(&["select", "with", "values", "table"]) {
        part.refusal = Some(Reason::NotARead);
    }
    part
}

/// As `query`; `None` if the parser cannot read it.
pub(super) fn understood(context: Context<'_>, tokens: &[Token<'_>]) -> Option<Part> {
    let chain = tokens
        .iter()
        .filter(|token| {
            matches!(
                token.kind,
                TokenKind::Word | TokenKind::Operator | TokenKind::Quoted
            ) || (token.kind == TokenKind::Punct && !matches!(token.text, "," | "(" | ")"))
        })
        .count();
    let joins = nested_joins(tokens);
    let is_readable = tokens.len() <= MAX_TOKENS
        && chain <= MAX_CHAIN
        && joins <= MAX_JOINS
        && nesting(tokens) <= MAX_NESTING
        && !implied::is_unreadable(context.dialect, tokens);
    let stack = STACK_AT_LEAST + chain * STACK_PER_LEVEL + joins * STACK_PER_JOIN;
    let mut part = is_readable
        .then(|| stacker::maybe_grow(stack, stack, || parsed(context, tokens)))
        .flatten()?;
    from_tokens(context.dialect, tokens, &mut part);
    Some(part)
}

/// How many joins wait for their conditions at once: `a JOIN b JOIN c ON … ON …`.
fn nested_joins(tokens: &[Token<'_>]) -> usize {
    let mut waiting = 0_usize;
    let mut most = 0;
    for token in tokens.iter().filter(|token| token.kind == TokenKind::Word) {
        if token.is_one_of(&["join", "straight_join"]) {
            waiting += 1;
            most = most.max(waiting);
        } else if token.is_one_of(&["on", "using"]) {
            waiting = waiting.saturating_sub(1);
        }
    }
    most
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

fn parsed(context: Context<'_>, tokens: &[Token<'_>]) -> Option<Part> {
    let spelled = rewrite::for_parser(context.dialect, tokens);
    let (statement, placeholders) = parse(context.dialect, &spelled)?;
    let mut part = walk::statement(context, &statement, &Keywords::of(&spelled))?;
    let judged = matches!(part.refusal, None | Some(Reason::NotARead));
    if let Some(operands) = Operands::of(context.dialect, tokens, &spelled, &placeholders)
        && judged
    {
        let found = pins(&operands, &statement);
        part.pins.reads.extend(found.reads);
        part.pins.write = found.write;
    }
    Some(part)
}

/// The tree, and the placeholders that the parser met.
fn parse(dialect: Dialect, tokens: &[Token<'_>]) -> Option<(Statement, Vec<Placeholder>)> {
    let text = normal::spell(dialect, tokens);
    let grammar: &dyn sqlparser::dialect::Dialect = match dialect {
        Dialect::Postgres => &PostgreSqlDialect {},
        Dialect::MySql => &MySqlDialect {},
        Dialect::Sqlite => &SQLiteDialect {},
    };
    let mut words = Tokenizer::new(grammar, &text)
        .tokenize_with_location()
        .ok()?;
    // The parser would step over each space again and again.
    words.retain(|word| !matches!(word.token, ParserToken::Whitespace(_)));
    let placeholders = words.iter().filter_map(Placeholder::of).collect();
    let mut parser = Parser::new(grammar)
        .with_recursion_limit(4 * MAX_NESTING)
        .with_tokens_with_locations(words);
    let statement = parser.parse_statement().ok()?;
    // What is left over was not understood.
    (parser.peek_token_ref().token == ParserToken::EOF).then_some((statement, placeholders))
}

/// How often the words stand in a statement that the tree must account for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keywords {
    pub(super) select: usize,
    pub(super) into: usize,
}

impl Keywords {
    fn of(tokens: &[Token<'_>]) -> Self {
        let count = |word: &str| {
            let named = |at: usize| at > 0 && tokens[at - 1].is_punct(".");
            tokens
                .iter()
                .enumerate()
                .filter(|(at, token)| token.is_word(word) && !named(*at))
                .count()
        };
        Self {
            select: count("select"),
            into: count("into"),
        }
    }
}

/// What is told by tokens more surely than by the parser's tree.
fn from_tokens(dialect: Dialect, tokens: &[Token<'_>], part: &mut Part) {
    let refusal = refusal(dialect, tokens);
    if dialect == Dialect::MySql && sets_variable(tokens) && !part.steps.contains(&Step::Session) {
        part.steps.push(Step::Session);
    }
    // That it could not be parsed says more than what stands in it, but for locks.
    let unparsed = dialect == Dialect::Postgres
        && part.refusal == Some(Reason::Unparsed)
        && refusal != Some(Reason::LocksRows);
    if refusal.is_some() && !unparsed {
        part.refusal = refusal;
    }
}

/// Why a result must not be cached, as far as single tokens tell.
pub(super) fn refusal(dialect: Dialect, tokens: &[Token<'_>]) -> Option<Reason> {
    match dialect {
        Dialect::Postgres => postgres(tokens),
        Dialect::MySql => mysql(tokens),
        Dialect::Sqlite => None,
    }
}

/// Literals that ask for the clock, and types whose input is looked up in the catalogs.
fn postgres(tokens: &[Token<'_>]) -> Option<Reason> {
    let lookup = tokens
        .iter()
        .find(|token| token.kind == TokenKind::Word && builtin::is_lookup_type(token.text));
    if let Some(lookup) = lookup {
        return Some(Reason::SystemCatalog(
            lookup.text.to_ascii_lowercase().into(),
        ));
    }
    if locks(tokens) {
        return Some(Reason::LocksRows);
    }
    if let Some(operator) = custom_operator(tokens) {
        return Some(Reason::CustomOperator(operator.into()));
    }
    // Strings on several lines are one.
    let mut literal = String::new();
    for token in tokens.iter().filter(|token| token.kind == TokenKind::Text) {
        if token.gap != Gap::Line {
            literal.clear();
        }
        literal.push_str(token.text.trim_matches('\''));
        if let Some(word) = builtin::clock_literal(&literal) {
            return Some(Reason::TimeDependent(word.into()));
        }
        if escapes(token.text) {
            return Some(Reason::TimeDependent("an escaped literal".into()));
        }
    }
    None
}

/// `FOR UPDATE`, `FOR SHARE`, and PostgreSQL's `FOR NO KEY UPDATE`, `FOR KEY SHARE`, which the parser does not know.
fn locks(tokens: &[Token<'_>]) -> bool {
    tokens.windows(2).enumerate().any(|(at, pair)| {
        pair[0].is_word("for")
            && (pair[1].is_one_of(&["update", "share"])
                || follows(&tokens[at + 1..], &["no", "key", "update"])
                || follows(&tokens[at + 1..], &["key", "share"]))
    })
}

/// Whether `tokens` begin with `words`.
fn follows(tokens: &[Token<'_>], words: &[&str]) -> bool {
    tokens.len() >= words.len()
        && tokens
            .iter()
            .zip(words)
            .all(|(token, word)| token.is_word(word))
}

/// Whether `words` stand one behind the other somewhere in `tokens`.
fn holds(tokens: &[Token<'_>], words: &[&str]) -> bool {
    (0..tokens.len()).any(|at| follows(&tokens[at..], words))
}

/// An operator that is not built in, or that `OPERATOR(…)` looks for in another schema.
fn custom_operator<'s>(tokens: &[Token<'s>]) -> Option<&'s str> {
    let custom = |token: &&Token<'_>| {
        token.kind == TokenKind::Operator && !builtin::is_postgres_operator(token.text)
    };
    let elsewhere = |window: &&[Token<'_>]| {
        window[0].is_word("operator")
            && window[1].is_punct("(")
            && window[3].is_punct(".")
            && !window[2].is_word("pg_catalog")
    };
    let qualified = || {
        tokens
            .windows(5)
            .find(elsewhere)
            .map(|window| window[4].text)
    };
    tokens
        .iter()
        .find(custom)
        .map(|token| token.text)
        .or_else(qualified)
}

/// Whether a literal spells letters by escapes, so that it can hold any word: `E'\x6eow'`, `E'n\ow'`, `U&'\006eow'`.
fn escapes(text: &str) -> bool {
    let escaped = text.split('\\').skip(1).any(|rest| {
        // What follows a backslash and is none of these stands for itself.
        rest.starts_with(|c: char| {
            c.is_ascii_alphanumeric() && !matches!(c, 'b' | 'f' | 'n' | 'r' | 't')
        })
    });
    (text.starts_with(['e', 'E']) && escaped) || text.starts_with("U&") || text.starts_with("u&")
}

/// Whether a variable of MySQL's session is assigned, but by `SET`.
pub(super) fn sets_variable(tokens: &[Token<'_>]) -> bool {
    let is_variable = |token: &Token<'_>| token.kind == TokenKind::Variable;
    tokens.iter().any(is_variable)
        && (tokens.iter().any(|token| token.text == ":=")
            || tokens
                .windows(2)
                .any(|pair| pair[0].is_word("into") && is_variable(&pair[1])))
}

fn mysql(tokens: &[Token<'_>]) -> Option<Reason> {
    if let Some(variable) = tokens
        .iter()
        .find(|token| token.kind == TokenKind::Variable)
    {
        return Some(Reason::SessionDependent(
            variable.text.to_lowercase().into(),
        ));
    }
    if locks(tokens) || holds(tokens, &["lock", "in", "share", "mode"]) {
        return Some(Reason::LocksRows);
    }
    if holds(tokens, &["next", "value", "for"]) || holds(tokens, &["previous", "value", "for"]) {
        return Some(Reason::VolatileFunction("next value for".into()));
    }
    holds(tokens, &["sql_calc_found_rows"])
        .then(|| Reason::SessionDependent("sql_calc_found_rows".into()))
}
