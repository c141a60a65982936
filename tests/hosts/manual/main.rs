//! Manual pages, completions and the examples of --help: all of them from the
//! definitions of the command line, as they were installed.

mod completions;
mod pages;

use machine::{AuthServer, Command, Issuer, Machine, Output, Provider, tell};

/// A command whose definitions all of this is made from.
struct Documented {
    name: &'static str,
    /// The section of the manual.
    section: char,
    /// How many pages it has at least.
    pages: usize,
    /// How wide a page is at most, where its lines are to fit a terminal.
    width: Option<usize>,
}

const PAM_JWT: Documented = Documented {
    name: "pam-jwt",
    section: '8',
    pages: 18,
    width: None,
};

const PAM_JWT_FETCH: Documented = Documented {
    name: "pam-jwt-fetch",
    section: '8',
    pages: 3,
    width: None,
};

const JWT_SSH: Documented = Documented {
    name: "jwt-ssh",
    section: '1',
    pages: 7,
    width: Some(80),
};

const PAM_JWT_AUTHSERVER: Documented = Documented {
    name: "pam-jwt-authserver",
    section: '8',
    pages: 4,
    width: None,
};

const DOCUMENTED: [Documented; 4] = [PAM_JWT, PAM_JWT_FETCH, PAM_JWT_AUTHSERVER, JWT_SSH];

fn installed() -> Machine {
    let machine = Machine::boot();
    machine.install();
    machine
}

fn help(machine: &Machine, command: &Documented, subcommand: &[String]) -> String {
    let command = machine.command([command.name]);
    let command = command.args(subcommand).arg("--help");
    command.run().expect_success().stdout
}

/// The lines of a section of --help.
fn section<'a>(help: &'a str, heading: &str) -> Vec<&'a str> {
    help.lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .filter(|line| !line.is_empty())
        .collect()
}

/// Every subcommand with the words that lead to it, the command itself first.
fn subcommands(machine: &Machine, command: &Documented) -> Vec<Vec<String>> {
    let mut found = vec![Vec::new()];
    let mut at = 0;
    while let Some(above) = found.get(at).cloned() {
        for line in section(&help(machine, command, &above), "Commands:") {
            // What is indented further continues the line above.
            let name = line[2..].split(' ').next().expect("a name");
            if !name.is_empty() && name != "help" {
                found.push([above.as_slice(), &[name.to_owned()]].concat());
            }
        }
        at += 1;
    }
    found
}

/// Examples that take a booted machine, which the test `enable` has and where it plays them.
const PLAYED_THERE: [&str; 2] = ["pam-jwt enable sshd --try 60s", "pam-jwt confirm"];

/// Plays each example of --help, which has to succeed.
fn play_examples(machine: &Machine, command: &Documented, mut play: impl FnMut(&str) -> Output) {
    let mut played = 0;
    for subcommand in subcommands(machine, command) {
        let help = help(machine, command, &subcommand);
        let examples = section(&help, "Examples:");
        assert!(!examples.is_empty(), "no examples:\n{help}");
        let examples = examples.iter().map(|line| line.trim());
        let here = |line: &&str| !line.starts_with('#') && !PLAYED_THERE.contains(line);
        for example in examples.filter(here) {
            let _ = play(example).expect_success();
            played += 1;
        }
    }
    tell(&format!("{}: {played} examples", command.name));
}

/// A script in the home of whoever plays it.
fn script<'m>(machine: &'m Machine, script: &str) -> Command<'m> {
    let script = format!("cd; {script}");
    machine.command(["bash", "-e", "-o", "pipefail", "-c", &script])
}

#[test]
fn the_examples_of_help_do_what_they_say() {
    let machine = installed();
    for account in ["alice", "deploy"] {
        machine.account(account);
    }
    let root = |text: &str| script(&machine, text).run();
    let _ = root("ssh-keygen -q -t ed25519 -N '' -f id_ed25519").expect_success();
    play_examples(&machine, &PAM_JWT, |example| {
        if example.starts_with("pam-jwt trust gitlab --force") {
            // The examples behind it are for a machine that trusts one issuer.
            let output = root(example);
            let _ = root("rm /etc/pam-jwt/issuers.d/gitlab.toml").expect_success();
            return output;
        }
        if example == "pam-jwt doctor" {
            // Until a line in pam.d takes tokens it has something to say.
            let _ = root("pam-jwt enable sshd").expect_success();
        }
        if !example.starts_with("pam-jwt init") {
            return root(example);
        }
        // Which is for a machine that has not been set up.
        let _ = root("rm -rf /etc/pam-jwt").expect_success();
        let output = root(example);
        let _ = root("pam-jwt issue alice > token").expect_success();
        output
    });
}

/// On a host that goes by the name in the examples, and by that of the subcommand.
#[test]
fn the_examples_of_jwt_ssh_do_what_they_say() {
    let machine = Machine::ready();
    let names = ["web1.example.org", "status"];
    let _sshds = names.map(|name| machine.sshd_of(name, "sshd", &["Port 2222"]));
    let audiences = ["machine", "web1.example.org", "status"].map(|name| format!("ssh://{name}"));
    let audiences = audiences
        .iter()
        .flat_map(|audience| ["--audience", audience]);
    let token = machine.token(std::iter::once("alice").chain(audiences));
    machine.write_as("alice", "/home/alice/token", format!("{token}\n"), 0o600);
    let get_token = "#!/bin/sh\n[ \"$*\" = ssh://web1.example.org ] && exec cat ~/token\n";
    machine.write("/usr/local/bin/get-token", get_token, 0o755);
    let provider = Provider::start(&machine, "{ \"interval\": 1 }");
    let _server = own_server(&machine);
    play_examples(&machine, &JWT_SSH, |example| {
        let alices = script(&machine, example).user("alice");
        if example.starts_with("jwt-ssh login") {
            return log_in(&provider, alices);
        }
        // Found where tools look, unless the example says where.
        if example.contains("--token-") {
            return alices.run();
        }
        alices.env("BEARER_TOKEN_FILE", "/home/alice/token").run()
    });
}

