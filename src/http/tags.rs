//! The tags of a response in a header, for caches that can be purged by them.

use http::{HeaderMap, HeaderName, HeaderValue, header::CACHE_CONTROL};

use super::policy::Tagging;
use crate::cache::Tags;

/// What a header may take. CDNs read 16 KiB of it.
const MOST: usize = 8 << 10;

/// Adds the header that names `tags`. Where there are too many, their tables stand for rows: every write of a row moves the
/// table's own tag too. Where these are still too many, no cache on the way may keep the response, since no purge would reach
/// it.
pub(super) fn name(tagging: Tagging, tags: &Tags, headers: &mut HeaderMap) {
    let Some((header, between)) = tagging.form() else {
        return;
    };
    let mut line = joined(tags.labels(), between);
    if line.len() > MOST {
        line = joined(tags.wide_labels(), between);
    }
    match HeaderValue::try_from(line) {
        Ok(value) if value.len() <= MOST => headers.append(header, value),
        _ => headers.append(CACHE_CONTROL, HeaderValue::from_static("private")),
    };
}

fn joined(labels: impl Iterator<Item = String>, between: &str) -> String {
    let mut line = String::new();
    for label in labels {
        if !line.is_empty() {
            line.push_str(between);
        }
        line.push_str(&label);
    }
    line
}

impl Tagging {
    /// Its header, and what stands between two tags.
    fn form(self) -> Option<(HeaderName, &'static str)> {
        match self {
            Self::Off => None,
            Self::CacheTag => Some((HeaderName::from_static("cache-tag"), ",")),
            Self::SurrogateKey => Some((HeaderName::from_static("surrogate-key"), " ")),
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

    use super::*;
    use crate::cache::Tag;

    fn line(tagging: Tagging, tags: &Tags) -> Option<String> {
        let mut headers = HeaderMap::new();
        name(tagging, tags, &mut headers);
        let value = headers.values().next()?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn tags_are_told_in_the_form_that_the_cache_reads() {
        let tags: Tags = [Tag::table("public.users"), Tag::user("a, b%")]
            .into_iter()
            .collect();
        let mut words: Vec<_> = line(Tagging::CacheTag, &tags)
            .unwrap()
            .split(',')
            .map(str::to_owned)
            .collect();
        words.sort_unstable();
        assert_eq!(words, ["a%2C%20b%25", "public.users"]);
        assert!(line(Tagging::SurrogateKey, &tags).unwrap().contains(' '));
        assert_eq!(line(Tagging::Off, &tags), None);
    }

    #[test]
    fn many_rows_are_told_as_their_table() {
        let rows = |n: u32| -> Tags {
            (0..n)
                .map(|id| Tag::row("users", "id", &id.to_le_bytes()))
                .collect()
        };
        assert!(
            line(Tagging::CacheTag, &rows(3))
                .unwrap()
                .starts_with("users/")
        );
        let many = line(Tagging::CacheTag, &rows(5_000)).unwrap();
        assert_eq!(many, "users");
    }

    #[test]
    fn what_no_header_can_name_is_private() {
        let tables: Tags = (0..2_000)
            .map(|n| Tag::table(format!("table{n}")))
            .collect();
        let mut headers = HeaderMap::new();
        name(Tagging::CacheTag, &tables, &mut headers);
        assert_eq!(headers.get(CACHE_CONTROL).unwrap(), "private");
        assert_eq!(headers.len(), 1);
    }
}
