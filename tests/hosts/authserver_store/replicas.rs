//! Two replicas on one PostgreSQL.

use super::load::{Answered, at_once};
use super::{allow, installed, is_active, is_refused, redeem, refresh, revoke, token, tokens};
use machine::{AuthServer, Postgresql, wait_until};

const CALLERS: usize = 20;

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

/// The tokens of the one whom the code or refresh token was good for; everybody else was refused.
fn the_one(answers: &[Option<Answered>]) -> (String, String) {
    let (done, refused): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer.as_ref().is_some_and(|answer| answer.status == 200));
    assert_eq!(done.len(), 1, "one code was redeemed {} times", done.len());
    assert!(
        refused
            .into_iter()
            .all(|answer| is_refused(answer.as_ref()))
    );
    tokens(done[0].as_ref().expect("an answer"))
}

/// Twenty at the same moment, half of them at either replica: one has its tokens, and since
/// the others came again, those are taken back, at both.
///
/// Checklist: C.8, C.11
#[test]
fn one_code_and_one_refresh_token_at_two_replicas_are_good_once() {
    let machine = installed();
    let database = Postgresql::start(&machine);
    let one = AuthServer::on(&machine).postgresql(&database).start();
    let other = one.replica(1);
    let replica = |caller: usize| {
        if caller.is_multiple_of(2) {
            &one
        } else {
            &other
        }
    };
    let gone = |token: &str| {
        wait_until("both replicas know", || {
            !is_active(&one, token) && !is_active(&other, token)
        });
    };
    let codes: Vec<String> = (0..20).map(|number| format!("code-{number}")).collect();
    let sql = |sql: &str| drop(database.query(sql));
    allow(&machine, &sql, &codes);
    for (number, code) in codes.iter().enumerate() {
        if number % 2 == 0 {
            let answers = at_once(CALLERS, |caller| redeem(replica(caller), code));
            let (access, old) = the_one(&answers);
            gone(&access);
            assert!(is_refused(refresh(&one, &old).as_ref()));
        } else {
            let (first, old) = tokens(&redeem(&one, code).expect("an answer"));
            let answers = at_once(CALLERS, |caller| refresh(replica(caller), &old));
            let (second, new) = the_one(&answers);
            gone(&first);
            gone(&second);
            assert!(is_refused(refresh(&other, &new).as_ref()));
        }
    }
}
