//! Takes numbers and texts off the front of a message; every length is checked.

use super::Malformed;

pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader(bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        self.array().map(|[byte]: [u8; 1]| byte)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Malformed> {
        self.array().map(i32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, Malformed> {
        self.array().map(i64::from_be_bytes)
    }

    /// A number of columns.
    pub(super) fn count(&mut self) -> Result<u16, Malformed> {
        let count = self.array().map(i16::from_be_bytes)?;
        u16::try_from(count).map_err(|_| Malformed("a negative count"))
    }

    /// A byte of flags of which only those in `known` may be set.
    pub(super) fn flags(&mut self, known: u8) -> Result<u8, Malformed> {
        match self.u8()? {
            flags if flags & !known == 0 => Ok(flags),
            _ => Err(Malformed("an unknown flag")),
        }
    }

    /// A text that ends with a zero.
    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        let end = self.0.iter().position(|&byte| byte == 0);
        let end = end.ok_or(Malformed("a text without an end"))?;
        let text = self.take(end)?;
        self.u8()?;
        std::str::from_utf8(text).map_err(|_| Malformed("a text that is not UTF-8"))
    }

    /// Bytes behind their length.
    pub(super) fn sized(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.i32()?;
        let length = usize::try_from(length).map_err(|_| Malformed("a negative length"))?;
        self.take(length)
    }

    /// Nothing may follow.
    pub(super) fn end(self) -> Result<(), Malformed> {
        match self.0 {
            [] => Ok(()),
            _ => Err(Malformed("it is too long")),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let split = self.0.split_at_checked(length);
        let (taken, rest) = split.ok_or(Malformed("it is too short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let split = self.0.split_first_chunk();
        let (taken, rest) = split.ok_or(Malformed("it is too short"))?;
        self.0 = rest;
        Ok(*taken)
    }
}
