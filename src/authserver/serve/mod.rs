//! The server's processes: the monitor, which is root and talks to nobody outside, and the
//! network process, which talks to everybody and is nobody.

pub mod background;
pub mod channel;
pub mod monitor;
pub mod network;
pub mod process;
mod sending;
