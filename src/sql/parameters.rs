//! What a routine of MariaDB's computes for the arguments that a call leaves out.

use super::{
    cursor::Cursor,
    facts::Dialect,
    token::{Token, TokenKind, lex},
};

/// The expressions behind DEFAULT in the parameters of a `CREATE FUNCTION` or `CREATE PROCEDURE`, in order; `None` if these
/// cannot be read.
pub(crate) fn defaults(create: &str) -> Option<Vec<&str>> {
    let lexed = lex(Dialect::MySql, create);
    let open = lexed.tokens.iter().position(|token| token.is_punct("("))?;
    let mut at = Cursor::new(Dialect::MySql, &lexed.tokens[open + 1..]);
    let parameters = at.group_body();
    let hidden =
        |token: &Token<'_>| matches!(token.kind, TokenKind::CodeOpen | TokenKind::CodeClose);
    if !lexed.complete || parameters.iter().any(hidden) {
        return None;
    }
    let mut depth = 0_usize;
    let parameters = parameters.split(|token| {
        if token.is_punct("(") {
            depth += 1;
        } else if token.is_punct(")") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && token.is_punct(",")
    });
    let found = parameters.filter_map(|parameter| {
        let default = parameter
            .iter()
            .position(|token| token.is_word("default"))?;
        let (first, last) = (parameter.get(default + 1)?, parameter.last()?);
        let offset = |token: &Token<'_>| token.text.as_ptr().addr() - create.as_ptr().addr();
        Some(&create[offset(first)..offset(last) + last.text.len()])
    });
    Some(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_default_is_its_expression() {
        let create = "CREATE DEFINER=`a(b`@`%` FUNCTION `f`(a DECIMAL(5, 2) DEFAULT (SELECT MAX(a), 1 FROM t), \
            `default` INT, IN b VARCHAR(9) default concat('x,', f(1, 2)) /* , DEFAULT g() */) RETURNS INT RETURN 1";
        let found = defaults(create);
        let expected = ["(SELECT MAX(a), 1 FROM t)", "concat('x,', f(1, 2))"];
        assert_eq!(found.as_deref(), Some(&expected[..]));
        assert_eq!(defaults("CREATE PROCEDURE p() SELECT 1"), Some(Vec::new()));
    }

    #[test]
    fn parameters_with_code_in_comments_are_not_read() {
        for create in [
            "CREATE FUNCTION f(a INT /*! DEFAULT g() */) RETURNS INT RETURN 1",
            "CREATE FUNCTION f(a INT DEFAULT 'x) RETURNS INT RETURN 1",
            "CREATE FUNCTION f",
        ] {
            assert_eq!(defaults(create), None, "{create}");
        }
    }
}
