//! The command line.

use std::{fmt, time::Duration};

use crate::{faults::Fault, pool::Sabotage, record::Demand};

/// What is said with `--help`, and after a mistake.
pub(crate) const USAGE: &str = "\
soak --seconds N [--fault NAME|all|none] [--strict] [--processes N] [--seed N] [--sabotage NAME]
     [--outside-writer] [--outside-rate N]

  --seconds N      how long the processes work
  --fault NAME     what is done to the servers: all (default), none, or one of
                   redis-pause redis-restart-empty redis-restart-old-dump replica-promoted flushall drop-in drop-out
                   redis-slow redis-cut memory-full worker-killed postgres-restart
                   and with --outside-writer: consumer-cut consumer-killed consumer-stopped slot-dropped stream-held
                   large-transaction ddl
  --strict         the pools are strict
  --processes N    how many of them (default 3)
  --seed N         the order of faults, and what workers do (default: another one each time)
  --sabotage NAME  breaks the cache on purpose: stamps, lease, fence or epoch, and with --outside-writer: feed, beginning
                   or silence
  --outside-writer others write the tables too, and the pools hear of it from PostgreSQL
  --outside-rate N how often a second they do so (default 40)";

/// How often others write.
const RATE: u32 = 40;

/// What to run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) time: Duration,
    pub(crate) faults: Faults,
    pub(crate) demand: Demand,
    pub(crate) processes: usize,
    pub(crate) seed: u64,
    pub(crate) sabotage: Sabotage,
    /// How often a second others write, if they do.
    pub(crate) outside: Option<u32>,
}

/// Which faults there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Faults {
    None,
    One(Fault),
    /// One after another, each of them once before any comes again, and then some at the same time.
    All,
}

/// A command line that means nothing.
#[derive(Debug)]
pub(crate) struct Misuse(String);

impl Misuse {
    /// Only this program itself starts workers.
    pub(crate) fn worker() -> Self {
        Self("no worker can be told this".to_owned())
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Options {
    /// Reads the arguments that follow the program's name.
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Misuse> {
        let mut time = None;
        let mut options = Self {
            time: Duration::ZERO,
            faults: Faults::All,
            demand: Demand::Bounded,
            processes: 3,
            seed: fastrand::u64(..),
            sabotage: Sabotage::None,
            outside: None,
        };
        while let Some(name) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or_else(|| Misuse(format!("{name} needs a value")))
            };
            match name.as_str() {
                "--seconds" => time = Some(Duration::from_secs(number(&name, &value()?)?)),
                "--fault" => options.faults = faults(&value()?)?,
                "--strict" => options.demand = Demand::Strict,
                "--processes" => options.processes = number(&name, &value()?)?,
                "--seed" => options.seed = number(&name, &value()?)?,
                "--sabotage" => options.sabotage = sabotage(&value()?)?,
                "--outside-writer" => options.outside = options.outside.or(Some(RATE)),
                "--outside-rate" => options.outside = Some(number(&name, &value()?)?),
                _ => return Err(Misuse(format!("there is no {name}"))),
            }
        }
        options.time = time.ok_or_else(|| Misuse("--seconds is missing".to_owned()))?;
        if options.processes == 0 {
            return Err(Misuse("nobody would work".to_owned()));
        }
        if options.outside == Some(0) {
            return Err(Misuse("nobody would write from outside".to_owned()));
        }
        if let (Faults::One(fault), None) = (options.faults, options.outside)
            && fault.is_of_the_feed()
        {
            let name = fault.name();
            return Err(Misuse(format!(
                "without --outside-writer there is no {name}"
            )));
        }
        Ok(options)
    }
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, Misuse> {
    value
        .parse()
        .map_err(|_| Misuse(format!("{name} {value}: not such a number")))
}

fn faults(value: &str) -> Result<Faults, Misuse> {
    match value {
        "none" => Ok(Faults::None),
        "all" => Ok(Faults::All),
        name => Fault::named(name)
            .map(Faults::One)
            .ok_or_else(|| Misuse(format!("there is no fault {name}"))),
    }
}

fn sabotage(value: &str) -> Result<Sabotage, Misuse> {
    Sabotage::named(value).ok_or_else(|| Misuse(format!("there is no sabotage {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Misuse> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn everything_that_is_said_is_heard() {
        let options =
            parse("--seconds 7 --fault flushall --strict --processes 5 --seed 9 --sabotage epoch")
                .unwrap();
        assert_eq!(options.time, Duration::from_secs(7));
        assert_eq!(
            options.faults,
            Faults::One(Fault::named("flushall").unwrap())
        );
        assert_eq!(options.demand, Demand::Strict);
        assert_eq!((options.processes, options.seed), (5, 9));
        assert_eq!(options.sabotage, Sabotage::Epoch);
        assert_eq!(options.outside, None);
    }

    #[test]
    fn others_write_as_often_as_is_said() {
        let rate = |line: &str| parse(line).unwrap().outside;
        assert_eq!(rate("--seconds 1 --outside-writer"), Some(RATE));
        assert_eq!(
            rate("--seconds 1 --outside-rate 7 --outside-writer"),
            Some(7)
        );
        let options = parse("--seconds 1 --outside-writer --fault ddl").unwrap();
        assert_eq!(options.faults, Faults::One(Fault::Ddl));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        for line in [
            "",
            "--seconds",
            "--seconds soon",
            "--seconds 1 --fault fire",
            "--seconds 1 --sabotage all",
            "--seconds 1 --processes 0",
            "--seconds 1 --fast",
            "--seconds 1 --outside-rate 0",
            "--seconds 1 --fault ddl",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_usage_names_every_fault_and_every_sabotage() {
        for fault in Fault::ALL {
            assert!(USAGE.contains(fault.name()), "{}", fault.name());
        }
        for sabotage in Sabotage::ALL {
            assert!(USAGE.contains(sabotage.name()), "{}", sabotage.name());
        }
    }
}
