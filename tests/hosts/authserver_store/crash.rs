//! SIGKILL under load: nothing that was acknowledged is lost.

use super::load::under_load;
use super::{is_active, place, revoke, token, with_both};
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
    with_both(|_, server| {
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
