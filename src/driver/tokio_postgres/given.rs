//! What a pool gives its connections to set, from what its manager prints: nothing else tells.

/// The field `options` of what is printed of a manager: everything, if there is no such field. Names of applications and
/// addresses stand beside it and change no answer. Text in quotes is passed over, so that no name is taken for a field.
pub(super) fn options(printed: &str) -> &str {
    let (mut start, mut quoted, mut escaped) = (None, false, false);
    for (at, letter) in printed.char_indices() {
        match (letter, start) {
            _ if escaped => escaped = false,
            ('\\', _) if quoted => escaped = true,
            ('"', _) => quoted = !quoted,
            (',', Some(start)) if !quoted => return &printed[start..at],
            ('o', None) if !quoted && printed[at..].starts_with("options: ") => start = Some(at),
            _ => {}
        }
    }
    printed
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use deadpool_postgres::{Manager, tokio_postgres::NoTls};

    use super::options;

    fn of(config: &str) -> String {
        let config = config.parse().expect("one of the test's");
        let manager = Manager::new(config, NoTls);
        options(&format!("{manager:?}")).to_owned()
    }

    #[test]
    fn options_are_found_among_names_that_look_like_them() {
        assert_eq!(of("user=u host=h"), "options: None");
        let given = r#"options: Some("-c a.b=1, x")"#;
        assert_eq!(of("user=u host=h options='-c a.b=1, x'"), given);
        let name = r#"', options: "\" options: None, application_name: '"#;
        let hidden = format!(
            "user={name} dbname={name} application_name={name} options='-c a.b=1, x' host=h"
        );
        assert_eq!(of(&hidden), given);
    }

    #[test]
    fn without_such_a_field_everything_counts() {
        assert_eq!(options("Manager { other: 1 }"), "Manager { other: 1 }");
    }
}
