//! What keeps strangers from taking more than their part.

pub mod guesses;
mod lru;
pub mod origin;
