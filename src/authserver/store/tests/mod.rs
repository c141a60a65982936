//! Tests of the store, each of which is run on both databases: SQLite in a file, and a PostgreSQL
//! that is started here.

mod agreed;
mod database;
mod faults;
mod files;
mod kept;
mod once;

use super::{Code, Device, Grant, Issued};
use database::{Database, on_both};

/// What alice allowed the client `web`.
fn grant(id: &str) -> Grant {
    Grant {
        id: id.to_owned(),
        client_id: "web".to_owned(),
        registered: None,
        account: "alice".to_owned(),
        uid: Some(1000),
        scopes: vec!["read".to_owned()],
        resources: Vec::new(),
        auth_time: Some(90),
        amr: vec!["pwd".to_owned()],
        nonce: None,
        expires: 100_000,
    }
}

fn code(id: &str) -> Code {
    Code {
        grant: grant(id),
        redirect_uri: Some("https://web/".to_owned()),
        challenge: None,
    }
}

fn device() -> Device {
    Device {
        client_id: "tv".to_owned(),
        scopes: vec!["read".to_owned()],
        resources: Vec::new(),
    }
}

/// An access token that expires at 1000.
const fn token(index: u64) -> Issued {
    Issued {
        index,
        expires: 1000,
    }
}
