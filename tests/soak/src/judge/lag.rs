//! How late the writes of others are seen.

use std::collections::HashMap;

use super::{History, Process, Read, Row, Seen, is_outside};

/// What each process saw last of the rows that are written to be looked at.
#[derive(Default)]
pub(super) struct Lookout(HashMap<(Process, Row), i64>);

impl Lookout {
    /// How long after they were acknowledged those writes are seen that this read is the first of its process to show. Of a process, reads are
    /// told in the order in which they ended.
    pub(super) fn saw(
        &mut self,
        process: Process,
        read: &Read,
        seen: &Seen,
        rows: &HashMap<Row, History>,
    ) -> Vec<u64> {
        let Some(last) = self.0.insert((process, seen.row), seen.version) else {
            // What was written before it began to look.
            return Vec::new();
        };
        let Some(history) = rows.get(&seen.row).filter(|_| last < seen.version) else {
            return Vec::new();
        };
        let shown = history.acknowledged.range(last + 1..=seen.version);
        let shown = shown.filter(|(_, write)| is_outside(write.by));
        // Seen before the writer knew is seen at once.
        shown
            .map(|(_, write)| read.end.saturating_sub(write.at))
            .collect()
    }
}

/// How spans of time are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spread {
    pub(crate) count: usize,
    pub(crate) half: u64,
    pub(crate) most: u64,
    pub(crate) worst: u64,
}

impl Spread {
    /// Of these: what half of them are within, 99 of 100, and all.
    pub(crate) fn of(spans: &[u64]) -> Self {
        let mut spans = spans.to_vec();
        spans.sort_unstable();
        let within = |percent: usize| match spans.len() {
            0 => 0,
            count => spans[(count * percent).div_ceil(100).max(1) - 1],
        };
        Self {
            count: spans.len(),
            half: within(50),
            most: within(99),
            worst: within(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_hundred_spans_one_is_beyond_what_most_are_within() {
        let spans: Vec<u64> = (1..=100).rev().collect();
        let spread = Spread {
            count: 100,
            half: 50,
            most: 99,
            worst: 100,
        };
        assert_eq!(Spread::of(&spans), spread);
        assert_eq!(Spread::of(&[]), Spread::default());
        assert_eq!(Spread::of(&[7]).half, 7);
    }
}
