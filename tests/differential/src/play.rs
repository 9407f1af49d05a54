//! The one task that plays statements and compares answers.

use std::{error::Error, time::Duration};

use sqlx::AssertSqlSafe;
use tokio::time::timeout;

use crate::{
    area::areas,
    database::{Prepared, Subject},
    history::History,
    options::Options,
    report,
    script::{Role, Script},
    statement::Statement,
    step::Step,
    world::{Came, Scope, World},
};

/// Reads of an area that are asked for again and again.
const DECK: usize = 24;
/// After so many writes to an area its tables are given rows again.
const REFILL_AFTER: u32 = 8;
/// So many pairs pass from one word about the progress to the next.
const TOLD_EACH: u64 = 10_000;
/// Longer than any statement takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Reads that were done both ways.
    pub pairs: u64,
    /// Those that the cache answered.
    pub hits: u64,
    /// Those whose answers differed.
    pub mismatches: u64,
}

/// Why a run could not be made.
pub(crate) type Trouble = Box<dyn Error>;

/// A read of the deck.
#[derive(Clone)]
struct Read {
    statement: Statement,
    scope: Scope,
}

struct Player<'o, DB: Subject> {
    options: &'o Options,
    world: World<DB>,
    script: Script,
    random: fastrand::Rng,
    /// The reads of each area.
    decks: Vec<Vec<Read>>,
    /// Writes to each area since its last refill.
    writes: Vec<u32>,
    /// Whether an area has tenants.
    tenants: Vec<bool>,
    /// The area that most statements are about.
    focus: usize,
    history: History,
    tally: Tally,
    /// The pairs when it last said how far it was.
    told: u64,
}

/// Plays until so many pairs were compared, or an answer was wrong and that is enough.
pub(crate) async fn play<DB: Subject>(options: &Options) -> Result<Tally, Trouble> {
    let place = DB::place().await?;
    let mut areas = areas(DB::SERVER, place.second_name(DB::SERVER));
    if let Some(name) = &options.area {
        areas.retain(|area| area.name == name);
        if areas.is_empty() {
            return Err(format!("{} has no area {name}", DB::SERVER).into());
        }
    }
    let world = World::<DB>::open(place, &areas, options.switched_off).await?;
    let mut player = Player {
        options,
        world,
        script: Script::new(DB::SERVER, &areas, options.seed),
        random: fastrand::Rng::with_seed(options.seed),
        decks: Vec::new(),
        writes: vec![0; areas.len()],
        tenants: areas.iter().map(|area| area.name == "tenants").collect(),
        focus: 0,
        history: History::default(),
        tally: Tally::default(),
        told: 0,
    };
    player.deal();
    player.refill_all().await?;
    while player.tally.pairs < options.pairs && !player.has_found_enough() {
        player.step().await?;
        player.tell();
    }
    Ok(player.tally)
}

