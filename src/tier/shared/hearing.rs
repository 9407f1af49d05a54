//! One unbroken stretch of hearing: what the connections push to us goes to the watcher, in the order of its bytes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use redis::{PushInfo, PushKind, Value};

use super::{message::Message, names::Names};
use crate::cache::shared::{DEFINITIONS, Session, Watcher, Word};

/// A stretch, shared by the connections that it rests on. It is over as soon as one of them fails.
pub(super) struct Hearing {
    names: Arc<Names>,
    watcher: Option<Arc<dyn Watcher>>,
    /// Whose steps need not be told.
    origin: u64,
    /// The epoch of each shard as far as it was heard of; 0: not yet.
    epochs: Vec<AtomicU64>,
    session: AtomicU64,
    sessions: Arc<AtomicU64>,
    over: AtomicBool,
}

impl Hearing {
    pub(super) fn new(
        names: Arc<Names>,
        watcher: Option<Arc<dyn Watcher>>,
        origin: u64,
        sessions: Arc<AtomicU64>,
    ) -> Self {
        Self {
            epochs: (0..names.shards()).map(|_| AtomicU64::new(0)).collect(),
            names,
            watcher,
            origin,
            session: AtomicU64::new(next(&sessions)),
            sessions,
            over: AtomicBool::new(false),
        }
    }

    pub(super) fn session(&self) -> Session {
        Session(self.session.load(Ordering::SeqCst))
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Ends the stretch, and says so at once: whoever trusts what was heard must stop.
    pub(super) fn end(&self) {
        // Over first: whoever hears of the end and asks finds no link.
        if !self.over.swap(true, Ordering::SeqCst)
            && let Some(watcher) = &self.watcher
        {
            watcher.lost(self.session());
        }
    }

    /// A shard has answered with this epoch. If that was not heard of, something in between was not either.
    pub(super) fn answered(&self, shard: usize, epoch: u64) {
        let heard = self.epochs[shard].swap(epoch, Ordering::SeqCst);
        if heard != 0 && heard != epoch {
            self.begin_anew();
        }
    }

    fn begin_anew(&self) {
        self.session.store(next(&self.sessions), Ordering::SeqCst);
        if let Some(watcher) = &self.watcher {
            watcher.moved_everything();
        }
    }

    /// Takes what a connection pushes. Called by the task that reads the connection, before it reads on: when the answer to
    /// a command is seen, everything that was pushed before it has been told.
    pub(super) fn push(&self, push: &PushInfo) {
        match push.kind {
            PushKind::Message => match parse(&self.names, &push.data) {
                Some((shard, message)) => self.tell(shard, &message),
                // Of a later version, or of a stranger. A new epoch that it may have told of shows at the next beat.
                None => {
                    if let Some(watcher) = &self.watcher {
                        watcher.moved_everything();
                    }
                }
            },
            // The server takes a subscription back when the user's permissions change.
            PushKind::Disconnection | PushKind::Unsubscribe => self.end(),
            _ => {}
        }
    }

    fn tell(&self, shard: usize, message: &Message) {
        let epoch = message.epoch.unwrap_or(0);
        let heard = self.epochs[shard].swap(epoch, Ordering::SeqCst);
        let everything = message.is_everything();
        if !everything && heard != 0 && heard != epoch {
            self.begin_anew();
        }
        let Some(watcher) = &self.watcher else { return };
        if message.origin == self.origin {
            return;
        }
        let word = |&(slot, version)| (slot, Word { epoch, version });
        let words: Vec<(u16, Word)> = message.steps.iter().map(word).collect();
        if everything {
            // They are not among "every slot".
            let definitions = words.iter().find(|(slot, _)| *slot == DEFINITIONS);
            if let Some(definitions) = definitions {
                watcher.moved(&[*definitions]);
            }
            watcher.moved_everything();
        } else {
            watcher.moved(&words);
        }
        if let Some(span) = message.doubt {
            let slots: Vec<u16> = message.steps.iter().map(|&(slot, _)| slot).collect();
            watcher.doubtful(&slots, span);
        }
    }
}

fn next(sessions: &AtomicU64) -> u64 {
    // Only that no number comes twice matters.
    sessions.fetch_add(1, Ordering::Relaxed) + 1
}

fn parse(names: &Names, data: &[Value]) -> Option<(usize, Message)> {
    let [Value::BulkString(channel), Value::BulkString(text)] = data else {
        return None;
    };
    Some((names.shard_of_channel(channel)?, Message::parse(text)?))
}
