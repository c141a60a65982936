//! What HTTP by itself takes here: a server that reads each request to its end and answers it
//! with as many bytes as it is told, whatever it says. Whoever answers more, with the same load,
//! has not done it over the loopback.

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

const LISTENER: u64 = u64::MAX;

/// Serves at this address, with bodies of this many bytes, until it is ended.
///
/// # Panics
/// If it cannot.
pub fn serve(address: SocketAddr, bytes: usize) {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {bytes}\r\n\r\n{}",
        " ".repeat(bytes)
    );
    let listener = TcpListener::bind(address).expect("an address");
    let epoll = Epoll::new(EpollCreateFlags::empty()).expect("epoll");
    let event = |data| EpollEvent::new(EpollFlags::EPOLLIN, data);
    epoll.add(&listener, event(LISTENER)).expect("epoll");
    let mut streams: HashMap<u64, TcpStream> = HashMap::new();
    let mut events = [EpollEvent::empty(); 64];
    let mut buffer = [0; 16 * 1024];
    for number in 0.. {
        let ready = epoll.wait(&mut events, EpollTimeout::NONE).expect("epoll");
        for ready in &events[..ready] {
            if ready.data() == LISTENER {
                let (stream, _) = listener.accept().expect("a connection");
                stream.set_nodelay(true).expect("a socket");
                let place = number * events.len() as u64 + streams.len() as u64;
                epoll.add(&stream, event(place)).expect("epoll");
                streams.insert(place, stream);
                continue;
            }
            let mut stream = &streams[&ready.data()];
            // The load's requests come in one piece.
            match stream.read(&mut buffer).expect("a request") {
                0 => drop(streams.remove(&ready.data())),
                _ => stream.write_all(answer.as_bytes()).expect("it reads"),
            }
        }
    }
}
