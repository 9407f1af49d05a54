//! Transactions and savepoints, by methods and by text.

use cachedpool::CachedConnection;
use futures_util::{FutureExt as _, future::BoxFuture};
use sqlx::{AssertSqlSafe, Error, Executor as _, Sqlite};

use crate::{
    database::SIGN,
    history::{End, Pace, Speech, Step, Table, Transaction, Write},
    progress::Progress,
    record::{Effort, Expected, Origin},
    world::{World, Written},
    writes::{is_busy, is_duplicate},
};

/// How an end went.
enum Ended {
    Kept,
    /// Certainly undone.
    Undone,
    /// The caller was gone before it was told.
    Either,
    /// With an error.
    Failed(Error),
}

fn pace(cut: Option<usize>) -> Pace {
    cut.map_or(Pace::Through, Pace::Cut)
}

impl World {
    pub(crate) async fn transaction(&self, transaction: &Transaction) {
        let mut progress = Progress {
            frames: vec![vec![]],
            ..Progress::default()
        };
        let signature = self.record.name();
        let ended = match self.transact(transaction, signature, &mut progress).await {
            Ok(ended) => ended,
            // Refused at its beginning or before its end, and so rolled back.
            Err(error) => {
                self.may_fail("a transaction", &error, &progress);
                Ended::Undone
            }
        };
        let frame: Vec<_> = progress.frames.drain(..).flatten().collect();
        if progress.broken {
            return;
        }
        let sure: Vec<i64> = frame
            .iter()
            .filter(|(_, sure)| *sure)
            .map(|&(version, _)| version)
            .collect();
        match ended {
            Ended::Kept => self.record.expect(&sure, Expected::Committed),
            Ended::Undone => self
                .record
                .expect(&Progress::versions(&frame), Expected::Undone),
            Ended::Failed(error) => {
                self.may_fail("the end of a transaction", &error, &progress);
                self.record
                    .expect(&Progress::versions(&frame), Expected::Undone);
            }
            Ended::Either => {}
        }
    }

    async fn transact(
        &self,
        transaction: &Transaction,
        signature: i64,
        progress: &mut Progress,
    ) -> Result<Ended, Error> {
        match transaction.speech {
            Speech::Methods | Speech::Immediate => {
                let mut begun = if transaction.speech == Speech::Methods {
                    self.pool.begin().await?
                } else {
                    self.pool.begin_with("BEGIN IMMEDIATE").await?
                };
                self.signed(&mut begun, transaction, signature, progress)
                    .await?;
                Ok(match transaction.end {
                    End::Commit(cut) => self.committed(signature, cut, begun.commit()).await,
                    End::Rollback(cut) => self.rolled_back(cut, begun.rollback()).await,
                    End::Drop => Ended::Undone,
                })
            }
            Speech::Text => {
                let mut connection = self.pool.acquire().await?;
                connection.execute("BEGIN").await?;
                self.signed(&mut connection, transaction, signature, progress)
                    .await?;
                Ok(match transaction.end {
                    End::Commit(cut) => {
                        let commit = async { connection.execute("COMMIT").await.map(drop) };
                        self.committed(signature, cut, commit).await
                    }
                    End::Rollback(cut) => {
                        let rollback = async { connection.execute("ROLLBACK").await.map(drop) };
                        self.rolled_back(cut, rollback).await
                    }
                    End::Drop => Ended::Undone,
                })
            }
        }
    }

    /// The body between its two signatures, neither of which is ever cut.
    async fn signed(
        &self,
        connection: &mut CachedConnection<Sqlite>,
        transaction: &Transaction,
        signature: i64,
        progress: &mut Progress,
    ) -> Result<(), Error> {
        sqlx::query(SIGN)
            .bind(signature)
            .execute(&mut *connection)
            .await?;
        self.body(connection, &transaction.body, transaction.speech, progress)
            .await;
        sqlx::query(SIGN).bind(0).execute(&mut *connection).await?;
        Ok(())
    }

