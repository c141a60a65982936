//! Two replicas on one PostgreSQL.

use super::{installed, is_active, revoke, token};
use machine::{AuthServer, Postgresql, wait_until};

/// What one takes back is good nowhere soon after.
///
/// Checklist: C.15
#[test]
fn what_one_replica_takes_back_the_other_knows() {
    let machine = installed();
    let database = Postgresql::start(&machine);
    let one = AuthServer::on(&machine).postgresql(&database).start();
    let other = one.replica(1);
    for (one, other) in [(&one, &other), (&other, &one)] {
        let token = token(one).expect("a token");
        assert!(is_active(one, &token) && is_active(other, &token));
        assert!(revoke(one, "service", &token));
        assert!(!is_active(one, &token));
        wait_until("the other replica knows", || !is_active(other, &token));
    }
}
