//! Whether the server can serve, for who balances load and who is called at night.

use super::respond::json;
use crate::log;
use crate::state::Server;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use std::sync::Arc;

/// Answers 200 where the store answers and a key signs, and otherwise 503; why not is in the log.
pub async fn answer(State(server): State<Arc<Server>>) -> Response<Body> {
    let store = server.store.ping().await;
    if let Err(fault) = &store {
        log::fault(fault);
    }
    let signs = server
        .now()
        .is_ok_and(|now| server.settings().keys.signing(now).is_ok());
    let is_well = store.is_ok() && signs;
    let status = if is_well {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let word = |good| if good { "ok" } else { "fail" };
    let body = serde_json::json!({
        "status": word(is_well), "store": word(store.is_ok()), "keys": word(signs)
    });
    json(status, &body)
}
