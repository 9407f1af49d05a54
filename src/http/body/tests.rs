use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::stream;
use http::HeaderMap;
use http_body_util::{BodyExt as _, Full, StreamBody};

use super::*;

type Item = Result<Frame<Bytes>, &'static str>;

fn data(text: &'static str) -> Item {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn body(items: Vec<Item>) -> impl Body<Data = Bytes, Error = &'static str> {
    StreamBody::new(stream::iter(items))
}

async fn begun<B: Body<Data = Bytes>>(read: Read<B>) -> (ResponseBody<B>, Why) {
    match read {
        Read::Begun(body, why) => (body, why),
        Read::Whole(bytes) => panic!("it was kept: {bytes:?}"),
    }
}

#[tokio::test]
async fn a_body_within_the_limit_is_read_whole() {
    let items = vec![data("ab"), data(""), data("cd")];
    let Read::Whole(bytes) = read(body(items), 4, Some(4), pending()).await else {
        panic!("it fits");
    };
    assert_eq!(bytes, "abcd");
}

#[tokio::test]
async fn what_is_kept_does_not_hold_on_to_a_larger_buffer() {
    let buffer = Bytes::from(vec![7; 1 << 16]);
    for pieces in [[0..0, 0..100], [0..40, 40..100]] {
        let items = pieces.into_iter();
        let items = items.map(|range| Ok::<_, Infallible>(Frame::data(buffer.slice(range))));
        let body = StreamBody::new(stream::iter(items));
        let Read::Whole(bytes) = read(body, 100, None, pending()).await else {
            panic!("it fits");
        };
        assert_eq!(bytes, vec![7; 100]);
        // The buffer has no other owner than the one here.
        assert!(bytes.is_unique());
        assert!(buffer.is_unique());
    }
}

#[tokio::test]
async fn a_body_in_very_many_pieces_passes() {
    let items = || (0..PIECES).map(|_| data("a")).collect::<Vec<_>>();
    let (body, why) = begun(read(body(items()), PIECES, None, pending()).await).await;
    assert_eq!(why, Why::Long);
    assert_eq!(body.collect().await.unwrap().to_bytes().len(), PIECES);
    let few = items().split_off(1);
    let Read::Whole(bytes) = read(self::body(few), PIECES, None, pending()).await else {
        panic!("its pieces are few enough");
    };
    assert_eq!(bytes.len(), PIECES - 1);
}

#[tokio::test]
async fn empty_pieces_are_neither_held_nor_waited_for_without_end() {
    let endless = StreamBody::new(stream::repeat_with(|| data("")));
    let (mut passed, why) = begun(read(endless, 9, None, pending()).await).await;
    assert_eq!(why, Why::Long);
    let Inner::Begun(begun) = &mut passed.0 else {
        panic!("it was begun");
    };
    assert!(begun.front.is_empty());
}

#[tokio::test]
async fn time_passes_while_a_body_is_always_ready() {
    let polls = Arc::new(AtomicUsize::new(0));
    let counted = polls.clone();
    let endless = StreamBody::new(stream::repeat_with(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        data("")
    }));
    let (_, why) = begun(read(endless, 9, None, tokio::task::yield_now()).await).await;
    assert_eq!(why, Why::Long);
    assert!(polls.load(Ordering::Relaxed) < PIECES);
}

#[tokio::test]
async fn a_larger_body_passes_from_its_beginning() {
    let items = vec![data("ab"), data("cd"), data("ef")];
    let (body, why) = begun(read(body(items), 3, None, pending()).await).await;
    assert_eq!(why, Why::Long);
    assert_eq!(body.collect().await.unwrap().to_bytes(), "abcdef");
    let large = Full::new(Bytes::from_static(b"abcdef"));
    let (body, why) = begun(read(large, 3, None, pending()).await).await;
    assert_eq!((why, body.size_hint().exact()), (Why::Long, Some(6)));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "abcdef");
}

#[tokio::test]
async fn what_was_announced_as_large_is_not_held_back() {
    let (body, why) = begun(read(body(vec![data("ab")]), 3, Some(4), pending()).await).await;
    assert_eq!(why, Why::Long);
    assert_eq!(body.collect().await.unwrap().to_bytes(), "ab");
}

