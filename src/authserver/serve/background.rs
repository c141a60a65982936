//! What the server does without being asked: it learns what other replicas took back, and deletes
//! what is over.

use crate::error::Fault;
use crate::log;
use crate::state::Server;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How soon a token that one replica took back is known to the others.
const REFRESH: Duration = Duration::from_secs(1);

/// How often what is over is deleted.
const SWEEP: Duration = Duration::from_secs(60);

/// Goes on for ever; what the store cannot do now it is asked again.
pub async fn run(server: Arc<Server>) {
    let mut refresh = interval(REFRESH);
    let mut sweep = interval(SWEEP);
    refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut answers = true;
    loop {
        let done = tokio::select! {
            _ = refresh.tick() => refreshed(&server).await,
            _ = sweep.tick() => swept(&server).await,
        };
        // Once, not each second for as long as it lasts.
        match &done {
            Err(fault) if answers => log::fault(fault),
            Ok(()) if !answers => log::line(5, "the store answers again"),
            _ => {}
        }
        answers = done.is_ok();
    }
}

async fn refreshed(server: &Server) -> Result<(), Fault> {
    server.refresh_revoked(server.now()?).await
}

async fn swept(server: &Server) -> Result<(), Fault> {
    let now = server.now()?;
    server.revoked.forget_expired(now);
    server.logins.sweep(now);
    server.interactions.sweep(now);
    server.store.sweep(now).await
}