    async fn committed(
        &self,
        signature: i64,
        cut: Option<usize>,
        commit: impl Future<Output = Result<(), Error>>,
    ) -> Ended {
        let effort = Effort {
            invoked: self.record.now(),
            acknowledged: None,
            origin: Origin::Pool,
        };
        self.record
            .evidence()
            .transactions
            .insert(signature, effort.clone());
        match self.schedule.at(pace(cut), commit).await {
            Some(Ok(())) => {
                let acknowledged = Some(self.record.now());
                let effort = Effort {
                    acknowledged,
                    ..effort
                };
                self.record
                    .evidence()
                    .transactions
                    .insert(signature, effort);
                Ended::Kept
            }
            Some(Err(error)) => Ended::Failed(error),
            None => {
                self.record.cut();
                Ended::Either
            }
        }
    }

    async fn rolled_back(
        &self,
        cut: Option<usize>,
        rollback: impl Future<Output = Result<(), Error>>,
    ) -> Ended {
        match self.schedule.at(pace(cut), rollback).await {
            Some(Ok(())) => Ended::Undone,
            Some(Err(error)) => Ended::Failed(error),
            // Rolled back all the same: by the rollback that goes on, or because nothing else ends it.
            None => {
                self.record.cut();
                Ended::Undone
            }
        }
    }

