//! su, sudo and login, which show text as it comes.

use crate::issuer::{ADDRESS, CODE};
use crate::world::World;

fn audit(service: &str, rest: &str) -> String {
    format!("pam_jwt({service}:auth): result={rest}")
}

#[test]
fn a_login_that_is_confirmed_elsewhere_opens_su() {
    let world = World::new();
    let mark = world.machine.mark();
    let mut su = world.su("alice");
    let line = format!("Open {ADDRESS} in any browser and confirm the code {CODE} there.");
    su.expect(&line);
    world.confirms("alice");
    su.expect("I am alice");
    let output = su.wait().expect_success();
    println!("{output}");
    let line = audit("su", "accepted reason=allowed account=alice service=su");
    world.machine.wait_for_log(mark, &line);
    world.expect_no_helper();
}
