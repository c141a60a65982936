//! Tokens for the users of this machine itself, by a Unix socket: the kernel says who asks
//! (SO_PEERCRED, unix(7)), so nobody types a password. One line of JSON comes in and one goes
//! out ([`protocol`]); there is no HTTP, and whoever speaks it by accident is refused at its
//! first line.
//!
//! What the kernel says is a uid. A process in a container that the socket is mounted into gets
//! what its uid is outside: with user namespaces that is nobody here, who gets nothing, and
//! without them it is the account that has the number here.

mod account;
mod callers;
mod clients;
mod connection;
mod protocol;
mod socket;
mod token;

pub use socket::bind;

use crate::clock::Moment;
use crate::log;
use crate::state::Server;
use callers::Callers;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::UnixListener;

/// How long it waits where the system has nothing left to accept with.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves whoever comes to the socket, for as long as the server runs.
pub async fn accept(listener: UnixListener, server: Arc<Server>) {
    let callers = Arc::new(Mutex::new(Callers::default()));
    let beginning = Moment::now();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (server, callers) = (Arc::clone(&server), Arc::clone(&callers));
                connection::begin(stream, server, callers, beginning.age());
            }
            Err(error) => {
                log::line(4, &format!("the local socket: {error}"));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// alice, with another uid.
#[cfg(test)]
fn alice(uid: u32, groups: &[&str]) -> account::Account {
    account::Account {
        uid,
        name: "alice".to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    }
}
