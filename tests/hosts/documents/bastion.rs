//! A bastion and a host behind it, as Debians, and a laptop.

use super::player::{Answer, Player};
use super::{administers, host, knows, network, page};
use machine::Machine;

#[test]
fn people_go_through_a_bastion_and_on_from_it() {
    let [bastion, db1] = ["bastion", "db1"].map(|name| host("trixie", name));
    let laptop = Machine::boot_named("laptop");
    laptop.install();
    network(&[&bastion, &db1, &laptop]);
    for machine in [&bastion, &db1, &laptop] {
        machine.account("alice");
        machine
            .run(["usermod", "--shell", "/bin/bash", "alice"])
            .expect_success();
    }
    bastion.password("alice", "correct horse");
    administers(&bastion, &[&db1]);
    knows(&laptop, &[&bastion, &db1]);
    // The laptop reaches db1 by way of the bastion alone.
    laptop.run(["ip", "link", "delete", "db1"]).expect_success();

    let question = "(alice@bastion) Password or token:";
    let player = Player::new(&[&bastion, &db1, &laptop]);
    let mut player = player.answer(question, Answer::Text("correct horse"));
    player.play(page!("bastion.md"), |_, _| {});
}
