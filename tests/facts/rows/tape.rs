//! Choices, so that the generator of choices can shrink what was made of them.

/// A list of choices that is read once; behind its end stand zeros, which choose the simplest.
pub(crate) struct Tape {
    choices: std::vec::IntoIter<u8>,
}

impl Tape {
    pub(crate) fn new(choices: Vec<u8>) -> Self {
        Self {
            choices: choices.into_iter(),
        }
    }

    /// A number below `end`, or 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.choices.next().unwrap_or(0)) % end.max(1)
    }

    /// One of `all`.
    pub(crate) fn one<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    /// True once in `times`, by chance; never behind the end.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }
}
