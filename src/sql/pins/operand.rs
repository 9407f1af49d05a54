//! Which expressions are values that can be told: parameters and plain literals.

use sqlparser::{
    ast::{Expr, UnaryOperator, Value, ValueWithSpan},
    tokenizer::{Location, Token as ParserToken, TokenWithSpan},
};

use super::Operand;
use crate::sql::{
    facts::Dialect,
    token::{Token, TokenKind},
};

/// Reads the operands of one text.
pub(in crate::sql) struct Operands {
    dialect: Dialect,
    parameters: Parameters,
    /// Whether a text literal means what it spells: nowhere in the text is a backslash, which may or may not escape.
    texts: bool,
}

/// A placeholder as the parser met it.
pub(in crate::sql) struct Placeholder {
    name: String,
    place: Location,
}

impl Placeholder {
    pub(in crate::sql) fn of(word: &TokenWithSpan) -> Option<Self> {
        match &word.token {
            ParserToken::Placeholder(name) => Some(Self {
                name: name.clone(),
                place: word.span.start,
            }),
            _ => None,
        }
    }
}

/// How a text names its parameters.
enum Parameters {
    /// `?`, by their order in the text: where each begins.
    ByPlace(Vec<Location>),
    /// `$1` and SQLite's `?1`.
    ByNumber,
    /// In a way that is not followed.
    Unclear,
}

impl Operands {
    /// For a statement of these `tokens`, of which the parser has read `spelled`. `None` if its
    /// tree cannot be trusted to mean what the server understands.
    pub(in crate::sql) fn of(
        dialect: Dialect,
        tokens: &[Token<'_>],
        spelled: &[Token<'_>],
        placeholders: &[Placeholder],
    ) -> Option<Self> {
        // What was left out for the parser carries no name, but it can change how values are compared (`COLLATE`, the type
        // before a literal) or which are stored (`OVERRIDING USER VALUE`).
        let all_of_it = tokens.len() == spelled.len()
            && tokens.iter().zip(spelled).all(|(a, b)| a.text == b.text);
        // MySQL's loose operators, which the parser takes for tighter ones than `AND`.
        let loose = |token: &Token<'_>| {
            token.is_word("xor") || (token.kind == TokenKind::Operator && token.text.contains("||"))
        };
        if !all_of_it || (dialect == Dialect::MySql && tokens.iter().any(loose)) {
            return None;
        }
        let escapes =
            |token: &&Token<'_>| token.kind == TokenKind::Text && token.text.contains('\\');
        Some(Self {
            dialect,
            parameters: Parameters::of(dialect, tokens, placeholders),
            texts: !tokens.iter().any(|token| escapes(&token)),
        })
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The value of `expr`, if it is a parameter or a plain literal.
    pub(super) fn operand(&self, expr: &Expr) -> Option<Operand> {
        match expr {
            Expr::Value(value) => self.value(value),
            Expr::Nested(inner) => self.operand(inner),
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr,
            } => match &**expr {
                Expr::Value(value) => match self.value(value)? {
                    Operand::Integer(integer) => integer.checked_neg().map(Operand::Integer),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }

    fn value(&self, value: &ValueWithSpan) -> Option<Operand> {
        match &value.value {
            // Decimals, exponents and what does not fit are compared as other types.
            Value::Number(digits, false) => digits.parse().ok().map(Operand::Integer),
            Value::SingleQuotedString(text) if self.texts => {
                Some(Operand::Text(text.as_str().into()))
            }
            Value::Boolean(truth) => match self.dialect {
                Dialect::Postgres => Some(Operand::Bool(*truth)),
                Dialect::MySql => Some(Operand::Integer((*truth).into())),
                // There `true` can be a column.
                Dialect::Sqlite => None,
            },
            Value::Placeholder(name) => match &self.parameters {
                Parameters::ByPlace(places) => places
                    .iter()
                    .position(|place| *place == value.span.start)
                    .map(Operand::Parameter),
                Parameters::ByNumber => number(name).map(|number| Operand::Parameter(number - 1)),
                Parameters::Unclear => None,
            },
            _ => None,
        }
    }
}

impl Parameters {
    fn of(dialect: Dialect, tokens: &[Token<'_>], placeholders: &[Placeholder]) -> Self {
        let named = tokens
            .iter()
            .filter(|token| token.kind == TokenKind::Placeholder)
            .map(|token| token.text);
        let names = || placeholders.iter().map(|met| met.name.as_str());
        if !named.eq(names()) {
            return Parameters::Unclear;
        }
        // With both kinds in one text sqlx-sqlite and SQLite count them in ways of their own.
        if dialect != Dialect::Postgres && names().all(|name| name == "?") {
            Parameters::ByPlace(placeholders.iter().map(|met| met.place).collect())
        } else if dialect != Dialect::MySql && names().all(|name| number(name).is_some()) {
            Parameters::ByNumber
        } else {
            Parameters::Unclear
        }
    }
}

/// The number of `$7` or `?7`, from 1.
fn number(name: &str) -> Option<usize> {
    let digits = name.strip_prefix(['$', '?'])?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number > 0)
}
