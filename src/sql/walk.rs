//! Walks a parsed statement and gathers what it reads, what it writes and what keeps its result out of the cache.
//!
//! When in doubt, a name is a read, and an unknown call can write anything.

use std::{ops::ControlFlow, ptr};

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, ObjectName, Query, Select, SetExpr, Statement, TableFactor, Visit,
    Visitor,
};

use super::{
    builtin,
    calls::{Arguments, Call, call},
    facts::{Dialect, Kind, Ops, Reason, Relation, Step},
    names,
    part::{Context, Part, keep_reason, on_each, sorted},
    pins::Occurrence,
    query::Keywords,
    scope::{Scopes, cte_name, fold, relation},
    targets::{self, Targets},
};

/// The facts of a parsed query or change of rows. `None` if the tree does not account for the `keywords` of the text: the
/// parser then took one of them for a name.
pub(super) fn statement(
    context: Context<'_>,
    statement: &Statement,
    keywords: &Keywords,
) -> Option<Part> {
    let mut walk = Walk {
        context,
        part: Part {
            refusal: None,
            ..Part::inert(Kind::Read, Reason::NotARead)
        },
        session: None,
        targets: Vec::new(),
        scopes: Scopes::default(),
        body: None,
        depth: 0,
        tables: 0,
        calls: 0,
        keywords: Keywords::default(),
        understood: true,
    };
    if let Statement::Query(query) = statement
        && let SetExpr::Insert(body)
        | SetExpr::Update(body)
        | SetExpr::Delete(body)
        | SetExpr::Merge(body) = &*query.body
    {
        walk.body = Some(body);
        walk.refuse(Reason::NotARead);
    }
    // The walk never breaks off: all targets must be seen.
    let _ = statement.visit(&mut walk);
    (walk.understood && walk.keywords == *keywords).then(|| walk.finish())
}

struct Walk<'f, 's> {
    context: Context<'f>,
    part: Part,
    /// `Session` or `PerhapsSession`, if any.
    session: Option<Step>,
    /// Names that are targets or functions: no reads. Only compared.
    targets: Vec<*const ObjectName>,
    scopes: Scopes,
    /// The statement that a leading `WITH` belongs to.
    body: Option<&'s Statement>,
    /// How many statements stand around this place.
    depth: usize,
    tables: usize,
    calls: usize,
    /// Those that the tree accounts for.
    keywords: Keywords,
    /// Whether no reserved word was taken for a name.
    understood: bool,
}

impl Walk<'_, '_> {
    fn finish(mut self) -> Part {
        if self.part.refusal.is_none() && self.tables == 0 && self.calls > 0 {
            self.part.refusal = Some(Reason::NoTable);
        }
        if self.part.kind == Kind::Read && !self.part.named.is_empty() {
            // A declared function writes.
            self.part.kind = Kind::Write;
            self.refuse(Reason::NotARead);
        }
        self.part.reads = sorted(std::mem::take(&mut self.part.reads));
        self.part.settle();
        self.part.steps.extend(self.session);
        self.part
    }

    fn refuse(&mut self, reason: Reason) {
        keep_reason(&mut self.part.refusal, reason);
    }

    fn fold(&self, ident: &Ident) -> Box<str> {
        fold(self.context.dialect, ident)
    }

    fn relation(&self, name: &ObjectName) -> Option<Relation> {
        relation(self.context.dialect, name)
    }

    fn write(&mut self, ops: Ops, targets: Targets<'_>) {
        self.part.kind = Kind::Write;
        let Some(targets) = targets else {
            self.part.everything = true;
            return;
        };
        for name in targets {
            self.targets.push(ptr::from_ref(name));
            match self.relation(name) {
                Some(relation) => self.part.named.push(ops.on(relation)),
                None => self.part.everything = true,
            }
            if self
                .relation(name)
                .is_some_and(|relation| builtin::catalog(self.context.dialect, &relation).is_some())
            {
                // Writing a catalog by hand can change anything.
                self.part.everything = true;
            }
        }
    }

