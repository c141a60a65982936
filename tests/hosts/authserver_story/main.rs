//! The whole: a person without a browser logs in at a pam-jwt-authserver with the password of an
//! account there, by another device; gets into a host that trusts it; and does not any more when
//! the token was taken back and the host has heard of it.

use machine::{AuthServer, Machine, Output, SCOPES, Sshd};
use serde_json::Value;

const PASSWORD: &str = "correct horse battery staple";

/// The server, the host, and where the person sits, each of whom reaches the others.
struct Network {
    server: Machine,
    host: Machine,
    laptop: Machine,
}

impl Network {
    fn boot() -> Network {
        let [server, host, laptop] = ["idp", "web1", "laptop"].map(Machine::boot_named);
        server.link("10.1.0.1", &host, "10.1.0.2");
        server.link("10.2.0.1", &laptop, "10.2.0.2");
        host.link("10.3.0.1", &laptop, "10.3.0.2");
        for machine in [&server, &host, &laptop] {
            machine.install();
        }
        // The name is the same person on both, and the password is the server's alone.
        server.account("alice");
        server.password("alice", PASSWORD);
        host.account("alice");
        laptop.account("carol");
        Network {
            server,
            host,
            laptop,
        }
    }

    /// Starts the server, for everybody, under a name and a certificate that all know.
    fn serve(&self) -> AuthServer<'_> {
        let settings = format!(
            "{SCOPES}[scopes.ssh]\ndescription = \"log in to hosts\"\naudiences = [\"ssh://*\"]\n"
        );
        let client = "client_name = \"jwt-ssh\"
grant_types = [\"urn:ietf:params:oauth:grant-type:device_code\", \"refresh_token\"]
scopes = [\"openid\", \"offline_access\"]
audiences = [\"ssh://*\"]
";
        let setup = AuthServer::on(&self.server).tls().settings(&settings);
        // Registered, so that its tokens can be taken back.
        let local = "scopes = [\"ssh\"]\n";
        let setup = setup.client("local", None, local);
        let server = setup.client("jwt-ssh", None, client).start();
        server.stop();
        // To the other machines too.
        let file = "/etc/pam-jwt/authserver.toml";
        let text = self.server.read(file);
        self.server
            .write(file, text.replace("127.0.0.1:", "0.0.0.0:"), 0o644);
        server.again();
        let authority = self.server.read("/run/certificates/ca.pem");
        for (machine, address) in [(&self.host, "10.1.0.1"), (&self.laptop, "10.2.0.1")] {
            machine.append("/etc/hosts", format!("{address} as.example.org\n"));
            machine.append("/etc/ssl/certs/ca-certificates.crt", &authority);
        }
        server
    }

    /// Has the host take the server's tokens for alice, as the recipe says, and nothing else.
    fn trust(&self, issuer: &str) -> Sshd<'_> {
        let host = &self.host;
        let issuer = format!("issuer={issuer}");
        let trust = ["pam-jwt", "trust", "pam-jwt-authserver", "--set", &issuer];
        let sets = ["--set", "clients=jwt-ssh, local", "--set", "accounts=alice"];
        host.command(trust).args(sets).run().expect_success();
        fetch(host);
        let stack = "auth requisite pam_jwt.so\nauth required pam_permit.so\n\
                     account required pam_permit.so\nsession required pam_permit.so\n";
        host.write("/etc/pam.d/sshd", stack, 0o644);
        let sshd = host.sshd(&["PasswordAuthentication no", "ListenAddress 10.3.0.1"]);
        sshd.known_to(&self.laptop);
        sshd
    }

    /// carol's jwt-ssh, on the laptop.
    fn jwt_ssh(&self, words: &[&str]) -> Output {
        let command = self.laptop.command(["jwt-ssh"]).args(words);
        command.user("carol").run()
    }
}

fn fetch(host: &Machine) {
    let fetched = host.run(["pam-jwt-fetch", "--now"]).expect_success();
    // The next list is named before its first token.
    let said = &fetched.stdout;
    assert!(
        said.contains("status list") && !said.contains("failed"),
        "{fetched}"
    );
}

/// Whether the token lets carol in as alice, by what the host logs.
#[track_caller]
fn log_in(network: &Network, words: &[&str]) -> String {
    let mark = network.host.mark();
    let login = network.jwt_ssh(&[words, &["alice@web1", "id -un"]].concat());
    let line = network.host.wait_for_log(mark, "result=").message;
    let is_in = line.contains("result=accepted");
    assert_eq!(login.code() == Some(0), is_in, "{login}\n{line}");
    if is_in {
        assert_eq!(login.stdout, "alice\n", "{login}");
    }
    line
}

#[test]
fn from_a_password_in_a_browser_to_a_host_until_the_token_is_taken_back() {
    let network = Network::boot();
    let server = network.serve();
    let _sshd = network.trust(&server.issuer);

    // jwt-ssh login, where there is no browser.
    let login = [
        "login",
        "--issuer",
        &server.issuer,
        "--resource",
        "ssh://web1",
    ];
    let login = network
        .laptop
        .command(["jwt-ssh"])
        .args(login)
        .user("carol");
    let mut terminal = login.terminal();
    terminal.expect("Open this page on any device:\r\n\r\n  ");
    let page = terminal.until("\r\n");
    terminal.expect("and confirm there that the code is ");
    let code = terminal.until("\r\n");
    let shown = network
        .server
        .confirm_device(&page, &code, "alice", PASSWORD);
    assert!(shown.contains("Your device is logged in"), "{shown}");
    let output = terminal.wait();
    assert_eq!(output.code(), Some(0), "{output}\n{shown}");
    assert!(output.stdout.contains(" as alice\r\n"), "{output}");

    // And into the host, with nothing but that.
    let line = log_in(&network, &[]);
    assert!(
        line.contains(&format!("issuer={}", server.issuer)),
        "{line}"
    );
    let id = network.laptop.run(["id", "-u", "carol"]).expect_success();
    let token = network
        .laptop
        .read(&format!("/tmp/bt_u{}", id.stdout.trim()));
    let copy = "/home/carol/copy";
    network.laptop.write(copy, &token, 0o644);
    assert!(introspected(&server, &token)["active"] == true);

    // It is taken back (RFC 7009), and gone here; somebody has a copy.
    let logout = network.jwt_ssh(&["logout"]).expect_success();
    let told = "the refresh token is revoked\n";
    assert!(logout.stdout.contains(told), "{logout}");
    assert!(
        logout.stdout.ends_with("the token was revoked\n"),
        "{logout}"
    );
    assert_eq!(
        introspected(&server, &token),
        serde_json::json!({ "active": false })
    );
    let with_copy = ["--token-file", copy];
    let line = log_in(&network, &with_copy);
    assert!(
        line.contains("result=accepted"),
        "the host has not heard of it: {line}"
    );
    fetch(&network.host);
    let line = log_in(&network, &with_copy);
    assert!(line.contains("reason=status_invalid"), "{line}");

    // Nothing of all that is in the server's log.
    let log = server.log();
    assert!(
        !log.contains(PASSWORD) && !log.contains(&token[..40]),
        "{log}"
    );
    assert!(!log.contains(&code), "{log}");
}

/// What the server says of a token to a resource server.
fn introspected(server: &AuthServer<'_>, token: &str) -> Value {
    let user = server.basic("api");
    let form = [("token", token.trim())];
    let answer = server.post("/introspect", &["--user", &user], &form);
    answer.expect(200).json()
}

/// The same without any login: a process of alice's on the server asks for the token, and the
/// token is taken back by curl (RFC 7009).
#[test]
fn a_token_of_the_server_itself_opens_a_host_until_it_is_taken_back() {
    let network = Network::boot();
    let server = network.serve();
    let _sshd = network.trust(&server.issuer);
    let token = ["jwt-ssh", "token", "--audience", "ssh://web1"];
    let issued = network.server.command(token).user("alice").run();
    let token = issued.expect_success().stdout;
    let copy = "/home/carol/copy";
    network.laptop.write(copy, &token, 0o644);
    let with_copy = ["--token-file", copy];
    let line = log_in(&network, &with_copy);
    assert!(line.contains("result=accepted"), "{line}");
    assert_eq!(introspected(&server, &token)["sub"], "alice");

    let form = [("token", token.trim()), ("client_id", "local")];
    server.post("/revoke", &[], &form).expect(200);
    let inactive = serde_json::json!({ "active": false });
    assert_eq!(introspected(&server, &token), inactive);
    // The host has not heard of it.
    let line = log_in(&network, &with_copy);
    assert!(line.contains("result=accepted"), "{line}");
    fetch(&network.host);
    let line = log_in(&network, &with_copy);
    assert!(line.contains("reason=status_invalid"), "{line}");
}
