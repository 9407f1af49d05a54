//! How the judge and the workers hear of a writer.

use std::time::Duration;

use tokio::sync::mpsc;

use crate::{
    clock::{MILLISECOND, Moment, now},
    crew::{Crew, News},
    judge::Process,
    record::{Effort, Record, Seen, Write},
};

/// A writer's own.
pub(super) struct Voice {
    process: Process,
    news: mpsc::Sender<News>,
    /// The part of its writes that is shown to the workers.
    shown: f64,
    marked: Moment,
}

impl Voice {
    /// From now on the judge waits for what is told.
    pub(super) async fn new(crew: &Crew, shown: f64) -> Self {
        let marked = now();
        let voice = Self {
            process: crew.outsider(),
            news: crew.news(),
            shown,
            marked,
        };
        voice.send(News::Started(voice.process, marked)).await;
        voice
    }

    /// Tells of a write that was acknowledged just now.
    pub(super) async fn wrote(&mut self, begin: Moment, left: Vec<Seen>) {
        if left.is_empty() {
            return;
        }
        let end = now();
        if fastrand::f64() < self.shown {
            self.send(News::Worth(self.process, left.clone())).await;
        }
        let token = None;
        let write = Write {
            begin,
            end,
            left,
            token,
        };
        self.tell(Record::Write(write)).await;
    }

    /// Tells that nobody knows how a write ended.
    pub(super) async fn failed(&self) {
        self.tell(Record::Failed(Effort::Write)).await;
    }

    /// Tells that a write did not end.
    pub(super) async fn hangs(&self, patience: Duration) {
        let what = format!("a write from outside did not end within {patience:?}");
        self.tell(Record::Wrong(what)).await;
    }

    /// Tells that everything that ended by now has been told, if that was not told for `span`.
    pub(super) async fn mark_if_due(&mut self, span: Duration) {
        let moment = now();
        let passed = Duration::from_nanos(moment - self.marked);
        if passed + Duration::from_nanos(MILLISECOND) >= span {
            self.marked = moment;
            self.tell(Record::Mark(moment)).await;
        }
    }

    /// The judge waits no longer.
    pub(super) async fn end(self) {
        self.send(News::Ended(self.process)).await;
    }

    async fn tell(&self, record: Record) {
        self.send(News::Told(self.process, record)).await;
    }

    async fn send(&self, news: News) {
        // Nobody judges any more: the run is over.
        let _ = self.news.send(news).await;
    }
}
