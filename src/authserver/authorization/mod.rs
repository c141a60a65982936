//! The authorization endpoint's decisions (RFC 6749 §3.1): what a request asks for, where the
//! browser is sent with the answer, and what is still missing before there is one. No clock and
//! no database: those are the endpoint's.

pub mod decision;
pub mod destination;
pub mod interaction;
pub mod request;
