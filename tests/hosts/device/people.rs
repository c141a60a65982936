//! A person at a terminal, with a telephone: the code is read off a picture of the terminal, and
//! confirmed at the pages of an issuer that this project did not write.

use crate::world::World;
use machine::{Machine, PROVIDER, Provider, SECRET, Terminal};

/// The issuer's file, its keys fetched.
fn trust(world: &World) {
    let machine = &world.machine;
    let secret = "/etc/pam-jwt/private/client.secret";
    machine.write(secret, format!("{SECRET}\n"), 0o600);
    let text = format!(
        "issuer = \"{PROVIDER}\"\naudience = [\"ssh://{{hostname}}\"]\ndiscover = true\n\
         [device]\nclient_id = \"pam-jwt\"\nclient_secret_file = \"{secret}\"\nscope = \"openid\"\n\
         resource = \"ssh://{{hostname}}\"\n\
         [[allow]]\naccount = \"{{sub}}\"\nservices = [\"sshd\", \"su\"]\n"
    );
    machine.write(crate::world::FILE, text, 0o644);
    let _ = machine.run(["pam-jwt-fetch", "--now"]).expect_success();
}

/// What is in the picture of the terminal, whatever its colours are; with an address that has
/// the code in it nobody types anything.
fn read_off(machine: &Machine, terminal: &Terminal) -> String {
    let printed = terminal.printed();
    let address = machine.scan(&printed);
    assert!(address.starts_with(PROVIDER), "{address:?} in\n{printed}");
    address
}

/// The code that is said in words.
fn code(terminal: &mut Terminal) -> String {
    let line = terminal.expect("Open https://").until(" there");
    let code = line.rsplit(' ').next().expect("a code");
    code.to_owned()
}

#[test]
fn the_qr_code_is_read_off_the_terminal_and_confirmed_in_a_browser() {
    let world = World::new();
    let machine = &world.machine;
    let provider = Provider::start(machine, "{ \"interval\": 1 }");
    trust(&world);

    let mut su = world.su("alice");
    let code_of_su = code(&mut su);
    let address = read_off(machine, &su);
    assert!(address.ends_with(&code_of_su), "{address} {code_of_su}");
    provider.confirm_device(&address, &code_of_su, "alice");
    su.expect("I am alice");
    let _ = su.wait().expect_success();

    // The person at the browser is another one than the account is for.
    let mark = machine.mark();
    let mut su = world.su("alice");
    let code_of_su = code(&mut su);
    provider.confirm_device(&format!("{PROVIDER}/device"), &code_of_su, "bob");
    su.expect("Authentication failure");
    drop(su);
    machine.wait_for_log(mark, "reason=account_not_allowed account=alice service=su");

    // Nor is it confirmed where it is refused.
    let mark = machine.mark();
    let mut su = world.su("alice");
    let code_of_su = code(&mut su);
    provider.abort_device(&format!("{PROVIDER}/device"), &code_of_su, "alice");
    su.expect("The login was refused there.");
    drop(su);
    machine.wait_for_log(mark, "reason=device_denied account=alice service=su");

    // A client of ssh has nothing but its terminal's own colours.
    let _sshd = machine.sshd(&["PasswordAuthentication no"]);
    for client in ["ssh", "jwt-ssh"] {
        let mut ssh = machine
            .command([client, "-o", "StrictHostKeyChecking=no"])
            .args(["-o", "LogLevel=ERROR", "-o", "UserKnownHostsFile=/dev/null"])
            .args(["alice@127.0.0.1", "id -un"])
            .terminal();
        ssh.expect("Password or token: ").send_line("");
        let code_of_ssh = code(&mut ssh);
        ssh.expect("then press Enter: ");
        let address = read_off(machine, &ssh);
        provider.confirm_device(&address, &code_of_ssh, "alice");
        ssh.send_line("").expect("alice\r\n");
        let _ = ssh.wait().expect_success();
    }
    world.expect_no_helper();
}
