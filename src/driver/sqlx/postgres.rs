//! PostgreSQL.

use futures_core::future::BoxFuture;
use sqlx::{
    Arguments, Encode, Error, Postgres, Row, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgConnectOptions, PgConnection, PgTypeInfo},
};

use super::{
    backend::{Driver, through_executor},
    parameters::{canaries, print_list},
    peek::Peeked,
    values,
};
use crate::{
    cache::Params,
    driver::{
        front::{Session, Values},
        identity::Identity,
        postgres,
    },
    schema::Canonical,
    sql::Dialect,
};

impl Driver for Postgres {
    const DIALECT: Dialect = Dialect::Postgres;

    #[inline]
    fn parameters(arguments: &mut PgArguments, key: &mut Params) {
        if arguments.len() == 0 {
            return;
        }
        let start = key.len();
        // `PgArguments { types: […], buffer: … }`: the types, without the buffer. They end with `], `, and the buffer's
        // bytes carry the length of each value, so the whole is injective.
        print_list("PgTypeInfo", Some("buffer"), arguments, key);
        // The field types of an anonymous record stand only in the buffer's own book-keeping. Rare, so slow will do.
        let types = &key[start..];
        if types.contains(&b'R') && types.windows(6).any(|word| word == b"Record") {
            print_list("", None, arguments, key);
        }
        // Always an error: that is what undoes the addition.
        let _ = arguments.add(Peek(|buffer: &[u8]| key.extend_from_slice(buffer)));
    }

    fn canaries() -> Vec<PgArguments> {
        canaries::<Postgres>()
    }

    fn values(arguments: &mut PgArguments) -> Values {
        let kinds = values::postgres::kinds(arguments);
        let mut all = Values::new();
        let _ = arguments.add(Peek(|buffer: &[u8]| {
            all = values::postgres::values(&kinds, buffer);
        }));
        all
    }

    fn value_canaries() -> Vec<(PgArguments, Values)> {
        values::canaries::<Postgres>(Canonical::Bool(true))
    }

    fn session(connection: &mut PgConnection) -> BoxFuture<'_, Result<Session, Error>> {
        Box::pin(async move {
            let row = sqlx::query(sqlx::AssertSqlSafe(postgres::session_sql()))
                .fetch_one(connection)
                .await?;
            let told = (0..row.len()).map(|index| row.try_get(index));
            Ok(postgres::session(told.collect::<Result<_, _>>()?))
        })
    }

    fn given(options: &PgConnectOptions) -> String {
        options.get_options().unwrap_or_default().to_owned()
    }

    fn identity(connection: &mut PgConnection) -> BoxFuture<'_, Result<Identity, Error>> {
        Box::pin(async move {
            match sqlx::query(postgres::IDENTITY).fetch_one(connection).await {
                Ok(row) => {
                    let told = (0..row.len()).map(|index| row.try_get(index));
                    Ok(postgres::identity(told.collect::<Result<_, _>>()?))
                }
                Err(Error::Database(_)) => Ok(Identity::of_its_own()),
                Err(error) => Err(error),
            }
        })
    }

    fn is_outage(error: &dyn sqlx::error::DatabaseError) -> bool {
        postgres::is_outage(&error.code().unwrap_or_default())
    }

    through_executor!(Postgres, postgres);
}

/// Shows the encoded values.
struct Peek<F>(F);

impl<F: FnOnce(&[u8])> Encode<'_, Postgres> for Peek<F> {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Err(Peeked.into())
    }

    #[inline]
    fn encode(self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // The last four bytes are the length that the buffer has reserved for this value itself.
        (self.0)(&buffer[..buffer.len() - 4]);
        Err(Peeked.into())
    }
}

impl<F> Type<Postgres> for Peek<F> {
    fn type_info() -> PgTypeInfo {
        <i32 as Type<Postgres>>::type_info()
    }
}