    fn call(&mut self, name: &ObjectName, arguments: Arguments<'_>) {
        let Some(mut function) = self.relation(name) else {
            self.part.everything = true;
            return self.refuse(Reason::UnknownFunction("?".into()));
        };
        if self.context.dialect != Dialect::Postgres {
            function.name = function.name.to_lowercase().into();
        }
        let quoted = name.0.iter().any(|part| {
            part.as_ident()
                .is_some_and(|ident| ident.quote_style.is_some())
        });
        self.calls += 1;
        let outcome = call(self.context, &function, quoted, arguments);
        if !matches!(outcome, Call::Syntax | Call::Declared(_)) {
            self.part.calls.push(function);
        }
        match outcome {
            Call::Pure | Call::JudgedElsewhere => {}
            Call::Syntax => self.calls -= 1,
            Call::Declared(effects) => {
                self.part.reads.extend(effects.reads.iter().cloned());
                let anywhere = |relation: &Relation| Occurrence {
                    relation: relation.clone(),
                    pins: Vec::new(),
                };
                self.part
                    .pins
                    .reads
                    .extend(effects.reads.iter().map(anywhere));
                let writes = on_each(Ops::ALL, effects.writes.clone());
                self.part.named.extend(writes);
            }
            Call::Refused(reason) => self.refuse(reason),
            Call::ChangesSession(reason) => {
                self.session = Some(Step::Session);
                self.refuse(reason);
            }
            Call::WritesAnything(reason) => {
                self.part.everything = true;
                self.session.get_or_insert(Step::PerhapsSession);
                self.refuse(reason);
            }
        }
    }

    /// PostgreSQL's operators are judged by their tokens.
    fn operator(&mut self, operator: &BinaryOperator) {
        match operator {
            // In SQLite these call functions that the application must bring.
            BinaryOperator::Regexp if self.context.dialect == Dialect::Sqlite => {
                self.refuse(Reason::UnknownFunction("regexp".into()));
            }
            BinaryOperator::Assignment => self.session = Some(Step::Session),
            _ => {}
        }
    }

    fn column(&mut self, ident: &Ident, alone: bool) {
        let name = self.fold(ident);
        if alone
            && ident.quote_style.is_none()
            && let Some(reason) = builtin::bare_word(self.context.dialect, &name)
        {
            return self.refuse(reason);
        }
        if builtin::is_system_column(self.context.dialect, &name) {
            self.refuse(Reason::SystemColumn(name));
        }
    }

    fn select_into(&mut self, select: &Select) {
        let Some(into) = &select.into else { return };
        self.part.kind = Kind::Write;
        self.refuse(Reason::SelectInto);
        for target in &into.targets {
            let parts = match target {
                Expr::Identifier(ident) => vec![self.fold(ident)],
                Expr::CompoundIdentifier(idents) => {
                    idents.iter().map(|ident| self.fold(ident)).collect()
                }
                _ => {
                    self.part.everything = true;
                    continue;
                }
            };
            let Some(relation) = names::relation(parts) else {
                continue;
            };
            if relation.name.starts_with('@') && self.context.dialect == Dialect::MySql {
                self.session = Some(Step::Session);
                continue;
            }
            if into.temporary || relation.schema.as_deref() == Some("pg_temp") {
                self.part.temporary.push(relation.clone());
                self.session = Some(Step::Session);
            }
            self.part.named.push(Ops::ALL.on(relation));
        }
    }
}

