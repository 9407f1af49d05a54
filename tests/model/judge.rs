//! Judges what happened against the plain map.
//!
//! The journal gives the order of all commits, and with it every state that the database was ever in. An answer is right
//! if it is that of one such state between two bounds: not newer than what had been sent when it returned, and not older
//! than what the promises allow. An answer that fits no state at all is torn.

use std::{collections::HashSet, fmt::Write as _, time::Duration};

use cachedpool::cache::{Cause, Freshness, Source};

use crate::{
    database::Entry,
    history::{Invalidation, Mode},
    plain::{Change, Failure, State},
    record::{Effort, Evidence, Expected, Look, Moment, Origin},
    world::{EMPTY_TTL, MAX_STALE, TTL},
};

/// One commit.
#[derive(Debug)]
struct Commit {
    changes: Vec<Change>,
    effort: Effort,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Author {
    Transaction(i64),
    Statement(i64),
    Deletion(crate::history::Table, i64, i64),
}

impl Author {
    fn of(entry: &Entry) -> Author {
        match (entry.transaction, &entry.change) {
            (0, &Change::Put(_, _, version) | &Change::Fault(_, version)) => {
                Author::Statement(version)
            }
            (0, &Change::Gone(table, id, version)) => Author::Deletion(table, id, version),
            (transaction, _) => Author::Transaction(transaction),
        }
    }
}

/// All that is known when everything is over.
pub(crate) struct Case<'a> {
    evidence: &'a Evidence,
    commits: Vec<Commit>,
    /// Before the first commit, and after each.
    states: Vec<State>,
    pub(crate) violations: Vec<String>,
}

