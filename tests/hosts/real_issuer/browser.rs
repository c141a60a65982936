//! A login that is confirmed in a browser.

use crate::{issuer_file, of_password, sockets};
use machine::{Machine, PROVIDER, Provider, SECRET, Terminal};

const DEVICE: &str = r#"[device]
client_id = "pam-jwt"
client_secret_file = "/etc/pam-jwt/client-secret"
scope = "openid"
resource = "ssh://{hostname}"
"#;

/// Has people log in with a browser here.
pub fn trust(machine: &Machine) {
    machine.write("/etc/pam-jwt/client-secret", SECRET, 0o600);
    issuer_file(machine, "", DEVICE);
    let keys = ["pam-jwt-fetch", "--now"];
    machine.run(keys).expect_success();
}

/// ssh to alice's account, on a terminal, up to where something is to be confirmed.
pub fn ssh(machine: &Machine) -> Terminal {
    let ssh = "ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o PreferredAuthentications=keyboard-interactive alice@127.0.0.1 echo I am $(id -un)";
    let mut ssh = machine.terminal(ssh.split(' '));
    ssh.expect("Password or token: ").send_line("");
    ssh.expect("then press Enter: ");
    ssh
}

/// alice reads on the terminal what is to be done, and does it.
pub fn confirm(provider: &Provider, terminal: &Terminal) {
    let printed = terminal.printed();
    let code = printed
        .split("confirm the code ")
        .last()
        .unwrap_or_default();
    let code = code.split(' ').next().unwrap_or_default();
    let address = format!("{PROVIDER}/device");
    assert!(
        printed.contains(&format!("Open {address} in any browser")),
        "{printed}"
    );
    provider.confirm_device(&address, code, "alice");
}

#[test]
fn sshd_has_no_socket_for_it() {
    let machine = Machine::ready();
    let provider = Provider::start(&machine, r#"{ "interval": 1 }"#);
    trust(&machine);
    let sshd = machine.sshd(&[]);
    let watch = sockets::watch(&machine, &sshd);
    let mut login = ssh(&machine);
    confirm(&provider, &login);
    login.send_line("");
    let login = login.wait();
    assert!(login.stdout.contains("I am alice"), "{login}");
    let of_login = watch.end();
    assert!(of_login.reach_the_provider(), "{of_login:#?}");
    assert_eq!(of_login.of("sshd"), of_password(&machine, &sshd));
}
