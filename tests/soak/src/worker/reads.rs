//! What a worker reads: one row, a few, a pair, what was just written, also after its token, and past the cache.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use cachedpool::{CacheExt as _, CacheValue, Token};
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, FromRow, Postgres, postgres::PgRow, query::QueryAs};

use super::{Outcome, Worker};
use crate::{
    clock,
    pool::{Follows, consistency, source},
    record::{Demand, Effort, Read, Record, Row, Seen, Source},
    world::{
        self, PAIRS,
        outside::{BEACON, TABLES},
    },
};

/// So many writes are remembered: those of a few seconds, longer than a pool may miss one.
const WRITES: usize = 128;

/// Late writes of this process and others, with their tokens if they were given any.
#[derive(Default)]
pub(super) struct Known(Mutex<VecDeque<(Seen, Option<Token>)>>);

impl Known {
    pub(super) fn learn(&self, left: Seen, token: Option<Token>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.push_back((left, token));
        if known.len() > WRITES {
            known.pop_front();
        }
    }

    /// One of them, more likely a late one.
    fn choose(&self, random: &mut fastrand::Rng) -> Option<(Seen, Option<Token>)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let back = random
            .usize(..=known.len())
            .min(random.usize(..=known.len()));
        known.iter().rev().nth(back).cloned()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, FromRow)]
struct Item {
    id: i32,
    version: i64,
    payload: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, FromRow)]
struct Pair {
    id: i32,
    left_version: i64,
    left_payload: String,
    right_version: i64,
    right_payload: String,
}

/// Of whom an answer is asked, and for what.
enum Way {
    Cache(Demand, Option<(Seen, Token)>),
    Past,
}

type Query<T> = QueryAs<'static, Postgres, T, sqlx::postgres::PgArguments>;

impl Worker {
    pub(super) async fn read(&self, random: &mut fastrand::Rng) -> Outcome {
        match random.u8(..100) {
            0..50 => {
                let row = self.row(random);
                let way = Way::Cache(self.demand(random), None);
                self.read_items(row.table, row.id, row.id, way).await
            }
            50..62 => {
                let row = self.row(random);
                let last = world::ROWS.min(row.id + random.i32(1..4));
                let way = Way::Cache(self.demand(random), None);
                self.read_items(row.table, row.id, last, way).await
            }
            62..74 => {
                let id = self.id(random);
                let way = Way::Cache(self.demand(random), None);
                self.read_pair(random.u8(..PAIRS), id, way).await
            }
            74..97 => {
                let Some((left, token)) = self.known.choose(random) else {
                    return Outcome::Done;
                };
                let way = match token.filter(|_| random.bool()) {
                    Some(token) => Way::Cache(Demand::Bounded, Some((left, token))),
                    None => Way::Cache(self.demand(random), None),
                };
                self.read_row(left.row, way).await
            }
            _ => {
                let row = self.row(random);
                self.read_row(row, Way::Past).await
            }
        }
    }

    /// A row of a table that is no part of a pair.
    fn row(&self, random: &mut fastrand::Rng) -> Row {
        let (first, tables) = match self.follows {
            Follows::Changes if random.bool() => (*TABLES.start(), &self.outside_tables),
            _ => (0, &self.tables),
        };
        let place = u8::try_from(tables.choose(random)).expect("there are few tables");
        Row {
            table: first + place,
            id: self.id(random),
        }
    }

    /// Looks whether a write of others shows, and tells it when it does; `last` is what was told.
    pub(super) async fn look_out(&self, last: &mut i64) {
        let row = Row {
            table: BEACON,
            id: 1,
        };
        let query = sqlx::query_as(AssertSqlSafe(world::select_one(BEACON))).bind(row.id);
        let begin = clock::now();
        let answer = query.cached(&self.pool).fetch_all_shared().await;
        // Whatever else it may come to, the other readers of the row tell.
        let Ok(rows) = answer else { return };
        let version = rows.first().map_or(0, |item: &Item| item.version);
        if std::mem::replace(last, version) != version {
            self.tell.now(|end| {
                Record::Read(Read {
                    begin,
                    end,
                    source: source(rows.source()),
                    demand: Demand::Bounded,
                    after: None,
                    seen: vec![Seen { row, version }],
                })
            });
        }
    }