#[tokio::test]
async fn a_slow_body_is_not_held_back_for_ever() {
    let slow = StreamBody::new(stream::unfold(0, async |n| match n {
        0 => Some((data("ab"), 1)),
        _ => pending().await,
    }));
    let (mut body, why) = begun(read(Box::pin(slow), 9, None, async {}).await).await;
    assert_eq!(why, Why::Long);
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "ab");
}

#[tokio::test]
async fn an_error_comes_behind_what_was_read() {
    let items = vec![data("ab"), Err("broken"), data("cd")];
    let (mut body, why) = begun(read(body(items), 9, None, pending()).await).await;
    assert_eq!(why, Why::Unfit);
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        "ab"
    );
    assert_eq!(body.frame().await.unwrap().unwrap_err(), "broken");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_body_of_another_length_than_announced_is_not_kept() {
    for announced in [1, 3] {
        let (body, why) =
            begun(read(body(vec![data("ab")]), 9, Some(announced), pending()).await).await;
        assert_eq!(why, Why::Unfit);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "ab");
    }
}

#[tokio::test]
async fn trailers_pass() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", http::HeaderValue::from_static("1"));
    let items = vec![data("ab"), Ok(Frame::trailers(trailers.clone()))];
    let (body, why) = begun(read(body(items), 9, None, pending()).await).await;
    assert_eq!(why, Why::Unfit);
    let collected = body.collect().await.unwrap();
    assert_eq!(collected.trailers(), Some(&trailers));
    assert_eq!(collected.to_bytes(), "ab");
}

/// Counts polls, and a hundred for the end.
struct Count(Arc<AtomicUsize>);

impl Watch for Count {
    fn during(&self, poll: &mut dyn FnMut()) {
        self.0.fetch_add(1, Ordering::Relaxed);
        poll();
    }

    fn ended(self: Box<Self>) {
        self.0.fetch_add(100, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_watch_is_told_of_the_end_and_of_nothing_less() {
    let seen = Arc::new(AtomicUsize::new(0));
    for (items, expected) in [
        (vec![data("ab"), data("cd"), data("ef")], 102),
        (vec![data("ab"), data("cd"), Err("broken")], 1),
    ] {
        seen.store(0, Ordering::Relaxed);
        let (body, _) = begun(read(body(items), 3, None, pending()).await).await;
        let _ = body.watched(Count(seen.clone()), None).collect().await;
        assert_eq!(seen.load(Ordering::Relaxed), expected);
    }
    let (body, _) =
        begun(read(body(vec![data("abcd"), data("ef")]), 3, None, pending()).await).await;
    let mut body = body.watched(Count(seen.clone()), None);
    seen.store(0, Ordering::Relaxed);
    body.frame().await;
    drop(body);
    assert_eq!(seen.load(Ordering::Relaxed), 0);
}

/// As a server reads that stops where the length is reached.
#[tokio::test]
async fn the_last_of_what_was_announced_is_the_end() {
    let seen = Arc::new(AtomicUsize::new(0));
    let pieces = || vec![data("ab"), data("cd"), data("ef")];
    for (announced, expected) in [(6, 1), (5, 0), (7, 0)] {
        seen.store(0, Ordering::Relaxed);
        let (body, _) = begun(read(body(pieces()), 3, None, pending()).await).await;
        let mut body = body.watched(Count(seen.clone()), Some(announced));
        for _ in 0..3 {
            body.frame().await;
        }
        drop(body);
        assert_eq!(seen.load(Ordering::Relaxed) / 100, expected, "{announced}");
    }
    seen.store(0, Ordering::Relaxed);
    let known = Full::new(Bytes::from_static(b"abcdef"));
    let (body, _) = begun(read(known, 3, None, pending()).await).await;
    body.watched(Count(seen.clone()), None).frame().await;
    assert_eq!(seen.load(Ordering::Relaxed), 101);
}

#[tokio::test]
async fn a_kept_body_tells_its_length() {
    let body = ResponseBody::<Full<Bytes>>::whole(Bytes::from_static(b"abc"));
    assert_eq!(body.size_hint().exact(), Some(3));
    let collected: Result<_, Infallible> = body.collect().await;
    assert_eq!(collected.unwrap().to_bytes(), "abc");
    assert!(ResponseBody::<Full<Bytes>>::whole(Bytes::new()).is_end_stream());
}
