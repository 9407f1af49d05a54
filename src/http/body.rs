//! Bodies of responses: kept ones, and those of handlers, which pass as they come.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// The body of a response that went through the layer.
pub struct ResponseBody<B: Body>(Inner<B>);

enum Inner<B: Body> {
    /// One that is here.
    Whole(Bytes),
    /// The handler's.
    Passed(Pin<Box<B>>),
    /// The handler's, of which a part was read already.
    Begun(Box<Begun<B>>),
}

struct Begun<B: Body> {
    front: VecDeque<Frame<Bytes>>,
    rest: Rest<B>,
    watch: Option<Box<dyn Watch>>,
    /// How much is still to pass of what was announced.
    left: Option<u64>,
}

/// What follows what was read of a body.
pub(super) enum Rest<B: Body> {
    More(Pin<Box<B>>),
    Failed(B::Error),
    End,
}

/// Looks on while the rest of a body is made.
pub(super) trait Watch: Send + Sync {
    /// Calls `poll`, which polls the body once.
    fn during(&self, poll: &mut dyn FnMut());
    /// The body has come to its end, without an error.
    fn ended(self: Box<Self>);
}

/// What came of reading a body.
pub(super) enum Read<B: Body> {
    Whole(Bytes),
    /// It is not to be kept, for this reason.
    Begun(ResponseBody<B>, Why),
}

/// Why a body is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It goes on beyond what may be held back.
    Long,
    /// It has trailers, failed, or is not as long as was said.
    Unfit,
}

impl<B: Body<Data = Bytes>> ResponseBody<B> {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self(Inner::Whole(bytes))
    }

    pub(super) fn passed(body: B) -> Self {
        Self(Inner::Passed(Box::pin(body)))
    }

    /// Lets `watch` look on. Only for what [`read`] gave back as long, of which so much was `announced`.
    pub(super) fn watched(mut self, watch: impl Watch + 'static, announced: Option<u64>) -> Self {
        if let Inner::Begun(begun) = &mut self.0 {
            begun.watch = Some(Box::new(watch));
            begun.left = announced;
        }
        self
    }

    fn begun(front: VecDeque<Frame<Bytes>>, rest: Rest<B>) -> Self {
        Self(Inner::Begun(Box::new(Begun {
            front,
            rest,
            watch: None,
            left: None,
        })))
    }
}

/// In how many pieces a body may come to be kept. Each takes memory beside its bytes, and empty ones nothing else.
const PIECES: usize = 1 << 12;

/// Reads a body to its end, or until it has become larger than `limit` bytes, has come in too many pieces, or `late` is ready;
/// what was read then stands in front of the rest, without its empty pieces. `announced` is the length that its headers tell.
///
/// # Cancel safety
/// Dropping the future drops the body.
pub(super) async fn read<B: Body<Data = Bytes>>(
    body: B,
    limit: usize,
    announced: Option<u64>,
    late: impl Future<Output = ()>,
) -> Read<B> {
    let mut body = Box::pin(body);
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let (mut front, mut length) = (VecDeque::new(), 0_u64);
    let long = |front, body| Read::Begun(ResponseBody::begun(front, Rest::More(body)), Why::Long);
    if announced.unwrap_or(0).max(body.size_hint().lower()) > most {
        return long(front, body);
    }
    let mut late = std::pin::pin!(late);
    for _ in 0..PIECES {
        // A body that is always ready would let no time pass.
        tokio::task::consume_budget().await;
        let frame = tokio::select! {
            biased;
            () = &mut late => return long(front, body),
            frame = poll_fn(|context| body.as_mut().poll_frame(context)) => frame,
        };
        match frame {
            Some(Ok(frame)) => {
                match frame.data_ref() {
                    Some(data) if data.is_empty() => continue,
                    Some(data) => length = length.saturating_add(data.len() as u64),
                    None => {
                        front.push_back(frame);
                        let begun = ResponseBody::begun(front, Rest::More(body));
                        return Read::Begun(begun, Why::Unfit);
                    }
                }
                front.push_back(frame);
                if length > most {
                    return long(front, body);
                }
            }
            Some(Err(error)) => {
                return Read::Begun(ResponseBody::begun(front, Rest::Failed(error)), Why::Unfit);
            }
            None if announced.is_some_and(|announced| announced != length) => {
                return Read::Begun(ResponseBody::begun(front, Rest::End), Why::Unfit);
            }
            None => return Read::Whole(joined(&front)),
        }
    }
    long(front, body)
}