    pub(super) fn id(&self, random: &mut fastrand::Rng) -> i32 {
        1 + i32::try_from(self.ids.choose(random)).expect("ids are small")
    }

    /// What the pool does by itself, and sometimes less.
    fn demand(&self, random: &mut fastrand::Rng) -> Demand {
        match self.demand {
            Demand::Strict if random.u8(..4) > 0 => Demand::Strict,
            _ => Demand::Bounded,
        }
    }

    async fn read_row(&self, row: Row, way: Way) -> Outcome {
        match world::pair_of(row.table) {
            Some(pair) => self.read_pair(pair, row.id, way).await,
            None => self.read_items(row.table, row.id, row.id, way).await,
        }
    }

    async fn read_items(&self, table: u8, first: i32, last: i32, way: Way) -> Outcome {
        let query = match first == last && fastrand::bool() {
            // So it depends on this row alone.
            true => sqlx::query_as(AssertSqlSafe(world::select_one(table))).bind(first),
            false => sqlx::query_as(AssertSqlSafe(world::select(table)))
                .bind(first)
                .bind(last),
        };
        self.ask(query, way, |items: &[Item]| {
            if !items.iter().map(|item| item.id).eq(first..=last) {
                return Err(format!("asked for {first} to {last} and got {items:?}"));
            }
            let witness = |item: &Item| {
                let row = Row { table, id: item.id };
                world::witness(row, item.version, &item.payload)
            };
            items.iter().map(witness).collect()
        })
        .await
    }

    async fn read_pair(&self, number: u8, id: i32, way: Way) -> Outcome {
        let query = sqlx::query_as(AssertSqlSafe(world::select_pair(number))).bind(id);
        self.ask(query, way, |pairs: &[Pair]| match pairs {
            [pair] if pair.id == id && pair.left_version == pair.right_version => {
                let [left, right] = world::pair(number).map(|table| Row { table, id });
                Ok(vec![
                    world::witness(left, pair.left_version, &pair.left_payload)?,
                    world::witness(right, pair.right_version, &pair.right_payload)?,
                ])
            }
            _ => Err(format!("asked for the pair {id} and got {pairs:?}")),
        })
        .await
    }

    async fn ask<T>(
        &self,
        query: Query<T>,
        way: Way,
        witness: impl FnOnce(&[T]) -> Result<Vec<Seen>, String>,
    ) -> Outcome
    where
        T: CacheValue + for<'r> FromRow<'r, PgRow>,
    {
        let begin = clock::now();
        let mut after = None;
        let mut asked = Demand::Bounded;
        let answer = match way {
            Way::Past => query
                .fetch_all(&self.pool)
                .await
                .map(|rows| (Source::Truth, witness(&rows))),
            Way::Cache(demand, token) => {
                asked = demand;
                let mut read = query.cached(&self.pool).consistency(consistency(demand));
                if let Some((left, token)) = token {
                    after = Some(left);
                    read = read.after(&token);
                }
                read.fetch_all_shared()
                    .await
                    .map(|rows| (source(rows.source()), witness(&rows)))
            }
        };
        match answer {
            Ok((source, Ok(seen))) => {
                self.tell.now(|end| {
                    Record::Read(Read {
                        begin,
                        end,
                        source,
                        demand: asked,
                        after,
                        seen,
                    })
                });
                Outcome::Done
            }
            Ok((source, Err(wrong))) => Outcome::Wrong(format!("from {source:?}: {wrong}")),
            Err(sqlx::Error::ColumnDecode { source, .. } | sqlx::Error::Decode(source)) => {
                Outcome::Wrong(format!("an answer that cannot be read: {source}"))
            }
            Err(_) => Outcome::Failed(Effort::Read),
        }
    }
}
