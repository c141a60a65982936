//! Logins by a monitor that stands in for PAM. (The real ones are in tests/hosts.)

use super::super::frame;
use super::super::message::{Answers, Granted, Purpose, Report, Style};
use super::*;
use crate::serve::channel::{Received, receive};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

const NOW: u64 = 1_800_000_000;

/// Logins with "right" for everybody's password.
fn logins(most: usize) -> Logins {
    let (channel, monitor) = UnixStream::pair().unwrap();
    thread::spawn(move || {
        loop {
            match receive(&monitor).unwrap() {
                Received::Request(_, socket) => {
                    thread::spawn(move || converse(UnixStream::from(socket)));
                }
                Received::Closed => return,
                _ => thread::sleep(Duration::from_millis(1)),
            }
        }
    });
    let owners = Owners::new(Arc::new(channel), most, Duration::from_secs(100));
    Logins::new(owners, most, 100, Arc::default())
}

fn converse(mut socket: UnixStream) -> Option<()> {
    let start: Start = frame::read(&mut socket).ok()?;
    let prompt = Report::Messages(vec![Message::new(Style::Hidden, "Password: ")]);
    frame::write(&mut socket, &prompt).ok()?;
    let answers: Answers = frame::read(&mut socket).ok()?;
    let outcome = if answers.answers[0].text() == "right" {
        Outcome::Granted(Granted {
            account: start.account,
            uid: 1000,
            groups: Vec::new(),
            amr: Vec::new(),
            changed_password: false,
        })
    } else {
        Outcome::Refused(Reason::AuthenticationFailed)
    };
    frame::write(&mut socket, &Report::Outcome(outcome)).ok()
}

fn start(account: &str, host: u8) -> Start {
    Start {
        account: account.to_owned(),
        rhost: IpAddr::from([192, 0, 2, host]),
        purpose: Purpose::Page,
    }
}

async fn asked(logins: &Logins, now: u64, start: &Start) -> Id {
    match logins.begin(now, start).await {
        Next::Ask(id, messages) => {
            assert_eq!(messages.len(), 1);
            id
        }
        other => panic!("{other:?}"),
    }
}

async fn tried(logins: &Logins, now: u64, start: &Start, password: &str) -> Next {
    match logins.begin(now, start).await {
        Next::Ask(id, _) => logins.go_on(now, &id, vec![Secret::from(password)]).await,
        other => other,
    }
}

fn is_granted(next: &Next) -> bool {
    matches!(next, Next::Done(Outcome::Granted(_), _))
}

#[tokio::test]
async fn a_login_goes_on_once_by_its_id() {
    let logins = logins(8);
    let id = asked(&logins, NOW, &start("alice", 1)).await;
    assert_eq!(logins.go_on(NOW, "another", Vec::new()).await, Next::Gone);
    let right = || vec![Secret::from("right")];
    assert!(is_granted(&logins.go_on(NOW, &id, right()).await));
    assert_eq!(logins.go_on(NOW, &id, right()).await, Next::Gone);
    // Another number of answers ends it.
    for answers in [Vec::new(), [right(), right()].concat()] {
        let id = asked(&logins, NOW, &start("alice", 1)).await;
        assert_eq!(logins.go_on(NOW, &id, answers).await, Next::Gone);
        assert_eq!(logins.go_on(NOW, &id, right()).await, Next::Gone);
    }
    let late = asked(&logins, NOW, &start("alice", 1)).await;
    assert_eq!(logins.go_on(NOW + 100, &late, right()).await, Next::Gone);
}

/// Checklist: C.19
#[tokio::test]
async fn wrong_passwords_are_slowed_and_the_owner_is_not_locked_out() {
    let logins = logins(8);
    let home = start("alice", 1);
    assert!(is_granted(&tried(&logins, NOW, &home, "right").await));
    let mut tries = 0;
    for host in 2..=255 {
        let next = tried(&logins, NOW, &start("alice", host), "wrong").await;
        tries += usize::from(matches!(next, Next::Done(..)));
    }
    assert!(tries < 30, "{tries}");
    let stranger = tried(&logins, NOW, &start("alice", 9), "right").await;
    assert!(matches!(stranger, Next::Wait(1..=60)), "{stranger:?}");
    assert!(is_granted(&tried(&logins, NOW, &home, "right").await));
    // The same count holds for the grant that has a password.
    let guess = Secret::from("right");
    let next = logins
        .with_password(NOW, &start("alice", 9), guess.clone())
        .await;
    assert!(matches!(next, Next::Wait(_)), "{next:?}");
    assert!(is_granted(&logins.with_password(NOW, &home, guess).await));
}

/// Checklist: C.19
#[tokio::test]
async fn who_is_asked_again_after_a_wrong_password_has_guessed_once() {
    let logins = logins(64);
    let alice = start("alice", 1);
    let again = async || match logins.begin_again(NOW, &alice).await {
        Next::Ask(id, _) => Some(id),
        Next::Wait(_) => None,
        other => panic!("{other:?}"),
    };
    let mut asked = Vec::new();
    for number in 0..6 {
        let next = tried(&logins, NOW, &alice, "wrong").await;
        assert!(matches!(next, Next::Done(..)), "{number}: {next:?}");
        asked.extend(again().await);
    }
    // All but the last left it at that.
    assert_eq!(asked.len(), 5);
    assert!(matches!(logins.begin(NOW, &alice).await, Next::Wait(2)));
    // However many are asked at once, they guess one after the other.
    let mut guesses = Vec::new();
    for id in asked {
        let wrong = vec![Secret::from("wrong")];
        guesses.push(logins.go_on(NOW + 2, &id, wrong).await);
    }
    assert!(matches!(guesses[0], Next::Done(..)), "{guesses:?}");
    let waits = guesses.iter().skip(1);
    assert!(
        waits.clone().all(|next| *next == Next::Wait(4)),
        "{guesses:?}"
    );
}

#[tokio::test]
async fn one_address_does_not_keep_the_others_out() {
    let logins = logins(8);
    let mut first = Vec::new();
    for number in 0..4 {
        first.push(asked(&logins, NOW, &start(&format!("user{number}"), 1)).await);
    }
    // It has its half; there are six, since one is left for those that end, and one for checks.
    for host in [3, 4] {
        asked(&logins, NOW, &start("user", host)).await;
    }
    let busy = Next::Done(Outcome::Refused(Reason::Busy), Vec::new());
    assert_eq!(logins.begin(NOW, &start("more", 1)).await, busy);
    assert!(is_granted(
        &tried(&logins, NOW, &start("alice", 2), "right").await
    ));
    // The oldest has given way, and the others go on.
    let right = || vec![Secret::from("right")];
    assert_eq!(logins.go_on(NOW, &first[0], right()).await, Next::Gone);
    assert!(is_granted(&logins.go_on(NOW, &first[1], right()).await));
    logins.sweep(NOW + 100);
    assert_eq!(logins.go_on(NOW, &first[2], right()).await, Next::Gone);
}
