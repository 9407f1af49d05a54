//! When the catalog is read, and what happens then.
//!
//! # No write is expanded by definitions that no longer hold
//! A snapshot of the definitions carries a stamp of the version clock, noted before the catalog was read. DDL through a pool,
//! in whatever process, moves the slot of the definitions after it has committed, and holds it as a writer from before it is
//! sent. A write is expanded by a snapshot, and when it has ended, the stamp is compared once more: if the slot has moved, or
//! somebody is about to move it, the write may have met definitions that the snapshot lacks, and it invalidates everything.
//! If the stamp still holds, then no DDL that was heard of had been sent before the write ended and was not in the
//! snapshot.
//!
//! DDL of others is heard of late: that of other processes by the shared clock, that from outside at the next look at the
//! catalog's fingerprint. What was written in between may have changed more than was known, so when a look finds another
//! catalog, everything is invalidated before the new snapshot is in place, by which it would count as current again. So what the
//! catalog says is as fresh as the slower of both: [`max_staleness`](crate::Builder::max_staleness), or the
//! [interval of the looks](crate::Builder::schema_interval).

use std::{
    error::Error as StdError,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Mutex;

use super::{
    front::Front,
    snapshot::{SchemaMode, Snapshot},
};
use crate::{
    cache::{Engine, Stamp, Tags},
    observe::Event,
    pool::Core,
    schema::{Catalog, Declarations, Graph, LoadError, Misnamed, Omitted},
};

/// How soon a look may be repeated that failed, or after which definitions may still change unseen.
const AGAIN: Duration = Duration::from_millis(100);

/// How a pool comes by its definitions.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    pub(crate) mode: SchemaMode,
    pub(crate) declarations: Declarations,
    pub(crate) omitted: Omitted,
    /// Held by whoever looks.
    turn: Mutex<()>,
    /// A look is on its way in the background.
    looking: AtomicBool,
}

/// Why there are no definitions.
#[derive(Debug)]
pub(crate) enum Trouble<E> {
    Catalog(LoadError<E>),
    Misnamed(Misnamed),
}

impl<E: StdError + Send + Sync + 'static> From<Trouble<E>> for crate::error::Error {
    fn from(trouble: Trouble<E>) -> Self {
        match trouble {
            Trouble::Catalog(error) => {
                let source = error.source.map(|source| Box::new(source) as Box<_>);
                Self::catalog(error.query, error.remedy, source)
            }
            Trouble::Misnamed(misnamed) => {
                Self::unknown_name(misnamed.setting, misnamed.name, misnamed.nearest)
            }
        }
    }
}

impl Definitions {
    /// Reads the catalog for the first time.
    pub(crate) async fn first<DB: Front>(
        &self,
        engine: &Engine,
        connection: &mut DB::Connection,
    ) -> Result<Snapshot, Trouble<DB::Error>> {
        let stamp = engine.stamp(&Tags::definitions());
        let path = DB::path(connection).await.map_err(Trouble::Catalog)?;
        let mut snapshot = Snapshot {
            dialect: DB::DIALECT,
            path,
            graph: None,
            fingerprint: String::new(),
            stamp,
        };
        if self.mode == SchemaMode::Catalog {
            let fingerprint = DB::fingerprint(connection).await;
            snapshot.fingerprint = fingerprint.map_err(Trouble::Catalog)?;
            let catalog = DB::catalog(connection).await.map_err(Trouble::Catalog)?;
            let declared = self.declarations.check(DB::DIALECT, &catalog);
            declared.map_err(Trouble::Misnamed)?;
            snapshot.graph = Some(self.graph::<DB>(catalog, engine));
        }
        Ok(snapshot)
    }

    /// Puts a catalog together and warns of what it does not show.
    fn graph<DB: Front>(&self, catalog: Catalog, engine: &Engine) -> Arc<Graph> {
        let graph = Graph::new(DB::DIALECT, catalog, &self.declarations, self.omitted);
        for what in graph.warnings() {
            engine.emit(Event::UnknownEffect { what: what.into() });
        }
        Arc::new(graph)
    }
}

