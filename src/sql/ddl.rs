//! Schema changes and the other statements that name their targets at a fixed place: `TRUNCATE`, `COPY`, `REFRESH`, `LOAD`.
//!
//! Whatever is not about one named table or view is taken to change everything: it is rare, and views, rules, triggers,
//! policies and types reach further than their text shows.

use super::{
    called::Called,
    cursor::Cursor,
    facts::{Dialect, Kind, Ops, Reason, Step, Writes},
    part::{Context, Part},
    scan, statement, targets,
    token::Token,
};

/// What can stand between `CREATE` and `TABLE` or `VIEW`.
const CREATE_MODIFIERS: &[&str] = &[
    "global",
    "local",
    "temp",
    "temporary",
    "unlogged",
    "foreign",
    "recursive",
    "materialized",
    "virtual",
];

/// The facts of a statement if it is one of these.
pub(super) fn ddl(context: Context<'_>, tokens: &[Token<'_>]) -> Option<Part> {
    let mut at = Cursor::new(context.dialect, tokens);
    let head = at.next()?;
    let part = if head.is_word("create") {
        create(context, at)
    } else if head.is_word("drop") {
        drop(context, at)
    } else if head.is_word("alter") {
        alter(context, at)
    } else if head.is_word("truncate") {
        truncate(context, at)
    } else if head.is_word("rename") && at.one_of(&["table", "tables"]) {
        Part::writing(
            Kind::Ddl,
            Ops::ALL,
            scan::identifiers(context.dialect, at.rest()).named,
        )
    } else if head.is_one_of(&[
        "grant",
        "revoke",
        "comment",
        "security",
        "import",
        "reassign",
        "rename",
        "install",
        "uninstall",
    ]) {
        Part::writing_everything(Kind::Ddl)
    } else {
        return row_targets(context, head, at);
    };
    // In MySQL all of these commit first, except where they are about a temporary table.
    let mut modifiers = Cursor::new(context.dialect, &tokens[1..]);
    modifiers.words(&["or", "replace"]);
    let temporary = modifiers.word("temporary");
    Some(if context.dialect == Dialect::MySql && !temporary {
        part.committing()
    } else {
        part
    })
}

/// Statements that name a table and change its rows, and are not `INSERT` and its kin.
fn row_targets(context: Context<'_>, head: &Token<'_>, mut at: Cursor<'_, '_>) -> Option<Part> {
    match context.dialect {
        Dialect::Postgres if head.is_word("copy") => Some(copy(context, at)),
        Dialect::Postgres if head.is_word("refresh") => {
            let named = at.words(&["materialized", "view"]).then(|| {
                at.word("concurrently");
                at.relation()
            });
            let named = named.flatten().map(|view| vec![view]);
            Some(Part::writing_or_everything(Kind::Write, Ops::ALL, named))
        }
        Dialect::MySql if head.is_word("load") && at.one_of(&["data", "xml"]) => {
            Some(load(context, at))
        }
        _ => None,
    }
}

fn create(context: Context<'_>, mut at: Cursor<'_, '_>) -> Part {
    at.words(&["or", "replace"]);
    let mut temporary = false;
    while let Some(word) = at.peek().filter(|token| token.is_one_of(CREATE_MODIFIERS)) {
        temporary |= word.is_one_of(&["temp", "temporary"]);
        at.next();
    }
    if at.word("table") || at.word("view") {
        at.words(&["if", "not", "exists"]);
        let Some(name) = at.relation() else {
            return Part::writing_everything(Kind::Ddl);
        };
        let mut part = Part {
            named: vec![Ops::ALL.on(name.clone())],
            ..Part::inert(Kind::Ddl, Reason::NotARead)
        };
        let mut session = Vec::new();
        if let Some(body) = defining_query(&at).map(without_data_clause) {
            let query = statement::statement(context, body);
            part.reads = query.reads;
            part.everything |= query.everything;
            // A CTE of the query may change rows, and what it calls the session.
            part.named.extend(query.named);
            part.calls = query.calls;
            session.extend(query.steps.into_iter().filter(|step| {
                matches!(
                    step,
                    Step::Session | Step::PerhapsSession | Step::UnknownTransaction
                )
            }));
        } else if at
            .rest()
            .iter()
            .any(|token| token.is_one_of(&["select", "execute"]))
        {
            let called = Called::by(context, at.rest());
            part.everything = called.can_write(context.dialect);
            part.calls = called.listed;
        }
        part.settle();
        part.steps.extend(session);
        let in_temporary_schema = name
            .schema
            .as_deref()
            .is_some_and(|schema| matches!(schema, "temp" | "pg_temp"));
        if temporary || in_temporary_schema {
            part.temporary.push(name);
            part.steps.push(Step::Session);
        }
        return part;
    }
    at.word("unique");
    at.one_of(&["fulltext", "spatial"]);
    if at.word("index") {
        while let Some(token) = at.next() {
            if token.is_word("on") {
                at.word("only");
                let named = at.relation().map(|table| vec![table]);
                return Part::writing_or_everything(Kind::Ddl, Ops::ALL, named);
            }
        }
    }
    let part = Part::writing_everything(Kind::Ddl);
    if temporary {
        // A temporary trigger or sequence stays with the connection.
        part.then(Step::Session)
    } else {
        part
    }
}

