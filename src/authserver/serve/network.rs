//! The network process: sockets, HTTP, and nothing else that the machine has.

use crate::endpoint::request::{BodyLimit, Peer};
use crate::endpoint::router;
use crate::error::Fault;
use crate::local;
use crate::log;
use crate::serve::background;
use crate::settings::Bundle;
use crate::state::Server;
use crate::store::Store;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use system::clock;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tower::Service;

/// Serves until it is told to end.
///
/// # Errors
/// Why it cannot.
pub fn serve(bundle: &Bundle) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    runtime.map_err(Fault::lasting)?.block_on(run(bundle))
}

async fn run(bundle: &Bundle) -> Result<(), Fault> {
    let now = clock::now().map_err(|_| Fault::lasting("the clock is earlier than this program"))?;
    let settings = bundle.settings(now).map_err(Fault::lasting)?;
    let store = Store::open(&settings.config.store.url).await?;
    let listen = settings.config.listen.clone();
    let server = Arc::new(Server::new(settings, store, now).await?);
    let router = router(Arc::clone(&server));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(background::run(Arc::clone(&server)));
    for address in listen {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|error| Fault::lasting(format!("{address}: {error}")))?;
        tasks.spawn(accept(listener, Arc::clone(&server), router.clone()));
    }
    if let Some(listener) = local::bind(&server.settings().config.local)? {
        let listener = UnixListener::from_std(listener).map_err(Fault::lasting)?;
        tasks.spawn(local::accept(listener, Arc::clone(&server)));
    }
    log::line(6, &format!("serving {}", server.settings().config.issuer));
    while tasks.join_next().await.is_some() {}
    Ok(())
}

async fn accept(listener: TcpListener, server: Arc<Server>, router: Router) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::spawn(connection(
                    stream,
                    peer,
                    Arc::clone(&server),
                    router.clone(),
                ));
            }
            Err(error) => {
                // Such as no descriptors left: what is open goes on, and ends.
                log::line(4, &format!("accept: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, server: Arc<Server>, router: Router) {
    let limits = server.settings().config.limits.clone();
    let body_limit = BodyLimit(limits.body);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        request.extensions_mut().insert(body_limit);
        router.clone().call(request.map(Body::new))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.request_timeout))
        .max_buf_size(limits.head.max(8192))
        .serve_connection(TokioIo::new(stream), service);
    // Whoever breaks off is told nothing.
    let _ = served.await;
}
