//! The facts of SQL texts: against PostgreSQL's own grammar, against tables of cases, and under arbitrary input.

mod cases;
mod corpus;
mod properties;
