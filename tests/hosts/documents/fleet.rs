//! A fleet: the authorization server on one Debian, two hosts that are Debians too, and a laptop.

use super::player::{Answer, Player};
use super::{administers, host, knows, network, page};
use machine::Machine;

const PASSWORD: &str = "correct horse battery";

#[test]
fn a_fleet_logs_in_with_the_tokens_of_one_machine() {
    let [login, web1, web2] = ["login", "web1", "web2"].map(|name| host("bookworm", name));
    let laptop = Machine::boot_named("laptop");
    laptop.install();
    network(&[&login, &web1, &web2, &laptop]);
    for machine in [&login, &web1, &web2, &laptop] {
        machine.account("alice");
        machine.account("bob");
    }
    login.password("alice", PASSWORD);
    administers(&login, &[&web1, &web2]);
    knows(&laptop, &[&web1, &web2]);

    // The server's name and certificate.
    for (machine, address) in [
        (&web1, "10.0.1.1"),
        (&web2, "10.0.2.1"),
        (&laptop, "10.0.3.1"),
    ] {
        machine.append("/etc/hosts", format!("{address} login.example.org\n"));
    }
    let (chain, key) = laptop.certificate("login.example.org");
    login.write("/etc/pam-jwt/tls/chain.pem", laptop.read(&chain), 0o644);
    login.write("/etc/pam-jwt/tls/key.pem", laptop.read(&key), 0o600);
    let authority = laptop.read("/run/certificates/ca.pem");
    for machine in [&web1, &web2] {
        machine.write("/etc/ssl/certs/ca-certificates.crt", &authority, 0o644);
    }

    let confirm = |address: &str| {
        let (_, code) = address.split_once('=').expect("the code");
        let shown = laptop.confirm_device(address, code, "alice", PASSWORD);
        assert!(shown.contains("Your device is logged in"), "{shown}");
    };
    let player = Player::new(&[&login, &web1, &web2, &laptop]);
    let mut player = player
        .answer("Enter host password for user 'backup':", Answer::Secret)
        .at_page("https://login.example.org/device?user_code=", confirm);
    player.play(page!("fleet.md"), |_, _| {});
    player.play(page!("authorization-server.md"), |_, _| {});
}
