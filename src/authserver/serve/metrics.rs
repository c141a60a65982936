//! The listener of the metrics, apart from the rest: what it tells is not for strangers.

use super::connection::Shared;
use crate::endpoint::respond::text;
use crate::error::Fault;
use crate::limits::connections::Connections;
use crate::state::Server;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::TcpListener as StdListener;
use std::sync::Arc;
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
    let router = router(shared.server, shared.connections);
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

fn router(server: Arc<Server>, connections: Connections) -> Router {
    let answer = move || {
        let metrics = server
            .metrics
            .text(connections.count(), server.logins.held());
        std::future::ready(text(metrics, MEDIA_TYPE, "no-store"))
    };
    Router::new().route("/metrics", get(answer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;
    use axum::http::Method;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn whatever_is_asked_there_are_the_metrics_and_nothing_else() {
        let world = World::new("", &[]).await;
        let ask = async |method: Method, address: &str, body: &'static [u8]| {
            let router = router(Arc::clone(&world.server), Connections::default());
            let request = Request::builder().method(method).uri(address);
            let request = request.body(Body::from(body)).unwrap();
            let answer = router.clone().call(request).await.unwrap();
            let (head, body) = answer.into_parts();
            (
                head.status.as_u16(),
                body.collect().await.unwrap().to_bytes(),
            )
        };
        let plain = ask(Method::GET, "/metrics", b"").await;
        assert!(
            plain.0 == 200 && plain.1.starts_with(b"# HELP"),
            "{plain:?}"
        );
        for query in ["a=1", "a=1&a=2", "a=%ff", "%ff", "a=%zz", "a=%00", "&&="] {
            let address = format!("/metrics?{query}");
            assert_eq!(ask(Method::GET, &address, b"").await, plain, "{query}");
        }
        for body in [&b"a=\xff"[..], &[b'a'; 100_000]] {
            assert_eq!(ask(Method::GET, "/metrics", body).await, plain);
            assert_eq!(ask(Method::POST, "/metrics", body).await.0, 405);
        }
        for path in ["/", "/metrics/", "/health", "/token", "/%ff"] {
            assert_eq!(ask(Method::GET, path, b"").await.0, 404, "{path}");
        }
    }
}
