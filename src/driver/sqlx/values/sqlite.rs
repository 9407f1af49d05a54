//! SQLite: a list of tagged values, of which `Debug` is all that can be seen.

use sqlx::{Arguments as _, sqlite::SqliteArguments};

use super::{Canonical, LONGEST, Values};

/// The values of all arguments.
pub(crate) fn values(arguments: &SqliteArguments) -> Values {
    let mut values = Values::with_capacity(arguments.len());
    super::elements(arguments, 0, |_, element| values.push(value(element)));
    // What came after the early stop is unknown.
    values.resize(arguments.len(), None);
    values
}

/// The value that is printed as `element`.
fn value(element: &[u8]) -> Option<Canonical> {
    let element = std::str::from_utf8(element).ok()?;
    let (tag, value) = element.strip_suffix(')')?.split_once('(')?;
    match tag {
        "Int" | "Int64" => value.parse().ok().map(Canonical::Integer),
        "Text" | "TextSlice" => {
            let text = value.strip_prefix('"')?.strip_suffix('"')?;
            // Escapes are rare in what is looked up by, so they are not undone.
            (text.len() <= LONGEST && !text.contains('\\')).then(|| Canonical::Text(text.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(texts: &[&str]) -> Values {
        let mut arguments = SqliteArguments::default();
        for text in texts {
            arguments.add(*text).unwrap();
        }
        arguments.add(7_i64).unwrap();
        values(&arguments)
    }

    #[test]
    fn a_text_is_known_only_if_it_is_printed_as_it_is() {
        let known = |text: &str| Some(Canonical::Text(text.into()));
        let texts = [
            "plain",
            "it's (a) [text], {so} ünïcode",
            "a\"b",
            "a\\",
            "line\n",
            "\0",
        ];
        let expected = [
            known(texts[0]),
            known(texts[1]),
            None,
            None,
            None,
            None,
            Some(Canonical::Integer(7)),
        ];
        assert_eq!(bound(&texts), expected);
    }

    #[test]
    fn a_long_text_hides_itself_and_a_very_long_one_what_comes_after_it() {
        let long = |bytes: usize| "x".repeat(bytes);
        assert!(bound(&[&long(LONGEST)])[0].is_some());
        let seven = Some(Canonical::Integer(7));
        for bytes in [LONGEST + 1, 2 * LONGEST - 8, 2 * LONGEST, 3 * LONGEST] {
            assert_eq!(
                bound(&[&long(bytes)]),
                [None, seven.clone()],
                "{bytes} bytes"
            );
        }
        // Whatever the text is cut at, it must not look like a shorter one.
        for bytes in 2 * LONGEST - 16..2 * LONGEST + 16 {
            let text = format!("{}\"){}", long(bytes), long(100));
            assert_eq!(bound(&[&text]), [None, seven.clone()], "{bytes} bytes");
        }
        assert_eq!(bound(&[&long(super::super::MOST_PRINTED)]), [None, None]);
    }
}
