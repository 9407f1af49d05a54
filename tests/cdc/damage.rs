//! What comes by a real stream and is no message: everything is invalidated, and the stream begins again.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use cachedpool::observe::Event;
use cachedpool_test_support::{Editor, Fate, Frame, logical_postgres};

use super::kit::{Scene, USERS, patient, upstream_of};

const COUNT: &str = "SELECT count(*) FROM users";

/// Where the plugin's message begins in a message of the stream: behind its kind, two positions and a time.
const PLUGIN: usize = 25;

/// The kind of the plugin's message, if it is one.
fn kind(frame: &Frame) -> Option<u8> {
    let is_data = frame.kind == b'd' && frame.body.first() == Some(&b'w');
    frame.body.get(PLUGIN).copied().filter(|_| is_data)
}

/// Holds that `damage`, done to one message of `of`, costs every result and the stream, is told, and is made good.
async fn is_made_good(of: u8, damage: fn(&mut Frame)) {
    let armed = Arc::new(AtomicBool::new(false));
    let url = logical_postgres().await.fresh_database().await;
    let trigger = armed.clone();
    let edit = move |frame: &mut Frame| {
        if kind(frame) == Some(of) && trigger.swap(false, Ordering::Relaxed) {
            damage(frame);
        }
        Fate::Pass
    };
    let (upstream, text) = upstream_of(&url);
    let editor = Editor::start(upstream, edit).await;
    let through = url.replace(&text, &editor.address().to_string());
    let mut scene = Scene::at(through, USERS, patient()).await;
    assert_eq!(scene.warm(COUNT).await, 100);
    // Also what the damaged message is not about.
    scene.write("CREATE TABLE other (id int PRIMARY KEY)").await;
    let others = "SELECT count(*) FROM other";
    scene.pool.reload_schema().await.unwrap();
    assert_eq!(scene.warm(others).await, 0);
    assert_eq!(scene.warm(COUNT).await, 100);
    let mut events = scene.pool.events();
    armed.store(true, Ordering::Relaxed);
    scene.write("INSERT INTO users VALUES (101, 1, 'x')").await;
    while !matches!(events.next().await.unwrap(), Event::ChangesMalformed { .. }) {}
    assert!(!armed.load(Ordering::Relaxed));
    while !matches!(events.next().await.unwrap(), Event::ChangesHeard) {}
    let loads = scene.pool.stats().loads;
    assert_eq!(scene.read(COUNT).await.0, 101);
    assert_eq!(scene.read(others).await.0, 0);
    assert_eq!(scene.pool.stats().loads, loads + 2, "nothing was kept");
    let insert = "INSERT INTO users VALUES (102, 1, 'y')";
    scene.follows(COUNT, 101, insert, 102).await;
}

#[tokio::test]
async fn a_message_of_an_unknown_kind_costs_everything_and_is_told() {
    is_made_good(b'I', |frame| frame.body[PLUGIN] = b'?').await;
}

#[tokio::test]
async fn a_row_that_was_cut_short_costs_everything_and_is_told() {
    is_made_good(b'I', |frame| {
        frame.body.pop();
    })
    .await;
}

#[tokio::test]
async fn a_row_of_a_table_that_was_never_described_costs_everything_and_is_told() {
    is_made_good(b'I', |frame| frame.body[PLUGIN + 1] ^= 0x80).await;
}

#[tokio::test]
async fn a_row_that_pretends_to_be_the_description_of_a_type_costs_everything_and_is_told() {
    is_made_good(b'I', |frame| frame.body[PLUGIN] = b'Y').await;
}

#[tokio::test]
async fn a_beginning_that_was_cut_short_costs_everything_and_is_told() {
    is_made_good(b'B', |frame| {
        frame.body.pop();
    })
    .await;
}

#[tokio::test]
async fn a_commit_without_a_beginning_costs_everything_and_is_told() {
    is_made_good(b'B', |frame| {
        // What the stream carries else, and what means nothing to us.
        frame.body.truncate(PLUGIN);
        frame.body.extend_from_slice(b"O\0\0\0\0\0\0\0\0\0");
    })
    .await;
}

#[tokio::test]
async fn an_unknown_message_of_the_stream_costs_everything_and_is_told() {
    is_made_good(b'I', |frame| frame.body[0] = b'z').await;
}
