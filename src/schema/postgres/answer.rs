//! What the server answers, taken apart. Knows no question.

use crate::sql::Relation;

/// Names in the text form of an array.
pub(super) fn names(array: &str) -> Vec<Box<str>> {
    elements(array).into_iter().map(String::into).collect()
}

/// Relations or functions in the text form of an array of pairs: schema and name.
pub(super) fn pairs(array: &str) -> Vec<Relation> {
    elements(array)
        .chunks_exact(2)
        .map(|pair| relation(&pair[0], &pair[1]))
        .collect()
}

/// A relation or function of a schema.
pub(super) fn relation(schema: &str, name: &str) -> Relation {
    Relation {
        schema: Some(schema.into()),
        name: name.into(),
    }
}

/// The elements of an array's text form (PostgreSQL manual, 8.15.6), of arrays in arrays one after another. Without NULLs,
/// which no question asks for.
pub(super) fn elements(array: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut element: Option<String> = None;
    let mut is_quoted = false;
    let mut chars = array.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                // Begins one, also an empty one.
                element.get_or_insert_default();
            }
            '\\' => element.get_or_insert_default().extend(chars.next()),
            '{' | '}' | ',' if !is_quoted => elements.extend(element.take()),
            c => element.get_or_insert_default().push(c),
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_taken_apart_as_the_server_put_it_together() {
        assert_eq!(elements("{}"), [""; 0]);
        assert_eq!(elements(""), [""; 0]);
        assert_eq!(elements("{a,b c,NULLS}"), ["a", "b c", "NULLS"]);
        assert_eq!(
            elements(r#"{"a,b","{","say \"it\"","back\\slash","","NULL"}"#),
            ["a,b", "{", "say \"it\"", "back\\slash", "", "NULL"]
        );
        assert_eq!(elements("{{a,b},{\"c}\",d}}"), ["a", "b", "c}", "d"]);
        assert_eq!(
            pairs("{{a,b},{c,d}}"),
            [relation("a", "b"), relation("c", "d")]
        );
    }
}
