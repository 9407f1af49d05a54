//! The worker processes: started, heard, killed and sent home.
//!
//! A worker is this program again. It tells what it does on its standard output, hears of the others' writes on its standard input, and ends
//! when that ends, so it does not outlive this process.

use std::{
    net::SocketAddr,
    process::Stdio,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use cachedpool_test_support::{Proxy, Way};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};

use crate::{
    clock::{self, Moment},
    judge::{OUTSIDERS, Process},
    options::Options,
    pool::Follows,
    record::{Demand, Office, Record, Seen},
};

/// So much is said and not judged yet before workers have to wait.
const NEWS: usize = 10_000;
/// A worker that does not listen loses what it is told, not memory.
const WRITES: usize = 1_000;
/// Longer than a worker gives each of its operations.
const PATIENCE: Duration = Duration::from_secs(40);

/// What the judge hears, in this order.
pub(crate) enum News {
    /// Every moment that this process tells is later.
    Started(Process, Moment),
    Told(Process, Record),
    /// It has written this, and says that it is worth a look.
    Worth(Process, Vec<Seen>),
    /// It is about to be killed.
    Doomed(Process),
    /// It will tell nothing more.
    Ended(Process),
    /// From then on so many faults happen, called this.
    Faults {
        since: Moment,
        name: &'static str,
        count: u64,
    },
    /// The checker itself cannot go on.
    Trouble(String),
}

/// All workers.
pub(crate) struct Crew {
    postgres: SocketAddr,
    redis: SocketAddr,
    options: Options,
    /// One for each place, between its worker and PostgreSQL.
    doors: Vec<Proxy>,
    /// Who works at each place.
    members: Mutex<Vec<Option<Member>>>,
    news: mpsc::Sender<News>,
    next: AtomicU32,
    next_outsider: AtomicU32,
}

struct Member {
    process: Process,
    child: Child,
    office: Office,
    /// Its input ends when this is dropped.
    writes: mpsc::Sender<String>,
}

impl Crew {
    /// Nobody yet.
    pub(crate) async fn new(
        postgres: SocketAddr,
        redis: SocketAddr,
        options: Options,
    ) -> (Self, mpsc::Receiver<News>) {
        let (news, heard) = mpsc::channel(NEWS);
        let mut doors = Vec::new();
        for _ in 0..options.processes {
            doors.push(Proxy::start(postgres).await);
        }
        let crew = Self {
            postgres,
            redis,
            members: Mutex::new(doors.iter().map(|_| None).collect()),
            doors,
            options,
            news,
            next: AtomicU32::new(1),
            next_outsider: AtomicU32::new(OUTSIDERS),
        };
        (crew, heard)
    }

    /// How many places there are.
    pub(crate) fn places(&self) -> usize {
        self.doors.len()
    }

    /// Tells the judge.
    pub(crate) async fn report(&self, news: News) {
        // Nobody judges any more: the run is over.
        let _ = self.news.send(news).await;
    }

    /// The way to the judge.
    pub(crate) fn news(&self) -> mpsc::Sender<News> {
        self.news.clone()
    }

