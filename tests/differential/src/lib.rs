//! The differential suite: reads that are done by way of the cache and past it, in the same state of the database, and must
//! answer alike, over schemas that hide what a write changes and what a read depends on.
//!
//! `schemas/` holds the schemas with their statements (`area`), of which `script` makes random ones with the values and
//! spellings of `values`, and `compose` some more. `play` runs them one after another: reads in pairs, writes on the pool,
//! on connections and in transactions, changes of the schema through the pool and past it. A run depends on its seed alone.
//!
//! `docs/differential.md` says how to run it and read its output.
#![cfg(feature = "servers")]

mod answer;
mod area;
mod compose;
mod database;
mod history;
mod options;
mod play;
mod report;
mod script;
mod server;
mod statement;
mod step;
#[cfg(test)]
mod tests;
mod values;
mod world;

use sqlx::{MySql, Postgres, Sqlite};

pub use self::{
    options::{Misuse, Options, USAGE},
    play::Tally,
    report::conclude,
    server::Server,
    world::Expansion,
};

/// Makes a run on a server of its own.
///
/// # Errors
/// When the server or the pool could not be had, or a statement hangs: nothing is said about answers then.
pub async fn run(options: &Options) -> Result<Tally, Box<dyn std::error::Error>> {
    match options.server {
        Server::Postgres => play::play::<Postgres>(options).await,
        Server::MariaDb => play::play::<MySql>(options).await,
        Server::Sqlite => play::play::<Sqlite>(options).await,
    }
}
