//! Writers that no pool knows of: plain connections, and `psql`.
//!
//! Promises: they write as often as they are told, never through a `CachedPool`, and the judge hears of every write that was
//! acknowledged, as it does of those of the workers. Must not know: what pools make of it.

mod hand;
mod large;
mod shell;
mod voice;

use std::time::Duration;

use cachedpool_test_support::Victim;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Interval, interval, sleep, timeout},
};

use crate::{
    crew::Crew,
    record::{Row, Seen},
    world::outside::BEACON,
};

use hand::Hand;
pub(crate) use large::{alter, write_large};
use shell::Shell;
use voice::Voice;

/// So many connections share the work.
const HANDS: u32 = 8;
/// How often a row is written of which every process looks when it sees that. Longer than it mostly takes.
const BEACONS: Duration = Duration::from_millis(40);
/// How often somebody takes to `psql`.
const SHELLS: Duration = Duration::from_millis(1500);
/// How often the judge is told how far it may judge.
const MARKS: Duration = Duration::from_millis(50);
/// Nothing may take longer, whatever the fault.
const PATIENCE: Duration = Duration::from_secs(30);
/// After a failure.
const REST: Duration = Duration::from_millis(100);
/// Of the writes so many a second are shown to the workers: more, and they would forget them too soon.
const SHOWN: u32 = 40;

/// Somebody who writes one thing after another.
trait Writer: Send {
    /// Writes something, and says what that left.
    fn write(&mut self) -> impl Future<Output = Result<Vec<Seen>, sqlx::Error>> + Send;
}

/// All of them.
pub(crate) struct Outsiders {
    tasks: JoinSet<()>,
    stop: watch::Sender<()>,
}

impl Outsiders {
    /// Begins to write, `rate` times a second.
    pub(crate) async fn begin(
        postgres: &Victim,
        url: &str,
        crew: &Crew,
        rate: u32,
        seed: u64,
    ) -> Self {
        let (stop, stopped) = watch::channel(());
        let mut tasks = JoinSet::new();
        let shown = f64::from(SHOWN) / f64::from(rate.max(SHOWN));
        let pause = Duration::from_secs(1) * HANDS / rate;
        for hand in 0..HANDS {
            let hand = Hand::new(url, seed ^ u64::from(hand));
            let voice = Voice::new(crew, shown).await;
            tasks.spawn(work(hand, voice, pause, stopped.clone()));
        }
        let beacon = Beacon(Hand::new(url, seed));
        tasks.spawn(work(
            beacon,
            Voice::new(crew, 0.0).await,
            BEACONS,
            stopped.clone(),
        ));
        let shell = Shell::new(postgres, seed);
        tasks.spawn(work(shell, Voice::new(crew, 1.0).await, SHELLS, stopped));
        Self { tasks, stop }
    }

    /// Lets all of them end what they are doing.
    pub(crate) async fn end(mut self) -> Result<(), String> {
        drop(self.stop);
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(|error| format!("a writer from outside: {error}"))?;
        }
        Ok(())
    }
}

async fn work(
    mut writer: impl Writer,
    mut voice: Voice,
    pause: Duration,
    mut stopped: watch::Receiver<()>,
) {
    let mut pace = interval(pause);
    loop {
        tokio::select! {
            // Nothing is ever sent: it ends.
            _ = stopped.changed() => break,
            () = wait(&mut pace, &mut voice) => {}
        }
        let begin = crate::clock::now();
        match timeout(PATIENCE, writer.write()).await {
            Ok(Ok(left)) => voice.wrote(begin, left).await,
            Ok(Err(_)) => {
                voice.failed().await;
                sleep(REST).await;
                // What was not written meanwhile is not made up for.
                pace.reset();
            }
            Err(_) => voice.hangs(PATIENCE).await,
        }
    }
    voice.end().await;
}

/// Waits for the next turn, and lets the judge go on meanwhile.
async fn wait(pace: &mut Interval, voice: &mut Voice) {
    voice.mark_if_due(MARKS).await;
    loop {
        tokio::select! {
            biased;
            _ = pace.tick() => return,
            () = sleep(MARKS) => voice.mark_if_due(MARKS).await,
        }
    }
}

/// Writes one row only, which every process looks at all the time.
struct Beacon(Hand);

impl Writer for Beacon {
    async fn write(&mut self) -> Result<Vec<Seen>, sqlx::Error> {
        self.0
            .write_row(Row {
                table: BEACON,
                id: 1,
            })
            .await
    }
}
