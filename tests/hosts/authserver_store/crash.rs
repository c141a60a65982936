//! SIGKILL under load: nothing that was acknowledged is lost.

use super::load::under_load;
use super::{
    allow, is_active, is_refused, place, redeem, refresh, revoke, token, tokens, with_both,
};
use machine::wait_until;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

const CALLERS: usize = 6;
const ROUNDS: usize = 3;
/// Acknowledged revocations before each kill.
const ENOUGH: usize = 40;

/// Every revocation that was acknowledged holds, and no two tokens have the same place in the
/// status lists, over several kills.
///
/// Checklist: C.15
#[test]
fn what_was_acknowledged_survives_sigkill() {
    with_both(|server, _| {
        let mut places = BTreeSet::new();
        let mut revoked = Vec::new();
        let mut others = Vec::new();
        for _ in 0..ROUNDS {
            let acknowledged = AtomicUsize::new(0);
            let seen = under_load(
                CALLERS,
                |_, enough| {
                    let mut seen = Vec::new();
                    while !enough.load(Ordering::Relaxed) {
                        let Some(token) = token(server) else { continue };
                        let taken = revoke(server, "service", &token);
                        if taken {
                            acknowledged.fetch_add(1, Ordering::Relaxed);
                        }
                        seen.push((token, taken));
                        seen.extend(super::token(server).map(|other| (other, false)));
                    }
                    seen
                },
                || {
                    let many = || acknowledged.load(Ordering::Relaxed) >= ENOUGH;
                    wait_until("many revocations are acknowledged", many);
                    server.kill();
                },
            );
            server.again();
            for (token, taken) in seen {
                assert!(places.insert(place(&token)), "two tokens have one place");
                if taken { &mut revoked } else { &mut others }.push(token);
            }
        }
        assert!(revoked.len() >= ROUNDS * ENOUGH);
        for token in &revoked {
            assert!(
                !is_active(server, token),
                "an acknowledged revocation is lost"
            );
        }
        // Whose revocation was not acknowledged may be either; the last of all was not asked for.
        assert!(others.iter().any(|token| is_active(server, token)));
        server.kill();
        server.again();
        assert!(revoked.iter().all(|token| !is_active(server, token)));
    });
}

/// Every code and every refresh token that was acknowledged to be used stays so.
///
/// Checklist: C.8, C.11
#[test]
fn what_was_used_stays_used_after_sigkill() {
    with_both(|server, sql| {
        let codes: Vec<String> = (0..400).map(|number| format!("code-{number}")).collect();
        allow(server.machine(), sql, &codes);
        let next = AtomicUsize::new(0);
        let acknowledged = AtomicUsize::new(0);
        let mut places = BTreeSet::new();
        for round in 1..=ROUNDS {
            let used = under_load(
                CALLERS,
                |_, enough| {
                    let mut used = Vec::new();
                    while !enough.load(Ordering::Relaxed) {
                        let Some(code) = codes.get(next.fetch_add(1, Ordering::Relaxed)) else {
                            break;
                        };
                        let Some(answer) = redeem(server, code) else {
                            // It was killed; the other codes are for the next round.
                            break;
                        };
                        let (first, old) = tokens(&answer);
                        let rotated = refresh(server, &old).map(|answer| tokens(&answer));
                        if rotated.is_some() {
                            acknowledged.fetch_add(1, Ordering::Relaxed);
                        }
                        used.push((code, first, old, rotated));
                    }
                    used
                },
                || {
                    let many = || acknowledged.load(Ordering::Relaxed) >= round * 20;
                    wait_until("many refresh tokens are used", many);
                    server.kill();
                },
            );
            server.again();
            for (code, first, old, rotated) in used {
                assert!(places.insert(place(&first)), "two tokens have one place");
                if let Some((second, _)) = rotated {
                    assert!(is_active(server, &first) && is_active(server, &second));
                    assert!(is_refused(refresh(server, &old).as_ref()), "{code}");
                    // And whoever has come again has ended all that came of it.
                    assert!(!is_active(server, &first) && !is_active(server, &second));
                    assert!(places.insert(place(&second)), "two tokens have one place");
                }
                assert!(is_refused(redeem(server, code).as_ref()), "{code}");
                assert!(!is_active(server, &first), "{code}");
            }
        }
    });
}
