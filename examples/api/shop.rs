//! The routes, with what each of them lets be kept.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use cachedpool::{
    Backend, Cached, CachedPool,
    http::{CachedJson, Conditions, Policy, ResponseCacheLayer},
    prelude::*,
};
use serde_json::json;
use sqlx::{Decode, Encode, FromRow, IntoArguments, Type};

use crate::{
    error::Error,
    rows::{Customer, Dashboard, NewName, NewOrder, Order, Totals, User},
};

type Answer<T> = Result<Json<T>, Error>;
type Id = Result<Path<i64>, PathRejection>;
type Body<T> = Result<Json<T>, JsonRejection>;

/// The state of the application.
pub(crate) struct Shop<DB: Backend> {
    pool: CachedPool<DB>,
    ran: Ran,
}

/// How often the handlers have run, to see what the cache spares them.
#[derive(Default)]
struct Ran {
    user: AtomicU64,
    orders: AtomicU64,
    dashboard: AtomicU64,
}

// The bounds are here because the example runs on two databases. An application has one, and writes `CachedPool<Postgres>`.
impl<DB> Shop<DB>
where
    DB: Backend<Arguments: IntoArguments<DB>>,
    i64: Type<DB> + for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB>,
    String: Type<DB> + for<'q> Encode<'q, DB> + for<'r> Decode<'r, DB>,
    User: for<'r> FromRow<'r, DB::Row>,
    Order: for<'r> FromRow<'r, DB::Row>,
    Totals: for<'r> FromRow<'r, DB::Row>,
    Customer: for<'r> FromRow<'r, DB::Row>,
{
    /// The application.
    pub(crate) fn router(pool: &CachedPool<DB>) -> Router {
        let shop = Arc::new(Self {
            pool: pool.clone(),
            ran: Ran::default(),
        });
        // Clients ask each time, and get a 304 where nothing has changed. A write throws away what it changes; the times are
        // the bound for writes that no pool has seen.
        let users = Policy::new()
            .max_age(Duration::ZERO)
            .s_maxage(Duration::from_secs(60))
            .stale_if_error(Duration::from_secs(3600))
            .shared_as("shop");
        // Nobody waits for one that has expired, but for the first after ten seconds without a visitor.
        let dashboard = Policy::new()
            .s_maxage(Duration::from_secs(5))
            .stale_while_revalidate(Duration::from_secs(10))
            .stale_if_error(Duration::from_secs(3600))
            .shared_as("shop");
        let kept = |policy| ResponseCacheLayer::new(pool, policy);
        Router::new()
            .route("/", get(page))
            .route(
                "/users/{id}",
                get(Self::user).put(Self::rename).layer(kept(users)),
            )
            .route("/users/{id}/orders", get(Self::orders))
            .route("/orders", post(Self::order))
            .route("/dashboard", get(Self::dashboard).layer(kept(dashboard)))
            .route("/stats", get(Self::stats))
            .with_state(shop)
    }

    /// `GET /users/{id}`
    async fn user(State(shop): State<Arc<Self>>, id: Id) -> Answer<User> {
        count(&shop.ran.user);
        let Path(id) = id?;
        Ok(Json(shop.find(id).await?))
    }

    /// `PUT /users/{id}` with `{"name": "…"}`
    async fn rename(State(shop): State<Arc<Self>>, id: Id, body: Body<NewName>) -> Answer<User> {
        let (Path(id), Json(NewName { name })) = (id?, body?);
        if name.trim().is_empty() || name.chars().count() > 100 {
            return Err(Error::Invalid("a name has 1 to 100 characters"));
        }
        let renamed = sqlx::query_as("UPDATE users SET name = $1 WHERE id = $2 RETURNING id, name")
            .bind(name)
            .bind(id)
            .fetch_optional(&shop.pool)
            .await?;
        renamed.map(Json).ok_or(Error::NotFound("no such user"))
    }

    /// `GET /users/{id}/orders`: with less magic. The handler runs each time; what is kept is the result of its query, and a client
    /// may show it for as long as it is fresh, whatever is written meanwhile.
    async fn orders(
        State(shop): State<Arc<Self>>,
        conditions: Conditions,
        id: Id,
    ) -> Result<Response, Error> {
        count(&shop.ran.orders);
        let Path(id) = id?;
        shop.find(id).await?;
        let orders: Cached<Vec<Order>> = sqlx::query_as(
            "SELECT id, user_id, item, cents FROM orders WHERE user_id = $1 ORDER BY id",
        )
        .bind(id)
        .cached(&shop.pool)
        .ttl(Duration::from_secs(10))
        .fetch_all_shared()
        .await?;
        Ok(conditions.answer(CachedJson(orders)))
    }

    /// `POST /orders` with `{"user_id": …, "item": "…", "cents": …}`
    async fn order(State(shop): State<Arc<Self>>, body: Body<NewOrder>) -> Result<Response, Error> {
        let Json(new) = body?;
        if new.item.trim().is_empty() || new.cents <= 0 {
            return Err(Error::Invalid("an order has an item and costs something"));
        }
        let order: Order = sqlx::query_as(
            "INSERT INTO orders (user_id, item, cents) VALUES ($1, $2, $3) RETURNING id, user_id, item, cents",
        )
        .bind(new.user_id)
        .bind(new.item)
        .bind(new.cents)
        .fetch_one(&shop.pool)
        .await?;
        Ok((StatusCode::CREATED, Json(order)).into_response())
    }

    /// `GET /dashboard`
    async fn dashboard(State(shop): State<Arc<Self>>) -> Answer<Dashboard> {
        count(&shop.ran.dashboard);
        // `refresh`: it is the dashboard that is kept, and one that is made anew is to show the database as it is.
        let totals: Totals = sqlx::query_as(
            "SELECT (SELECT count(*) FROM users) AS users, count(*) AS orders,
                    CAST(coalesce(sum(cents), 0) AS BIGINT) AS revenue_cents
             FROM orders",
        )
        .cached(&shop.pool)
        .refresh()
        .fetch_one()
        .await?;
        let best_customers: Vec<Customer> = sqlx::query_as(
            "SELECT users.id, users.name, CAST(sum(orders.cents) AS BIGINT) AS cents
             FROM orders JOIN users ON users.id = orders.user_id
             GROUP BY users.id, users.name ORDER BY 3 DESC, 1 LIMIT 3",
        )
        .cached(&shop.pool)
        .refresh()
        .fetch_all()
        .await?;
        // What a real one does with millions of orders.
        tokio::time::sleep(Duration::from_millis(300)).await;
        Ok(Json(Dashboard {
            totals,
            best_customers,
        }))
    }

    /// `GET /stats`: how often handlers ran and what the pool did.
    async fn stats(State(shop): State<Arc<Self>>) -> Json<serde_json::Value> {
        let ran = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let pool = shop.pool.stats();
        Json(json!({
            "ran": {
                "user": ran(&shop.ran.user),
                "orders": ran(&shop.ran.orders),
                "dashboard": ran(&shop.ran.dashboard),
            },
            "pool": {
                "hits_local": pool.hits_local,
                "hits_shared": pool.hits_shared,
                "shared_stores": pool.shared_stores,
                "stale_hits": pool.stale_hits,
                "loads": pool.loads,
            },
        }))
    }

    async fn find(&self, id: i64) -> Result<User, Error> {
        sqlx::query_as("SELECT id, name FROM users WHERE id = $1")
            .bind(id)
            .cached(&self.pool)
            .fetch_optional()
            .await?
            .ok_or(Error::NotFound("no such user"))
    }
}

/// `GET /`: reads and writes the API from a browser.
async fn page() -> Html<&'static str> {
    Html(include_str!("page.html"))
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
