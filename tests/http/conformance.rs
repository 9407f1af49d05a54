//! The RFCs, sentence by sentence: a case names its section and is a conversation between a client and a service.

mod conditional;
mod freshness;
mod requests;
mod stale;
mod status;
mod storing;
mod validators;
mod vary;
