//! The command line.

use std::fmt;

use crate::{server::Server, world::Expansion};

/// What is said with `--help`, and after a mistake.
pub const USAGE: &str = "\
differential --database postgres|mariadb|sqlite --pairs N [--seed S] [--area NAME] [--switch-off KIND]

  --database NAME    where to play
  --pairs N          how many reads are done both ways
  --seed S           another run, and always the same for a seed (default: another one each time)
  --area NAME        only what one file under tests/differential/schemas holds
  --switch-off KIND  leaves a kind of expansion out, to show that it is noticed; stops at the first mismatch";

/// What to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where.
    pub server: Server,
    /// How long.
    pub pairs: u64,
    /// Which run.
    pub seed: u64,
    /// The only area that is played, if not all are.
    pub area: Option<String>,
    /// What is left out on purpose.
    pub switched_off: Option<Expansion>,
}

/// A command line that means nothing.
#[derive(Debug)]
pub struct Misuse(String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Options {
    /// Reads the arguments that follow the program's name.
    ///
    /// # Errors
    /// An argument that is unknown, missing or no number.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Misuse> {
        let (mut server, mut pairs, mut seed) = (None, None, None);
        let (mut area, mut switched_off) = (None, None);
        while let Some(name) = arguments.next() {
            let value = arguments
                .next()
                .ok_or_else(|| Misuse(format!("{name} needs a value")))?;
            let unknown = || Misuse(format!("{name} {value}: there is no such thing"));
            match name.as_str() {
                "--database" => server = Some(Server::named(&value).ok_or_else(unknown)?),
                "--pairs" => pairs = Some(value.parse().map_err(|_| unknown())?),
                "--seed" => seed = Some(value.parse().map_err(|_| unknown())?),
                "--area" => area = Some(value),
                "--switch-off" => {
                    switched_off = Some(Expansion::named(&value).ok_or_else(unknown)?)
                }
                _ => return Err(Misuse(format!("there is no {name}"))),
            }
        }
        let missing = |name: &str| Misuse(format!("{name} is missing"));
        Ok(Options {
            server: server.ok_or_else(|| missing("--database"))?,
            pairs: pairs.ok_or_else(|| missing("--pairs"))?,
            seed: seed.unwrap_or_else(|| fastrand::u64(..)),
            area,
            switched_off,
        })
    }

    /// Whether one wrong answer is all that is asked for.
    pub(crate) fn stops_at_first(&self) -> bool {
        self.switched_off.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Misuse> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn everything_that_is_said_is_heard() {
        let options = parse("--database mariadb --pairs 7 --seed 9 --area views").unwrap();
        assert_eq!(options.server, Server::MariaDb);
        assert_eq!((options.pairs, options.seed), (7, 9));
        assert_eq!(options.area.as_deref(), Some("views"));
        assert_eq!(options.switched_off, None);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for line in [
            "",
            "--database oracle --pairs 1",
            "--database sqlite",
            "--database sqlite --pairs many",
            "--database sqlite --pairs 1 --switch-off everything",
            "--pairs",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_usage_names_every_server() {
        for server in Server::ALL {
            assert!(USAGE.contains(&server.to_string()), "{server}");
        }
    }
}
