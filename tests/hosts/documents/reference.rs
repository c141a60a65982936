//! The documents that explain: what of them is typed is typed on a host and a laptop.

use super::player::Player;
use super::{knows, network, page};
use machine::Machine;

#[test]
fn what_is_explained_is_so() {
    let [web1, laptop] = ["web1", "laptop"].map(Machine::boot_named);
    network(&[&web1, &laptop]);
    for machine in [&web1, &laptop] {
        machine.install();
        machine.account("alice");
    }
    let init = ["pam-jwt", "init", "--issuer", "https://web1.example.org"];
    web1.run(init).expect_success();
    web1.pam_line("sshd", "auth sufficient pam_jwt.so");
    let listen = [
        "ListenAddress 10.0.1.1",
        "Port 2222",
        "Subsystem sftp internal-sftp",
    ];
    let _sshd = web1.sshd(&listen);
    let key = web1.read("/etc/ssh/web1_ed25519_key.pub");
    web1.write("/etc/ssh/ssh_host_ed25519_key.pub", &key, 0o644);
    knows(&laptop, &[&web1]);
    let port = format!("[web1]:2222 {key}");
    laptop.append("/etc/ssh/ssh_known_hosts", port);

    // What alice has already.
    let token = web1.token(["alice"]);
    web1.write("/root/token", &token, 0o600);
    laptop.write_as("alice", "/home/alice/token", token, 0o600);
    laptop.write_as("alice", "/home/alice/notes.txt", "notes\n", 0o644);
    let project = "git init --quiet /home/alice/project && chown -R alice: /home/alice/project";
    web1.run(["sh", "-c", project]).expect_success();

    let mut player = Player::new(&[&web1, &laptop]);
    for document in [
        page!("services.md"),
        page!("logging-in.md"),
        page!("refused.md"),
        page!("still-good.md"),
        page!("issuers.md"),
    ] {
        player.play(document, |path, text| {
            assert_eq!(path, "pod.yaml");
            laptop.write("/run/pod.yaml", text, 0o644);
            let parse = "import sys\nfrom ruamel.yaml import YAML\n\
                [_] = YAML(typ='safe').load(open(sys.argv[1]))['volumes']";
            let parse = ["python3", "-c", parse, "/run/pod.yaml"];
            laptop.python(&parse).run().expect_success();
        });
    }
}
