//! Facts from tokens alone, for what the parser cannot read.
//!
//! A target must be spelled in the text, so the set of all identifiers is a sound superset of what a statement names. Any
//! word before a bracket can be a call; what is not known to be harmless can write anything. Never "nothing was written".

use super::{
    builtin::is_reserved,
    called::Called,
    cursor::Cursor,
    facts::{Action, Dialect, Kind, Ops, Reason, Relation, Step},
    names,
    part::{Context, Part, on_each, sorted},
    targets,
    token::{Token, TokenKind, lex},
};

/// The identifiers of some tokens.
pub(super) struct Identifiers {
    /// Each dotted chain of names as a relation.
    pub(super) named: Vec<Relation>,
    /// Whether there are names that could not be read.
    pub(super) unreadable: bool,
}

/// All names in `tokens`, also those inside dollar-quoted bodies.
pub(super) fn identifiers(dialect: Dialect, tokens: &[Token<'_>]) -> Identifiers {
    let mut found = Identifiers {
        named: Vec::new(),
        unreadable: false,
    };
    collect(dialect, tokens, &mut found, 0);
    found.named = sorted(found.named);
    found
}

fn collect(dialect: Dialect, tokens: &[Token<'_>], found: &mut Identifiers, depth: usize) {
    let mut at = 0;
    while at < tokens.len() {
        let mut chain: Vec<Box<str>> = Vec::new();
        while let Some(token) = tokens.get(at) {
            if token.kind == TokenKind::Text && token.text.starts_with('$') {
                body(dialect, token.text, found, depth);
            }
            if token.kind == TokenKind::Quoted && names::identifier(dialect, token).is_none() {
                found.unreadable = true;
            }
            at += 1;
            let Some(name) = names::identifier(dialect, token) else {
                break;
            };
            chain.push(name);
            if !tokens.get(at).is_some_and(|token| token.is_punct(".")) {
                break;
            }
            at += 1;
        }
        let keyword = chain.len() == 1
            && tokens[at - 1].kind == TokenKind::Word
            && is_reserved(dialect, tokens[at - 1].text);
        if keyword {
            continue;
        }
        if chain.len() > 2 {
            // Of `a.b.c` either `b.c` or, if `c` is a column, `a.b` is the relation.
            found
                .named
                .extend(names::relation(chain[..chain.len() - 1].to_vec()));
        }
        found.named.extend(names::relation(chain));
    }
}

/// The names inside `$tag$ … $tag$`.
fn body(dialect: Dialect, text: &str, found: &mut Identifiers, depth: usize) {
    let tag = text[1..].find('$').map_or(text.len(), |at| at + 2);
    let inner = text
        .get(tag..text.len().saturating_sub(tag))
        .unwrap_or_default();
    let lexed = lex(dialect, inner);
    if depth > 4 || !lexed.complete {
        found.unreadable = true;
    } else {
        collect(dialect, &lexed.tokens, found, depth + 1);
    }
}

/// Facts of a query or a change of rows that the parser cannot read.
pub(super) fn unparsed(context: Context<'_>, tokens: &[Token<'_>]) -> Part {
    let found = identifiers(context.dialect, tokens);
    let called = Called::by(context, tokens);
    let unknown = found.unreadable || called.can_write(context.dialect);
    let writes = writes(tokens);
    let mut part = Part::inert(
        if writes { Kind::Write } else { Kind::Read },
        Reason::Unparsed,
    );
    part.everything = unknown;
    if writes {
        part.named = match only_target(context.dialect, tokens) {
            Some(target) => vec![target],
            None => on_each(Ops::ALL, found.named.clone()),
        };
    }
    part.reads = found.named;
    part.calls = called.listed;
    part.settle();
    // `INTO` can make a temporary table or set a variable.
    if changes_session(tokens) {
        part.steps.push(Step::Session);
    } else if unknown {
        part.steps.push(Step::PerhapsSession);
    }
    part
}

fn changes_session(tokens: &[Token<'_>]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        let target = at.checked_sub(1).is_some_and(|before| {
            tokens[before].is_one_of(&[
                "insert",
                "replace",
                "merge",
                "ignore",
                "delayed",
                "low_priority",
                "high_priority",
            ])
        });
        token.is_word("set_config") || (token.is_word("into") && !target) || token.text == ":="
    })
}

