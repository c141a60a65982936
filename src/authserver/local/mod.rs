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

#[cfg(test)]
mod tests {
    use super::account::Account;
    use crate::config::Config;
    use crate::keys::Keys;
    use crate::settings::Settings;
    use crate::state::Server;
    use crate::store::Store;
    use clients::Clients;
    use jose::{Algorithm, private_key};
    use std::os::unix::net::UnixStream;
    use std::path::PathBuf;
    use std::sync::Arc;

    /// A server of the issuer `https://i` with these settings beside, and perhaps the client
    /// `local`.
    pub async fn server(settings: &str, client: Option<&str>) -> Server {
        let key = private_key::generate(Algorithm::EdDsa, Some("k"))
            .unwrap()
            .private_jwk;
        let settings = Settings {
            config: Config::parse(&format!("issuer = \"https://i\"\n{settings}")).unwrap(),
            clients: Clients::parse(client.map(|text| ("local.toml", text))).unwrap(),
            keys: Keys::parse([("k", key.as_str())], 100).unwrap(),
            tls: None,
            dir: PathBuf::new(),
        };
        let store = Store::open("sqlite::memory:").await.unwrap();
        let (monitor, _) = UnixStream::pair().unwrap();
        let server = Server::new(settings, store, Arc::new(monitor), 100).await;
        server.unwrap()
    }

    /// alice, with another uid.
    pub fn account(uid: u32, groups: &[&str]) -> Account {
        Account {
            uid,
            name: "alice".to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        }
    }
}
