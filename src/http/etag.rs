//! Entity tags (RFC 9110 §8.8.3) and lists of them.
//!
//! Not by the types of the crate `headers`: built with debug assertions, they panic at a space in a tag, which any client can
//! send; and their lists take any text for a tag.

use http::{HeaderMap, HeaderName, HeaderValue, header::ETAG};

/// An entity tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntityTag<'a> {
    is_weak: bool,
    /// What stands between the quotes.
    opaque: &'a [u8],
}

/// What `If-Match` or `If-None-Match` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named<'a> {
    /// `*`: whatever there is.
    Any,
    These(Vec<EntityTag<'a>>),
}

impl<'a> EntityTag<'a> {
    /// The one of a response, if it has one that can be read.
    pub(super) fn of(response: &'a HeaderMap) -> Option<Self> {
        let mut lines = response.get_all(ETAG).iter();
        match (lines.next(), lines.next()) {
            (Some(line), None) => Self::read(line.as_bytes()),
            _ => None,
        }
    }

    fn read(text: &'a [u8]) -> Option<Self> {
        let (is_weak, quoted) = match text.strip_prefix(b"W/") {
            Some(quoted) => (true, quoted),
            None => (false, text),
        };
        let opaque = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let may_stand = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..);
        opaque
            .iter()
            .all(may_stand)
            .then_some(Self { is_weak, opaque })
    }

    /// §8.8.3.2: strong comparison.
    fn is_same(self, other: Self) -> bool {
        !self.is_weak && self == other
    }

    /// §8.8.3.2: weak comparison.
    fn is_like(self, other: Self) -> bool {
        self.opaque == other.opaque
    }
}

impl<'a> Named<'a> {
    /// What a request names in `header`, if anything. What is no tag is left out.
    pub(super) fn read(request: &'a HeaderMap, header: &HeaderName) -> Option<Self> {
        let lines = request.get_all(header);
        let mut each = lines.iter().map(HeaderValue::as_bytes);
        if let (Some(line), None) = (each.next(), each.next())
            && line.trim_ascii() == b"*"
        {
            return Some(Self::Any);
        }
        let tags: Vec<_> = lines
            .iter()
            .flat_map(|line| items(line.as_bytes()))
            .filter_map(|item| EntityTag::read(item.trim_ascii()))
            .collect();
        (!tags.is_empty()).then_some(Self::These(tags))
    }

    /// §13.1.1: whether a response with this tag is one of them. `*` is any, also one without.
    pub(super) fn match_strongly(&self, etag: Option<EntityTag<'_>>) -> bool {
        self.match_by(etag, EntityTag::is_same)
    }

    /// §13.1.2.
    pub(super) fn match_weakly(&self, etag: Option<EntityTag<'_>>) -> bool {
        self.match_by(etag, EntityTag::is_like)
    }

    fn match_by<'b>(
        &self,
        etag: Option<EntityTag<'b>>,
        equal: impl Fn(EntityTag<'b>, EntityTag<'b>) -> bool,
    ) -> bool
    where
        'a: 'b,
    {
        match (self, etag) {
            (Self::Any, _) => true,
            (Self::These(tags), Some(etag)) => tags.iter().any(|&tag| equal(tag, etag)),
            (Self::These(_), None) => false,
        }
    }
}

/// The items of a list of tags. In a tag a comma parts nothing, and a backslash is a character like any other.
fn items(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    line.split(move |&byte| {
        quoted ^= byte == b'"';
        !quoted && byte == b','
    })
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

    use http::header::IF_NONE_MATCH;
    use proptest::prelude::*;

    use super::*;

    fn request(lines: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_NONE_MATCH, HeaderValue::from_bytes(line).unwrap());
        }
        headers
    }

    /// Lines of a header, or tags.
    type Texts = &'static [&'static [u8]];

    fn named(lines: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
        let request = request(lines);
        match Named::read(&request, &IF_NONE_MATCH)? {
            Named::Any => Some(vec![b"any".to_vec()]),
            Named::These(tags) => Some(tags.iter().map(|tag| tag.opaque.to_vec()).collect()),
        }
    }

    #[test]
    fn a_list_is_what_can_be_read_of_it() {
        let cases: [(Texts, Option<Texts>); 14] = [
            (&[b"\"a\""], Some(&[b"a"])),
            (&[b" W/\"a\" ,, \"b\","], Some(&[b"a", b"b"])),
            (&[b"\"a\"", b"\"b\""], Some(&[b"a", b"b"])),
            (&[b"\"a,b\",\"\\\",\"c\""], Some(&[b"a,b", b"\\", b"c"])),
            (&[b"\"\""], Some(&[b""])),
            (&[b"\"\xe9\""], Some(&[b"\xe9"])),
            (&[b"*"], Some(&[b"any"])),
            (&[b"*", b"*"], None),
            (&[b"*, \"a\""], Some(&[b"a"])),
            (&[b"a"], None),
            (&[b"\"a"], None),
            (&[b"\"a b\""], None),
            (&[b"w/\"a\""], None),
            (&[], None),
        ];
        for (lines, expected) in cases {
            let expected = expected.map(|tags| tags.iter().map(|tag| tag.to_vec()).collect());
            assert_eq!(named(lines), expected, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_to_read(line in "[\t -~]{0,40}") {
            named(&[line.as_bytes()]);
        }
    }
}
