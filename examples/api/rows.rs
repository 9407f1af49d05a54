//! What is read and written: rows of the database, bodies of requests and responses.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

#[derive(Clone, FromRow, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) name: String,
}

#[derive(Clone, FromRow, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) user_id: i64,
    pub(crate) item: String,
    pub(crate) cents: i64,
}

#[derive(Clone, FromRow, Serialize, Deserialize)]
pub(crate) struct Totals {
    pub(crate) users: i64,
    pub(crate) orders: i64,
    pub(crate) revenue_cents: i64,
}

#[derive(Clone, FromRow, Serialize, Deserialize)]
pub(crate) struct Customer {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) cents: i64,
}

#[derive(Serialize)]
pub(crate) struct Dashboard {
    pub(crate) totals: Totals,
    pub(crate) best_customers: Vec<Customer>,
}

#[derive(Deserialize)]
pub(crate) struct NewName {
    pub(crate) name: String,
}

#[derive(Deserialize)]
pub(crate) struct NewOrder {
    pub(crate) user_id: i64,
    pub(crate) item: String,
    pub(crate) cents: i64,
}
