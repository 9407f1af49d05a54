//! The plain words of a stored definition, for whoever needs its outline and not its facts.

use super::{
    facts::Dialect,
    token::{TokenKind, lex},
};

/// A plain word of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word<'s> {
    /// The word as written.
    pub(crate) text: &'s str,
    /// What follows it.
    pub(crate) rest: &'s str,
}

impl Word<'_> {
    /// Whether it is `word`, given in lower case.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }
}

/// The unquoted words of `sql` that stand in no bracket, in order; nothing if it ends inside a string or a comment.
pub(crate) fn outline(dialect: Dialect, sql: &str) -> Vec<Word<'_>> {
    let lexed = lex(dialect, sql);
    let mut depth = 0_usize;
    let mut words = Vec::new();
    for token in lexed.tokens.iter().filter(|_| lexed.complete) {
        if token.is_punct("(") {
            depth += 1;
        } else if token.is_punct(")") {
            depth = depth.saturating_sub(1);
        } else if token.kind == TokenKind::Word && depth == 0 {
            let end = token.text.as_ptr().addr() - sql.as_ptr().addr() + token.text.len();
            words.push(Word {
                text: token.text,
                rest: &sql[end..],
            });
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_brackets_quotes_and_comments_are_left_out() {
        let sql = "CREATE VIEW \"AS\"(as_, [as]) /* AS */ AS -- AS\n SELECT 'as' FROM (SELECT 1)";
        let words = outline(Dialect::Sqlite, sql);
        let texts: Vec<_> = words.iter().map(|word| word.text).collect();
        assert_eq!(texts, ["CREATE", "VIEW", "AS", "SELECT", "FROM"]);
        assert_eq!(words[2].rest, " -- AS\n SELECT 'as' FROM (SELECT 1)");
    }

    #[test]
    fn a_text_that_does_not_end_has_no_outline() {
        assert_eq!(outline(Dialect::Sqlite, "CREATE VIEW v AS SELECT 'a"), []);
    }
}
