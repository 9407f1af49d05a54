//! Paths that documents name: they lead somewhere.

/// Paths in a Markdown text that lead nowhere: targets of relative links, and paths of the repository between backticks.
///
/// `document` is the document's own path; `exists` is asked with paths relative to the repository's root.
pub fn findings(document: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let linked = between(line, "](", ")").filter_map(|target| relative(folder, target));
        let quoted = between(line, "`", "`").filter_map(of_the_repository);
        for path in linked.chain(quoted).filter(|path| !exists(path)) {
            findings.push(format!("{document}:{}: leads nowhere: {path}", number + 1));
        }
    }
    findings
}

/// The texts of one line between an opening and a closing.
fn between<'a>(line: &'a str, opening: &'a str, closing: &'a str) -> impl Iterator<Item = &'a str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(opening)?;
        let (inside, after) = after.split_once(closing)?;
        rest = after;
        Some(inside)
    })
}

/// A link's target as a path from the root; nothing for addresses, anchors and item names.
fn relative(folder: &str, target: &str) -> Option<String> {
    let path = target.split(['#', ' ']).next().unwrap_or_default();
    if path.is_empty() || path.contains(':') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// What stands between backticks, if it is a path below one of our folders and no pattern.
fn of_the_repository(quoted: &str) -> Option<String> {
    const FOLDERS: [&str; 8] = [
        ".ci/",
        "benches/",
        "docker/",
        "docs/",
        "examples/",
        "scripts/",
        "src/",
        "tests/",
    ];
    let path = quoted.split_whitespace().next()?.trim_start_matches("./");
    let plain = path
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    (plain && FOLDERS.iter().any(|folder| path.starts_with(folder)))
        .then(|| path.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead(document: &str, text: &str) -> Vec<String> {
        findings(document, text, |path| {
            ["docs/clock.md", "README.md", "src/sql", "scripts/test"].contains(&path)
        })
    }

    #[test]
    fn a_link_to_a_file_that_is_not_there_is_found() {
        assert_eq!(
            dead(
                "docs/a.md",
                "see [it](clock.md) and [that](../docs/gone.md)"
            ),
            ["docs/a.md:1: leads nowhere: docs/gone.md"]
        );
    }

    #[test]
    fn a_path_between_backticks_that_is_not_there_is_found() {
        assert_eq!(
            dead(
                "README.md",
                "run `./scripts/test`\nor `scripts/tset --fast`"
            ),
            ["README.md:2: leads nowhere: scripts/tset"]
        );
    }

    #[test]
    fn what_is_there_or_elsewhere_passes() {
        let text = "[a](../README.md#top) [b](https://docs.rs/x) [c](#here) `src/sql/` `src/**` `let x = 1` `cache/clock`";
        assert!(dead("docs/a.md", text).is_empty());
    }
}