    /// A number for somebody who is no worker.
    pub(crate) fn outsider(&self) -> Process {
        // Relaxed: only that no two are the same matters.
        self.next_outsider.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets a new process work at that place.
    pub(crate) async fn hire(&self, place: usize) {
        // Relaxed: only that no two are the same matters.
        let process = self.next.fetch_add(1, Ordering::Relaxed);
        self.report(News::Started(process, clock::now())).await;
        match self.start(place, process) {
            Ok((member, output)) => {
                self.members()[place] = Some(member);
                tokio::spawn(hear(process, output, self.news.clone()));
            }
            Err(error) => {
                let trouble = format!("a worker cannot be started: {error}");
                self.report(News::Trouble(trouble)).await;
            }
        }
    }

    fn start(&self, place: usize, process: Process) -> std::io::Result<(Member, ChildStdout)> {
        let seed = self.options.seed ^ (u64::from(process) << 32);
        let demand = match self.options.demand {
            Demand::Bounded => "bounded",
            Demand::Strict => "strict",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .arg("worker")
            .arg(format!(
                "postgres://postgres:test@{}/postgres?sslmode=disable",
                self.doors[place].address()
            ))
            .arg(format!("redis://{}", self.redis))
            .args([demand, self.options.sabotage.name(), &seed.to_string()])
            .arg(match self.options.outside {
                Some(_) => Follows::Changes.name(),
                None => Follows::Nothing.name(),
            })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().expect("it is piped");
        let output = child.stdout.take().expect("it is piped");
        let (writes, lines) = mpsc::channel(WRITES);
        tokio::spawn(pass_on(lines, input));
        let member = Member {
            process,
            child,
            office: Office::Follower,
            writes,
        };
        Ok((member, output))
    }

    /// Ends the process at that place with SIGKILL.
    pub(crate) async fn kill(&self, place: usize) {
        let member = self.members()[place].take();
        if let Some(mut member) = member {
            // Before its end can be heard.
            self.report(News::Doomed(member.process)).await;
            // It may have ended by itself: then there is nothing to kill.
            let _ = member.child.kill().await;
        }
    }

    /// What PostgreSQL answers to that place is held back for `span`, then its process is killed: what it was committing is
    /// done, and it never knew.
    pub(crate) async fn kill_unaware(&self, place: usize, span: Duration) {
        let door = &self.doors[place];
        door.ways(Way::Pass, Way::Hold);
        tokio::time::sleep(span).await;
        self.kill(place).await;
        door.retarget(self.postgres);
        door.pass();
    }

    /// What PostgreSQL answers to anybody is held back for `span`.
    pub(crate) async fn hold(&self, span: Duration) {
        for door in &self.doors {
            door.ways(Way::Pass, Way::Hold);
        }
        tokio::time::sleep(span).await;
        for door in &self.doors {
            door.pass();
        }
    }

    /// That process leads from now on, or does not.
    pub(crate) fn holds(&self, process: Process, office: Office) {
        for member in self.members().iter_mut().flatten() {
            if member.process == process {
                member.office = office;
            }
        }
    }

    /// The place of the process that follows what others write for all, if there is one.
    pub(crate) fn leader(&self) -> Option<usize> {
        let leads = |member: &Option<Member>| {
            let office = member.as_ref().map(|member| member.office);
            office == Some(Office::Leader)
        };
        self.members().iter().position(leads)
    }

    /// Stops the process at that place in the middle of whatever it does, and lets it go on after `span`.
    pub(crate) async fn stop(&self, place: usize, span: Duration) {
        let id = self.members()[place]
            .as_ref()
            .and_then(|member| member.child.id());
        let pid = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let Some(pid) = pid else { return };
        // It may have ended by itself.
        let _ = kill_process(pid, Signal::STOP);
        tokio::time::sleep(span).await;
        let _ = kill_process(pid, Signal::CONT);
    }

    /// Tells all other processes of a write.
    pub(crate) fn share(&self, from: Process, line: &str) {
        for member in self.members().iter().flatten() {
            if member.process != from {
                let _ = member.writes.try_send(line.to_owned());
            }
        }
    }

    /// Lets all of them end what they are doing. Fails if one of them failed.
    pub(crate) async fn dismiss(&self) -> Result<(), String> {
        let members: Vec<Member> = self.members().iter_mut().filter_map(Option::take).collect();
        let mut children = Vec::new();
        for Member {
            process,
            child,
            writes,
            ..
        } in members
        {
            drop(writes);
            children.push((process, child));
        }
        for (process, mut child) in children {
            match timeout(PATIENCE, child.wait()).await {
                Ok(Ok(status)) if status.success() => {}
                Ok(Ok(status)) => return Err(format!("process {process} ended with {status}")),
                Ok(Err(error)) => return Err(format!("process {process} is lost: {error}")),
                Err(_) => return Err(format!("process {process} does not end")),
            }
        }
        Ok(())
    }

    fn members(&self) -> std::sync::MutexGuard<'_, Vec<Option<Member>>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn hear(process: Process, output: ChildStdout, news: mpsc::Sender<News>) {
    let mut lines = BufReader::new(output).lines();
    let mut last = None;
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(unreadable) = last.take() {
            let trouble = format!("process {process} said {unreadable:?}");
            let _ = news.send(News::Trouble(trouble)).await;
        }
        match line.parse() {
            Ok(record) => {
                if news.send(News::Told(process, record)).await.is_err() {
                    return;
                }
            }
            // Of the last line a killed process may have told a part only.
            Err(_) => last = Some(line),
        }
    }
    let _ = news.send(News::Ended(process)).await;
}

async fn pass_on(mut lines: mpsc::Receiver<String>, mut input: ChildStdin) {
    while let Some(line) = lines.recv().await {
        if input
            .write_all(format!("{line}\n").as_bytes())
            .await
            .is_err()
        {
            return;
        }
    }
}