/// The pam-jwt-authserver of the machine itself, whose tokens its hosts take.
fn own_server(machine: &Machine) -> AuthServer<'_> {
    let scope = "[scopes.ssh]\ndescription = \"log in\"\naudiences = [\"ssh://*\"]\n";
    let server = AuthServer::on(machine).settings(scope).start();
    let jwks = server.get("/jwks", &[]).expect(200).body;
    let keys = "/etc/pam-jwt/keys/server.jwks";
    machine.write(keys, jwks, 0o644);
    let trust = format!(
        "issuer = \"{}\"\naudience = [\"ssh://web1.example.org\"]\nkeys = [\"{keys}\"]\n\
         [[allow]]\naccount = \"{{sub}}\"\nservices = [\"sshd\"]\n",
        server.issuer
    );
    machine.write("/etc/pam-jwt/issuers.d/server.toml", trust, 0o644);
    server
}

/// Plays a login, with alice at the page that it names. What opens the page opens nothing here.
fn log_in(provider: &Provider<'_>, login: Command<'_>) -> Output {
    let mut terminal = login.env("BROWSER", "true").terminal();
    let page = terminal.expect(" this page").expect(":\r\n\r\n  ");
    let page = page.until("\r\n");
    if page.contains("/device?") {
        provider.confirm_device(&page, "", "alice");
    } else {
        let _ = provider.login(&page, "alice");
    }
    terminal.wait()
}

/// Where there is an issuer of the name in the examples.
#[test]
fn the_examples_of_pam_jwt_fetch_do_what_they_say() {
    let machine = installed();
    let issuer = Issuer::start(&machine, "login.example.org");
    machine.write("/etc/pam-jwt/pam-jwt.toml", "", 0o644);
    issuer.key("2026-a");
    issuer.publish(&["2026-a"]);
    issuer.put("/aggregation", "{\"status_lists\":[]}");
    issuer.trust("discover = true");
    play_examples(&machine, &PAM_JWT_FETCH, |example| {
        let _ = issuer.requests();
        let played = script(&machine, example).run();
        let asks = !["manual", "completions"]
            .iter()
            .any(|word| example.contains(word));
        assert_eq!(!issuer.requests().is_empty(), asks, "{played}");
        played
    });
}

/// Where there are the files of a server, which does not run.
#[test]
fn the_examples_of_pam_jwt_authserver_do_what_they_say() {
    let machine = installed();
    AuthServer::on(&machine).start().stop();
    play_examples(&machine, &PAM_JWT_AUTHSERVER, |example| {
        script(&machine, example).run()
    });
}

#[test]
fn what_is_installed_is_uninstalled() {
    let machine = Machine::boot();
    let files = || {
        let find = "find /usr /etc/pam.d -name '*pam*jwt*' -o -name '*jwt-ssh*'";
        let found = machine.run(["sh", "-c", find]);
        found.expect_success().stdout
    };
    // Those of whoever's machine this is made of.
    let before = files();
    machine.install();
    for command in DOCUMENTED.map(|command| command.name) {
        for path in [
            format!("/usr/share/bash-completion/completions/{command}"),
            format!("/usr/share/zsh/vendor-completions/_{command}"),
            format!("/usr/share/fish/vendor_completions.d/{command}.fish"),
        ] {
            let first = machine.read(&path).lines().next().map(str::to_owned);
            assert!(first.is_some_and(|line| !line.is_empty()), "{path}");
            let mode = machine.run(["stat", "-c", "%a", &path]);
            assert_eq!(mode.stdout, "644\n", "{path}");
        }
    }
    for file in [
        "pam_jwt.so",
        "/usr/bin/jwt-ssh-askpass",
        "/man1/jwt-ssh.1",
        "/man1/jwt-ssh-askpass.1",
        "/man8/pam_jwt.8",
        "/man5/pam-jwt.toml.5",
        "/man5/pam-jwt-issuer.5",
        "/man5/pam-jwt-authserver.toml.5",
        "/usr/sbin/pam-jwt-fetch",
        "/man8/pam-jwt-fetch.8",
        "/usr/lib/systemd/system/pam-jwt-fetch.service",
        "/usr/lib/systemd/system/pam-jwt-fetch.timer",
        "/usr/lib/sysusers.d/pam-jwt-fetch.conf",
        "/usr/lib/tmpfiles.d/pam-jwt-fetch.conf",
        "/usr/sbin/pam-jwt-authserver",
        "/man8/pam-jwt-authserver.8",
        "/usr/lib/systemd/system/pam-jwt-authserver.service",
        "/usr/lib/systemd/system/pam-jwt-authserver.socket",
        "/usr/lib/sysusers.d/pam-jwt-authserver.conf",
        "/usr/lib/tmpfiles.d/pam-jwt-authserver.conf",
        "/usr/lib/systemd/system/pam-jwt-rollback.service",
        "/usr/lib/systemd/system/pam-jwt-sessions.timer",
        "/usr/lib/systemd/system/run-pam\\x2djwt.mount",
        "/usr/lib/systemd/system/session-.scope.d/pam-jwt.conf",
        "/usr/lib/tmpfiles.d/pam-jwt.conf",
    ] {
        assert!(files().contains(file), "{file}: {}", files());
        assert!(!before.contains(file), "{file} is installed here already");
    }
    machine.uninstall();
    assert_eq!(files(), before);
}