/// The only target of a change of rows, if it names no more than one: the other names in it are then reads.
fn only_target(dialect: Dialect, tokens: &[Token<'_>]) -> Option<Action> {
    let mut at = Cursor::new(dialect, tokens);
    let head = at.next()?;
    let inserts =
        head.is_word("insert") || (head.is_word("replace") && dialect != Dialect::Postgres);
    let mut replaces = head.is_word("replace");
    match dialect {
        Dialect::Postgres | Dialect::Sqlite if head.is_word("delete") => {
            at.word("from").then_some(())?
        }
        Dialect::Sqlite if head.is_word("update") => {
            // UPDATE OR IGNORE t
            if at.word("or") {
                replaces |= at.next().is_some_and(|how| how.is_word("replace"));
            }
        }
        Dialect::Postgres if head.is_word("update") => {}
        _ if inserts => at.word("into").then_some(())?,
        _ => return None,
    }
    at.word("only");
    let target = at.relation()?;
    let rest = at.rest();
    let conflict = |at: usize| {
        rest[at].is_word("update")
            && at
                .checked_sub(1)
                .is_some_and(|before| rest[before].is_one_of(&["do", "key"]))
    };
    let more = rest.iter().enumerate().any(|(at, token)| {
        token.is_one_of(&["insert", "update", "delete", "merge", "replace", "into"])
            && !conflict(at)
    });
    let ops = if replaces {
        targets::REPLACE
    } else if head.is_word("delete") {
        Ops::DELETE
    } else if head.is_word("update") {
        Ops::UPDATE
    } else if (0..rest.len()).any(conflict) {
        Ops::INSERT.and(Ops::UPDATE)
    } else {
        Ops::INSERT
    };
    (!more).then(|| ops.on(target))
}

/// Whether a word of the text can make it a write. `FOR UPDATE` and `FOR NO KEY UPDATE` do not, nor do functions of that name.
fn writes(tokens: &[Token<'_>]) -> bool {
    tokens.iter().enumerate().any(|(at, token)| {
        let locks = token.is_word("update") && at > 0 && tokens[at - 1].is_one_of(&["for", "key"]);
        let called = tokens.get(at + 1).is_some_and(|next| next.is_punct("("))
            && token.is_one_of(&["replace", "insert"]);
        token.is_one_of(&["insert", "update", "delete", "merge", "replace", "into"])
            && !locks
            && !called
    })
}

/// Facts of a statement with an executable comment, which runs on some servers and not on others.
pub(super) fn executable_comment(context: Context<'_>, tokens: &[Token<'_>]) -> Part {
    let code: Vec<Token<'_>> = tokens
        .iter()
        .filter(|token| !matches!(token.kind, TokenKind::CodeOpen | TokenKind::CodeClose))
        .copied()
        .collect();
    let reads =
        tokens[0].is_one_of(&["select", "with", "values", "table"]) || tokens[0].is_punct("(");
    let changes = tokens[0].is_one_of(&["insert", "update", "delete", "replace"]);
    if reads || changes {
        let mut part = unparsed(context, &code);
        part.refusal = Some(if changes {
            Reason::NotARead
        } else {
            Reason::ExecutableComment
        });
        return part;
    }
    // What the statement is may hang on the comment.
    let mut part = Part::unknown(Kind::Other, Reason::ExecutableComment);
    part.named = on_each(Ops::ALL, identifiers(context.dialect, &code).named);
    part.calls = Called::by(context, &code).listed;
    part
}
