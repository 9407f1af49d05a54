//! Makes bodies smaller, and large again without believing what they say of their size.

use lz4_flex::block;

use super::Flaw;

/// Below this size a body is left alone: the time is not worth the bytes.
const WORTHWHILE: usize = 1024;

/// One byte of lz4 stands for at most this many.
const MOST: usize = 255;

/// `body` made smaller, if it is worth it.
pub(super) fn compress(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < WORTHWHILE {
        return None;
    }
    let packed = block::compress(body);
    (packed.len() < body.len()).then_some(packed)
}

/// The `size` bytes that `packed` stands for.
pub(super) fn decompress(packed: &[u8], size: usize) -> Result<Vec<u8>, Flaw> {
    // Before memory is taken for it.
    if size > packed.len().saturating_mul(MOST) {
        return Err(Flaw::Compression);
    }
    let mut body = vec![0; size];
    match block::decompress_into(packed, &mut body) {
        Ok(written) if written == size => Ok(body),
        Ok(_) | Err(_) => Err(Flaw::Compression),
    }
}
