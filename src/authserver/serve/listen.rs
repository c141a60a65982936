//! The sockets that strangers come to: those that systemd hands over (sd_listen_fds(3)), or those
//! that the settings name.

use crate::config::Config;
use crate::error::Fault;
use listenfd::ListenFd;
use rustix::net::sockopt::set_tcp_user_timeout;
use std::net::{SocketAddr, TcpListener};

/// How long the other side may leave what is sent to it where it is, in milliseconds: who asks
/// and never reads holds nothing for longer.
const UNREAD: u32 = 30_000;

/// The sockets: those of `handed`, if there are any.
///
/// # Errors
/// One cannot be bound, or what systemd hands over is no TCP.
pub fn sockets(config: &Config, mut handed: ListenFd) -> Result<Vec<TcpListener>, Fault> {
    let mut sockets = Vec::new();
    for index in 0..handed.len() {
        let socket = handed.take_tcp_listener(index).map_err(|error| {
            Fault::lasting(format!("what systemd hands over has to be TCP: {error}"))
        })?;
        sockets.extend(socket);
    }
    if sockets.is_empty() {
        let bound = config.listen.iter().map(|address| bind(*address));
        sockets = bound.collect::<Result<_, _>>()?;
    }
    for socket in &sockets {
        ready(socket).map_err(Fault::lasting)?;
    }
    Ok(sockets)
}

/// The socket of the metrics, where there are any.
///
/// # Errors
/// It cannot be bound.
pub fn metrics(config: &Config) -> Result<Option<TcpListener>, Fault> {
    let socket = config.metrics.map(bind).transpose()?;
    if let Some(socket) = &socket {
        ready(socket).map_err(Fault::lasting)?;
    }
    Ok(socket)
}

fn bind(address: SocketAddr) -> Result<TcpListener, Fault> {
    // std sets SO_REUSEADDR, so that a server that was just stopped is no hindrance.
    TcpListener::bind(address).map_err(|error| Fault::lasting(format!("{address}: {error}")))
}

/// What is set here is so for the connections too (tcp(7)).
fn ready(socket: &TcpListener) -> std::io::Result<()> {
    socket.set_nonblocking(true)?;
    set_tcp_user_timeout(socket, UNREAD)?;
    // As many as may wait as the system lets (net.core.somaxconn): std asks for 128 alone.
    Ok(rustix::net::listen(socket, i32::MAX)?)
}
