//! What systemd is told of the server's state (sd_notify(3)), where it is systemd that has
//! started it.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The server serves, perhaps with other settings.
pub const READY: &str = "READY=1\nSTATUS=Serving.";

/// Other settings are being taken.
pub const RELOADING: &str = "RELOADING=1";

/// The server is about to end.
pub const STOPPING: &str = "STOPPING=1\nSTATUS=Finishing what was begun.";

/// Tells systemd. Where it does not hear, nothing is different for those who are served.
pub fn tell(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let send = || {
        let socket = UnixDatagram::unbound()?;
        socket.send_to_addr(state.as_bytes(), &address(&name)?)
    };
    if let Err(error) = send() {
        crate::log::line(4, &format!("systemd is not told: {error}"));
    }
}

/// A path, or behind an @ an abstract name (unix(7)).
fn address(name: &OsStr) -> std::io::Result<SocketAddr> {
    match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    }
}
