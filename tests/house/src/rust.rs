//! Rust text as tokens, as far as the rules need it: no comments, no strings, every name with its line.

/// A name or one character of punctuation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The name, or the character.
    pub text: String,
    /// Counted from 1.
    pub line: usize,
}

impl Token {
    /// Whether this is a name and not punctuation.
    #[must_use]
    pub fn is_name(&self) -> bool {
        self.text
            .starts_with(|c: char| c.is_alphanumeric() || c == '_')
    }
}

/// Takes a source file apart.
#[must_use]
pub fn tokens(source: &str) -> Vec<Token> {
    Scanner {
        rest: source,
        line: 1,
        tokens: Vec::new(),
    }
    .run()
}

/// Whether `path`, written as in a source file (`Instant::now`, `.spawn(`), starts at the first of `tokens`.
#[must_use]
pub fn starts_with(tokens: &[Token], path: &[Token]) -> bool {
    tokens.len() >= path.len()
        && tokens
            .iter()
            .zip(path)
            .all(|(token, wanted)| token.text == wanted.text)
}

/// Whether a source file holds nothing but tests, by its path: `clock/tests.rs`, `engine_tests/load.rs`.
#[must_use]
pub fn is_for_tests(path: &str) -> bool {
    // The first part is a room, or the repository's folder for tests, in which there are also programs to keep.
    path.trim_end_matches(".rs")
        .split('/')
        .skip(1)
        .any(|part| part == "tests" || part.ends_with("_tests"))
}

/// The tokens without the inline modules that stand behind a `cfg` for tests.
#[must_use]
pub fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        match test_module(&tokens[at..]) {
            Some(length) => at += length,
            None => {
                kept.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    kept
}

/// The length of `#[cfg(…test…)] mod name { … }`, where one starts here.
fn test_module(tokens: &[Token]) -> Option<usize> {
    const OPENING: [&str; 4] = ["#", "[", "cfg", "("];
    if tokens.len() < 8
        || tokens
            .iter()
            .zip(OPENING)
            .any(|(token, wanted)| token.text != wanted)
    {
        return None;
    }
    let end = tokens.iter().position(|token| token.text == "]")?;
    let for_tests = (4..end).any(|at| tokens[at].text == "test" && tokens[at - 2].text != "not");
    let [keyword, _, brace] = tokens.get(end + 1..end + 4)? else {
        return None;
    };
    if !for_tests || keyword.text != "mod" || brace.text != "{" {
        return None;
    }
    let mut depth = 0;
    let closing = tokens[end + 3..].iter().position(|token| {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        depth == 0
    })?;
    Some(end + 3 + closing + 1)
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Scanner<'_> {
    fn run(mut self) -> Vec<Token> {
        while let Some(first) = self.rest.chars().next() {
            if self.rest.starts_with("//") {
                self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.block_comment();
            } else if first == '"' {
                self.string(1, "\"");
            } else if let Some((opening, closing)) = raw_string(self.rest) {
                self.raw_string(opening, &closing);
            } else if first == '\'' {
                self.character_or_lifetime();
            } else if first.is_alphanumeric() || first == '_' {
                let end = self
                    .rest
                    .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .unwrap_or(self.rest.len());
                self.token(end);
            } else if first.is_whitespace() {
                self.skip(first.len_utf8());
            } else {
                self.token(first.len_utf8());
            }
        }
        self.tokens
    }

    fn token(&mut self, length: usize) {
        self.tokens.push(Token {
            text: self.rest[..length].to_owned(),
            line: self.line,
        });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        self.line += self.rest[..length].matches('\n').count();
        self.rest = &self.rest[length..];
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        let (mut depth, mut at) = (1, 2);
        while depth > 0 && at < self.rest.len() {
            let here = &self.rest.as_bytes()[at..];
            (depth, at) = match here {
                [b'/', b'*', ..] => (depth + 1, at + 2),
                [b'*', b'/', ..] => (depth - 1, at + 2),
                _ => (depth, at + 1),
            };
        }
        self.skip(at);
    }

    fn string(&mut self, opening: usize, closing: &str) {
        let mut at = opening;
        while at < self.rest.len() && !self.rest[at..].starts_with(closing) {
            let escaped = self.rest[at..].starts_with('\\');
            at += self.rest[at..]
                .chars()
                .take(1 + usize::from(escaped))
                .map(char::len_utf8)
                .sum::<usize>();
        }
        self.skip((at + closing.len()).min(self.rest.len()));
    }

    fn raw_string(&mut self, opening: usize, closing: &str) {
        let end = self.rest[opening..]
            .find(closing)
            .map_or(self.rest.len(), |at| opening + at + closing.len());
        self.skip(end);
    }

    /// `'x'` and `'\n'` are characters; `'a` before anything else is a lifetime, which no rule asks for.
    fn character_or_lifetime(&mut self) {
        let mut after = self.rest[1..].chars();
        let first = after.next();
        if first == Some('\\') || after.next() == Some('\'') {
            self.string(1, "'");
        } else {
            self.skip(1);
        }
    }
}

/// The length of a raw string's opening and its closing, where one starts here: `r"`, `r#"`, `br##"`, `cr"`.
fn raw_string(rest: &str) -> Option<(usize, String)> {
    let after = rest
        .strip_prefix(['b', 'c'])
        .unwrap_or(rest)
        .strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then(|| {
        (
            rest.len() - after.len() + hashes + 1,
            format!("\"{}", "#".repeat(hashes)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_strings_are_left_out() {
        let source = r###"
            a // crate::tier
            /* b /* nested */ still */ c "crate::\"tier" d r#"x " y"# e 'x' f '"' g '\'' h br"\" i b"j" k
        "###;
        assert_eq!(
            texts(source),
            ["a", "c", "d", "e", "f", "g", "h", "i", "b", "k"]
        );
    }

    #[test]
    fn a_lifetime_does_not_swallow_what_follows() {
        assert_eq!(
            texts("fn f<'a>(x: &'a str) -> char { 'a' }"),
            texts("fn f<a>(x: &a str) -> char { }")
        );
    }

    #[test]
    fn files_of_tests_are_known_by_their_path() {
        assert!(is_for_tests("cache/clock/tests.rs") && is_for_tests("cache/engine_tests/load.rs"));
        assert!(
            !is_for_tests("tests/model/main.rs")
                && !is_for_tests("cache/testkit.rs")
                && !is_for_tests("cache/clock.rs")
        );
    }

    #[test]
    fn only_the_modules_of_tests_are_left_out() {
        let source = "#[cfg(all(test, not(shuttle)))] mod tests { fn f() { a } } #[cfg(not(test))] mod b { c } #[cfg(test)] mod d;";
        let kept: Vec<_> = without_tests(&tokens(source))
            .into_iter()
            .map(|token| token.text)
            .collect();
        assert_eq!(
            kept,
            texts("#[cfg(not(test))] mod b { c } #[cfg(test)] mod d;")
        );
    }

    #[test]
    fn names_know_their_line() {
        let found = tokens("a\n\"two\nlines\"\n/* and\nmore */ b");
        assert_eq!((found[1].text.as_str(), found[1].line), ("b", 5));
    }
}
