pub(in crate::cache) fn fingerprint<T: 'static>() -> u128 {
    0
}
