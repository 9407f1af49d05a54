//! Splits a text into tokens as the server of its dialect would: strings, quoted names, comments and all.
//!
//! Everything else in this room stands on these tokens: the normal form, the text that the parser reads, and the facts of
//! what the parser cannot read. It knows no statement and no grammar. Where a text ends inside a string or a comment it
//! says so (`complete`), and nothing is concluded from the tokens then.

use super::facts::Dialect;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A keyword or an unquoted identifier.
    Word,
    /// A quoted identifier, with its quotes.
    Quoted,
    /// A string literal, with its prefix and quotes. In MySQL also `"…"`, which `ANSI_QUOTES` makes an identifier.
    Text,
    /// A number, with whatever letters are glued to it.
    Number,
    /// `$1`, `?`, `:name`.
    Placeholder,
    /// `@x`, `@@x` (MySQL).
    Variable,
    /// A run of operator characters, as written.
    Operator,
    /// Brackets, `,`, `.`, `;`, `:`, `::`.
    Punct,
    /// `/*!50110` or `/*M!`: what follows is code (MySQL).
    CodeOpen,
    /// The `*/` that closes it.
    CodeClose,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'s> {
    pub(super) kind: TokenKind,
    pub(super) text: &'s str,
    /// What stands between this token and the one before.
    pub(super) gap: Gap,
}

/// What stands between two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// Nothing.
    None,
    /// White space or comments on one line.
    Space,
    /// At least one line break.
    Line,
}

impl Token<'_> {
    /// Whether this is the unquoted word `word` (given in lower case).
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether this is one of the unquoted words `words` (given in lower case).
    pub(super) fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is_word(word))
    }

    /// Whether this is the punctuation mark `mark`.
    pub(super) fn is_punct(&self, mark: &str) -> bool {
        self.kind == TokenKind::Punct && self.text == mark
    }
}

/// A text as tokens.
pub(super) struct Lexed<'s> {
    pub(super) tokens: Vec<Token<'s>>,
    /// The comments, with their delimiters.
    pub(super) comments: Vec<&'s str>,
    /// `false`: the text ends inside a string, a quoted name or a comment, or holds a NUL, at which some servers stop.
    pub(super) complete: bool,
}

/// Splits `sql` into tokens.
pub(super) fn lex(dialect: Dialect, sql: &str) -> Lexed<'_> {
    let mut lexer = Lexer {
        dialect,
        sql,
        bytes: sql.as_bytes(),
        at: 0,
        gap: Gap::None,
        in_code: false,
        out: Lexed {
            // A little over the usual length of a token: one allocation for most texts.
            tokens: Vec::with_capacity(sql.len() / 4 + 4),
            comments: Vec::new(),
            complete: !sql.as_bytes().contains(&0),
        },
    };
    while lexer.at < lexer.bytes.len() {
        lexer.step();
    }
    lexer.out.complete &= !lexer.in_code;
    lexer.out
}

