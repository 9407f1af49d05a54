//! What a call of a function means for the statement around it.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value};

use super::{
    facts::{Dialect, Reason, Relation},
    functions::{Class, Effects, Judgement, built_in},
    part::Context,
    token::Token,
};

/// The outcome of a call.
pub(super) enum Call<'f> {
    /// Changes nothing and depends on nothing but its arguments.
    Pure,
    /// Grammar, not a call.
    Syntax,
    /// The user said what it does.
    Declared(&'f Effects),
    /// The result must not be cached.
    Refused(Reason),
    /// As `Refused`, and the session is another one afterwards.
    ChangesSession(Reason),
    /// Not known here; whoever asked has a catalog in which to look.
    JudgedElsewhere,
    /// As `Refused`, and anything can have been written.
    WritesAnything(Reason),
}

/// Judges a call. `quoted` tells whether the name stands in quotes, and so cannot be grammar.
pub(super) fn call<'f>(
    context: Context<'f>,
    function: &Relation,
    quoted: bool,
    arguments: Arguments<'_>,
) -> Call<'f> {
    if let Some(effects) = context.functions.declared(function) {
        return Call::Declared(effects);
    }
    let ours = match function.schema.as_deref() {
        None => true,
        Some(schema) => context.dialect == Dialect::Postgres && schema == "pg_catalog",
    };
    let name = || function.name.clone();
    let Some(class) = built_in(context.dialect, &function.name)
        .filter(|class| ours && !(quoted && *class == Class::Syntax))
    else {
        if context.dialect == Dialect::Sqlite && function.name.starts_with("pragma_") {
            return Call::Refused(Reason::SystemCatalog(name()));
        }
        if context.judgement == Judgement::Elsewhere {
            return Call::JudgedElsewhere;
        }
        let reason = Reason::UnknownFunction(function.to_string().into());
        return match context.dialect {
            Dialect::Postgres | Dialect::MySql => Call::WritesAnything(reason),
            // A function of SQLite's cannot write through the connection that runs it.
            Dialect::Sqlite => Call::Refused(reason),
        };
    };
    match class {
        Class::Syntax => Call::Syntax,
        Class::Pure => Call::Pure,
        Class::Time => Call::Refused(Reason::TimeDependent(name())),
        Class::TimeUnder(count) if arguments.count() < count => {
            Call::Refused(Reason::TimeDependent(name()))
        }
        Class::TimeUnder(_) => Call::Pure,
        Class::TimeText if arguments.are_fixed_times(&function.name) => Call::Pure,
        Class::TimeText => Call::Refused(Reason::TimeDependent(name())),
        Class::Session => Call::Refused(Reason::SessionDependent(name())),
        Class::SessionSet => Call::ChangesSession(Reason::SessionDependent(name())),
        Class::Catalog => Call::Refused(Reason::SystemCatalog(name())),
        Class::Volatile => Call::Refused(Reason::VolatileFunction(name())),
        Class::Anything => Call::WritesAnything(Reason::VolatileFunction(name())),
    }
}

/// The arguments of a call.
#[derive(Clone, Copy)]
pub(super) enum Arguments<'a> {
    /// Not even brackets.
    None,
    List(&'a [FunctionArg]),
    /// A query in the place of arguments: one argument, of any value.
    Query,
    /// What stands behind the opening bracket.
    Tokens(&'a [Token<'a>]),
}

impl<'a> From<&'a FunctionArguments> for Arguments<'a> {
    fn from(arguments: &'a FunctionArguments) -> Self {
        match arguments {
            FunctionArguments::None => Self::None,
            FunctionArguments::Subquery(_) => Self::Query,
            FunctionArguments::List(list) => Self::List(&list.args),
        }
    }
}

impl Arguments<'_> {
    fn count(self) -> usize {
        match self {
            Self::None => 0,
            Self::List(list) => list.len(),
            Self::Query => 1,
            Self::Tokens(tokens) => count(tokens),
        }
    }

    /// Whether a call of one of SQLite's date functions has plain literals that do not ask for the clock or the time zone
    /// of the process. A time value is a date, a time or a number; whatever begins otherwise is `now` or the like.
    fn are_fixed_times(self, function: &str) -> bool {
        let Self::List(list) = self else { return false };
        let times = match function {
            "strftime" => 1..2,
            "timediff" => 0..2,
            _ => 0..1,
        };
        list.len() >= times.end
            && list.iter().enumerate().all(|(at, argument)| {
                let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) = argument
                else {
                    return false;
                };
                match &value.value {
                    Value::Number(..) => true,
                    Value::SingleQuotedString(text) if times.contains(&at) => {
                        text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
                    }
                    Value::SingleQuotedString(text) => !matches!(
                        text.trim().to_ascii_lowercase().as_str(),
                        "localtime" | "utc"
                    ),
                    _ => false,
                }
            })
    }
}

/// How many arguments stand before the bracket that closes a call.
fn count(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    let mut commas = 0;
    for (at, token) in tokens.iter().enumerate() {
        if token.is_punct("(") || token.is_punct("[") {
            depth += 1;
        } else if token.is_punct(")") || token.is_punct("]") {
            if depth == 0 {
                return if at == 0 { 0 } else { commas + 1 };
            }
            depth -= 1;
        } else if depth == 0 && token.is_punct(",") {
            commas += 1;
        }
    }
    0
}
