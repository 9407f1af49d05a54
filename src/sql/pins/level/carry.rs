//! From conditions to pins: values are carried along equal columns.

use std::collections::VecDeque;

use super::{
    Level,
    condition::{Column, Says},
};
use crate::sql::{facts::Relation, pins::Pin};

/// More pins of an occurrence are not told.
const MAX_PINS: usize = 16;

impl Level<'_> {
    /// The pins of a table.
    pub(super) fn pins(&self, factor: usize) -> Vec<Pin> {
        let mut pins = Vec::new();
        for start in self.columns(factor) {
            // Each column that must be equal to it, and how that is known.
            let mut queue = VecDeque::from([(start, Vec::new())]);
            let mut seen = vec![start];
            while let Some((column, through)) = queue.pop_front() {
                let told = self
                    .conditions
                    .iter()
                    .filter(|condition| condition.reach.contains(&column.factor));
                for condition in told {
                    match &condition.says {
                        Says::Among(subject, values) if subject == column => {
                            let pin = Pin {
                                column: start.name.clone(),
                                values: values.clone(),
                                through: self.named(&through),
                            };
                            if pins.len() < MAX_PINS && !pins.contains(&pin) {
                                pins.push(pin);
                            }
                        }
                        Says::Same(left, right) if left == column || right == column => {
                            let next = if left == column { right } else { left };
                            if !seen.contains(&next) {
                                seen.push(next);
                                queue.push_back((next, [&through[..], &[next]].concat()));
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        pins
    }

    fn named(&self, through: &[&Column]) -> Vec<(Relation, Box<str>)> {
        through
            .iter()
            .filter_map(|column| {
                let relation = self.factors[column.factor].relation()?;
                Some((relation.clone(), column.name.clone()))
            })
            .collect()
    }

    /// The columns of a table of which anything is said, each once.
    fn columns(&self, factor: usize) -> Vec<&Column> {
        let mut columns = Vec::new();
        for condition in &self.conditions {
            let told = match &condition.says {
                Says::Among(column, _) => [Some(column), None],
                Says::Same(left, right) => [Some(left), Some(right)],
            };
            for column in told.into_iter().flatten() {
                if column.factor == factor && !columns.contains(&column) {
                    columns.push(column);
                }
            }
        }
        columns
    }
}
