//! Jump hosts that the user's own configuration brings closer to the token: one that
//! goes by the target's name, and one that jwt-ssh logs in to as well.

use super::hostile::{Hostile, ask, prompts};
use super::{baits, carols, harmless, jwt_ssh, long_token, machine, nothing, piece, target};
use machine::Machine;

/// Carol's ssh_config, and what else she has in ~/.ssh.
fn configure(machine: &Machine, config: &str) {
    machine.write("/home/carol/.ssh/config", config, 0o600);
    let chown = ["chown", "-R", "carol:carol", "/home/carol/.ssh"];
    let _ = machine.run(chown).expect_success();
}

/// Its prompts begin with the target's name, byte for byte, and jwt-ssh is told by who
/// asks: another ssh than its own.
#[test]
fn a_jump_host_that_goes_by_the_targets_name_learns_nothing() {
    let machine = machine();
    let _target = target(&machine);
    let bastion = Hostile::open(&machine, "bastion");
    let key = machine.read("/etc/ssh/bastion_ed25519_key.pub");
    let known_hosts = "/etc/ssh/ssh_known_hosts";
    machine.append(known_hosts, format!("target {key}"));
    configure(&machine, "Host bastion\n  HostKeyAlias target\n");
    let token = long_token(&machine, &["ssh://target"]);
    // So it does ask in that name: this askpass keeps the question.
    let askpass = "#!/bin/sh\nprintf %s \"$1\" >/home/carol/asked\nexit 1\n";
    machine.write("/usr/local/bin/curious", askpass, 0o755);
    bastion.says(&[ask("token: ")]);
    let ssh = carols(&machine, "ssh", &token).env("SSH_ASKPASS", "/usr/local/bin/curious");
    let ssh = ssh.env("SSH_ASKPASS_REQUIRE", "force");
    let _ = ssh.args(["alice@bastion", "id"]).run();
    assert_eq!(machine.read("/home/carol/asked"), "(alice@target) token: ");

    let proxy = "ProxyCommand=ssh -W %h:%p alice@bastion";
    // The shell stays between the two.
    let shell = "ProxyCommand=ssh -W %h:%p alice@bastion; true";
    for jump in [["-J", "alice@bastion"], ["-o", proxy], ["-o", shell]] {
        for bait in baits() {
            bastion.says(&bait);
            let ssh = jwt_ssh(&machine, &token).args(jump);
            let output = ssh.args(["alice@target", "id -un"]).run();
            harmless(&output.stderr);
            assert_eq!(output.expect_success().stdout, "alice\n", "{bait:?}");
            assert_eq!(bastion.heard(), nothing(prompts(&bait)), "{bait:?}");
        }
    }
}

/// Each jwt-ssh answers for the host that it logs in to, with the token that is for it.
#[test]
fn a_jump_host_that_jwt_ssh_logs_in_to_hears_its_own_token_alone() {
    let machine = machine();
    let _target = target(&machine);
    let bastion = Hostile::open(&machine, "bastion");
    let token = long_token(&machine, &["ssh://target"]);
    let proxy = "ProxyCommand=jwt-ssh -W %h:%p alice@bastion";
    for bait in baits() {
        bastion.says(&bait);
        let ssh = jwt_ssh(&machine, &token).args(["-o", proxy]);
        let output = ssh.args(["alice@target", "id -un"]).run();
        harmless(&output.stderr);
        assert_eq!(output.expect_success().stdout, "alice\n", "{bait:?}");
        assert_eq!(bastion.heard(), nothing(prompts(&bait)), "{bait:?}");
    }

    let own = long_token(&machine, &["ssh://bastion"]);
    machine.write("/home/carol/own", &own, 0o600);
    let _ = machine
        .run(["chown", "carol", "/home/carol/own"])
        .expect_success();
    let proxy = "ProxyCommand=jwt-ssh --token-file /home/carol/own -W %h:%p alice@bastion";
    let script = [
        "token: ",
        "token[500]: ",
        "(alice@target) token[1000]: ",
        "(alice@target) token: ",
    ];
    bastion.says(&script.map(ask));
    let ssh = carols(&machine, "jwt-ssh", &token).args(["-o", proxy]);
    let ssh = ssh.args(["alice@target", "id -un"]).run();
    assert_eq!(ssh.expect_success().stdout, "alice\n");
    let [first, second, third] = [0, 500, 1000].map(|offset| piece(&own, offset));
    assert_eq!(bastion.heard(), [first, second, third, Some(Vec::new())]);
}
