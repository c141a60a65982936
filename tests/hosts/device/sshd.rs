//! sshd: what a user sees who logs in with a browser, and what nobody is to see.

use crate::issuer::{ADDRESS, CODE, begins};
use crate::world::World;
use machine::{Login, Machine};

/// By keyboard-interactive, with nothing behind the first prompt and Enter at the second one.
fn login(world: &World, account: &str) -> Login {
    let ssh = world.machine.ssh(account).answers(["", ""]);
    ssh.kbdint().command("id -un")
}

#[test]
fn an_older_sshd_shows_it_in_a_prompt() {
    let world = World::new();
    let _sshd = world.machine.sshd(&["PasswordAuthentication no"]);
    world.confirms("alice");
    let login = login(&world, "alice");
    println!("{login}");
    assert_eq!(login.stdout, "alice\n", "{login}");
    let _ = (ADDRESS, CODE, begins(1));
}

#[test]
fn a_newer_sshd_shows_it_at_once() {
    let world = World::of(Machine::boot_other_debian());
    let _sshd = world.machine.sshd(&["PasswordAuthentication no"]);
    world.confirms("alice");
    let login = login(&world, "alice");
    println!("{login}");
    assert_eq!(login.stdout, "alice\n", "{login}");
}
