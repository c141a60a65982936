//! Logging in with a browser: the module, its helper and real host programs, with an issuer
//! whose answers are the test's.

mod console;
mod contract;
mod faults;
mod issuer;
mod memory;
mod people;
mod sshd;
mod terminals;
mod world;
