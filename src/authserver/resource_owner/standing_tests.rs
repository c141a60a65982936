//! Accounts whose owners are not there, from a monitor that stands in for PAM. (PAM itself is in
//! tests/hosts.)

use super::*;
use crate::serve::channel::{Received, receive};
use crate::testing::{Account, monitor};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

const NOW: u64 = 1_800_000_000;
const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

fn owners(channel: Arc<UnixStream>, most: usize) -> Owners {
    Owners::new(channel, most, Duration::from_secs(100))
}

fn standing() -> (Standing, Arc<Mutex<Account>>) {
    let account = Arc::default();
    (Standing::new(owners(monitor(&account), 8)), account)
}

#[tokio::test]
async fn what_passed_counts_for_a_minute_for_that_account_and_address() {
    let (standing, account) = standing();
    for (name, rhost, now, asked) in [
        ("alice", HOME, NOW, 1),
        ("alice", HOME, NOW, 1),
        ("alice", HOME, NOW + FRESH - 1, 1),
        ("bob", HOME, NOW, 2),
        ("Alice", HOME, NOW, 3),
        ("alice", ELSEWHERE, NOW, 4),
        // Asking did not make it last.
        ("alice", HOME, NOW + FRESH, 5),
        // The clock was set back.
        ("alice", HOME, NOW, 6),
    ] {
        assert_eq!(standing.is_good(now, name, rhost).await, Ok(true));
        assert_eq!(account.lock().unwrap().asked, asked, "{name} {rhost} {now}");
    }
}

#[tokio::test]
async fn an_account_that_was_locked_is_refused_after_a_minute_and_each_time() {
    let (standing, account) = standing();
    assert_eq!(standing.is_good(NOW, "alice", HOME).await, Ok(true));
    account.lock().unwrap().refused = Some(Reason::AccountExpired);
    assert_eq!(standing.is_good(NOW + 59, "alice", HOME).await, Ok(true));
    for now in [NOW + 60, NOW + 60, NOW + 600] {
        assert_eq!(standing.is_good(now, "alice", HOME).await, Ok(false));
    }
    // That is not remembered.
    account.lock().unwrap().refused = None;
    assert_eq!(standing.is_good(NOW + 600, "alice", HOME).await, Ok(true));
    assert_eq!(account.lock().unwrap().asked, 5);
}

#[tokio::test]
async fn a_reason_is_the_accounts_or_a_fault_that_passes() {
    let (standing, account) = standing();
    for reason in Reason::ALL {
        account.lock().unwrap().refused = Some(*reason);
        let answer = standing.is_good(NOW, "alice", HOME).await;
        let expected = match reason.code() {
            "busy" | "unavailable" | "timed_out" | "account_lookup_failed" => None,
            _ => Some(false),
        };
        assert_eq!(answer.as_ref().ok(), expected.as_ref(), "{reason:?}");
        assert!(answer.err().is_none_or(|fault| fault.passing), "{reason:?}");
    }
}

#[tokio::test]
async fn a_monitor_that_is_gone_lets_nobody_pass() {
    let (channel, monitor) = UnixStream::pair().unwrap();
    drop(monitor);
    let standing = Standing::new(owners(Arc::new(channel), 8));
    let fault = standing.is_good(NOW, "alice", HOME).await.unwrap_err();
    assert!(fault.passing && fault.message.contains("unavailable"));
}

#[tokio::test]
async fn a_stack_that_does_not_end_lets_nobody_pass() {
    let (channel, monitor) = UnixStream::pair().unwrap();
    let mut standing = Standing::new(owners(Arc::new(channel), 8));
    standing.time = Duration::from_millis(1);
    let fault = standing.is_good(NOW, "alice", HOME).await.unwrap_err();
    assert!(fault.passing && fault.message.contains("timed_out"));
    let asked = receive(&monitor).unwrap();
    assert!(matches!(asked, Received::Request(..)), "{asked:?}");
}

#[tokio::test]
async fn logins_and_checks_leave_each_other_their_share() {
    let (channel, _monitor) = UnixStream::pair().unwrap();
    let owners = owners(Arc::new(channel), 8);
    let turn = owners.turn().await.unwrap();
    let mut standing = Standing::new(owners.clone());
    standing.time = Duration::from_millis(1);
    assert!(standing.is_good(NOW, "alice", HOME).await.is_err());
    // However many checks there are, logins are as many as ever.
    let login = Start {
        account: "bob".to_owned(),
        rhost: HOME,
        purpose: Purpose::Page,
    };
    let mut logins = Vec::new();
    for _ in 0..6 {
        logins.push(owners.start(&login).await.unwrap());
    }
    assert_eq!(owners.start(&login).await.err(), Some(Reason::Busy));
    // And however many logins there are, an account is checked.
    drop(turn);
    assert!(owners.turn().await.is_ok());
}
