//! What keeps strangers from taking more than their part.

pub mod connections;
pub mod guesses;
pub mod lru;
pub mod origin;
pub mod rates;
