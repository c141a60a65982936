//! Manual pages, completions and the examples of --help: all of them from the
//! definitions of the command line, as they were installed.

use machine::{AuthServer, Command, Issuer, Machine, Output, Provider, tell};
use std::collections::BTreeSet;

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
    pages: 14,
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

/// The command that a page is of: the one with the longest name, since one begins like another.
fn command_of(page: &str) -> Option<&'static str> {
    let names = DOCUMENTED.iter().map(|command| command.name);
    let of_page = names.filter(|name| page.starts_with(name));
    of_page.max_by_key(|name| name.len())
}

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

fn page_of(command: &Documented, subcommand: &[String]) -> String {
    let mut name = vec![command.name.to_owned()];
    name.extend_from_slice(subcommand);
    format!("{}.{}", name.join("-"), command.section)
}

/// A page as it is installed, but for what roff wants instead of some characters.
fn page(machine: &Machine, path: &str) -> String {
    let escapes = [(r"\-", "-"), (r"\(aq", "'"), (r"\(ga", "`"), (r"\(ti", "~")];
    escapes
        .iter()
        .fold(machine.read(path), |page, (escape, c)| {
            page.replace(escape, c)
        })
}

#[test]
fn every_subcommand_has_a_page_with_every_option_of_its_help() {
    let machine = installed();
    for command in DOCUMENTED {
        compare(&machine, &command);
    }
}

fn compare(machine: &Machine, command: &Documented) {
    let subcommands = subcommands(machine, command);
    assert!(subcommands.len() >= command.pages, "{subcommands:?}");
    let pages = format!("/usr/share/man/man{}", command.section);
    let listed = machine.run(["ls", &pages]).expect_success().stdout;
    let listed: BTreeSet<String> = listed
        .lines()
        .filter(|page| command_of(page) == Some(command.name))
        .map(str::to_owned)
        .collect();
    let wanted = subcommands.iter().map(|words| page_of(command, words));
    assert_eq!(listed, wanted.collect::<BTreeSet<String>>());

    let mut compared = 0;
    for subcommand in &subcommands {
        let name = page_of(command, subcommand);
        let path = format!("{pages}/{name}");
        let page = page(machine, &path);
        for heading in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "\"EXIT STATUS\"",
            "EXAMPLES",
            "\"SEE ALSO\"",
        ] {
            let heading = format!("\n.SH {heading}\n");
            let found = page.matches(&heading).count();
            assert_eq!(found, 1, "{name} has {found} {heading:?}:\n{page}");
        }
        let help = help(machine, command, subcommand);
        for line in section(&help, "Options:") {
            let option = line.trim_start();
            // A value that is explained has a dash too, and a space behind it.
            if !option.starts_with('-') || option.starts_with("- ") {
                continue;
            }
            let names = option.split(['<', '[']).next().expect("a name");
            let names = names.split("  ").next().expect("a name").trim();
            let entry = format!(
                "\n.TP\n{}",
                names
                    .split(", ")
                    .map(|name| format!("\\fB{name}\\fR"))
                    .collect::<Vec<_>>()
                    .join(", ")
            );
            assert!(page.contains(&entry), "{name} lacks {names}:\n{page}");
            compared += 1;
        }
        for line in section(&help, "Examples:") {
            assert!(page.contains(line.trim()), "{name} lacks {line}");
        }

        // groff, as man runs it, has nothing to say about the page.
        let groff = ["groff", "-man", "-Tutf8", "-ww", "-P-cbou", "-rLL=78n"];
        let groff = machine.command(groff).arg(&path).run().expect_success();
        assert_eq!(groff.stderr, "", "{name}");
        for line in groff.stdout.lines() {
            let fits = |width| line.chars().count() <= width;
            assert!(command.width.is_none_or(fits), "{name}: {line}");
        }
        // A link of rustdoc's is for whoever reads the source.
        assert!(!page.contains("[`"), "{name}:\n{page}");
    }
    tell(&format!(
        "{}: {} pages, {compared} options",
        command.name,
        subcommands.len()
    ));
}

/// Plays each example of --help, which has to succeed.
fn play_examples(machine: &Machine, command: &Documented, mut play: impl FnMut(&str) -> Output) {
    let mut played = 0;
    for subcommand in subcommands(machine, command) {
        let help = help(machine, command, &subcommand);
        let examples = section(&help, "Examples:");
        assert!(!examples.is_empty(), "no examples:\n{help}");
        let examples = examples.iter().map(|line| line.trim());
        for example in examples.filter(|line| !line.starts_with('#')) {
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
fn bash_completes_subcommands_and_options() {
    let machine = installed();
    let mut bash = machine
        .command(["bash", "--noprofile", "--norc", "-i"])
        .env("TERM", "dumb")
        .terminal();
    // Typed at the prompt, not ahead of it: only there a tab completes.
    let mut type_line = |line: &str, then: &[&str]| {
        bash.expect("bash-").send_line(line);
        for text in then {
            bash.expect(text);
        }
    };
    type_line(
        "source /usr/share/bash-completion/completions/pam-jwt; complete -p pam-jwt",
        &["\ncomplete ", " pam-jwt"],
    );
    type_line("pam-jwt keyg\t--help", &["Usage: pam-jwt keygen "]);
    type_line("pam-jwt jws ver\t--help", &["Usage: pam-jwt jws verify "]);
    type_line(
        "pam-jwt issue --lif\t1h --help",
        &["--lifetime 1h", "Usage: pam-jwt issue "],
    );
    // Where several fit, they are offered; ^U takes the line away again.
    type_line("pam-jwt key\t\t\x15", &["keygen", "keys"]);
    type_line(
        "source /usr/share/bash-completion/completions/jwt-ssh; complete -p jwt-ssh",
        &["\ncomplete ", " jwt-ssh"],
    );
    type_line("jwt-ssh st\t--help", &["Usage: jwt-ssh status "]);
    type_line(
        "jwt-ssh status --js\t--help",
        &["--json", "Usage: jwt-ssh status "],
    );
    type_line("jwt-ssh log\t\t\x15", &["login", "logout"]);
    type_line(
        "jwt-ssh login --dev\t--help",
        &["--device", "Usage: jwt-ssh login "],
    );
    type_line(
        "jwt-ssh completions ba\t--help",
        &["bash", "Usage: jwt-ssh completions "],
    );
    type_line(
        "jwt-ssh --token-\t\t\x15",
        &["--token-file", "--token-command"],
    );
    type_line("exit", &[]);
    let _ = bash.wait();
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
