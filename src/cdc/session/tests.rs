use std::sync::atomic::{AtomicU64, Ordering};

use tokio::{sync::mpsc, task::JoinHandle};

use super::*;
use crate::{
    cache::{EngineSettings, ManualTime, Stamp, Tag, testkit},
    cdc::{
        pgoutput::Message,
        testkit::{Plain, begin, commit, insert, relation},
        trouble::Kind,
    },
};

const SECOND: Duration = Duration::from_secs(1);

/// A stream that says what a test has it say.
struct Fake {
    heard: mpsc::UnboundedReceiver<Heard>,
    confirmed: Arc<AtomicU64>,
}

impl Line for Fake {
    async fn next(&mut self) -> Result<Heard, Trouble> {
        let heard = self.heard.recv().await;
        heard.ok_or_else(|| Trouble::passing("the stream has ended"))
    }

    fn confirm(&mut self, position: u64) {
        self.confirmed.store(position, Ordering::Relaxed);
    }
}

struct Scene {
    engine: Arc<Engine>,
    hand: ManualTime,
    plain: Arc<Plain>,
    say: mpsc::UnboundedSender<Heard>,
    confirmed: Arc<AtomicU64>,
    session: JoinHandle<Trouble>,
}

impl Scene {
    /// A session with `running` at its beginning.
    async fn begin(running: &str) -> Self {
        let handle = tokio::runtime::Handle::current();
        let (engine, hand) = testkit::engine(EngineSettings::default(), handle);
        engine.rely_on_changes();
        let plain = Arc::new(Plain::new(engine.stamp(&Tags::definitions())));
        plain.run(running);
        let (say, heard) = mpsc::unbounded_channel();
        let confirmed = Arc::new(AtomicU64::default());
        let line = Fake {
            heard,
            confirmed: confirmed.clone(),
        };
        let session = Session::new(line, &engine, plain.clone(), SECOND);
        let session = tokio::spawn(session.run());
        let scene = Self {
            engine,
            hand,
            plain,
            say,
            confirmed,
            session,
        };
        scene.rest().await;
        scene
    }

