//! Hints in comments: `/* cachedpool: ttl=30s swr=5m sie=1h tags=a,b off */`.
//!
//! A hint that cannot be read is named in `faults` and the others still count. Only names are kept of it: a comment can
//! hold anything.

use std::time::Duration;

use super::facts::Hints;

/// Reads the hints of a text's comments, given with their delimiters. Where two give the same hint the later counts.
pub(super) fn hints(comments: &[&str]) -> Hints {
    let mut hints = Hints::default();
    for comment in comments {
        if let Some(words) = body(comment).trim_start().strip_prefix("cachedpool:") {
            for word in words.split_ascii_whitespace() {
                read(word, &mut hints);
            }
        }
    }
    hints
}

fn body(comment: &str) -> &str {
    if let Some(rest) = comment.strip_prefix("/*") {
        return rest.strip_suffix("*/").unwrap_or(rest);
    }
    comment
        .strip_prefix("--")
        .or_else(|| comment.strip_prefix('#'))
        .unwrap_or(comment)
}

fn read(word: &str, hints: &mut Hints) {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    let understood = match (name, value) {
        ("off", None) => {
            hints.off = true;
            true
        }
        ("ttl", Some(value)) => set(&mut hints.ttl, value),
        ("swr", Some(value)) => set(&mut hints.stale_while_revalidate, value),
        ("sie", Some(value)) => set(&mut hints.stale_if_error, value),
        ("tags", Some(value)) if value.split(',').all(|tag| !tag.is_empty()) => {
            for tag in value.split(',') {
                if !hints.tags.iter().any(|known| **known == *tag) {
                    hints.tags.push(tag.into());
                }
            }
            true
        }
        _ => false,
    };
    if !understood {
        // A word that cannot be a hint's name may be anything, such as what somebody wrote behind a comma.
        let looks_like_a_name = name.len() <= 32
            && name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'_' | b'-'));
        hints
            .faults
            .push(if looks_like_a_name { name } else { "?" }.into());
    }
}

fn set(slot: &mut Option<Duration>, value: &str) -> bool {
    match duration(value) {
        Some(duration) => {
            *slot = Some(duration);
            true
        }
        None => false,
    }
}

/// A whole number above zero with one of the units `ms`, `s`, `m`, `h`, `d`.
fn duration(value: &str) -> Option<Duration> {
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = value[..digits].parse().ok().filter(|number| *number > 0)?;
    let millis: u64 = match &value[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(own: &[Box<str>]) -> Vec<&str> {
        own.iter().map(|word| &**word).collect()
    }

    #[test]
    fn every_hint_is_read() {
        let read = hints(&[
            "/* trace=1 */",
            "/* cachedpool: ttl=30s swr=5m sie=1h tags=a,b:1 off */",
            "-- cachedpool: ttl=250ms",
        ]);
        assert_eq!(read.ttl, Some(Duration::from_millis(250)));
        assert_eq!(read.stale_while_revalidate, Some(Duration::from_secs(300)));
        assert_eq!(read.stale_if_error, Some(Duration::from_secs(3600)));
        assert_eq!(words(&read.tags), ["a", "b:1"]);
        assert!(read.off);
        assert!(read.faults.is_empty());
    }

    #[test]
    fn a_fault_is_named_without_its_value_and_the_rest_counts() {
        let read = hints(&["/*cachedpool: ttl=0s swr=secret colour=red tags=,a off=1 sie=2d*/"]);
        assert_eq!(words(&read.faults), ["ttl", "swr", "colour", "tags", "off"]);
        assert_eq!(read.stale_if_error, Some(Duration::from_secs(172_800)));
        assert_eq!((read.ttl, read.off), (None, false));
    }

    #[test]
    fn a_duration_too_long_to_hold_is_a_fault() {
        assert_eq!(
            words(&hints(&["# cachedpool: ttl=99999999999999999999d"]).faults),
            ["ttl"]
        );
        assert_eq!(
            words(&hints(&["# cachedpool: ttl=999999999999999999d"]).faults),
            ["ttl"]
        );
    }
}
