//! No response of one user reaches another, and nobody puts into the cache what others are then given.

mod places;
mod poisoning;
mod users;
