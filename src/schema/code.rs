//! What a piece of code in the database can do, once its names are resolved.

use super::{
    catalog::{Definition, Program},
    implied::as_column,
    names::Names,
};
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
    /// Of a view: why nobody can tell all of what is written through it.
    pub(super) hidden: Option<Box<str>>,
}

/// What names in a body can mean.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) dialect: Dialect,
    pub(super) functions: &'a Functions,
    pub(super) relations: &'a Names,
    pub(super) routines: &'a Names,
    /// The routines that can be called like a column.
    pub(super) of_rows: &'a Names,
    /// Where bare names are looked for. `None`: anywhere, since the session that runs the body has a path of its own.
    pub(super) home: Option<&'a [Box<str>]>,
}

impl<'a> World<'a> {
    /// The same for the code of `owner`. MySQL runs it in its own database ("Stored Program Restrictions" and "USE"), SQLite
    /// binds it to its own file (`sqlite3FixTriggerStep`): there a bare name means what is there, or nothing that is known.
    pub(super) fn of<'b>(self, owner: &'b Relation) -> World<'b>
    where
        'a: 'b,
    {
        World {
            home: match self.dialect {
                Dialect::Postgres => None,
                Dialect::MySql | Dialect::Sqlite => Some(owner.schema.as_slice()),
            },
            ..self
        }
    }

    fn meant(self, names: &Names, name: &Relation) -> Vec<usize> {
        match self.home {
            Some(home) => names.resolve(name, home),
            None => names.anywhere(name),
        }
    }

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

    /// What stands behind a relation.
    pub(super) fn definition(self, definition: &Definition) -> Code {
        let mut code = match &definition.text {
            Some(text) => self.query(text),
            None => Code {
                refusal: Some(Reason::Unparsed),
                ..Code::default()
            },
        };
        if let Some(reads) = &definition.reads {
            code.reads = reads
                .iter()
                .flat_map(|name| self.relations.resolve(name, &[]))
                .collect();
        }
        let calls = definition.calls.iter();
        code.calls
            .extend(calls.flat_map(|name| self.routines.anywhere(name)));
        if definition.refusal.is_some() {
            code.refusal = definition.refusal.clone();
        }
        code
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
            let relations = self.meant(self.relations, name);
            if relations.is_empty() {
                let reason = || Reason::UnknownRelation(name.to_string().into());
                code.refusal.get_or_insert_with(reason);
                code.hidden.get_or_insert_with(|| lacking("reads", name));
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
            .flat_map(|name| self.meant(self.relations, name))
            .collect();
        for table in &body.tables {
            // A view, for all that is known, whose functions may read and write anything.
            if self.meant(self.relations, table).is_empty() {
                code.unknown.get_or_insert_with(|| lacking("reads", table));
            }
        }
        for action in &body.actions {
            let targets = self.meant(self.relations, &action.relation);
            if targets.is_empty() {
                code.unknown
                    .get_or_insert_with(|| lacking("writes", &action.relation));
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
        let routines = self.meant(self.routines, function);
        if routines.is_empty() && !is_built_in(self.dialect, function) {
            let name = || function.to_string().into_boxed_str();
            code.refusal
                .get_or_insert_with(|| Reason::UnknownFunction(name()));
            // What an application gives to SQLite cannot write through the connection that runs it.
            if self.dialect != Dialect::Sqlite {
                code.unknown
                    .get_or_insert_with(|| lacking("calls", function));
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

fn lacking(does: &str, name: &Relation) -> Box<str> {
    format!("it {does} `{name}`, which is not in the catalog").into()
}
