//! Programs of the machine.

use std::process::Command;

/// Runs a program to its end, and gives what it printed.
///
/// # Panics
///
/// When it is not there, or fails.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
