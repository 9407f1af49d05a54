//! What a worker writes: one row by itself, in a transaction, as a pair, and what it takes back.

use cachedpool::Token;
use sqlx::{AssertSqlSafe, Row as _};

use super::{Outcome, Worker};
use crate::{
    clock::{self, Moment},
    record::{Effort, Record, Row, Seen, Write},
    world::{self, PAIRS, SINGLES},
};

/// What a write left; nothing if the row had been written by somebody else meanwhile.
type Written = (Vec<Seen>, Option<Token>);

impl Worker {
    pub(super) async fn write(&self, random: &mut fastrand::Rng) -> Outcome {
        // Unlike reads, writes are spread evenly over the tables.
        let row = Row {
            table: random.u8(..SINGLES),
            id: self.id(random),
        };
        let begin = clock::now();
        let written = match random.u8(..100) {
            0..50 => self.write_at_once(row).await,
            50..65 => self.write_with_token(row).await,
            65..75 => self.write_rows(&[row]).await,
            75..90 => {
                let pair = random.u8(..PAIRS);
                self.write_pair(pair, self.id(random)).await
            }
            _ => self.take_back(row).await,
        };
        match written {
            Ok((left, token)) => {
                self.acknowledged(begin, left, token);
                Outcome::Done
            }
            Err(_) => Outcome::Failed(Effort::Write),
        }
    }

    fn acknowledged(&self, begin: Moment, left: Vec<Seen>, token: Option<Token>) {
        if left.is_empty() {
            return;
        }
        let text = token.as_ref().map(Token::to_string);
        if let Some(&first) = left.first() {
            self.known.learn(first, token);
        }
        self.tell.now(|end| {
            Record::Write(Write {
                begin,
                end,
                left,
                token: text,
            })
        });
    }

    async fn write_at_once(&self, row: Row) -> Result<Written, sqlx::Error> {
        let statement = sqlx::raw_sql(AssertSqlSafe(world::update_at_once(row)));
        let version = statement.fetch_one(&self.pool).await?.try_get(0)?;
        Ok((vec![Seen { row, version }], None))
    }

    async fn write_with_token(&self, row: Row) -> Result<Written, sqlx::Error> {
        let table = AssertSqlSafe(world::select(row.table));
        let (_, version, _): (i32, i64, String) = sqlx::query_as(table)
            .bind(row.id)
            .bind(row.id)
            .fetch_one(&self.pool)
            .await?;
        let update = sqlx::query(AssertSqlSafe(world::update_from(row.table)))
            .bind(row.id)
            .bind(version);
        let (result, token) = self.pool.execute_with_token(update).await?;
        let left = match result.rows_affected() {
            0 => Vec::new(),
            _ => vec![Seen {
                row,
                version: version + 1,
            }],
        };
        Ok((left, Some(token)))
    }

    async fn write_pair(&self, number: u8, id: i32) -> Result<Written, sqlx::Error> {
        self.write_rows(&world::pair(number).map(|table| Row { table, id }))
            .await
    }

    async fn write_rows(&self, rows: &[Row]) -> Result<Written, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        let mut left = Vec::new();
        for &row in rows {
            let version = sqlx::query_scalar(AssertSqlSafe(world::update(row.table)))
                .bind(row.id)
                .fetch_one(&mut *transaction)
                .await?;
            left.push(Seen { row, version });
        }
        let token = transaction.commit_with_token().await?;
        Ok((left, Some(token)))
    }

    async fn take_back(&self, row: Row) -> Result<Written, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(AssertSqlSafe(world::spoil(row.table)))
            .bind(row.id)
            .execute(&mut *transaction)
            .await?;
        transaction.rollback().await?;
        Ok((Vec::new(), None))
    }
}