/// The query behind `AS` (which MySQL lets one leave out) of `CREATE TABLE` and `CREATE VIEW`.
fn defining_query<'a, 's>(at: &Cursor<'a, 's>) -> Option<&'a [Token<'s>]> {
    let mut at = *at;
    while !at.at_end() {
        if at.skip_group() {
            continue;
        }
        if at.word("as") {
            return Some(at.rest());
        }
        if at
            .peek()
            .is_some_and(|token| token.is_one_of(&["select", "with", "values"]))
        {
            // `WITH (fillfactor = 70)` is no query.
            let mut ahead = at;
            if !(ahead.word("with") && ahead.peek().is_some_and(|token| token.is_punct("("))) {
                return Some(at.rest());
            }
        }
        at.next();
    }
    None
}

/// `… WITH [NO] DATA` is not the query's.
fn without_data_clause<'a, 's>(query: &'a [Token<'s>]) -> &'a [Token<'s>] {
    match query {
        [rest @ .., with, no, data]
            if with.is_word("with") && no.is_word("no") && data.is_word("data") =>
        {
            rest
        }
        [rest @ .., with, data] if with.is_word("with") && data.is_word("data") => rest,
        _ => query,
    }
}

fn drop(context: Context<'_>, mut at: Cursor<'_, '_>) -> Part {
    let temporary = at.word("temporary");
    at.one_of(&["foreign", "materialized"]);
    if !at.one_of(&["table", "tables", "view"]) {
        return Part::writing_everything(Kind::Ddl);
    }
    at.words(&["if", "exists"]);
    let named = at.relations();
    let part = cascading(
        context,
        Part::writing_or_everything(Kind::Ddl, Ops::ALL, named),
        at,
    );
    if temporary {
        part.then(Step::Session)
    } else {
        part
    }
}

/// Widens `part` if the statement ends in `CASCADE`, which reaches what the text does not name. MySQL ignores the word.
fn cascading(context: Context<'_>, mut part: Part, at: Cursor<'_, '_>) -> Part {
    if context.dialect != Dialect::MySql && at.rest().iter().any(|token| token.is_word("cascade")) {
        part.everything = true;
        part.steps = vec![Step::Write(Writes::Everything)];
    }
    part
}

fn alter(context: Context<'_>, mut at: Cursor<'_, '_>) -> Part {
    at.one_of(&["foreign", "materialized", "ignore", "online"]);
    if !at.one_of(&["table", "view"]) {
        return Part::writing_everything(Kind::Ddl);
    }
    at.words(&["if", "exists"]);
    at.word("only");
    let Some(name) = at.relation() else {
        return Part::writing_everything(Kind::Ddl);
    };
    // These join the table to another, take it away from one, or let another table take its name.
    let far = [
        "attach",
        "detach",
        "cascade",
        "exchange",
        "inherit",
        "partition",
        "rename",
        "schema",
        "swap",
        "all",
        "rule",
        "policy",
    ];
    let called = Called::by(context, at.rest());
    let reaches_far =
        at.rest().iter().any(|token| token.is_one_of(&far)) || called.can_write(context.dialect);
    let mut part = Part {
        named: vec![Ops::ALL.on(name)],
        calls: called.listed,
        everything: reaches_far,
        ..Part::inert(Kind::Ddl, Reason::NotARead)
    };
    part.settle();
    part
}

fn truncate(context: Context<'_>, mut at: Cursor<'_, '_>) -> Part {
    at.word("table");
    let (kind, ops) = match context.dialect {
        // It can be carried out row by row. (Manual, "TRUNCATE TABLE".)
        Dialect::MySql => (Kind::Ddl, Ops::TRUNCATE.and(Ops::DELETE)),
        Dialect::Postgres | Dialect::Sqlite => (Kind::Write, Ops::TRUNCATE),
    };
    let named = at.relations();
    cascading(context, Part::writing_or_everything(kind, ops, named), at)
}

fn copy(context: Context<'_>, mut at: Cursor<'_, '_>) -> Part {
    at.word("binary");
    if at.punct("(") {
        let mut part = statement::statement(context, at.group_body());
        part.kind = if part.everything || !part.named.is_empty() {
            Kind::Write
        } else {
            Kind::Other
        };
        part.refusal = Some(Reason::NotARead);
        return part;
    }
    let Some(table) = at.relation() else {
        return Part::writing_everything(Kind::Write);
    };
    at.skip_group();
    if at.word("to") {
        return Part {
            reads: vec![table],
            ..Part::inert(Kind::Other, Reason::NotARead)
        };
    }
    let mut part = Part {
        named: vec![Ops::INSERT.on(table)],
        ..Part::inert(Kind::Write, Reason::NotARead)
    };
    // Options are written like `FORMAT csv`, so only the condition behind WHERE can call anything.
    let condition = at.rest().iter().position(|token| token.is_word("where"));
    if let Some(condition) = condition.map(|from| &at.rest()[from..]) {
        let called = Called::by(context, condition);
        part.everything = called.can_write(context.dialect);
        part.calls = called.listed;
    }
    part.settle();
    part
}

fn load(context: Context<'_>, at: Cursor<'_, '_>) -> Part {
    let mut rest = at;
    let mut ops = Ops::INSERT;
    while let Some(token) = rest.next() {
        if token.is_word("replace") {
            ops = targets::REPLACE;
        }
        if token.is_word("into") && rest.word("table") {
            let named = rest.relation().map(|table| vec![table]);
            let mut part = Part::writing_or_everything(Kind::Write, ops, named);
            let called = Called::by(context, rest.rest());
            if called.can_write(context.dialect) {
                part.everything = true;
                part.steps = vec![Step::Write(Writes::Everything)];
            }
            part.calls = called.listed;
            return part;
        }
    }
    Part::writing_everything(Kind::Write)
}