struct Lexer<'s> {
    dialect: Dialect,
    sql: &'s str,
    bytes: &'s [u8],
    at: usize,
    gap: Gap,
    /// Inside `/*! … */`.
    in_code: bool,
    out: Lexed<'s>,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn push(&mut self, kind: TokenKind, end: usize) {
        let text = &self.sql[self.at..end];
        self.out.tokens.push(Token {
            kind,
            text,
            gap: self.gap,
        });
        self.gap = Gap::None;
        self.at = end;
    }

    fn step(&mut self) {
        let byte = self.peek(0);
        match byte {
            b'\n' | b'\r' => {
                self.gap = Gap::Line;
                self.at += 1;
            }
            b' ' | b'\t' | 0x0b | 0x0c => {
                self.gap = self.gap.max(Gap::Space);
                self.at += 1;
            }
            b'-' if self.line_comment() => self.skip_line(),
            b'#' if self.dialect == Dialect::MySql => self.skip_line(),
            b'/' if self.peek(1) == b'*' => self.block_comment(),
            b'*' if self.in_code && self.peek(1) == b'/' => {
                self.in_code = false;
                self.push(TokenKind::CodeClose, self.at + 2);
            }
            b'\'' => {
                // PostgreSQL: a string goes on in the next line, with the escapes of the first. (Manual, 4.1.2.1.)
                self.out.complete &= !self.continues_escapes();
                self.string(TokenKind::Text, 0, self.dialect == Dialect::MySql);
            }
            b'"' if self.dialect == Dialect::MySql => self.string(TokenKind::Text, 0, true),
            b'"' => self.string(TokenKind::Quoted, 0, false),
            b'`' if self.dialect != Dialect::Postgres => self.string(TokenKind::Quoted, 0, false),
            b'[' if self.dialect == Dialect::Sqlite => match self.sql[self.at..].find(']') {
                Some(length) => self.push(TokenKind::Quoted, self.at + length + 1),
                None => self.unterminated(),
            },
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_ascii_digit() && !self.qualified_by_digits() => self.number(),
            // A byte order mark is white space to SQLite, and part of a name to nobody.
            0xef if self.dialect == Dialect::Sqlite
                && self.bytes[self.at..].starts_with(b"\xef\xbb\xbf") =>
            {
                self.out.complete = false;
                self.at += 3;
            }
            b'$' | b'?' | b':' | b'@' => self.marker(),
            _ if is_word_start(self.dialect, byte) => self.word(),
            _ if is_operator(self.dialect, byte) => self.operator(),
            _ => self.push(TokenKind::Punct, self.at + 1),
        }
    }

    fn unterminated(&mut self) {
        self.out.complete = false;
        self.push(TokenKind::Text, self.bytes.len());
    }

    /// MySQL takes `--` for a comment only with white space or the end behind it.
    fn line_comment(&self) -> bool {
        self.peek(1) == b'-' && (self.dialect != Dialect::MySql || self.peek(2) <= b' ')
    }

    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        let ends =
            |byte: &u8| *byte == b'\n' || (*byte == b'\r' && self.dialect == Dialect::Postgres);
        let end = self.at + rest.iter().position(ends).unwrap_or(rest.len());
        self.out.comments.push(&self.sql[self.at..end]);
        self.at = end;
        self.gap = self.gap.max(Gap::Space);
    }

    fn block_comment(&mut self) {
        if self.dialect == Dialect::MySql {
            let mark = if self.peek(2) == b'M' { 3 } else { 2 };
            if self.peek(mark) == b'!' && !self.in_code {
                let digits = self.bytes[self.at + mark + 1..]
                    .iter()
                    .take(6)
                    .take_while(|b| b.is_ascii_digit())
                    .count();
                self.in_code = true;
                return self.push(TokenKind::CodeOpen, self.at + mark + 1 + digits);
            }
        }
        let mut depth = 0_usize;
        let mut end = self.at;
        loop {
            match self.bytes.get(end..end + 2) {
                Some(b"/*") if depth == 0 || self.dialect == Dialect::Postgres => {
                    depth += 1;
                    end += 2;
                }
                Some(b"*/") => {
                    depth -= 1;
                    end += 2;
                    if depth == 0 {
                        break;
                    }
                }
                Some(_) => end += 1,
                None => return self.unterminated(),
            }
        }
        let comment = &self.sql[self.at..end];
        self.out.comments.push(comment);
        self.at = end;
        // PostgreSQL joins two strings over a line break, not over one inside a block comment.
        self.gap = self.gap.max(Gap::Space);
    }

    /// A quoted piece whose quote stands `prefix` bytes ahead; a doubled quote stands for itself.
    fn string(&mut self, kind: TokenKind, prefix: usize, backslash: bool) {
        let start = self.at + prefix;
        let quote = self.bytes[start];
        let mut end = start + 1;
        while let Some(&byte) = self.bytes.get(end) {
            if byte == b'\\' && backslash {
                end += 2;
            } else if byte != quote {
                end += 1;
            } else if self.bytes.get(end + 1) == Some(&quote) {
                end += 2;
            } else {
                return self.push(kind, end + 1);
            }
        }
        self.unterminated();
    }

    /// A number ends where it can: the letters behind it are a word (`1INTO`, which PostgreSQL read before version 15),
    /// except in MySQL, where names may begin with digits (`1st`).
    fn number(&mut self) {
        let run = |from: usize, part: fn(&u8) -> bool| {
            from + self.bytes[from..].iter().take_while(|b| part(b)).count()
        };
        let digits = |from| run(from, |byte| byte.is_ascii_digit() || *byte == b'_');
        if self.peek(0) == b'0' && matches!(self.peek(1) | 0x20, b'x' | b'o' | b'b') {
            return self.push(
                TokenKind::Number,
                run(self.at + 2, |byte| {
                    byte.is_ascii_hexdigit() || *byte == b'_'
                }),
            );
        }
        let mut end = digits(self.at);
        let whole = self.bytes.get(end) != Some(&b'.');
        if !whole {
            end = digits(end + 1);
        }
        if self.bytes.get(end).is_some_and(|byte| *byte | 0x20 == b'e') {
            let sign = usize::from(matches!(self.bytes.get(end + 1), Some(b'+' | b'-')));
            if self
                .bytes
                .get(end + 1 + sign)
                .is_some_and(u8::is_ascii_digit)
            {
                end = digits(end + 1 + sign);
            }
        }
        let longer = self.word_end(end);
        if self.dialect == Dialect::MySql && whole && longer > end {
            return self.push(TokenKind::Word, longer);
        }
        self.push(TokenKind::Number, end);
    }

    /// Whether the `.` here stands between a schema and a table whose name begins with a digit (MySQL).
    fn qualified_by_digits(&self) -> bool {
        self.dialect == Dialect::MySql
            && self.gap == Gap::None
            && self.out.tokens.last().is_some_and(names)
    }

    fn word(&mut self) {
        let next = self.peek(1);
        let kind = match (self.dialect, self.peek(0) | 0x20) {
            (Dialect::Postgres, b'e' | b'b' | b'x' | b'n')
            | (Dialect::MySql, b'b' | b'x' | b'n')
                if next == b'\'' =>
            {
                let backslash = match self.dialect {
                    Dialect::Postgres => self.peek(0) | 0x20 == b'e',
                    _ => true,
                };
                return self.string(TokenKind::Text, 1, backslash);
            }
            (Dialect::Sqlite, b'x') if next == b'\'' => {
                return self.string(TokenKind::Text, 1, false);
            }
            (Dialect::Postgres, b'u') if next == b'&' && self.peek(2) == b'\'' => {
                return self.string(TokenKind::Text, 2, false);
            }
            (Dialect::Postgres, b'u') if next == b'&' && self.peek(2) == b'"' => {
                return self.string(TokenKind::Quoted, 2, false);
            }
            _ => TokenKind::Word,
        };
        self.push(kind, self.word_end(self.at));
    }

    fn word_end(&self, from: usize) -> usize {
        let rest = &self.bytes[from..];
        from + rest
            .iter()
            .position(|byte| !is_word_part(*byte))
            .unwrap_or(rest.len())
    }

    /// Whether the string that begins here goes on with one in which backslashes escape.
    fn continues_escapes(&self) -> bool {
        self.dialect == Dialect::Postgres
            && self.gap == Gap::Line
            && self.out.tokens.last().is_some_and(|before| {
                before.kind == TokenKind::Text && !before.text.starts_with('\'')
            })
    }

    fn marker(&mut self) {
        let next = self.peek(1);
        match (self.dialect, self.peek(0)) {
            (Dialect::Postgres, b'$') if next.is_ascii_digit() => {
                self.push(TokenKind::Placeholder, self.word_end(self.at + 1));
            }
            (Dialect::Postgres, b'$') => self.dollar_quoted(),
            (Dialect::Postgres, b'?' | b'@') => self.operator(),
            (Dialect::MySql, b'$') => self.word(),
            (_, b'?') => {
                let digits = self.bytes[self.at + 1..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                let digits = if self.dialect == Dialect::Sqlite {
                    digits
                } else {
                    0
                };
                self.push(TokenKind::Placeholder, self.at + 1 + digits);
            }
            (Dialect::Sqlite, b':' | b'@' | b'$') if is_word_part(next) => {
                let end = self.word_end(self.at + 1);
                // The form of Tcl's variables, `$a(…)` and `$a::b`, swallows what stands in it.
                let behind = &self.bytes[end..];
                self.out.complete &= !(behind.starts_with(b"(") || behind.starts_with(b"::"));
                self.push(TokenKind::Placeholder, end);
            }
            (Dialect::MySql, b'@') => {
                let from = self.at + if next == b'@' { 2 } else { 1 };
                let rest = &self.bytes[from..];
                let length = rest
                    .iter()
                    .position(|byte| !is_word_part(*byte) && *byte != b'.');
                self.push(TokenKind::Variable, from + length.unwrap_or(rest.len()));
            }
            (_, b':') if next == b'=' => self.push(TokenKind::Operator, self.at + 2),
            (Dialect::Postgres, b':') if next == b':' => self.push(TokenKind::Punct, self.at + 2),
            _ => self.push(TokenKind::Punct, self.at + 1),
        }
    }

    fn dollar_quoted(&mut self) {
        let tag_end = self.at
            + 1
            + self.bytes[self.at + 1..]
                .iter()
                .take_while(|byte| is_word_part(**byte) && **byte != b'$')
                .count();
        if self.bytes.get(tag_end) != Some(&b'$') {
            return self.push(TokenKind::Punct, self.at + 1);
        }
        let tag = &self.sql[self.at..=tag_end];
        match self.sql[tag_end + 1..].find(tag) {
            Some(length) => self.push(TokenKind::Text, tag_end + 1 + length + tag.len()),
            None => self.unterminated(),
        }
    }

    fn operator(&mut self) {
        let mut end = self.at;
        while let Some(&byte) = self.bytes.get(end) {
            let ahead = end - self.at;
            let pair = (byte, self.peek(ahead + 1));
            // In MySQL `--x` is twice a minus. Kept in one token it could become the comment `-- x` when tokens are spelled.
            let again = self.dialect == Dialect::MySql
                && byte == b'-'
                && ahead > 0
                && self.bytes[end - 1] == b'-';
            let comment = pair == (b'/', b'*')
                || (ahead > 0 && pair == (b'-', b'-'))
                || (self.in_code && pair == (b'*', b'/'));
            if !is_operator(self.dialect, byte) || comment || again {
                break;
            }
            end += 1;
        }
        self.push(TokenKind::Operator, end);
    }
}

impl Gap {
    fn max(self, other: Gap) -> Gap {
        if self == Gap::Line || other == Gap::None {
            self
        } else {
            other
        }
    }
}

fn names(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Word | TokenKind::Quoted)
}

fn is_word_start(dialect: Dialect, byte: u8) -> bool {
    byte.is_ascii_alphabetic()
        || byte == b'_'
        || byte >= 0x80
        || (byte == b'$' && dialect == Dialect::MySql)
}

fn is_word_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

fn is_operator(dialect: Dialect, byte: u8) -> bool {
    match byte {
        b'+' | b'-' | b'*' | b'/' | b'<' | b'>' | b'=' | b'~' | b'!' | b'%' | b'^' | b'&'
        | b'|' => true,
        b'#' | b'@' | b'?' | b'`' => dialect == Dialect::Postgres,
        _ => false,
    }
}
