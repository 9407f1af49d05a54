//! Statements of the stored programs of MySQL and MariaDB.

use super::{
    facts::Dialect,
    names,
    program::{CONTROL, Next, OPENING, Program},
    token::{Token, TokenKind},
};

impl<'s> Program<'_, '_, '_, 's> {
    pub(super) fn stored(&mut self, token: &Token<'s>) -> Next {
        if self.peek(1).is_some_and(|colon| colon.is_punct(":")) {
            self.blank(self.at + 2);
            return Next::Statement;
        }
        if token.is_word("begin") {
            let not = self.peek(1).is_some_and(|next| next.is_word("not"));
            self.blank(self.at + if not { 3 } else { 1 });
            return Next::Statement;
        }
        if token.is_one_of(OPENING) || token.is_word("repeat") {
            self.blank(self.at + 1);
            return Next::Statement;
        }
        if token.is_word("declare") {
            return self.declaration();
        }
        if token.is_word("end") {
            return self.end();
        }
        if token.is_word("set") {
            return self.set();
        }
        if token.is_one_of(CONTROL) {
            return self.control(token);
        }
        // `DO f()`
        if token.is_word("do") {
            self.blank(self.at + 1);
            return Next::Rest;
        }
        if token.is_one_of(&["truncate", "show", "explain"]) {
            self.at += 1;
            return Next::Rest;
        }
        self.strange(token)
    }

    /// `DECLARE` of MySQL: variables, a cursor, or a handler with its statement.
    fn declaration(&mut self) -> Next {
        let end = self.position(self.tokens.len(), |token| token.is_punct(";"));
        if self
            .peek(2)
            .is_some_and(|handler| handler.is_word("handler"))
        {
            self.blank(self.at + 4);
            self.conditions();
            return Next::Statement;
        }
        if self.peek(2).is_some_and(|cursor| cursor.is_word("cursor")) {
            let name = self.peek(1).map(|name| name.text.to_lowercase());
            self.cursors.extend(name.map(String::into_boxed_str));
        }
        let mut at = self.rest();
        at.next();
        while let Some(name) = at.identifier() {
            self.variables.push(name.to_lowercase().into());
            if !at.punct(",") {
                break;
            }
        }
        self.blank(self.position(end, |token| token.is_one_of(&["default", "for"])));
        Next::Rest
    }

    /// The conditions of a handler.
    fn conditions(&mut self) {
        loop {
            let words = match self.peek(0) {
                Some(token) if token.is_word("not") => 2,
                Some(token) if token.is_word("sqlstate") => {
                    let value = self.peek(1).is_some_and(|next| next.is_word("value"));
                    if value { 3 } else { 2 }
                }
                _ => 1,
            };
            self.blank(self.at + words);
            if !self.peek(0).is_some_and(|next| next.is_punct(",")) {
                return;
            }
            self.blank(self.at + 1);
        }
    }

    /// `SET` of MySQL, which assigns to variables of the program, of the row, and of the session alike.
    fn set(&mut self) -> Next {
        self.blank(self.at + 1);
        let end = self.position(self.tokens.len(), |token| token.is_punct(";"));
        let mut depth = 0_usize;
        let mut first = true;
        for at in self.at..end {
            let token = &self.tokens[at];
            if first {
                self.assigned(&self.tokens[at..end]);
            }
            if token.is_punct("(") {
                depth += 1;
            } else if token.is_punct(")") {
                depth = depth.saturating_sub(1);
            }
            first = depth == 0 && token.is_punct(",");
        }
        Next::Rest
    }

    /// One assignment of a `SET`.
    fn assigned(&mut self, tokens: &[Token<'_>]) {
        let transaction = ["autocommit", "completion_type", "statement"];
        let far = |token: &Token<'_>| {
            let name = token.text.rsplit(['@', '.']).next().unwrap_or_default();
            transaction
                .iter()
                .any(|word| name.eq_ignore_ascii_case(word))
        };
        let equals = |token: &Token<'_>| {
            token.kind == TokenKind::Operator && matches!(token.text, "=" | ":=")
        };
        let own = match tokens {
            [name, sign, ..] if equals(sign) => names::identifier(Dialect::MySql, name)
                .is_some_and(|name| {
                    self.variables.contains(&name.to_lowercase().into()) || !is_setting(&name)
                }),
            // A column of the row that is being written, or a field of a variable.
            [row, dot, _, sign, ..] => {
                row.kind != TokenKind::Variable && dot.is_punct(".") && equals(sign)
            }
            _ => false,
        };
        if !own {
            self.findings.changes_session();
        }
        if tokens.iter().take(2).any(far) {
            self.findings.unknown("it ends transactions");
        }
    }
}

/// Whether a variable of MySQL's or MariaDB's that `SET` can name without its scope changes what statements do. A parameter of
/// a routine can have such a name too, which its body does not show.
fn is_setting(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let families = [
        "character_set_",
        "collation_",
        "default_",
        "div_",
        "foreign_key_",
        "group_concat_",
        "innodb_",
        "insert_id",
        "lc_",
        "max_",
        "optimizer_",
        "rand_seed",
        "sql_",
        "system_versioning_",
        "time",
        "transaction_",
        "tx_",
        "unique_checks",
        "updatable_views",
    ];
    families.iter().any(|family| name.starts_with(family))
        || [
            "autocommit",
            "block_encryption_mode",
            "check_constraint_checks",
            "completion_type",
            "explicit_defaults_for_timestamp",
            "identity",
            "last_insert_id",
            "low_priority_updates",
            "names",
            "old_mode",
            "pseudo_thread_id",
            "windowing_use_high_precision",
        ]
        .contains(&&*name)
}
