use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::{sync::mpsc, task::JoinHandle};

use super::*;
use crate::{
    cache::{EngineSettings, ManualTime, testkit},
    cdc::trouble::Kind,
};

const SECOND: Duration = Duration::from_secs(1);

/// A pool whose tables are tagged by their names, and a server that says what a test has it say.
#[derive(Clone)]
struct Fake {
    /// What a beat is answered with.
    cover: Arc<Mutex<Result<Cover, Trouble>>>,
    /// The last beat that was sent.
    sent: Arc<AtomicU64>,
    looks: Arc<AtomicU64>,
}

struct Heard(mpsc::UnboundedReceiver<Notice>);

impl Ears for Heard {
    async fn next(&mut self) -> Result<Notice, Trouble> {
        let notice = self.0.recv().await;
        notice.ok_or_else(|| Trouble::passing("nothing comes any more"))
    }
}

impl Voice for Fake {
    async fn beat(&mut self, number: u64) -> Result<Cover, Trouble> {
        self.sent.store(number, Ordering::Relaxed);
        self.cover().clone()
    }
}

impl Fake {
    fn cover(&self) -> std::sync::MutexGuard<'_, Result<Cover, Trouble>> {
        self.cover.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Post for Fake {
    type Ears = Heard;
    type Voice = Fake;

    async fn prepare(&self) -> Result<(), Trouble> {
        Ok(())
    }

    async fn open(&self) -> Result<(Heard, Fake), Trouble> {
        Err(Trouble::passing("the test has both"))
    }

    fn of_table(&self, schema: &str, name: &str) -> Option<Vec<Tag>> {
        (schema == "public").then(|| vec![Tag::table(name)])
    }

    fn definitions_moved(&self) {
        self.looks.fetch_add(1, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        false
    }
}

struct Scene {
    engine: Arc<Engine>,
    hand: ManualTime,
    server: Fake,
    say: mpsc::UnboundedSender<Notice>,
    session: JoinHandle<Trouble>,
}

impl Scene {
    /// A session that has sent its first beat.
    async fn begin() -> Self {
        let handle = tokio::runtime::Handle::current();
        let (engine, hand) = testkit::engine(EngineSettings::default(), handle);
        engine.rely_on_changes();
        let server = Fake {
            cover: Arc::new(Mutex::new(Ok(Cover("as it was".into())))),
            sent: Arc::default(),
            looks: Arc::default(),
        };
        let (say, heard) = mpsc::unbounded_channel();
        let source = Notified::new(server.clone(), Notifications::new());
        let (ends, weak) = ((Heard(heard), server.clone()), Arc::downgrade(&engine));
        let session = tokio::spawn(async move { source.run(ends, weak).await });
        let scene = Self {
            engine,
            hand,
            server,
            say,
            session,
        };
        scene.rest().await;
        scene
    }

    /// The same, which has come back.
    async fn live() -> Self {
        let scene = Self::begin().await;
        scene.echo().await;
        scene
    }

    /// Lets the session do what it can without another word and with the time standing still.
    async fn rest(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    async fn say(&self, notice: Notice) {
        self.say.send(notice).expect("it listens");
        self.rest().await;
    }

    /// Tells the last beat.
    async fn echo(&self) {
        let number = self.server.sent.load(Ordering::Relaxed);
        self.say(Notice::Beat(number)).await;
    }

    async fn pass(&self, time: Duration) {
        self.hand.advance(time);
        self.rest().await;
    }

    fn hears(&self) -> bool {
        self.engine.stats().changes_live
    }

    fn noted(&self, table: &str) -> crate::cache::Stamp {
        self.engine.stamp(&testkit::tables([table]))
    }
}

#[tokio::test]
async fn nothing_counts_as_heard_before_a_beat_has_come_back() {
    let scene = Scene::begin().await;
    let before = scene.noted("t");
    assert!(!scene.hears());
    scene.echo().await;
    assert!(scene.hears());
    assert!(
        !scene.engine.still_holds(&before),
        "it begins with everything"
    );
}

#[tokio::test]
async fn a_beat_is_proof_as_of_when_it_was_sent() {
    let scene = Scene::begin().await;
    scene.pass(SECOND * 9 / 10).await;
    scene.echo().await;
    assert!(scene.hears());
    scene.pass(SECOND / 5).await;
    assert!(!scene.hears());
}

#[tokio::test]
async fn beats_that_come_back_keep_it_alive_and_one_that_does_not_ends_it() {
    let scene = Scene::live().await;
    let noted = scene.noted("t");
    for _ in 0..20 {
        scene.pass(SECOND / 4).await;
        scene.echo().await;
        assert!(scene.hears());
    }
    assert!(scene.engine.still_holds(&noted), "nobody wrote");
    scene.pass(SECOND / 4).await;
    scene.pass(SECOND).await;
    assert!(!scene.hears());
    // The wait for it is by the real clock, which stands between us and a server.
    let trouble = scene.session.await.expect("it does not panic");
    assert_eq!(trouble.problem, "no beat came back");
}

#[tokio::test]
async fn a_table_that_was_told_moves_and_no_other_does() {
    let scene = Scene::live().await;
    let (written, other) = (scene.noted("t"), scene.noted("u"));
    scene.say(Notice::Written("6 publict".into())).await;
    assert!(!scene.engine.still_holds(&written));
    assert!(scene.engine.still_holds(&other));
    assert_eq!(scene.engine.stats().changes_followed, 1);
}

#[tokio::test]
async fn a_table_that_nobody_knows_and_an_empty_word_are_everything() {
    let scene = Scene::live().await;
    for payload in ["7 unknownt", ""] {
        let noted = scene.noted("u");
        scene.say(Notice::Written(payload.into())).await;
        assert!(!scene.engine.still_holds(&noted), "{payload}");
    }
}

#[tokio::test]
async fn triggers_that_are_not_the_same_ones_any_more_are_a_gap() {
    let scene = Scene::live().await;
    let noted = scene.noted("t");
    *scene.server.cover() = Ok(Cover("as it is".into()));
    scene.pass(SECOND / 4).await;
    scene.echo().await;
    assert!(!scene.engine.still_holds(&noted));
    assert!(scene.hears());
    assert_eq!(scene.server.looks.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_table_without_a_trigger_ends_the_session_with_what_helps() {
    let scene = Scene::live().await;
    *scene.server.cover() = Err(Trouble::lasting("bare", "a trigger"));
    scene.pass(SECOND / 4).await;
    let trouble = scene.session.await.expect("it does not panic");
    assert_eq!(trouble.kind, Kind::Lasting("a trigger".into()));
}

#[tokio::test]
async fn what_no_trigger_says_is_malformed() {
    let scene = Scene::live().await;
    scene.say(Notice::Written("what?".into())).await;
    let trouble = scene.session.await.expect("it does not panic");
    assert_eq!(trouble.kind, Kind::Malformed);
}
