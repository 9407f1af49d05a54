//! What a piece of code in the database can do, once its names are resolved.

use super::{catalog::Program, implied::as_column, names::Names};
use crate::sql::{Dialect, Functions, Language, Ops, Reason, Relation, analyse, body, is_built_in};

/// The effects of a hook, a routine or a definition by itself. What the routines do that it calls is in those.
#[derive(Clone, Debug, Default)]
pub(super) struct Code {
    pub(super) reads: Vec<usize>,
    pub(super) writes: Vec<(usize, Ops)>,
    /// Routines.
    pub(super) calls: Vec<usize>,
    /// Operators, behind which there can be more of them.
    pub(super) operators: Vec<Box<str>>,
    /// Why a result that depends on it must not be cached.
    pub(super) refusal: Option<Reason>,
    /// Why it can do anything.
    pub(super) unknown: Option<Box<str>>,
    /// It changes the state of the session that runs it.
    pub(super) session: bool,
}

/// What names in a body can mean: whatever has the name, since the session that runs it has a path of its own.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) dialect: Dialect,
    pub(super) functions: &'a Functions,
    pub(super) relations: &'a Names,
    pub(super) routines: &'a Names,
    /// The routines that can be called like a column.
    pub(super) of_rows: &'a Names,
}

impl World<'_> {
    pub(super) fn program(self, program: &Program) -> Code {
        match program {
            Program::Text(language, text) => self.text(*language, text),
            Program::Call(functions) => {
                let mut code = Code::default();
                for function in functions {
                    self.call(function, &mut code);
                }
                code
            }
            Program::Unknown(why) => Code {
                unknown: Some(why.clone()),
                ..Code::default()
            },
        }
    }

    /// The query behind a view, or around a policy's condition: it reads what it names, and must be read whole.
    pub(super) fn query(self, text: &str) -> Code {
        let facts = analyse(self.dialect, text, self.functions);
        let mut code = Code {
            // A condition needs no table.
            refusal: facts.refusal.filter(|reason| *reason != Reason::NoTable),
            ..Code::default()
        };
        for name in &facts.reads {
            let relations = self.relations.anywhere(name);
            if relations.is_empty() {
                let reason = || Reason::UnknownRelation(name.to_string().into());
                code.refusal.get_or_insert_with(reason);
            }
            code.reads.extend(relations);
        }
        for function in &facts.calls {
            self.call(function, &mut code);
        }
        code
    }

    pub(super) fn text(self, language: Language, text: &str) -> Code {
        let body = body(self.dialect, language, text, self.functions);
        let mut code = Code {
            refusal: body.refusal,
            unknown: body.unknown,
            session: body.changes_session,
            ..Code::default()
        };
        // Not every mention is a relation.
        let reads = body.mentions.iter();
        code.reads = reads
            .flat_map(|name| self.relations.anywhere(name))
            .collect();
        for action in &body.actions {
            let targets = self.relations.anywhere(&action.relation);
            if targets.is_empty() {
                code.unknown.get_or_insert_with(|| {
                    format!(
                        "it writes `{}`, which is not in the catalog",
                        action.relation
                    )
                    .into()
                });
            }
            code.writes
                .extend(targets.into_iter().map(|id| (id, action.ops)));
        }
        for function in &body.calls {
            self.call(function, &mut code);
        }
        let fields = body.implied.fields.iter();
        code.calls
            .extend(fields.flat_map(|field| as_column(self.of_rows, field)));
        code.operators = body.implied.operators;
        code
    }

    /// Adds a call.
    fn call(self, function: &Relation, code: &mut Code) {
        let routines = self.routines.anywhere(function);
        if routines.is_empty() && !is_built_in(self.dialect, function) {
            let name = || function.to_string().into_boxed_str();
            code.refusal
                .get_or_insert_with(|| Reason::UnknownFunction(name()));
            // What an application gives to SQLite cannot write through the connection that runs it.
            if self.dialect != Dialect::Sqlite {
                code.unknown.get_or_insert_with(|| {
                    format!("it calls `{}`, which is not in the catalog", name()).into()
                });
            }
        }
        code.calls.extend(routines);
    }

    /// Code that writes what somebody vouches for, and nothing else.
    pub(super) fn declared(self, writes: &[Relation]) -> Code {
        let targets = writes.iter().flat_map(|name| self.relations.anywhere(name));
        Code {
            writes: targets.map(|id| (id, Ops::ALL)).collect(),
            ..Code::default()
        }
    }
}