    fn body<'a>(
        &'a self,
        connection: &'a mut CachedConnection<Sqlite>,
        steps: &'a [Step],
        speech: Speech,
        progress: &'a mut Progress,
    ) -> BoxFuture<'a, ()> {
        async move {
            for step in steps {
                match step {
                    Step::Write(write, cut) => {
                        self.write_within(connection, write, *cut, progress).await;
                    }
                    Step::Look(table, id) => {
                        self.look_within(connection, *table, *id, progress).await
                    }
                    Step::Read(read) => self.read(read, Pace::Through).await,
                    Step::Pass(span) => self.hand.advance(*span),
                    // By text all the way down: sqlx's methods do not know of a transaction that text began.
                    Step::Savepoint(_, body, end) if speech == Speech::Text => {
                        self.text_savepoint(connection, body, speech, *end, progress)
                            .await;
                    }
                    Step::Savepoint(Speech::Text, body, end) => {
                        self.text_savepoint(connection, body, speech, *end, progress)
                            .await;
                    }
                    Step::Savepoint(_, body, end) => {
                        self.savepoint(connection, body, speech, *end, progress)
                            .await;
                    }
                }
            }
        }
        .boxed()
    }

    async fn write_within(
        &self,
        connection: &mut CachedConnection<Sqlite>,
        write: &Write,
        cut: Option<usize>,
        progress: &mut Progress,
    ) {
        let (version, written) = self
            .write(
                connection,
                write,
                pace(cut),
                Origin::Pool,
                progress.counts(),
            )
            .await;
        match &written {
            Written::Rows(0) => {}
            Written::Rows(_) => {
                match write.row() {
                    Some(row) => drop(progress.own.insert(row, version)),
                    None => progress.own.clear(),
                }
                progress.top().push((version, write.leaves_version()));
            }
            Written::Failed(error) => {
                if matches!(write, Write::InsertOrRollback(..)) && is_duplicate(error) {
                    progress.broken = true;
                } else if !write.can_fail_with(error) {
                    self.may_fail("a write in a transaction", error, progress);
                }
            }
            Written::Cut => {
                progress.own.clear();
                progress.top().push((version, false));
                progress.broken |= matches!(write, Write::InsertOrRollback(..));
            }
        }
    }

    async fn look_within(
        &self,
        connection: &mut CachedConnection<Sqlite>,
        table: Table,
        id: i64,
        progress: &Progress,
    ) {
        let sql = AssertSqlSafe(format!("SELECT version FROM {} WHERE id = ?", table.name()));
        let found: Result<Option<i64>, _> = sqlx::query_scalar(sql)
            .bind(id)
            .fetch_optional(connection)
            .await;
        match found {
            Ok(found) => {
                let own = progress.own.get(&(table, id)).copied();
                if own.is_some() && own != found && !progress.broken {
                    self.record.violation(format!(
                        "a transaction wrote {own:?} to {table:?} {id} and reads {found:?}"
                    ));
                }
            }
            Err(error) => self.may_fail("a read in a transaction", &error, progress),
        }
    }

    async fn savepoint(
        &self,
        connection: &mut CachedConnection<Sqlite>,
        body: &[Step],
        speech: Speech,
        end: End,
        progress: &mut Progress,
    ) {
        progress.reopened |= progress.broken;
        let mut begun = match connection.begin().await {
            Ok(begun) => begun,
            Err(error) => return self.may_fail("a savepoint", &error, progress),
        };
        progress.frames.push(vec![]);
        self.body(&mut begun, body, speech, progress).await;
        let ended = match end {
            End::Commit(cut) => self.released(cut, begun.commit()).await,
            End::Rollback(cut) => self.rolled_back(cut, begun.rollback()).await,
            End::Drop => {
                drop(begun);
                Ended::Undone
            }
        };
        self.close(ended, progress);
    }

    async fn text_savepoint(
        &self,
        connection: &mut CachedConnection<Sqlite>,
        body: &[Step],
        speech: Speech,
        end: End,
        progress: &mut Progress,
    ) {
        progress.reopened |= progress.broken;
        let depth = progress.frames.len();
        let text = |verb: &str, name: &str| AssertSqlSafe(format!("{verb} {name}_{depth}"));
        if let Err(error) = connection.execute(text("SAVEPOINT", "here")).await {
            return self.may_fail("a savepoint", &error, progress);
        }
        progress.frames.push(vec![]);
        self.body(connection, body, speech, progress).await;
        let ended = match end {
            End::Commit(cut) => {
                let release = async { connection.execute(text("RELEASE", "here")).await.map(drop) };
                self.released(cut, release).await
            }
            End::Rollback(_) => {
                let rollback = async {
                    // SQLite compares the names of savepoints without regard to case.
                    connection.execute(text("ROLLBACK TO", "HERE")).await?;
                    connection.execute(text("RELEASE", "here")).await.map(drop)
                };
                self.rolled_back(None, rollback).await
            }
            // Left open: it ends with the transaction.
            End::Drop => Ended::Kept,
        };
        self.close(ended, progress);
    }

    async fn released(
        &self,
        cut: Option<usize>,
        release: impl Future<Output = Result<(), Error>>,
    ) -> Ended {
        match self.schedule.at(pace(cut), release).await {
            Some(Ok(())) => Ended::Kept,
            Some(Err(error)) => Ended::Failed(error),
            None => {
                self.record.cut();
                Ended::Either
            }
        }
    }

    /// A savepoint's frame goes to the one below, or is gone.
    fn close(&self, ended: Ended, progress: &mut Progress) {
        let frame = progress.close_frame();
        match ended {
            Ended::Kept => progress.top().extend(frame),
            Ended::Undone => {
                progress.own.clear();
                if !progress.broken {
                    self.record
                        .expect(&Progress::versions(&frame), Expected::Undone);
                }
            }
            Ended::Either => {
                progress.own.clear();
                progress
                    .top()
                    .extend(frame.into_iter().map(|(version, _)| (version, false)));
            }
            Ended::Failed(error) => {
                self.may_fail("the end of a savepoint", &error, progress);
                progress
                    .top()
                    .extend(frame.into_iter().map(|(version, _)| (version, false)));
            }
        }
    }

    /// An error of transaction control is one too many, unless the transaction had been broken.
    fn may_fail(&self, what: &str, error: &Error, progress: &Progress) {
        let follows = progress.broken && error.as_database_error().is_some();
        if !follows && !is_busy(error) {
            self.record.violation(format!("{what} failed: {error}"));
        }
    }
}
