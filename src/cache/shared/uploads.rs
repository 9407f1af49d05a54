//! Entries on their way to the shared tier, off the path of the readers who loaded them.
//!
//! Bounded in number and in bytes: what does not fit is not shared, and counted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use tokio::sync::{Mutex, mpsc};

use super::{SharedTier, TierError};
use crate::{cache::Time, observe::Observer};

/// How many may wait, and how many are sent at once.
const WAITING: usize = 1_024;
const AT_ONCE: usize = 16;

/// What those that wait may take in memory beside the local tier, in bytes.
const MOST_BYTES: usize = 64 << 20;

/// The right to load a key for all processes; given up when it is dropped.
pub(in crate::cache) struct Claimed {
    name: String,
    owner: u64,
    uploads: Option<Arc<Uploads>>,
}

/// Encodes an entry and says how long it is to be kept, or finds that it cannot or need not be.
pub(super) type Encode = Box<dyn FnOnce() -> Option<(Vec<u8>, Duration)> + Send>;

struct Job {
    name: String,
    encode: Option<Encode>,
    bytes: usize,
    /// Given up when the entry is there.
    claim: Option<u64>,
}

pub(super) struct Uploads {
    jobs: mpsc::Sender<Job>,
    /// Of the entries that wait. Goes up before an entry is queued and down when it was sent.
    bytes: AtomicUsize,
    observer: Arc<Observer>,
}

/// The end of the queue that [`work`] empties.
pub(super) struct Queue(Mutex<mpsc::Receiver<Job>>);

impl Uploads {
    pub(super) fn new(observer: Arc<Observer>) -> (Arc<Self>, Queue) {
        let (jobs, queue) = mpsc::channel(WAITING);
        let uploads = Self {
            jobs,
            bytes: AtomicUsize::new(0),
            observer,
        };
        (Arc::new(uploads), Queue(Mutex::new(queue)))
    }

    /// Queues an entry of about `bytes`.
    pub(super) fn add(&self, name: String, bytes: usize, encode: Encode, claim: Option<Claimed>) {
        let claim = claim.map(Claimed::into_owner);
        let fits = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= MOST_BYTES;
        let encode = fits.then_some(encode);
        if !fits {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.observer.counters.uploads_dropped.add(1);
        }
        if encode.is_some() || claim.is_some() {
            let bytes = if fits { bytes } else { 0 };
            self.queue(Job {
                name,
                encode,
                bytes,
                claim,
            });
        }
    }

    fn queue(&self, job: Job) {
        // Full, or the engine is gone. A claim that is lost with it ends by itself.
        if let Err(refused) = self.jobs.try_send(job) {
            let job = refused.into_inner();
            self.bytes.fetch_sub(job.bytes, Ordering::Relaxed);
            if job.encode.is_some() {
                self.observer.counters.uploads_dropped.add(1);
            }
        }
    }

    /// Takes note of a claim that was granted.
    pub(super) fn claimed(self: &Arc<Self>, name: String, owner: u64) -> Claimed {
        Claimed {
            name,
            owner,
            uploads: Some(self.clone()),
        }
    }
}

impl Claimed {
    fn into_owner(mut self) -> u64 {
        self.uploads = None;
        self.owner
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if let Some(uploads) = self.uploads.take() {
            uploads.queue(Job {
                name: std::mem::take(&mut self.name),
                encode: None,
                bytes: 0,
                claim: Some(self.owner),
            });
        }
    }
}

/// Sends what is queued, for as long as it is polled. `patience` bounds each step.
pub(super) async fn work(
    queue: Arc<Queue>,
    uploads: Arc<Uploads>,
    tier: Arc<dyn SharedTier>,
    patience: Duration,
    time: Time,
) {
    // Nobody else waits for it: one task works at a time.
    let mut queue = queue.0.lock().await;
    let jobs = stream::unfold(&mut *queue, |queue| async {
        Some((queue.recv().await?, queue))
    });
    let send = |job: Job| async {
        let bytes = job.bytes;
        let work = send(job, &*tier);
        let sent = tokio::select! {
            biased;
            sent = work => sent,
            () = time.sleep(patience) => Err(TierError::passing("no answer to an entry")),
        };
        uploads.bytes.fetch_sub(bytes, Ordering::Relaxed);
        match sent {
            Ok(true) => uploads.observer.counters.uploads.add(1),
            Ok(false) => {}
            // An entry that is not there is a miss.
            Err(_) => uploads.observer.counters.uploads_dropped.add(1),
        }
    };
    jobs.for_each_concurrent(AT_ONCE, send).await;
}

/// Whether an entry was sent.
async fn send(job: Job, tier: &dyn SharedTier) -> Result<bool, TierError> {
    let mut sent = Ok(false);
    if let Some((entry, life)) = job.encode.and_then(|encode| encode()) {
        sent = tier.store(&job.name, entry, life).await.map(|()| true);
    }
    // After the entry, so that those who wait for the claim find it.
    if let Some(owner) = job.claim {
        tier.release(&job.name, owner).await?;
    }
    sent
}
