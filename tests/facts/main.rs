//! The facts of SQL texts: against PostgreSQL's own grammar, against tables of cases, and under arbitrary input.

/// Prints a figure past the test harness, which keeps what `println!` prints of tests that pass.
macro_rules! figure {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let line = format!($($text)*) + "\n";
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }};
}

mod actions;
mod bodies;
mod cases;
mod corpus;
mod pins;
mod programs;
mod properties;
#[cfg(feature = "sqlite")]
mod rows;
