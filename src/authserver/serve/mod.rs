//! The server's processes: the monitor, which is root and talks to nobody outside, and the
//! network process, which talks to everybody and is nobody.

pub mod background;
mod body;
pub mod channel;
mod connection;
mod conversations;
mod listen;
mod metrics;
pub mod monitor;
pub mod network;
mod notify;
mod peer;
pub mod process;
mod sending;
pub mod tls;
mod watch;