impl Visitor for Walk<'_, '_> {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        let main = self.depth == 0 || self.body.is_some_and(|body| ptr::eq(body, statement));
        self.depth += 1;
        let dialect = self.context.dialect;
        match statement {
            Statement::Query(_) => return ControlFlow::Continue(()),
            Statement::Insert(insert) => self.keywords.into += usize::from(insert.into),
            Statement::Merge(merge) => self.keywords.into += usize::from(merge.into),
            _ => {}
        }
        let (ops, targets) = targets::of(dialect, statement);
        self.write(ops, targets);
        self.refuse(if main {
            Reason::NotARead
        } else {
            Reason::ModifyingCte
        });
        ControlFlow::Continue(())
    }

    fn post_visit_statement(&mut self, _: &Statement) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let dialect = self.context.dialect;
        self.scopes
            .enter(dialect, query, |ident| cte_name(dialect, ident));
        if !query.locks.is_empty() {
            self.refuse(Reason::LocksRows);
        }
        if !query.pipe_operators.is_empty() || bare_table(&query.body) {
            self.refuse(Reason::Unparsed);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.scopes.leave(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.keywords.select += 1;
        self.keywords.into += usize::from(select.into.is_some());
        self.select_into(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_ident(&mut self, ident: &Ident) -> ControlFlow<()> {
        if ident.quote_style.is_none() && builtin::is_misread(self.context.dialect, &ident.value) {
            self.understood = false;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        if self.targets.iter().any(|target| ptr::eq(*target, name)) {
            return ControlFlow::Continue(());
        }
        let Some(relation) = self.relation(name) else {
            self.refuse(Reason::Unparsed);
            return ControlFlow::Continue(());
        };
        let cte = match &name.0[..] {
            [part] => part
                .as_ident()
                .is_some_and(|ident| self.scopes.is_cte(&cte_name(self.context.dialect, ident))),
            _ => false,
        };
        let plain = name.0.iter().all(|part| {
            part.as_ident()
                .is_some_and(|ident| ident.quote_style.is_none())
        });
        if plain && builtin::is_no_table(self.context.dialect, &relation) {
            self.tables = self.tables.saturating_sub(1);
        } else if !cte {
            if let Some(reason) = builtin::catalog(self.context.dialect, &relation) {
                self.refuse(reason);
            }
            self.part.reads.push(relation);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.tables += 1;
        match factor {
            TableFactor::Table {
                name,
                args,
                sample,
                version,
                ..
            } => {
                if let Some(args) = args {
                    self.targets.push(ptr::from_ref(name));
                    self.call(name, Arguments::List(&args.args));
                }
                if sample.is_some() {
                    self.refuse(Reason::Sampled);
                }
                if version.is_some() {
                    self.refuse(Reason::TimeDependent("for system_time".into()));
                }
            }
            TableFactor::Derived {
                sample: Some(_), ..
            } => self.refuse(Reason::Sampled),
            TableFactor::Function { name, args, .. } => self.call(name, Arguments::List(args)),
            TableFactor::Derived { .. }
            | TableFactor::UNNEST { .. }
            | TableFactor::JsonTable { .. }
            | TableFactor::XmlTable { .. }
            | TableFactor::NestedJoin { .. } => {}
            // Other databases' grammar.
            _ => self.refuse(Reason::Unparsed),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) => self.call(&function.name, Arguments::from(&function.args)),
            Expr::Identifier(ident) => self.column(ident, true),
            Expr::CompoundIdentifier(idents) => {
                if let Some(last) = idents.last() {
                    self.column(last, false);
                }
            }
            Expr::BinaryOp { op, .. } => self.operator(op),
            Expr::AnyOp { compare_op, .. } | Expr::AllOp { compare_op, .. } => {
                self.operator(compare_op)
            }
            Expr::RLike { .. } if self.context.dialect == Dialect::Sqlite => {
                self.refuse(Reason::UnknownFunction("regexp".into()));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Whether a body holds `TABLE t`, whose name the parser keeps without its quotes. Queries are rewritten so that it is not
/// met; if it is, it must not be believed.
fn bare_table(body: &SetExpr) -> bool {
    match body {
        SetExpr::Table(_) => true,
        SetExpr::SetOperation { left, right, .. } => bare_table(left) || bare_table(right),
        _ => false,
    }
}
