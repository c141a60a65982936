//! One connection: TLS, and the requests that come by it, each within the limits, each with its
//! line in the access log.

use super::body::TimelyBody;
use super::peer;
use super::tls::Tls;
use crate::clock::Moment;
use crate::config::Limits;
use crate::endpoint::request::{BodyLimit, Peer};
use crate::endpoint::{issuer_path, respond};
use crate::error::OAuthError;
use crate::limits::connections::{Connections, Place};
use crate::log::access::{Line, Seen};
use crate::settings::Settings;
use crate::state::Server;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower::Service;

/// Whether the server is about to end; it waits until nobody holds this any more.
pub type Ending = watch::Receiver<bool>;

/// What all connections share.
#[derive(Clone)]
pub struct Shared {
    /// The server.
    pub server: Arc<Server>,
    /// Its endpoints.
    pub router: Router,
    /// Its certificate.
    pub tls: Arc<Tls>,
    /// Those that are open.
    pub connections: Connections,
}

impl Shared {
    /// Serves a connection, unless there are too many.
    pub fn take(&self, stream: TcpStream, address: SocketAddr, ending: Ending) {
        let settings = self.server.settings();
        let Settings { config, .. } = &*settings;
        let limits = &config.limits;
        let address = address.ip().to_canonical();
        let is_proxy = config.proxies.contains(&address);
        let place = self.connections.enter(
            address,
            is_proxy,
            limits.connections,
            limits.connections_per_address,
        );
        match place {
            Some(place) => {
                let serve = self.clone().serve(stream, address, ending, place);
                tokio::spawn(serve);
            }
            None => self.server.metrics.turned_away(),
        }
    }

    async fn serve(self, stream: TcpStream, address: IpAddr, ending: Ending, _place: Place) {
        // Answers are small and whole: none waits for another.
        let _ = stream.set_nodelay(true);
        let limits = self.server.settings().config.limits.clone();
        match self.tls.now() {
            Some(config) => {
                let time = Duration::from_secs(limits.request_timeout);
                let greeting = TlsAcceptor::from(config).accept(stream);
                // Whoever breaks off is told nothing.
                if let Ok(Ok(stream)) = tokio::time::timeout(time, greeting).await {
                    self.requests(stream, address, &limits, ending).await;
                }
            }
            None => self.requests(stream, address, &limits, ending).await,
        }
    }

    async fn requests(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        address: IpAddr,
        limits: &Limits,
        mut ending: Ending,
    ) {
        let head = limits.head;
        let time = Duration::from_secs(limits.request_timeout);
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let shared = self.clone();
            async move { Ok::<_, std::convert::Infallible>(shared.answer(request, address).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // Between two requests as well: a connection on which nothing is asked ends.
            .header_read_timeout(time)
            .max_buf_size(head.max(8192))
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        tokio::select! {
            // Whoever breaks off is told nothing.
            _ = connection.as_mut() => return,
            _ = ending.wait_for(|ends| *ends) => {}
        }
        // Who waits for an answer has it, and no next one.
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }

    async fn answer(self, request: Request<Incoming>, connected: IpAddr) -> Response<Body> {
        let began = Moment::now();
        let settings = self.server.settings();
        let config = &settings.config;
        let limits = &config.limits;
        let peer = peer::of(connected, &config.proxies, request.headers());
        let per_minute = limits.requests_per_minute;
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let seen = Seen::default();
        let rates = &self.server.rates;
        let now = self.server.milliseconds();
        let response = match rates.may_ask(peer, per_minute, now) {
            Err(wait) => {
                let why = "there are too many requests; Retry-After says when to come again";
                respond::failure(&OAuthError::too_often(wait, why).into())
            }
            Ok(()) => {
                let time = Duration::from_secs(limits.request_timeout);
                let mut request = request.map(|body| Body::new(TimelyBody::new(body, time)));
                let extensions = request.extensions_mut();
                extensions.insert(Peer(peer));
                extensions.insert(BodyLimit(limits.body));
                extensions.insert(seen.clone());
                let Ok(response) = self.router.clone().call(request).await;
                response
            }
        };
        if !seen.is_vouched() {
            rates.asked(peer, per_minute, now);
        }
        let status = response.status();
        if status.as_u16() == 429 {
            self.server.metrics.turned_away();
        }
        let took = began.age();
        let below = path.strip_prefix(issuer_path(&config.issuer));
        let metrics = &self.server.metrics;
        metrics.request(below.unwrap_or(&path), status.as_u16(), took);
        let client_id = seen.client_id();
        let line = Line {
            method: &method,
            path: &path,
            status,
            took,
            bytes: response.body().size_hint().exact(),
            client_id: client_id.as_deref(),
            peer,
        };
        line.tell();
        response
    }
}

#[cfg(test)]
#[path = "connection_tests.rs"]
mod tests;
