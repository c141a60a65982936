//! When an issuer is asked, and how long its keys are good.

use crate::{fetch, issuer_of, machine, number, outcome, stored};

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let machine = machine();
    let issuer = issuer_of(&machine, "jwks_uri = \"https://issuer.test/jwks\"");
    issuer.headers(r#"{"Cache-Control":"max-age=600"}"#);
    let first = fetch(&machine, &["--json"]).expect_success();
    assert_eq!(
        number(&first, "next_at") - number(&first, "checked_at"),
        600
    );
    assert!(number(&first, "clock_ahead").abs() <= 2, "{first}");
    assert_eq!(issuer.requests(), ["/jwks -"]);
    // What it says at each answer counts, and once it is time it is asked.
    issuer.headers(r#"{"Cache-Control":"no-cache"}"#);
    machine.set_clock("+11m");
    let second = fetch(&machine, &["--json"]).expect_success();
    assert!(second.stdout.contains("\"unchanged\""), "{second}");
    assert_eq!(
        number(&second, "next_at") - number(&second, "checked_at"),
        300
    );
    let ahead = number(&second, "clock_ahead");
    assert!((-665..=-655).contains(&ahead), "{second}");
    let requests = issuer.requests();
    assert!(requests[0].starts_with("/jwks \""), "{requests:?}");
    assert_eq!(outcome(&machine, &issuer.token("first", &[])), "allowed");
    // An ETag of what is not there any more is not sent.
    let remove = "rm /var/lib/pam-jwt/fetched/*.keys";
    let _ = machine.run(["sh", "-c", remove]).expect_success();
    let third = fetch(&machine, &["--now"]).expect_success();
    assert!(third.stdout.contains("1 of them new"), "{third}");
    assert_eq!(issuer.requests(), ["/jwks -"]);
}

#[test]
fn keys_that_vanish_stay_for_a_day_and_the_issuer_may_be_gone_for_three() {
    let machine = machine();
    let issuer = issuer_of(&machine, "discover = true");
    issuer.key("second");
    let [first, second] = ["first", "second"].map(|kid| issuer.token(kid, &["--lifetime", "7d"]));
    let _ = fetch(&machine, &[]).expect_success();
    assert_eq!(outcome(&machine, &second), "key_unknown");
    issuer.publish(&["second"]);
    let rotated = fetch(&machine, &["--now"]).expect_success();
    assert!(
        rotated.stdout.contains("2 keys, 1 of them new"),
        "{rotated}"
    );
    for (clock, of_first) in [("+23h", "allowed"), ("+25h", "key_unknown")] {
        machine.set_clock(clock);
        let later = fetch(&machine, &[]).expect_success();
        assert!(later.stdout.contains("unchanged"), "{later}");
        assert_eq!(outcome(&machine, &first), of_first, "{clock}");
        assert_eq!(outcome(&machine, &second), "allowed");
    }
    assert!(!stored(&machine, "state").contains("first"));
    issuer.stop();
    for (clock, of_second) in [("+96h", "allowed"), ("+98h", "keys_too_old")] {
        machine.set_clock(clock);
        let _ = fetch(&machine, &[]).expect_code(1);
        assert_eq!(outcome(&machine, &second), of_second, "{clock}");
    }
    issuer.listen();
    let _ = fetch(&machine, &["--now"]).expect_success();
    assert_eq!(outcome(&machine, &second), "allowed");
}