/// The data of frames in one piece of exactly its size. Copied even from a single frame, which may be a small part of a large
/// buffer: that would be kept as long as the response, and counted by nobody.
fn joined(frames: &VecDeque<Frame<Bytes>>) -> Bytes {
    let pieces: Vec<&[u8]> = frames
        .iter()
        .filter_map(|frame| frame.data_ref().map(Bytes::as_ref))
        .collect();
    pieces.concat().into()
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match &mut self.get_mut().0 {
            Inner::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Inner::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Inner::Passed(body) => body.as_mut().poll_frame(context),
            Inner::Begun(begun) => begun.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Whole(bytes) => bytes.is_empty(),
            Inner::Passed(body) => body.is_end_stream(),
            // One that is watched is read until it says so, since that is what the watch waits for.
            Inner::Begun(begun) => {
                begun.front.is_empty() && begun.watch.is_none() && begun.rest.is_end_stream()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Passed(body) => body.size_hint(),
            Inner::Begun(begun) => begun.size_hint(),
        }
    }
}

// Nothing in it is pinned in place: the handler's body is in a box.
impl<B: Body> Unpin for ResponseBody<B> {}

impl<B: Body> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

impl<B: Body<Data = Bytes>> Begun<B> {
    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if let Some(frame) = self.front.pop_front() {
            self.note(&frame);
            return Poll::Ready(Some(Ok(frame)));
        }
        match &mut self.rest {
            Rest::More(body) => {
                let mut polled = Poll::Pending;
                let mut poll = || polled = body.as_mut().poll_frame(context);
                match &self.watch {
                    Some(watch) => watch.during(&mut poll),
                    None => poll(),
                }
                let frame = ready!(polled);
                match &frame {
                    Some(Ok(frame)) => self.note(frame),
                    // What fails is not what it was taken for.
                    Some(Err(_)) => self.watch = None,
                    None => self.end(),
                }
                Poll::Ready(frame)
            }
            Rest::Failed(_) => match std::mem::replace(&mut self.rest, Rest::End) {
                Rest::Failed(error) => Poll::Ready(Some(Err(error))),
                Rest::More(_) | Rest::End => Poll::Ready(None),
            },
            Rest::End => Poll::Ready(None),
        }
    }

    /// A server that knows the length of a body does not ask for what comes behind: its end is where the last of it is.
    fn note(&mut self, frame: &Frame<Bytes>) {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        self.left = match self.left.map(|left| left.checked_sub(length)) {
            None => None,
            Some(Some(left)) => Some(left),
            // It is longer than was said.
            Some(None) => {
                self.watch = None;
                None
            }
        };
        if self.left == Some(0) || (self.front.is_empty() && self.rest.is_end_stream()) {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.ended();
        }
    }

    fn size_hint(&self) -> SizeHint {
        let front = self.front.iter().filter_map(Frame::data_ref);
        let front: u64 = front.map(|data| data.len() as u64).sum();
        let rest = match &self.rest {
            Rest::More(body) => body.size_hint(),
            // Its end is not what was promised.
            Rest::Failed(_) => SizeHint::new(),
            Rest::End => SizeHint::with_exact(0),
        };
        let mut hint = SizeHint::new();
        hint.set_lower(front.saturating_add(rest.lower()));
        if let Some(upper) = rest.upper() {
            hint.set_upper(front.saturating_add(upper));
        }
        hint
    }
}

impl<B: Body> Rest<B> {
    fn is_end_stream(&self) -> bool {
        match self {
            Rest::More(body) => body.is_end_stream(),
            Rest::Failed(_) => false,
            Rest::End => true,
        }
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests;
