//! A plain connection, and what is written by it: rows, pairs, what cascades, what a trigger writes, and what is taken back.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::Writer;
use crate::{
    record::{Row, Seen},
    world::{
        self, PAIRS, ROWS, SINGLES, Zipf,
        outside::{self, FAMILIES, Kind},
    },
};

pub(super) struct Hand {
    url: String,
    /// Thrown away when it fails.
    connection: Option<PgConnection>,
    random: fastrand::Rng,
    ids: Zipf,
}

impl Writer for Hand {
    async fn write(&mut self) -> Result<Vec<Seen>, sqlx::Error> {
        let id = 1 + i32::try_from(self.ids.choose(&mut self.random)).expect("ids are small");
        let table = self.random.u8(..SINGLES);
        let row = Row { table, id };
        let family = self.random.u8(..FAMILIES);
        match self.random.u8(..100) {
            0..40 => self.write_row(row).await,
            40..50 => {
                let [left, right] = world::pair(self.random.u8(..PAIRS));
                self.write_rows(&[left, right].map(|table| Row { table, id }))
                    .await
            }
            50..55 => self.make_anew(row).await,
            55..60 => self.take_back(row).await,
            60..75 => {
                let parent = Row {
                    table: Kind::Parent.of(family),
                    id,
                };
                let cascades = [Kind::Child, Kind::Grown];
                self.write_further(parent, family, &cascades).await
            }
            75..88 => {
                let source = Row {
                    table: Kind::Source.of(family),
                    id,
                };
                self.write_further(source, family, &[Kind::Log]).await
            }
            _ => self.cut(family, id).await,
        }
    }
}

impl Hand {
    pub(super) fn new(url: &str, seed: u64) -> Self {
        Self {
            url: url.to_owned(),
            connection: None,
            random: fastrand::Rng::with_seed(seed),
            ids: Zipf::new(usize::try_from(ROWS).expect("a few")),
        }
    }

    /// Writes one row, by itself.
    pub(super) async fn write_row(&mut self, row: Row) -> Result<Vec<Seen>, sqlx::Error> {
        self.with(async |connection| {
            let version = sqlx::query_scalar(AssertSqlSafe(world::update(row.table)))
                .bind(row.id)
                .fetch_optional(connection)
                .await?;
            Ok(version
                .map(|version| Seen { row, version })
                .into_iter()
                .collect())
        })
        .await
    }

    /// Writes one row, and tells of others of the family that this changes too.
    async fn write_further(
        &mut self,
        row: Row,
        family: u8,
        others: &[Kind],
    ) -> Result<Vec<Seen>, sqlx::Error> {
        let mut left = self.write_row(row).await?;
        if let Some(&Seen { version, .. }) = left.first() {
            let also = |kind: &Kind| Seen {
                row: Row {
                    table: kind.of(family),
                    ..row
                },
                version,
            };
            left.extend(others.iter().map(also));
        }
        Ok(left)
    }

    /// Writes rows in one transaction.
    async fn write_rows(&mut self, rows: &[Row]) -> Result<Vec<Seen>, sqlx::Error> {
        self.with(async |connection| {
            let mut transaction = connection.begin().await?;
            let mut left = Vec::new();
            for &row in rows {
                let version = sqlx::query_scalar(AssertSqlSafe(world::update(row.table)))
                    .bind(row.id)
                    .fetch_one(&mut *transaction)
                    .await?;
                left.push(Seen { row, version });
            }
            transaction.commit().await?;
            Ok(left)
        })
        .await
    }

    /// Deletes a row and makes it again, in one transaction.
    async fn make_anew(&mut self, row: Row) -> Result<Vec<Seen>, sqlx::Error> {
        self.with(async |connection| {
            let mut transaction = connection.begin().await?;
            let old: Option<i64> = sqlx::query_scalar(AssertSqlSafe(outside::delete(row.table)))
                .bind(row.id)
                .fetch_optional(&mut *transaction)
                .await?;
            // Somebody else has just done the same.
            let Some(old) = old else {
                return Ok(Vec::new());
            };
            let version = old + 1;
            sqlx::query(AssertSqlSafe(outside::insert(row)))
                .bind(row.id)
                .bind(version)
                .execute(&mut *transaction)
                .await?;
            transaction.commit().await?;
            Ok(vec![Seen { row, version }])
        })
        .await
    }

    async fn take_back(&mut self, row: Row) -> Result<Vec<Seen>, sqlx::Error> {
        self.with(async |connection| {
            let mut transaction = connection.begin().await?;
            sqlx::query(AssertSqlSafe(world::spoil(row.table)))
                .bind(row.id)
                .execute(&mut *transaction)
                .await?;
            transaction.rollback().await?;
            Ok(Vec::new())
        })
        .await
    }

    /// Deletes a stem, and with it a leaf: the next one is the first then.
    async fn cut(&mut self, family: u8, id: i32) -> Result<Vec<Seen>, sqlx::Error> {
        self.with(async |connection| {
            let cut: Option<i64> = sqlx::query_scalar(AssertSqlSafe(outside::cut_stem(family)))
                .bind(id)
                .fetch_optional(&mut *connection)
                .await?;
            let Some(cut) = cut else {
                return Ok(Vec::new());
            };
            if let Some(refill) = outside::refill(family, id, cut) {
                connection.execute(AssertSqlSafe(refill)).await?;
            }
            let row = Row {
                table: Kind::Leaf.of(family),
                id,
            };
            let version = cut + 1;
            Ok(vec![Seen { row, version }])
        })
        .await
    }

    async fn with<T>(
        &mut self,
        act: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => PgConnection::connect(&self.url).await?,
        };
        let acted = act(&mut connection).await?;
        self.connection = Some(connection);
        Ok(acted)
    }
}