impl<'a> Case<'a> {
    /// Everything that went through the pool had been carried out at the moment `settled`, acknowledged or not.
    pub(crate) fn new(
        evidence: &'a Evidence,
        journal: &[Entry],
        start: &State,
        settled: Moment,
    ) -> Case<'a> {
        let mut case = Case {
            evidence,
            commits: Vec::new(),
            states: vec![start.clone()],
            violations: evidence.violations.clone(),
        };
        let mut last = None;
        for entry in journal {
            let author = Author::of(entry);
            if last.replace(author) == Some(author)
                && let Some(commit) = case.commits.last_mut()
            {
                commit.changes.push(entry.change.clone());
                continue;
            }
            let effort = case.effort(author, settled);
            case.commits.push(Commit {
                changes: vec![entry.change.clone()],
                effort,
            });
        }
        let mut state = start.clone();
        for commit in &case.commits {
            commit.changes.iter().for_each(|change| state.apply(change));
            case.states.push(state.clone());
        }
        case
    }

    fn effort(&mut self, author: Author, settled: Moment) -> Effort {
        let known = match author {
            Author::Transaction(signature) => self.evidence.transactions.get(&signature).cloned(),
            Author::Statement(version) => self
                .evidence
                .statements
                .get(&version)
                .map(|(effort, _)| effort.clone()),
            // Of a caller who was gone before it was told, nobody knows when it began.
            Author::Deletion(table, id, version) => {
                let told = self.evidence.deletions.get(&(table, id, version)).cloned();
                Some(told.unwrap_or(Effort {
                    invoked: Moment {
                        order: 0,
                        ..settled
                    },
                    acknowledged: None,
                    origin: Origin::Pool,
                }))
            }
        };
        let mut effort = known.unwrap_or_else(|| {
            self.violations
                .push("a transaction that nobody committed is in the journal".to_owned());
            Effort {
                invoked: settled,
                acknowledged: None,
                origin: Origin::Pool,
            }
        });
        effort.acknowledged.get_or_insert(settled);
        effort
    }

    /// Every check there is.
    pub(crate) fn judge(&mut self) {
        self.check_writes();
        // By what each read has certainly seen, strict ones are measured.
        let mut seen = Vec::new();
        for look in &self.evidence.looks {
            match self.check(look, &[]) {
                Ok(commit) => seen.push((look.returned, commit)),
                Err(violation) => self.violations.push(violation),
            }
        }
        for look in self
            .evidence
            .looks
            .iter()
            .filter(|look| look.read.hints.strict)
        {
            if let Err(violation) = self.check(look, &seen) {
                self.violations.push(violation);
            }
        }
    }

    /// What succeeded is in the journal, what failed or was rolled back is not.
    fn check_writes(&mut self) {
        let committed: HashSet<i64> = self
            .commits
            .iter()
            .flat_map(|commit| &commit.changes)
            .filter_map(|change| match *change {
                Change::Put(_, _, version) | Change::Fault(_, version) => Some(version),
                Change::Gone(..) => None,
            })
            .collect();
        for (version, (_, expected)) in &self.evidence.statements {
            match (expected, committed.contains(version)) {
                (Expected::Committed, false) => {
                    self.violations.push(format!(
                        "the write of {version} was acknowledged and is lost"
                    ));
                }
                (Expected::Undone, true) => {
                    self.violations.push(format!(
                        "the write of {version} was undone and is committed"
                    ));
                }
                _ => {}
            }
        }
    }

    /// Judges one answer. Returns how many commits the state certainly had behind it that it was given of.
    fn check(&self, look: &Look, seen: &[(Moment, usize)]) -> Result<usize, String> {
        self.check_age(look)?;
        let oldest = self.oldest(look, seen);
        let newest = self
            .commits
            .iter()
            .position(|commit| commit.effort.invoked.order > look.returned.order)
            .unwrap_or(self.commits.len());
        let relevant = |at: usize| {
            at == oldest
                || self.commits[at - 1]
                    .changes
                    .iter()
                    .any(|change| look.read.may_show(change))
        };
        (oldest..=newest)
            .filter(|&at| relevant(at))
            .find(|&at| self.states[at].answer(&look.read) == look.result)
            .ok_or_else(|| self.report(look, oldest, newest))
    }

    /// The first state that the promises allow an answer to be of.
    fn oldest(&self, look: &Look, seen: &[(Moment, usize)]) -> usize {
        let limits = Limits::of(look);
        let seen = seen
            .iter()
            .filter(|(returned, _)| returned.order < look.invoked.order)
            .map(|&(_, commit)| commit)
            .max()
            .unwrap_or(0);
        let must = |&(at, commit): &(usize, &Commit)| {
            let Some(acknowledged) = commit.effort.acknowledged else {
                return false;
            };
            let before = acknowledged.order < look.invoked.order;
            let age = look.invoked.time.since(acknowledged.time);
            if commit.effort.origin == Origin::Pool || self.invalidated_by_hand(look, acknowledged)
            {
                let told = before && limits.changed.is_none_or(|limit| age > limit);
                told || (commit.effort.origin == Origin::Pool && at < seen)
            } else {
                before && limits.aged.is_none_or(|limit| age > limit)
            }
        };
        let relevant = |(_, commit): &(usize, &Commit)| {
            commit
                .changes
                .iter()
                .any(|change| look.read.may_show(change))
        };
        self.commits
            .iter()
            .enumerate()
            .filter(relevant)
            .filter(must)
            .map(|(at, _)| at + 1)
            .max()
            .unwrap_or(0)
    }

    fn invalidated_by_hand(&self, look: &Look, acknowledged: Moment) -> bool {
        self.evidence.barriers.iter().any(|barrier| {
            let touches = match &barrier.what {
                Invalidation::Tables(tables) => tables
                    .iter()
                    .any(|&table| look.read.depends_on(crate::plain::Place::Table(table))),
                Invalidation::Tag => look.read.hints.tagged,
                Invalidation::All => true,
            };
            touches
                && acknowledged.order < barrier.invoked.order
                && barrier.returned.order < look.invoked.order
        })
    }

    /// What an answer says of its age must be within its terms.
    fn check_age(&self, look: &Look) -> Result<(), String> {
        let Some(about) = look.about.filter(|about| about.source == Source::Local) else {
            return Ok(());
        };
        let limits = Limits::by_terms(look);
        let limit = match about.freshness {
            Freshness::Stale(Cause::Invalidated) => limits.changed,
            _ => limits.aged,
        };
        match limit {
            Some(limit) if about.age <= limit => Ok(()),
            _ => Err(format!(
                "an answer from memory that no term allows: {look:?}"
            )),
        }
    }

    fn report(&self, look: &Look, oldest: usize, newest: usize) -> String {
        let mut report = format!("{look:?}\nfits none of the states {oldest} to {newest}:\n");
        for (at, state) in self.states.iter().enumerate() {
            let commit = at.checked_sub(1).map(|at| &self.commits[at]);
            writeln!(
                report,
                "  {at}: {:?} after {:?}, of {:?}",
                state.answer(&look.read),
                commit.map(|commit| &commit.changes),
                commit.map(|commit| (
                    commit.effort.origin,
                    commit.effort.invoked.order,
                    commit
                        .effort
                        .acknowledged
                        .map(|moment| (moment.order, moment.time)),
                )),
            )
            .expect("a string takes what is written");
        }
        report
    }

    /// What the database must hold in the end.
    pub(crate) fn last_state(&self) -> &State {
        self.states.last().expect("there is a first state")
    }

    pub(crate) fn commits(&self) -> usize {
        self.commits.len()
    }
}

