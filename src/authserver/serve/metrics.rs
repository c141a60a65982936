//! The listener of the metrics, apart from the rest: what it tells is not for strangers.

use super::connection::Shared;
use crate::endpoint::respond::text;
use crate::error::Fault;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::TcpListener as StdListener;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower::Service;

/// The type of Prometheus's text format.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// For a request's head.
const TIME: Duration = Duration::from_secs(10);

/// Serves them.
///
/// # Errors
/// The socket's.
pub fn serve(socket: StdListener, shared: Shared) -> Result<JoinHandle<()>, Fault> {
    let listener = TcpListener::from_std(socket).map_err(Fault::lasting)?;
    let answer = move || {
        let (server, connections) = (&shared.server, shared.connections.count());
        let metrics = server.metrics.text(connections, server.logins.held());
        std::future::ready(text(metrics, MEDIA_TYPE, "no-store"))
    };
    let router: Router = Router::new().route("/metrics", get(answer));
    Ok(tokio::spawn(async move {
        loop {
            // One at a time: who reads numbers is one, and another waits.
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let router = router.clone();
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                router.clone().call(request.map(Body::new))
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(TIME)
                .keep_alive(false)
                .serve_connection(TokioIo::new(stream), service);
            let _ = tokio::time::timeout(TIME, connection).await;
        }
    }))
}
