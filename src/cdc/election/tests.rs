use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::FutureExt as _;
use tokio::runtime::Handle;

use super::*;
use crate::{
    cache::{
        EngineSettings, ManualTime,
        engine_tests::hub::{Call, Hub},
        testkit,
    },
    cdc::Feed,
};

const STALENESS: Duration = Duration::from_secs(1);

/// A server that lets one session at a time have the name, and tells it that nothing happens.
#[derive(Default)]
struct Server {
    holder: Mutex<Option<usize>>,
    /// How often somebody asked.
    asked: AtomicUsize,
    sessions: AtomicUsize,
}

/// Ends with the session.
struct Held(Arc<Server>, usize);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.ends(self.1);
    }
}

impl Server {
    fn holder(&self) -> MutexGuard<'_, Option<usize>> {
        self.holder.lock().expect("nobody panics while holding it")
    }

    fn ends(&self, session: usize) {
        let mut holder = self.holder();
        holder.take_if(|holder| *holder == session);
    }

    fn is_held(&self, session: usize) -> bool {
        *self.holder() == Some(session)
    }

    /// Breaks the connection of whoever has the name.
    fn break_off(&self) {
        self.holder().take();
    }
}

struct Quiet(Arc<Server>);

impl Source for Quiet {
    type Session = Held;

    fn serves_when_blind(&self) -> bool {
        false
    }

    fn is_closed(&self) -> bool {
        false
    }

    async fn open(&self) -> Result<Held, Trouble> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        let mut holder = self.0.holder();
        if holder.is_some() {
            return Err(Trouble::refused("taken (SQLSTATE 42710)", "app"));
        }
        let session = self.0.sessions.fetch_add(1, Ordering::Relaxed);
        *holder = Some(session);
        Ok(Held(self.0.clone(), session))
    }

    async fn run(&self, held: Held, engine: Weak<Engine>) -> Trouble {
        while let Some(engine) = engine.upgrade() {
            if !self.0.is_held(held.1) {
                return Trouble::passing("broken off");
            }
            engine.changes_heard(engine.now().plus(STALENESS));
            let time = engine.time().clone();
            drop(engine);
            time.sleep(STALENESS / 8).await;
        }
        Trouble::gone()
    }
}

struct World {
    server: Arc<Server>,
    hub: Arc<Hub>,
    engines: [Arc<Engine>; 2],
    hand: ManualTime,
}

impl World {
    async fn new() -> Self {
        let (engines, hub, hand) =
            testkit::engines_on_hub(EngineSettings::default(), Handle::current()).await;
        let server = Arc::new(Server::default());
        for engine in &engines {
            let topic = Topic::new(["database"]);
            let elected = Elected::new(Quiet(server.clone()), engine, &topic, STALENESS);
            Feed::start(engine, elected, &Handle::current())
                .await
                .expect("nothing is to be mended");
        }
        Self {
            server,
            hub,
            engines,
            hand,
        }
    }

    fn leaders(&self) -> Vec<usize> {
        let leads = |&index: &usize| self.engines[index].stats().changes_leader;
        (0..2).filter(leads).collect()
    }

    fn are_live(&self) -> bool {
        let mut engines = self.engines.iter();
        engines.all(|engine| engine.stats().changes_live)
    }

    async fn pass(&self, span: Duration) {
        let step = STALENESS / 16;
        let mut left = span;
        while !left.is_zero() {
            self.hand.advance(step.min(left));
            left = left.saturating_sub(step);
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        }
    }

    async fn until(&self, so: impl Fn(&Self) -> bool) {
        for _ in 0..1_000 {
            if so(self) {
                return;
            }
            self.pass(STALENESS / 16).await;
        }
        panic!("it did not come about");
    }
}

#[tokio::test]
async fn one_leads_and_the_other_does_not_ask_for_it_as_long_as_it_hears() {
    let world = World::new().await;
    world.until(World::are_live).await;
    assert_eq!(world.leaders(), [0]);
    let asked = world.server.asked.load(Ordering::Relaxed);
    for _ in 0..100 {
        world.pass(STALENESS / 8).await;
        assert!(world.are_live());
    }
    assert_eq!(world.server.asked.load(Ordering::Relaxed), asked);
}

#[tokio::test]
async fn a_leader_whose_session_ends_is_followed_by_one() {
    let world = World::new().await;
    for _ in 0..10 {
        world.until(World::are_live).await;
        let before = world.server.sessions.load(Ordering::Relaxed);
        world.server.break_off();
        world
            .until(|world| world.server.sessions.load(Ordering::Relaxed) > before)
            .await;
        // One that has lost it may take a moment to notice.
        world
            .until(|world| world.are_live() && world.leaders().len() == 1)
            .await;
    }
}

#[tokio::test]
async fn a_leader_that_cannot_tell_the_others_makes_way() {
    let world = World::new().await;
    world.until(World::are_live).await;
    world.hub.silence(Call::Vouch);
    world.pass(STALENESS / 2).await;
    assert_eq!(world.leaders(), [0], "not at once");
    let before = world.server.sessions.load(Ordering::Relaxed);
    world
        .until(|world| world.server.sessions.load(Ordering::Relaxed) > before)
        .await;
    world.hub.mend();
    world
        .until(|world| world.are_live() && world.leaders().len() == 1)
        .await;
}

#[tokio::test]
async fn a_leader_makes_way_when_the_clock_is_in_another_memory() {
    let world = World::new().await;
    world.until(World::are_live).await;
    let before = world.server.sessions.load(Ordering::Relaxed);
    world.hub.forget_clock();
    world
        .until(|world| world.server.sessions.load(Ordering::Relaxed) > before)
        .await;
    world.until(World::are_live).await;
}

#[tokio::test]
async fn a_slot_whose_holder_says_nothing_is_told_of_once_and_asked_for_less_and_less() {
    let world = World::new().await;
    world.until(World::are_live).await;
    // It has told of that, too.
    world.pass(STALENESS).await;
    let follower = &world.engines[1 - world.leaders()[0]];
    let mut events = follower.events().subscribe();
    // The leader has died, and the name stays with somebody.
    *world.server.holder() = Some(usize::MAX);
    world.pass(20 * STALENESS).await;
    assert!(!world.are_live());
    let asked = world.server.asked.load(Ordering::Relaxed);
    world.pass(20 * STALENESS).await;
    let asked = world.server.asked.load(Ordering::Relaxed) - asked;
    assert!((10..60).contains(&asked), "{asked} times in 20 s by two");
    let mut lost = 0;
    while let Some(Some(event)) = events.next().now_or_never() {
        lost += u32::from(matches!(event, Event::ChangesLost { .. }));
    }
    assert_eq!(lost, 2, "that it ended, and that somebody says nothing");
    world.server.break_off();
    world.until(World::are_live).await;
}

#[test]
fn the_name_of_a_slot_is_one_that_the_server_takes_and_tells_databases_and_clocks_apart() {
    let slot = |parts: &[&str], memory| Topic::new(parts.iter().copied()).slot(memory);
    let name = slot(&["1", "2", "publication"], "app:run");
    assert!(name.len() < 64);
    // The server's limits (PostgreSQL manual, 26.2.6.1).
    assert!(
        name.bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    );
    assert_eq!(name, slot(&["1", "2", "publication"], "app:run"));
    for (parts, memory) in [
        (["1", "3", "publication"], "app:run"),
        (["12", "", "publication"], "app:run"),
        (["1", "2", "other"], "app:run"),
        (["1", "2", "publication"], "app:other"),
    ] {
        assert_ne!(name, slot(&parts, memory));
    }
}