/// How long ago a change must have been acknowledged before a read must show it; `None`: at all.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// That the cache was not told of.
    aged: Option<Duration>,
    /// That it was told of.
    changed: Option<Duration>,
}

impl Limits {
    const NONE: Limits = Limits {
        aged: None,
        changed: None,
    };

    /// By the terms of the read and by what the answer says of itself.
    fn of(look: &Look) -> Limits {
        // Errors are never cached.
        if matches!(
            look.result,
            Err(Failure::Outage | Failure::Broken | Failure::Unexpected(_))
        ) {
            return Limits::NONE;
        }
        let limits = Limits::by_terms(look);
        match look.about {
            None => limits,
            // From a load that may have begun before the read, if others led it.
            Some(about) if about.source != Source::Local => Limits {
                aged: limits.aged.and(Some(about.age)),
                changed: None,
            },
            Some(about) => Limits {
                aged: limits.aged.map(|limit| limit.min(about.age)),
                changed: match about.freshness {
                    Freshness::Stale(Cause::Invalidated) => {
                        limits.changed.map(|limit| limit.min(about.age))
                    }
                    _ => None,
                },
            },
        }
    }

    fn by_terms(look: &Look) -> Limits {
        let hints = &look.read.hints;
        let seconds = |span: Option<u64>| Duration::from_secs(span.unwrap_or(0));
        let empty = match &look.result {
            Ok(rows) => rows.is_empty(),
            Err(failure) => *failure == Failure::NoRow,
        };
        let ttl = hints.ttl.map_or(TTL, Duration::from_secs);
        let ttl = if empty { ttl.min(EMPTY_TTL) } else { ttl };
        let if_error = ttl + seconds(hints.stale_if_error);
        let revalidated = ttl + seconds(hints.stale_while_revalidate);
        let tolerated = seconds(hints.tolerate_stale);
        match hints.mode {
            Mode::Bypass | Mode::Direct => Limits::NONE,
            Mode::Refresh => Limits {
                aged: hints.stale_if_error.map(|_| if_error.min(MAX_STALE)),
                changed: None,
            },
            Mode::Normal | Mode::OnlyIfCached => Limits {
                aged: Some(ttl.max(revalidated.max(if_error).max(tolerated).min(MAX_STALE))),
                changed: hints
                    .tolerate_stale
                    .filter(|_| !hints.strict)
                    .map(|limit| Duration::from_secs(limit).min(MAX_STALE)),
            },
        }
    }
}

mod tests;
