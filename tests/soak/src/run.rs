//! One run: servers, workers, faults and the judge.

use std::{collections::HashMap, convert::Infallible, pin::pin, time::Duration};

use cachedpool_test_support::wait_until;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    clock::{Moment, nap, now},
    crew::{Crew, News},
    director,
    faults::Stage,
    judge::{CHECKER, Judge, Process, Verdict, is_outside},
    options::Options,
    outside::Outsiders,
    pool::{CHANGES_STALENESS, MAX_STALENESS, SLACK, Sabotage},
    record::{NO_TOKEN, Record},
    report, watch, worker,
};

/// Until then the pools must hear of changes by others.
const BEGINNING: Duration = Duration::from_secs(60);
/// How often what is known is judged.
const SESSION: Duration = Duration::from_millis(250);
/// How often it is noticed that this process is kept from running.
const NAP: Duration = Duration::from_millis(50);
/// How often the state of things is told.
const NEWS: Duration = Duration::from_secs(10);

/// What a run came to.
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) faults: u64,
}

/// Runs it. Fails if the checker itself does, and then says nothing of the promises.
pub(crate) async fn run(options: &Options) -> Result<Outcome, String> {
    let stage = Stage::build(options).await;
    let (postgres, url) = (stage.postgres.address(), stage.url());
    worker::create_world(&url, options)
        .await
        .map_err(|error| format!("the tables cannot be made: {error}"))?;
    let (crew, news) = Crew::new(postgres, stage.redis(), options.clone()).await;
    for place in 0..crew.places() {
        crew.hire(place).await;
    }
    let acting = async {
        let outsiders = match options.outside {
            Some(rate) => {
                Some(Outsiders::begin(&stage.postgres, &url, &crew, rate, options.seed).await)
            }
            None => None,
        };
        if outsiders.is_some() {
            // What happens before anybody hears of changes would keep them from beginning to.
            wait_until(BEGINNING, "somebody follows the changes", async || {
                crew.leader().is_some()
            })
            .await;
        }
        director::direct(&stage, &crew, options, Instant::now() + options.time).await;
        if let Some(outsiders) = outsiders {
            outsiders.end().await?;
        }
        // Workers are busy until the last fault is over.
        crew.dismiss().await
    };
    let mut court = Court::new(options, &crew, news);
    tokio::select! {
        judged = court.sit(acting) => judged?,
        never = watch_itself(&crew) => match never {},
        looked = watch::watch(&crew, &url) => match looked {
            Err(error) => return Err(format!("the database cannot be looked at: {error}")),
        },
    }
    Ok(Outcome {
        verdict: court.judge.verdict(),
        faults: court.faults,
    })
}

/// All bytes between workers and Redis go through this process.
async fn watch_itself(crew: &Crew) -> Infallible {
    crew.report(News::Started(CHECKER, now())).await;
    loop {
        if let Some(delay) = nap(NAP).await {
            crew.report(News::Told(CHECKER, Record::Delayed(delay)))
                .await;
        }
        crew.report(News::Told(CHECKER, Record::Mark(now()))).await;
    }
}

/// The judge, and how far everybody has told what happened.
struct Court<'a> {
    judge: Judge,
    crew: &'a Crew,
    faults: u64,
    news: mpsc::Receiver<News>,
    told: HashMap<Process, Moment>,
    /// Whether the first violation is enough: it was to be shown that there is one.
    hasty: bool,
}

impl<'a> Court<'a> {
    fn new(options: &Options, crew: &'a Crew, news: mpsc::Receiver<News>) -> Self {
        let nanos = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let mut judge = Judge::new(nanos(MAX_STALENESS + SLACK));
        if options.outside.is_some() {
            judge = judge.following(nanos(CHANGES_STALENESS + MAX_STALENESS + SLACK));
        }
        Self {
            judge,
            crew,
            faults: 0,
            news,
            told: HashMap::new(),
            hasty: options.sabotage != Sabotage::None,
        }
    }

    /// Sits until everything is done and told, or was judged to be enough.
    async fn sit(
        &mut self,
        acting: impl Future<Output = Result<(), String>>,
    ) -> Result<(), String> {
        let (mut session, mut telling) = (interval(SESSION), interval(NEWS));
        session.set_missed_tick_behavior(MissedTickBehavior::Delay);
        telling.reset();
        let mut acting = pin!(acting);
        let mut done = false;
        while !(done && self.told.keys().all(|&process| process == CHECKER)) {
            tokio::select! {
                Some(news) = self.news.recv() => self.hear(news)?,
                ended = &mut acting, if !done => {
                    ended?;
                    done = true;
                }
                _ = telling.tick() => report::progress(self.judge.so_far()),
                _ = session.tick() => {
                    self.settle();
                    if self.hasty && self.judge.so_far().total().violations > 0 {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self, news: News) -> Result<(), String> {
        match news {
            News::Started(process, at) => {
                self.told.insert(process, at);
            }
            News::Told(process, Record::Mark(at)) => {
                self.told.insert(process, at);
            }
            News::Told(process, Record::Office(office)) => self.crew.holds(process, office),
            News::Told(process, record) => {
                if let Record::Write(write) = &record
                    && !is_outside(process)
                    && let Some(first) = write.left.first()
                {
                    let token = write.token.as_deref().unwrap_or(NO_TOKEN);
                    self.crew.share(process, &format!("{first} {token}"));
                }
                if let Record::Read(read) = &record
                    && process == CHECKER
                {
                    // Nobody else would know that these rows are worth reading.
                    for seen in read.seen.iter().filter(|seen| self.judge.is_untold(seen)) {
                        self.crew.share(CHECKER, &format!("{seen} {NO_TOKEN}"));
                    }
                }
                self.judge.hear(process, record);
            }
            News::Worth(process, left) => {
                for seen in left {
                    self.crew.share(process, &format!("{seen} {NO_TOKEN}"));
                }
            }
            News::Doomed(process) => self.judge.doom(process),
            News::Ended(process) => {
                self.told.remove(&process);
            }
            News::Faults { since, name, count } => {
                self.faults += count;
                self.judge.period(since, name);
            }
            News::Trouble(trouble) => return Err(trouble),
        }
        Ok(())
    }

    fn settle(&mut self) {
        if let Some(&until) = self.told.values().min() {
            self.judge.settle(until);
        }
    }
}
