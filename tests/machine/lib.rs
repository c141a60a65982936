#![forbid(unsafe_code)]
//! machine