    /// Lets the session do what it can without another word and with the time standing still.
    async fn rest(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    async fn say(&self, messages: impl IntoIterator<Item = Message<'static>>) {
        for message in messages {
            self.say.send(Heard::Message(message)).expect("it listens");
        }
        self.rest().await;
    }

    /// A sign of life, sent by a clock that agrees with ours.
    async fn live(&self) {
        let sent = i64::try_from(self.engine.now().as_nanos() / 1000).expect("it fits");
        self.say.send(Heard::Alive(sent)).expect("it listens");
        self.rest().await;
    }

    async fn wait(&self, span: Duration) {
        self.hand.advance(span);
        self.rest().await;
    }

    fn stamp(&self, id: &str) -> Stamp {
        let tag = Tag::row("t", "id", id.as_bytes());
        self.engine.stamp(&Tags::from_iter([tag]))
    }

    fn is_live(&self) -> bool {
        self.engine.stats().changes_live
    }
}

fn writes(xid: u32, id: &'static str, end: u64) -> [Message<'static>; 4] {
    [
        begin(xid),
        Message::Relation(relation(1, "t")),
        insert(1, id),
        commit(end),
    ]
}

#[tokio::test]
async fn a_session_begins_with_everything_and_is_heard_from_then_on() {
    let scene = Scene::begin("1:1000:").await;
    assert!(scene.is_live());
    assert_eq!(scene.engine.stats().invalidations, 1);
    scene.wait(SECOND + Duration::from_nanos(1)).await;
    assert!(!scene.is_live());
    scene.live().await;
    assert!(scene.is_live());
}

#[tokio::test]
async fn a_commit_moves_what_it_touched_and_is_confirmed() {
    let scene = Scene::begin("1:1000:").await;
    let (one, two) = (scene.stamp("1"), scene.stamp("2"));
    scene.say(writes(7, "1", 70)).await;
    assert!(!scene.engine.still_holds(&one));
    assert!(scene.engine.still_holds(&two));
    assert_eq!(scene.confirmed.load(Ordering::Relaxed), 70);
}

#[tokio::test]
async fn a_commit_that_others_do_not_see_yet_moves_the_clock_when_they_do() {
    let scene = Scene::begin("1:1000:").await;
    scene.plain.run("7:1000:7");
    let (hidden, shown) = (scene.stamp("1"), scene.stamp("2"));
    scene.say(writes(7, "1", 70)).await;
    scene.say(writes(8, "2", 80)).await;
    assert!(scene.engine.still_holds(&hidden));
    assert!(!scene.engine.still_holds(&shown));
    // Not past what is hidden.
    assert_eq!(scene.confirmed.load(Ordering::Relaxed), 0);
    scene.plain.run("9:1000:");
    scene.wait(Duration::from_millis(100)).await;
    assert!(!scene.engine.still_holds(&hidden));
    assert_eq!(scene.confirmed.load(Ordering::Relaxed), 70);
}

#[tokio::test]
async fn the_end_of_what_ran_at_the_beginning_moves_everything() {
    let scene = Scene::begin("5:1000:5,6").await;
    let other = scene.stamp("other");
    scene.plain.run("5:1000:5");
    scene.wait(Duration::from_millis(100)).await;
    assert!(!scene.engine.still_holds(&other));
    let other = scene.stamp("other");
    scene.wait(Duration::from_millis(100)).await;
    assert!(scene.engine.still_holds(&other));
    scene.plain.run("1000:1000:");
    scene.wait(Duration::from_millis(100)).await;
    assert!(!scene.engine.still_holds(&other));
}

#[tokio::test]
async fn what_ran_at_the_beginning_and_comes_by_the_stream_moves_what_it_touched() {
    let scene = Scene::begin("5:1000:5").await;
    let (own, other) = (scene.stamp("1"), scene.stamp("2"));
    scene.plain.run("5:1000:5");
    scene.say(writes(5, "1", 50)).await;
    assert!(scene.engine.still_holds(&own));
    scene.plain.run("1000:1000:");
    scene.wait(Duration::from_millis(100)).await;
    assert!(!scene.engine.still_holds(&own));
    assert!(scene.engine.still_holds(&other));
}

#[tokio::test]
async fn a_transaction_that_is_being_told_is_no_proof_of_hearing() {
    let scene = Scene::begin("1:1000:").await;
    scene.live().await;
    scene.say([begin(7)]).await;
    scene.wait(SECOND / 2).await;
    scene.live().await;
    scene.wait(SECOND / 2 + Duration::from_nanos(1)).await;
    assert!(!scene.is_live());
    scene.say([commit(70)]).await;
    assert!(scene.is_live());
}

#[tokio::test]
async fn what_waited_on_the_way_is_proof_as_of_when_it_was_sent() {
    let scene = Scene::begin("1:1000:").await;
    scene.live().await;
    let sent = i64::try_from(scene.engine.now().as_nanos() / 1000).unwrap();
    scene.wait(SECOND).await;
    scene.say.send(Heard::Alive(sent)).unwrap();
    scene.wait(Duration::from_micros(1)).await;
    assert!(!scene.is_live());
}

#[tokio::test]
async fn a_message_that_cannot_be_read_ends_the_session_and_is_told_as_such() {
    for bytes in [&b"X"[..], b"I\0\0\0\x09N\0\0", b"E"] {
        let scene = Scene::begin("1:1000:").await;
        let heard = Heard::Bytes(bytes::Bytes::from_static(bytes), 0);
        scene.say.send(heard).unwrap();
        let trouble = scene.session.await.unwrap();
        assert_eq!(trouble.kind, Kind::Malformed, "{trouble}");
    }
}

#[tokio::test]
async fn silence_ends_the_session() {
    let scene = Scene::begin("1:1000:").await;
    scene.wait(SILENCE).await;
    assert!(!scene.session.is_finished());
    scene.wait(SECOND).await;
    assert_eq!(scene.session.await.unwrap().kind, Kind::Passing);
}

#[tokio::test]
async fn a_pool_that_is_gone_ends_the_session() {
    let mut scene = Scene::begin("1:1000:").await;
    scene.say(writes(7, "1", 70)).await;
    let handle = tokio::runtime::Handle::current();
    let (other, _) = testkit::engine(EngineSettings::default(), handle);
    drop(std::mem::replace(&mut scene.engine, other));
    scene.say(writes(8, "1", 80)).await;
    assert!(scene.session.await.unwrap().problem.contains("gone"));
}