impl<DB: Front> Core<DB> {
    /// Looks whether the catalog has changed, and takes over what it says now.
    ///
    /// Dropped, it leaves what was known before.
    pub(crate) async fn look(
        &self,
        connection: &mut DB::Connection,
    ) -> Result<(), LoadError<DB::Error>> {
        let _turn = self.definitions.turn.lock().await;
        let known = self.statements.snapshot();
        let mut stamp = self.engine.stamp(&Tags::definitions());
        if self.definitions.mode == SchemaMode::TextOnly {
            self.renew(&known, stamp);
            return Ok(());
        }
        let fingerprint = DB::fingerprint(connection).await?;
        if fingerprint == known.fingerprint {
            self.renew(&known, stamp);
            return Ok(());
        }
        if self.engine.still_holds(&known.stamp) {
            // Somebody changed it from outside. Writes that are on their way were expanded by what no longer holds.
            self.engine.invalidate(&Tags::definitions());
            stamp = self.engine.stamp(&Tags::definitions());
        }
        let catalog = DB::catalog(connection).await?;
        // What was written before may have changed more than was known. Before the new snapshot is in place: by that, what was
        // cached would be taken for current again.
        let receipt = self.engine.invalidate_all();
        self.statements.install(Snapshot {
            dialect: DB::DIALECT,
            path: catalog.path.clone(),
            graph: Some(self.definitions.graph::<DB>(catalog, &self.engine)),
            fingerprint,
            stamp,
        });
        receipt.delivered().await;
        self.engine.emit(Event::SchemaLoaded);
        Ok(())
    }

    /// The definitions that are known still held when `stamp` had been noted.
    fn renew(&self, known: &Snapshot, stamp: Stamp) {
        // Within a quarantine one look after the other finds the same.
        if !self.engine.still_holds(&known.stamp) && known.stamp != stamp {
            self.statements.install(known.renewed(stamp));
        }
    }

    /// As [`look`](Self::look), on any connection.
    pub(crate) async fn look_somewhere(&self) -> Result<(), LoadError<DB::Error>> {
        let connection = DB::acquire(&self.inner).await;
        let mut connection = connection.map_err(LoadError::unasked)?;
        self.look(&mut connection).await
    }

    /// As [`look`](Self::look), in the background, unless that is on its way already.
    pub(crate) fn look_soon(self: &Arc<Self>) {
        if self.definitions.looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let looking = Looking(self.clone());
        self.spawn(async move {
            let core = &looking.0;
            let looked = core.look_somewhere().await;
            if let Err(error) = &looked {
                core.tell(error);
            }
            if looked.is_err() || core.statements.snapshot().stamp.is_quarantined() {
                // Whoever reads meanwhile asks the database.
                core.engine.time().sleep(AGAIN).await;
            }
        });
    }

    fn tell(&self, error: &LoadError<DB::Error>) {
        self.engine.emit(Event::SchemaUnread {
            problem: error.to_string().into(),
        });
    }
}

/// A look in the background, which can be dropped with its runtime.
struct Looking<DB: Front>(Arc<Core<DB>>);

impl<DB: Front> Drop for Looking<DB> {
    fn drop(&mut self) {
        self.0.definitions.looking.store(false, Ordering::Release);
    }
}

/// Looks at every `interval`, in the background, until the pool is gone.
pub(crate) fn watch<DB: Front>(core: &Arc<Core<DB>>, interval: Duration) {
    core.runtime
        .spawn(look_often(Arc::downgrade(core), interval));
}

async fn look_often<DB: Front>(core: Weak<Core<DB>>, interval: Duration) {
    let Some(time) = core.upgrade().map(|core| core.engine.time().clone()) else {
        return;
    };
    loop {
        time.sleep(interval).await;
        let Some(core) = core.upgrade() else { return };
        if DB::is_closed(&core.inner) {
            return;
        }
        if let Err(error) = core.look_somewhere().await {
            core.tell(&error);
        }
    }
}
