use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::JoinHandle;

use super::*;
use crate::cache::{EngineSettings, ManualTime, testkit};

const INTERVAL: Duration = Duration::from_millis(100);

/// A file that says what a test has it say.
#[derive(Clone)]
struct Fake(Arc<Mutex<Result<Version, Trouble>>>);

impl Fake {
    fn answer(&self) -> MutexGuard<'_, Result<Version, Trouble>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Poll for Fake {
    async fn version(&mut self) -> Result<Version, Trouble> {
        self.answer().clone()
    }
}

impl Files for Fake {
    type Poll = Fake;

    async fn open(&self) -> Result<Fake, Trouble> {
        Ok(self.clone())
    }

    fn is_closed(&self) -> bool {
        false
    }
}

struct Scene {
    engine: Arc<Engine>,
    hand: ManualTime,
    file: Fake,
    session: JoinHandle<Trouble>,
}

impl Scene {
    async fn new() -> Self {
        let handle = tokio::runtime::Handle::current();
        let (engine, hand) = testkit::engine(EngineSettings::default(), handle);
        engine.rely_on_changes();
        let file = Fake(Arc::new(Mutex::new(Ok(Version(vec![1])))));
        let source = Polled::new(file.clone(), DataVersion::new());
        let (poll, weak) = (file.clone(), Arc::downgrade(&engine));
        let session = tokio::spawn(async move { source.run(poll, weak).await });
        let scene = Self {
            engine,
            hand,
            file,
            session,
        };
        scene.pass(Duration::ZERO).await;
        scene
    }

    async fn pass(&self, time: Duration) {
        self.hand.advance(time);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn the_same_number_moves_nothing_and_another_moves_everything() {
    let scene = Scene::new().await;
    let noted = scene.engine.stamp(&testkit::tables(["t"]));
    for _ in 0..50 {
        scene.pass(INTERVAL).await;
        assert!(scene.engine.stats().changes_live);
    }
    assert!(scene.engine.still_holds(&noted));
    *scene.file.answer() = Ok(Version(vec![2]));
    scene.pass(INTERVAL).await;
    assert!(!scene.engine.still_holds(&noted));
    let stats = scene.engine.stats();
    assert_eq!(
        (stats.changes_followed, stats.change_lag_micros),
        (1, 100_000)
    );
}

#[tokio::test]
async fn it_begins_with_everything() {
    let handle = tokio::runtime::Handle::current();
    let (engine, _hand) = testkit::engine(EngineSettings::default(), handle);
    let noted = engine.stamp(&testkit::tables(["t"]));
    let file = Fake(Arc::new(Mutex::new(Ok(Version(vec![1])))));
    let source = Polled::new(file.clone(), DataVersion::new());
    let weak = Arc::downgrade(&engine);
    let session = tokio::spawn(async move { source.run(file, weak).await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!engine.still_holds(&noted));
    session.abort();
}

#[tokio::test]
async fn a_file_that_does_not_answer_ends_the_session() {
    let scene = Scene::new().await;
    *scene.file.answer() = Err(Trouble::passing("database is locked"));
    scene.pass(INTERVAL).await;
    let trouble = scene.session.await.expect("it does not panic");
    assert_eq!(trouble.problem, "database is locked");
}
