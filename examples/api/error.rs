//! What goes wrong, as JSON: `{"error": "…"}` with the status that it has.

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Why there is no answer.
pub(crate) enum Error {
    NotFound(&'static str),
    /// Understood, and not acceptable.
    Invalid(&'static str),
    /// What the request relies on is not there.
    Conflict(&'static str),
    /// The path or the body cannot be read.
    Unreadable(StatusCode, String),
    Database(sqlx::Error),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Error::NotFound(what) => (StatusCode::NOT_FOUND, what.to_owned()),
            Error::Invalid(why) => (StatusCode::UNPROCESSABLE_ENTITY, why.to_owned()),
            Error::Conflict(why) => (StatusCode::CONFLICT, why.to_owned()),
            Error::Unreadable(status, why) => (status, why),
            Error::Database(error) => {
                // For those who run it; a client has no use for what the database says.
                eprintln!("the database: {error}");
                if is_away(&error) {
                    let text = "the database is away".to_owned();
                    (StatusCode::SERVICE_UNAVAILABLE, text)
                } else {
                    let text = "something went wrong".to_owned();
                    (StatusCode::INTERNAL_SERVER_ERROR, text)
                }
            }
        };
        (status, Json(json!({ "error": text }))).into_response()
    }
}

/// Whether it may answer when it is asked again later.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        // PostgreSQL: lost connections, no more of them, shutting down or starting up.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "53", "57P"]
                .iter()
                .any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) if error.is_foreign_key_violation() => {
                Error::Conflict("there is no such user")
            }
            error => Error::Database(error),
        }
    }
}

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        Error::Unreadable(rejection.status(), rejection.body_text())
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        Error::Unreadable(rejection.status(), rejection.body_text())
    }
}
