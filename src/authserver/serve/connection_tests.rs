//! Requests as they come over a connection, which is a pipe here: limits of time and of number.

use super::*;
use crate::testing::{SECRET, World, basic_of, confidential, public};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{interval, timeout};

const JOB: &str = "grant_types = [\"client_credentials\"]\n";

async fn world(limits: &str) -> World {
    let clients = [
        confidential("a", JOB),
        confidential("b", JOB),
        public("app", ""),
    ];
    World::new(&format!("[limits]\n{limits}\n"), &clients).await
}

/// A connection to the server from this address.
fn connect(world: &World, last: u8) -> DuplexStream {
    let shared = Shared {
        server: Arc::clone(&world.server),
        router: crate::endpoint::router(Arc::clone(&world.server)),
        tls: Arc::default(),
        connections: Connections::default(),
    };
    let (ours, theirs) = duplex(64 * 1024);
    let limits = world.server.settings().config.limits.clone();
    tokio::spawn(async move {
        let (_ending, ends) = watch::channel(false);
        let address = IpAddr::from([192, 0, 2, last]);
        shared.requests(theirs, address, &limits, ends).await;
    });
    ours
}

/// What comes until the server closes the connection.
async fn rest(mut connection: DuplexStream) -> String {
    let mut answer = Vec::new();
    let read = connection.read_to_end(&mut answer);
    let closed = timeout(Duration::from_secs(60), read).await;
    closed.expect("it is closed").unwrap();
    String::from_utf8(answer).unwrap()
}

/// Says `first`, and then a byte at a time, until the server has closed the connection.
async fn drip(world: &World, first: &str) -> String {
    let (reader, mut writer) = tokio::io::split(connect(world, 1));
    writer.write_all(first.as_bytes()).await.unwrap();
    let dripping = tokio::spawn(async move {
        let mut beat = interval(Duration::from_millis(20));
        while writer.write_all(b"a").await.is_ok() {
            beat.tick().await;
        }
    });
    let mut answer = Vec::new();
    let mut reader = reader;
    let read = timeout(Duration::from_secs(60), reader.read_to_end(&mut answer)).await;
    dripping.abort();
    read.expect("it is closed").unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn who_says_a_byte_at_a_time_has_a_request_s_time_and_no_more() {
    let world = world("request_timeout = \"1s\"").await;
    assert_eq!(drip(&world, "").await, "");
    assert_eq!(drip(&world, "GET /jwks HTTP/1.1\r\nx: ").await, "");
    let head = "POST /token HTTP/1.1\r\nhost: a\r\ncontent-length: 9999\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\n";
    let answer = drip(&world, head).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(
        answer.contains("the body did not come to its end"),
        "{answer}"
    );
}

/// Asks for a token as this client, from this address: the status, and `Retry-After`.
async fn ask(world: &World, client_id: &str, last: u8) -> (u16, Option<u64>) {
    let form = match client_id {
        "app" => "grant_type=client_credentials&client_id=app",
        _ => "grant_type=client_credentials",
    };
    let basic = match client_id {
        "app" => String::new(),
        client_id => format!("authorization: {}\r\n", basic_of(client_id, SECRET)),
    };
    let request = format!(
        "POST /token HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\n{basic}\r\n{form}",
        form.len()
    );
    let mut connection = connect(world, last);
    connection.write_all(request.as_bytes()).await.unwrap();
    let answer = rest(connection).await;
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let mut lines = answer.lines();
    let wait = lines.find_map(|line| line.strip_prefix("retry-after: "));
    (status, wait.map(|wait| wait.parse().unwrap()))
}

/// One that asks too often is told when to come again, and costs nobody else anything: not
/// another client at the same address, nor anybody at another.
#[tokio::test]
async fn who_asks_too_often_waits_and_nobody_else_does() {
    let world = world("requests_per_minute = 3").await;
    for _ in 0..3 {
        assert_eq!(ask(&world, "a", 1).await, (200, None));
    }
    for address in [1, 2] {
        let (status, wait) = ask(&world, "a", address).await;
        assert_eq!(status, 429);
        assert!(matches!(wait, Some(1..=20)), "{wait:?}");
    }
    assert_eq!(ask(&world, "b", 1).await, (200, None));
    // Whoever is vouched for by no secret is counted by address.
    for _ in 0..3 {
        assert_eq!(ask(&world, "app", 3).await.0, 400);
    }
    let (status, wait) = ask(&world, "app", 3).await;
    assert_eq!(status, 429);
    assert!(matches!(wait, Some(1..=20)), "{wait:?}");
    assert_eq!(ask(&world, "app", 4).await.0, 400);
    let told = world.server.metrics.text(0, 0);
    assert!(told.contains("turned_away_total 3\n"), "{told}");
}
