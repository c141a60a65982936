//! The network process: sockets, HTTP, and nothing else that the machine has.

use super::channel::wait_for_end;
use super::connection::Shared;
use super::tls::Tls;
use super::{background, listen, notify, process};
use crate::endpoint::router;
use crate::error::Fault;
use crate::limits::connections::Connections;
use crate::local;
use crate::log;
use crate::settings::{Bundle, Settings};
use crate::state::Server;
use crate::store::Store;
use cli::output::Exit;
use listenfd::ListenFd;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sandbox::Needs;
use std::net::TcpListener as StdListener;
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use system::clock;
use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// How long what was begun has to come to its end when the server is told to end.
const GRACE: Duration = Duration::from_secs(10);

/// All that it listens on, bound while it still may.
struct Sockets {
    public: Vec<StdListener>,
    metrics: Option<StdListener>,
    local: Option<StdUnixListener>,
}

/// Serves until it is told to end. `channel` leads to the monitor, which has the settings; `handed`
/// is what systemd has handed over.
///
/// # Errors
/// Why it cannot.
pub fn serve(bundle: &Bundle, channel: Arc<UnixStream>, handed: ListenFd) -> Result<(), Fault> {
    let now = clock::now().map_err(|_| Fault::lasting("the clock is earlier than this program"))?;
    let settings = bundle.settings(now).map_err(Fault::lasting)?;
    let config = &settings.config;
    let sockets = listen::sockets(config, handed)?;
    let metrics = listen::metrics(config)?;
    let local = local::bind(&config.local)?;
    raise_open_files();
    confine(&settings)?;
    // Threads only now: each has what the one that starts it has, and what confines one later
    // confines no other.
    let changed = Arc::new(Notify::new());
    hear_monitor(Arc::clone(&channel), Arc::clone(&changed));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(Fault::lasting)?;
    let sockets = Sockets {
        public: sockets,
        metrics,
        local,
    };
    runtime.block_on(run(settings, sockets, channel, &changed))
}

/// Hears when the monitor has seen changed settings. Nobody is left to read them and to start
/// conversations where it is gone.
fn hear_monitor(channel: Arc<UnixStream>, changed: Arc<Notify>) {
    std::thread::spawn(move || {
        wait_for_end(&channel, || changed.notify_one());
        log::line(3, "the monitor is gone");
        std::process::exit(Exit::Cannot as i32);
    });
}

/// As many connections as the system lets: what a process has by default is for programs that
/// use select(2).
fn raise_open_files() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}

/// From here on there is the store to write to, and what every program reads.
fn confine(settings: &Settings) -> Result<(), Fault> {
    let store = settings.config.store.directory();
    let local = settings.config.local.socket.parent();
    let writable: Vec<&Path> = store.into_iter().chain(local).collect();
    let confined = sandbox::enter(Needs {
        readable: &[],
        writable: &writable,
        serves: true,
    });
    let confined = confined.map_err(Fault::lasting)?;
    log::line(6, &confined.to_string());
    Ok(())
}

async fn run(
    settings: Settings,
    sockets: Sockets,
    channel: Arc<UnixStream>,
    changed: &Notify,
) -> Result<(), Fault> {
    let heard = |kind| signal(kind).map_err(Fault::lasting);
    let mut hangup = heard(SignalKind::hangup())?;
    process::hear_reloads().map_err(|errno| Fault::lasting(errno.desc()))?;
    let ends = [
        heard(SignalKind::terminate())?,
        heard(SignalKind::interrupt())?,
    ];
    let now = clock::now().map_err(|_| Fault::lasting("the clock is earlier than this program"))?;
    let tls = Arc::new(Tls::of(&settings).map_err(Fault::lasting)?);
    let store = Store::open(&settings.config.store.url).await?;
    let server = Arc::new(Server::new(settings, store, Arc::clone(&channel), now).await?);
    let shared = Shared {
        router: router(Arc::clone(&server)),
        server: Arc::clone(&server),
        tls: Arc::clone(&tls),
        connections: Connections::default(),
    };
    let (ending, _) = watch::channel(false);
    let mut tasks = Vec::new();
    tasks.push(tokio::spawn(background::run(Arc::clone(&server))));
    for socket in sockets.public {
        tasks.push(accept(socket, shared.clone(), ending.clone())?);
    }
    if let Some(socket) = sockets.metrics {
        tasks.push(super::metrics::serve(socket, shared.clone())?);
    }
    if let Some(socket) = sockets.local {
        let socket = UnixListener::from_std(socket).map_err(Fault::lasting)?;
        tasks.push(tokio::spawn(local::accept(socket, Arc::clone(&server))));
    }
    log::line(6, &format!("serving {}", server.settings().config.issuer));
    notify::tell(notify::READY);
    let [mut terminate, mut interrupt] = ends;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            Some(()) = hangup.recv() => reload(&server, &tls, &channel).await,
            () = changed.notified() => reload(&server, &tls, &channel).await,
        }
    }
    notify::tell(notify::STOPPING);
    log::line(6, "ending: nothing new is taken");
    for task in tasks {
        task.abort();
    }
    // Who waits for the next request is told that there is none; who waits for an answer has it.
    ending.send_replace(true);
    let ended = tokio::time::timeout(GRACE, ending.closed()).await;
    if ended.is_err() {
        log::line(4, "some requests are not at their end, and are broken off");
    }
    server.store.close().await;
    log::line(6, "ended");
    Ok(())
}

fn accept(
    socket: StdListener,
    shared: Shared,
    ending: watch::Sender<bool>,
) -> Result<JoinHandle<()>, Fault> {
    let listener = TcpListener::from_std(socket).map_err(Fault::lasting)?;
    Ok(tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => shared.take(stream, peer, ending.subscribe()),
                Err(error) => {
                    // Such as no descriptors left: what is open goes on, and ends.
                    log::line(4, &format!("accept: {error}"));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }))
}

/// Takes the settings as they are now; where they are no good, those from before hold.
async fn reload(server: &Server, tls: &Tls, channel: &Arc<UnixStream>) {
    notify::tell(notify::RELOADING);
    let channel = Arc::clone(channel);
    // The monitor reads files meanwhile, and requests do not wait for that.
    let read = tokio::task::spawn_blocking(move || process::settings(&channel));
    let taken = match read.await {
        Ok(Ok(answer)) => answer.and_then(|bundle| take(server, tls, &bundle)),
        Ok(Err(error)) => Err(error),
        Err(error) => Err(error.to_string()),
    };
    match taken {
        Ok(()) => log::line(6, "the settings are taken as they are now"),
        Err(error) => log::line(3, &format!("the settings are not taken: {error}")),
    }
    notify::tell(notify::READY);
}

fn take(server: &Server, tls: &Tls, bundle: &Bundle) -> Result<(), String> {
    let now = server.now().map_err(|fault| fault.to_string())?;
    let settings = bundle.settings(now)?;
    tls.set(&settings)?;
    server.set_settings(settings);
    Ok(())
}
