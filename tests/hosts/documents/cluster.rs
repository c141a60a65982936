//! A cluster: Slurm's daemons on two machines, data on a third, and an issuer of the WLCG's.

use super::mint::Key;
use super::player::{Answer, Player};
use super::{administers, enable, knows, network, page, publish};
use jsonwebtoken::Algorithm;
use machine::{Machine, Sshd, Terminal};
use serde_json::json;
use std::time::SystemTime;

const ISSUER: &str = "https://dune-auth.example.org/";

/// What a site has anyway. Nobody's processes are followed by control groups here.
const SLURM: &str = "ClusterName=test
SlurmctldHost=login1
SlurmUser=slurm
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_res
ReturnToService=2
MailProg=/bin/true
NodeName=node1 CPUs=1 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
";

#[test]
fn a_cluster_takes_tokens_at_its_hosts_and_in_its_jobs() {
    let [login1, node1, data1, laptop, outside] =
        ["login1", "node1", "data1", "laptop", "outside"].map(Machine::boot_named);
    let all = [&login1, &node1, &data1, &laptop, &outside];
    network(&all);
    for machine in all {
        machine.install();
        machine.account("alice");
        machine.account("bob");
        machine.account("carol");
        machine
            .run(["usermod", "--shell", "/bin/bash", "alice"])
            .expect_success();
    }
    login1.password("alice", "correct horse");
    data1.write("/home/alice/input", "1\n2\n3\n", 0o644);
    data1
        .run(["chown", "alice", "/home/alice"])
        .expect_success();
    let _sshds = [sshd(&login1), sshd(&data1)];
    administers(&login1, &[&data1]);
    for machine in [&login1, &node1, &laptop] {
        knows(machine, &[&login1, &data1]);
    }
    slurm(&login1, &node1);
    let _issuer = virtual_organisation(&outside, &data1, &laptop);

    let question = "(alice@login1) Password or token:";
    let player = Player::new(&all);
    let mut player = player.answer(question, Answer::Text("correct horse"));
    player.play(page!("cluster.md"), |_, _| {});
}

/// sshd for all that reach the machine, with its line for tokens.
fn sshd(machine: &Machine) -> Sshd<'_> {
    let init = ["pam-jwt", "init", "--issuer", "https://unused.example.org"];
    machine.run(init).expect_success();
    enable(machine);
    let listen = "ip -oneline -4 address show scope global | awk '{ print \"ListenAddress\", $4 }'";
    let listen = machine.run(["sh", "-c", listen]).expect_success().stdout;
    let listen: Vec<&str> = listen
        .lines()
        .map(|line| line.split('/').next().unwrap_or(line))
        .collect();
    let sshd = machine.sshd(&listen);
    let key = format!("/etc/ssh/{}_ed25519_key.pub", machine.name());
    machine.write(
        "/etc/ssh/ssh_host_ed25519_key.pub",
        machine.read(&key),
        0o644,
    );
    sshd
}

/// Slurm as a site has it: munge on both, the controller on one and a node on the other.
fn slurm(controller: &Machine, node: &Machine) {
    let munge = "install -d -o munge -g munge /run/munge
        install -d -o slurm -g slurm /run/slurm /var/lib/slurm /var/lib/slurm/slurmctld
        setpriv --reuid munge --regid munge --init-groups munged --force";
    for machine in [controller, node] {
        machine.write("/etc/slurm/slurm.conf", SLURM, 0o644);
        machine.run(["sh", "-ec", munge]).expect_success();
    }
    controller.run(["slurmctld"]).expect_success();
    node.run(["slurmd"]).expect_success();
    controller.wait_until("sinfo --noheader --format %T | grep -x idle");
}

/// Publishes the issuer's keys for data1, and has carol's tools get a token.
fn virtual_organisation(outside: &Machine, data1: &Machine, laptop: &Machine) -> Terminal {
    let key = Key::new(outside, "vo", Algorithm::RS256, "rsa1");
    let web = json!({
        format!("{ISSUER}.well-known/openid-configuration"):
            { "issuer": ISSUER, "jwks_uri": format!("{ISSUER}jwk") },
        format!("{ISSUER}jwk"): { "keys": [key.jwk] },
    });
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.expect("a clock").as_secs();
    let claims = json!({
        "wlcg.ver": "1.0", "sub": "e1eb758b-b73c-4761-bfff-adc793da409c", "aud": "ssh://data1",
        "iss": ISSUER, "iat": now, "nbf": now, "exp": now + 3600, "jti": "aef94c8c",
        "scope": "wlcg.groups:/dune/operators storage.read:/dune",
        "wlcg.groups": ["/dune/operators"],
    });
    let token = key.sign(&json!({ "typ": "at+jwt" }), &claims);
    let id = laptop.run(["id", "-u", "carol"]).expect_success().stdout;
    laptop.write_as("carol", &format!("/tmp/bt_u{}", id.trim()), token, 0o600);
    publish(outside, &web, &[(data1, "10.2.4.2")])
}
