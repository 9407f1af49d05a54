//! What the player does next.

/// What is done next, and how often in comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Pair,
    Write,
    Transaction,
    Connection,
    Call,
    Ddl,
    Outside,
    Session,
    Tenant,
    Focus,
}

const STEPS: [(u32, Step); 10] = [
    (1400, Step::Pair),
    (110, Step::Write),
    (25, Step::Transaction),
    (12, Step::Connection),
    (12, Step::Call),
    (5, Step::Ddl),
    (2, Step::Outside),
    (5, Step::Session),
    (20, Step::Tenant),
    (16, Step::Focus),
];

impl Step {
    /// One of them.
    pub(crate) fn choose(random: &mut fastrand::Rng) -> Step {
        let all: u32 = STEPS.iter().map(|(weight, _)| weight).sum();
        let mut point = random.u32(..all);
        for (weight, step) in STEPS {
            if point < weight {
                return step;
            }
            point -= weight;
        }
        Step::Pair
    }
}
