//! Somebody with `psql`, inside the server's container.

use std::process::Stdio;

use cachedpool_test_support::Victim;
use tokio::process::Command;

use super::Writer;
use crate::{
    record::{Row, Seen},
    world::{self, ROWS, SINGLES},
};

pub(super) struct Shell {
    container: String,
    random: fastrand::Rng,
}

impl Shell {
    pub(super) fn new(postgres: &Victim, seed: u64) -> Self {
        Self {
            container: postgres.container().to_owned(),
            random: fastrand::Rng::with_seed(seed),
        }
    }
}

impl Writer for Shell {
    async fn write(&mut self) -> Result<Vec<Seen>, sqlx::Error> {
        let row = Row {
            table: self.random.u8(..SINGLES),
            id: self.random.i32(1..=ROWS),
        };
        let output = Command::new("docker")
            .args(["exec", &self.container, "psql", "-U", "postgres", "-qAtc"])
            .arg(world::update_at_once(row))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await?;
        let told = String::from_utf8_lossy(&output.stdout);
        match told.trim().parse() {
            Ok(version) if output.status.success() => Ok(vec![Seen { row, version }]),
            // The server is away, or the row is.
            _ => Err(sqlx::Error::RowNotFound),
        }
    }
}