impl<DB: Subject> Player<'_, DB> {
    fn deal(&mut self) {
        for area in 0..self.writes.len() {
            let deck = (0..DECK).map(|_| self.new_read(area)).collect();
            self.decks.push(deck);
        }
    }

    fn new_read(&mut self, area: usize) -> Read {
        let statement = self
            .script
            .next(area, Role::Read)
            .expect("every area has reads");
        // Where there are tenants, some reads forget to say so.
        let scope = match self.tenants[area] && self.random.u8(..3) > 0 {
            true => Scope::Tenant,
            false => Scope::None,
        };
        Read { statement, scope }
    }

    /// Says now and then how far it is.
    fn tell(&mut self) {
        if self.tally.pairs >= self.told + TOLD_EACH {
            self.told = self.tally.pairs;
            report::progress(&self.tally);
        }
    }

    fn has_found_enough(&self) -> bool {
        self.tally.mismatches > 0 && self.options.stops_at_first()
    }

    async fn step(&mut self) -> Result<(), Trouble> {
        match Step::choose(&mut self.random) {
            Step::Pair => self.pair().await,
            Step::Write => self.write().await,
            Step::Transaction => self.transaction().await,
            Step::Connection => self.connection(Role::WriteOfRows).await,
            Step::Session => self.connection(Role::Session).await,
            Step::Call => self.call().await,
            Step::Ddl => self.ddl().await,
            Step::Outside => self.outside().await,
            Step::Tenant => {
                self.history.event("the other tenant asks".to_owned());
                Ok(self.world.change_tenant().await?)
            }
            Step::Focus => {
                self.focus = self.random.usize(..self.decks.len());
                Ok(())
            }
        }
    }

    /// An area: mostly the one in focus.
    fn area(&mut self) -> usize {
        match self.random.u8(..4) {
            0 => self.random.usize(..self.decks.len()),
            _ => self.focus,
        }
    }

    /// Reads once by way of the cache and once past it.
    async fn pair(&mut self) -> Result<(), Trouble> {
        let area = self.area();
        // The product of two even ones: the first reads of the deck are the most frequent.
        let at = self.random.usize(..DECK) * self.random.usize(..DECK) / DECK;
        if self.random.u8(..40) == 0 {
            self.decks[area][at] = self.new_read(area);
        }
        let Read { statement, scope } = self.decks[area][at].clone();
        let identity = format!("{statement} {scope:?} {}", self.world.tenant());
        let both = async {
            let cached = self.world.cached(&statement, scope).await;
            let plain = self.world.plain(&statement, Prepared::Once).await;
            if cached.0 == plain {
                return (cached, plain);
            }
            // It happens that a server goes on with what a kept statement meant before the schema changed.
            let anew = self.world.plain(&statement, Prepared::EachTime).await;
            (cached, anew)
        };
        let ((cached, came), plain) = timeout(PATIENCE, both)
            .await
            .map_err(|_| format!("no answer: {statement}"))?;
        self.tally.pairs += 1;
        match came {
            Came::Cache => self.tally.hits += 1,
            Came::Database => self.history.loaded(&identity),
        }
        if cached != plain {
            self.tally.mismatches += 1;
            report::mismatch(
                self.options,
                &self.tally,
                &self.history,
                &identity,
                &cached,
                &plain,
            );
        }
        Ok(())
    }

    /// Runs a write on the pool.
    async fn write(&mut self) -> Result<(), Trouble> {
        let area = self.area();
        if let Some(statement) = self.script.next(area, Role::Write) {
            self.execute(&statement).await?;
        }
        self.writes[area] += 1;
        if self.writes[area] >= REFILL_AFTER {
            self.refill(area).await?;
        }
        Ok(())
    }

    async fn refill_all(&mut self) -> Result<(), Trouble> {
        for area in 0..self.writes.len() {
            for _ in 0..3 {
                self.refill(area).await?;
            }
        }
        Ok(())
    }

    async fn refill(&mut self, area: usize) -> Result<(), Trouble> {
        self.writes[area] = 0;
        for _ in 0..3 {
            if let Some(statement) = self.script.next(area, Role::Refill) {
                self.execute(&statement).await?;
            }
        }
        Ok(())
    }

    async fn execute(&mut self, statement: &Statement) -> Result<(), Trouble> {
        let done = timeout(PATIENCE, query::<DB>(statement).execute(&self.world.pool))
            .await
            .map_err(|_| format!("not done: {statement}"))?;
        self.note("pool", statement, done.map(drop));
        Ok(())
    }

    fn note(&mut self, place: &str, statement: &Statement, done: Result<(), sqlx::Error>) {
        let ended = match done {
            Ok(()) => String::new(),
            Err(error) => format!(" => {error}"),
        };
        self.history.event(format!("{place}: {statement}{ended}"));
    }

    /// Several writes in a transaction, with reads beside it.
    async fn transaction(&mut self) -> Result<(), Trouble> {
        let area = self.area();
        let read_beside = self.random.bool();
        let role = match read_beside {
            true => Role::WriteOfRows,
            false => Role::Write,
        };
        let mut transaction = self.world.pool.begin().await?;
        self.history.event("transaction: BEGIN".to_owned());
        for _ in 0..self.random.u8(1..4) {
            let control = match self.random.u8(..8) {
                0 => Some("SAVEPOINT here"),
                1 => Some("ROLLBACK TO SAVEPOINT here"),
                2 => Some("RELEASE SAVEPOINT here"),
                _ => None,
            };
            let statement = match control {
                Some(sql) => Some(Statement {
                    sql: sql.to_owned(),
                    arguments: Vec::new(),
                }),
                None => self.script.next(area, role),
            };
            let Some(statement) = statement else { continue };
            let done = timeout(PATIENCE, query::<DB>(&statement).execute(&mut *transaction))
                .await
                .map_err(|_| format!("not done in a transaction: {statement}"))?;
            self.note("transaction", &statement, done.map(drop));
            if read_beside {
                self.pair().await?;
            }
        }
        let (end, done) = match self.random.u8(..4) {
            0 => ("ROLLBACK", transaction.rollback().await),
            1 => {
                drop(transaction);
                ("dropped", Ok(()))
            }
            _ => ("COMMIT", transaction.commit().await),
        };
        self.history.event(format!("transaction: {end} {done:?}"));
        Ok(())
    }

    /// Several statements on a connection of its own, with reads beside it.
    async fn connection(&mut self, role: Role) -> Result<(), Trouble> {
        let area = self.area();
        let mut connection = self.world.pool.acquire().await?;
        self.history.event("connection: acquired".to_owned());
        for _ in 0..self.random.u8(1..5) {
            let Some(statement) = self.script.next(area, role) else {
                continue;
            };
            let done = timeout(PATIENCE, query::<DB>(&statement).execute(&mut *connection))
                .await
                .map_err(|_| format!("not done on a connection: {statement}"))?;
            self.note("connection", &statement, done.map(drop));
            self.pair().await?;
        }
        drop(connection);
        self.history.event("connection: given back".to_owned());
        Ok(())
    }

    /// A read that writes, by way of the cache: once, since after it the state is another one.
    async fn call(&mut self) -> Result<(), Trouble> {
        let area = self.area();
        if let Some(statement) = self.script.next(area, Role::Call) {
            let (answer, came) = timeout(PATIENCE, self.world.cached(&statement, Scope::None))
                .await
                .map_err(|_| format!("no answer: {statement}"))?;
            self.history
                .event(format!("cached: {statement} => {answer}"));
            if came == Came::Cache {
                self.tally.mismatches += 1;
                eprintln!("MISMATCH a read that writes came from the cache: {statement}");
            }
        }
        Ok(())
    }

    async fn ddl(&mut self) -> Result<(), Trouble> {
        let area = self.area();
        if let Some(statement) = self.script.next(area, Role::Ddl) {
            let sql = AssertSqlSafe(statement.sql.clone());
            let done = timeout(PATIENCE, sqlx::raw_sql(sql).execute(&self.world.pool))
                .await
                .map_err(|_| format!("not done: {statement}"))?;
            self.note("pool", &statement, done.map(drop));
        }
        Ok(())
    }

    async fn outside(&mut self) -> Result<(), Trouble> {
        let area = self.area();
        if let Some(statement) = self.script.next(area, Role::Outside) {
            let done = timeout(PATIENCE, self.world.change_outside(&statement))
                .await
                .map_err(|_| format!("not done outside: {statement}"))??;
            self.note("outside", &statement, done);
        }
        Ok(())
    }
}

fn query<DB: Subject>(statement: &Statement) -> sqlx::query::Query<'static, DB, DB::Arguments> {
    let sql = AssertSqlSafe(statement.sql.clone());
    sqlx::query_with(sql, DB::arguments(statement)).persistent(statement.can_be_kept())
}
