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

    fn name(&self) -> &str {
        "slot"
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
        Self::of(|plain| plain.run(running)).await
    }

    /// A session of a server that was told by `set`.
    async fn of(set: impl FnOnce(&Plain)) -> Self {
        let handle = tokio::runtime::Handle::current();
        let (engine, hand) = testkit::engine(EngineSettings::default(), handle);
        engine.rely_on_changes();
        let plain = Arc::new(Plain::new(engine.stamp(&Tags::definitions())));
        set(&plain);
        let (say, heard) = mpsc::unbounded_channel();
        let confirmed = Arc::new(AtomicU64::default());
        let line = Fake {
            heard,
            confirmed: confirmed.clone(),
        };
        let settings = LogicalReplication::new()
            .max_staleness(SECOND)
            .warn_retained_wal(1000);
        let session = Session::new(line, &engine, plain.clone(), &settings);
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

    /// A sign of life of a stream that has come to `position`.
    async fn live(&self, position: u64) {
        self.say
            .send(Heard::Alive(position, 0))
            .expect("it listens");
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

    /// Holds that memory answers until `end`, if the session does nothing more.
    fn ends_at(self, end: Tick) {
        self.hand.advance(end.since(self.engine.now()));
        assert!(self.is_live());
        self.hand.advance(Duration::from_nanos(1));
        assert!(!self.is_live());
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
}

#[tokio::test]
async fn while_nobody_writes_the_server_is_asked_and_no_sign_of_life_is_needed() {
    let scene = Scene::begin("1:1000:").await;
    for _ in 0..7 {
        scene.wait(SECOND / 4).await;
        assert!(scene.is_live());
    }
    let end = scene.engine.now().plus(SECOND);
    scene.ends_at(end);
}

#[tokio::test]
async fn signs_of_life_of_a_stream_that_is_behind_prove_nothing() {
    let scene = Scene::begin("1:1000:").await;
    scene.live(100).await;
    scene.plain.write(200);
    for _ in 0..8 {
        scene.wait(SECOND / 8).await;
        scene.live(199).await;
    }
    assert!(scene.is_live());
    scene.wait(Duration::from_nanos(1)).await;
    scene.live(199).await;
    assert!(!scene.is_live());
    scene.live(200).await;
    assert!(scene.is_live());
}

#[tokio::test]
async fn what_comes_late_is_proof_as_of_the_question_and_not_as_of_its_coming() {
    let scene = Scene::begin("1:1000:").await;
    scene.plain.write(200);
    scene.wait(SECOND / 4).await;
    let asked = scene.engine.now();
    // More is written, so that later questions stay open.
    scene.plain.write(300);
    scene.wait(SECOND / 2).await;
    scene.live(200).await;
    scene.ends_at(asked.plus(SECOND));
}

#[tokio::test]
async fn a_commit_is_proof_of_what_was_written_before_it() {
    let scene = Scene::begin("1:1000:").await;
    scene.plain.write(70);
    scene.wait(SECOND / 4).await;
    let asked = scene.engine.now();
    scene.plain.write(80);
    scene.wait(SECOND / 4).await;
    scene.say(writes(7, "1", 70)).await;
    scene.ends_at(asked.plus(SECOND));
}

#[tokio::test]
async fn a_log_that_nobody_flushes_does_not_end_the_answers() {
    let scene = Scene::begin("1:1000:").await;
    // What a transaction that goes on has written.
    scene.plain.written.store(200, Ordering::Relaxed);
    for _ in 0..20 {
        scene.wait(SECOND / 8).await;
        let flushed = scene.plain.flushed.load(Ordering::Relaxed);
        scene.live(flushed).await;
        assert!(scene.is_live());
        scene.plain.written.fetch_add(1, Ordering::Relaxed);
    }
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
    assert_eq!(scene.confirmed.load(Ordering::Relaxed), 80);
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
async fn what_ran_at_the_beginning_moves_everything_though_it_comes_by_the_stream() {
    let scene = Scene::begin("5:1000:5").await;
    let (own, other) = (scene.stamp("1"), scene.stamp("2"));
    scene.say(writes(5, "1", 50)).await;
    assert!(scene.engine.still_holds(&own));
    scene.plain.run("1000:1000:");
    scene.wait(Duration::from_millis(100)).await;
    assert!(!scene.engine.still_holds(&own));
    // It may have written before the publication was whole.
    assert!(!scene.engine.still_holds(&other));
}

#[tokio::test]
async fn what_runs_and_is_listed_by_no_snapshot_yet_is_found_at_the_beginning() {
    // No transaction with a number from 500 on has ended, though 500 was given out.
    let scene = Scene::of(|plain| {
        plain.run("1:500:");
        plain.list("500:502:500");
    })
    .await;
    let other = scene.stamp("other");
    scene.plain.run("502:502:");
    scene.wait(Duration::from_millis(100)).await;
    assert!(!scene.engine.still_holds(&other));
}

#[tokio::test]
async fn a_transaction_that_is_being_told_is_no_proof_until_its_end() {
    let scene = Scene::begin("1:1000:").await;
    scene.plain.write(70);
    scene.say([begin(7)]).await;
    for _ in 0..8 {
        scene.wait(SECOND / 8).await;
        scene.live(60).await;
    }
    scene.wait(Duration::from_nanos(1)).await;
    assert!(!scene.is_live());
    scene.say([commit(70)]).await;
    assert!(scene.is_live());
}

#[tokio::test]
async fn what_others_do_not_see_yet_does_not_end_the_answers() {
    let scene = Scene::begin("1:1000:").await;
    scene.plain.run("7:1000:7");
    scene.plain.write(70);
    scene.say(writes(7, "1", 70)).await;
    for _ in 0..16 {
        scene.wait(SECOND / 8).await;
        scene.live(70).await;
        assert!(scene.is_live());
    }
}

#[tokio::test]
async fn a_stream_that_has_passed_the_writes_of_other_databases_is_confirmed() {
    let scene = Scene::begin("1:1000:").await;
    scene.live(500).await;
    assert_eq!(scene.confirmed.load(Ordering::Relaxed), 500);
    scene.plain.run("7:1000:7");
    scene.say(writes(7, "1", 600)).await;
    scene.live(700).await;
    assert_eq!(scene.confirmed.load(Ordering::Relaxed), 500);
    scene.plain.run("8:1000:");
    scene.wait(Duration::from_millis(100)).await;
    assert_eq!(scene.confirmed.load(Ordering::Relaxed), 700);
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
async fn the_log_that_is_kept_for_the_stream_is_told() {
    let scene = Scene::begin("1:1000:").await;
    let mut events = scene.engine.events().subscribe();
    scene.plain.retain(Some(1001));
    for _ in 0..44 {
        scene.wait(SECOND / 4).await;
        scene.live(0).await;
    }
    assert_eq!(scene.engine.stats().retained_wal_bytes, 1001);
    let slot = "slot".into();
    let told = Event::ChangesLogRetained { slot, bytes: 1001 };
    assert_eq!(events.next().await, Some(told));
}

#[tokio::test]
async fn a_server_that_does_not_know_the_stream_is_not_believed() {
    let scene = Scene::begin("1:1000:").await;
    scene.plain.retain(None);
    for _ in 0..44 {
        scene.wait(SECOND / 4).await;
        let _ = scene.say.send(Heard::Alive(0, 0));
    }
    assert_eq!(scene.session.await.unwrap().kind, Kind::Passing);
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

#[tokio::test]
async fn a_session_ends_before_it_believes_a_stream_by_another_publication() {
    let scene = Scene::begin("1:1000:").await;
    let begun = scene.engine.now();
    scene.plain.write(100);
    scene.plain.publish("another");
    scene.wait(SECOND / 4).await;
    // It has passed what the other one left out, and the session does not hear that any more.
    let _ = scene.say.send(Heard::Alive(100, 0));
    scene.rest().await;
    assert!(scene.session.is_finished());
    scene.ends_at(begun.plus(SECOND));
}
