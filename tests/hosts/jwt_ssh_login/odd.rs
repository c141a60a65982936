//! Issuers that answer as none should, or do less than oidc-provider does: a server on the
//! loopback says what the test says.

use super::*;
use machine::Terminal;
use serde_json::json;

const ODD: &str = "http://127.0.0.1:8080";

const ANSWERS: &str = "/run/odd.json";

const ASKED: &str = "/run/odd.log";

/// Answers each request with what [`ANSWERS`] has for its path, once what was asked stands in
/// [`ASKED`].
const SERVER: &str = r#"
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        asked = (self.path, self.headers.get('Authorization', '-'), body.decode())
        print(*asked, file=open(sys.argv[2], 'a'), flush=True)
        status, text = json.load(open(sys.argv[1])).get(self.path, [404, ''])
        text = (text if isinstance(text, str) else json.dumps(text)).encode()
        self.send_response(status)
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_POST = do_GET
    def log_message(self, *_): pass
server = http.server.HTTPServer(('127.0.0.1', 8080), Handler)
print('is ready', flush=True)
server.serve_forever()
"#;

struct Odd<'m> {
    machine: &'m Machine,
    _server: Terminal,
    answers: Value,
}

impl<'m> Odd<'m> {
    /// An issuer that knows device logins, which are confirmed at once.
    fn start(machine: &'m Machine) -> Self {
        let mut server = machine.terminal(["python3", "-c", SERVER, ANSWERS, ASKED]);
        server.expect("is ready");
        let metadata = json!({
            "issuer": ODD, "token_endpoint": format!("{ODD}/token"),
            "device_authorization_endpoint": format!("{ODD}/device"),
        });
        let device = json!({
            "device_code": "d", "user_code": "ABCD", "verification_uri": format!("{ODD}/x"),
            "expires_in": 2, "interval": 1,
        });
        let mut odd = Odd {
            machine,
            _server: server,
            answers: json!({}),
        };
        odd.says("/.well-known/openid-configuration", 200, metadata);
        odd.says("/device", 200, device);
        odd
    }

    fn says(&mut self, path: &str, status: u16, text: impl Into<Value>) {
        self.answers[path] = json!([status, text.into()]);
        self.machine.write(ANSWERS, self.answers.to_string(), 0o644);
    }

    /// It gives this token from now on, and something that renews it.
    fn gives(&mut self, token: &str) {
        self.says(
            "/token",
            200,
            json!({ "access_token": token, "refresh_token": "r" }),
        );
    }

    fn login(&self, words: &[&str]) -> Output {
        let command = jwt_ssh(self.machine, &["login", "--issuer", ODD]);
        command.args(words).run()
    }

    /// What it was asked last.
    fn asked_last(&self) -> String {
        let asked = self.machine.read(ASKED);
        asked.lines().last().unwrap_or_default().to_owned()
    }
}

#[test]
fn an_odd_issuer_costs_no_login_that_need_not_fail() {
    let machine = machine();
    let _sshd = machine.known_sshd(&["PasswordAuthentication no"]);
    let mut odd = Odd::start(&machine);
    logins_that_come_to_nothing(&mut odd);
    let token = |lifetime: &str| machine.token(["alice", "--lifetime", lifetime]);

    // A client with a secret; what is asked for is asked for at each step.
    machine.write_as("carol", "/home/carol/secret", "s 1\n", 0o600);
    odd.gives(&token("50s"));
    let words = [
        "--client-id",
        "c",
        "--client-secret-file",
        "/home/carol/secret",
    ];
    let output = odd.login(&[&words[..], &["--resource", "ssh://machine"]].concat());
    output.expect_success();
    let asked = odd.asked_last();
    assert!(asked.starts_with("/token Basic Yzp"), "{asked}");
    assert!(
        asked.contains("device_code=d&resource=ssh%3A%2F%2Fmachine"),
        "{asked}"
    );

    // While the token is good it is sent, whatever becomes of renewing it.
    let deaf = "<html>sorry</html>";
    for (status, text) in [(500, ""), (200, deaf), (302, ""), (200, "{}")] {
        odd.says("/token", status, text);
        let login = jwt_ssh(&machine, &["alice@machine", "id -un"]).run();
        let login = login.expect_success();
        assert_eq!((&*login.stdout, &*login.stderr), ("alice\n", ""));
        let asked = odd.asked_last();
        let told = "grant_type=refresh_token&refresh_token=r&resource=ssh%3A%2F%2Fmachine";
        assert!(asked.ends_with(told), "{asked}");
    }

    // What comes for another host is kept, and not sent.
    odd.gives(&machine.token(["alice", "--audience", "ssh://other"]));
    let status = jwt_ssh(&machine, &["status", "alice@machine"]).run();
    let status = status.expect_code(1);
    assert!(
        status
            .stdout
            .contains("it is for ssh://other, not for ssh://machine"),
        "{status}"
    );

    // Whether it exchanges tokens it does not say, and does not.
    odd.says("/token", 400, json!({ "error": "unsupported_grant_type" }));
    let config = "/home/carol/.config/jwt-ssh/config.toml";
    machine.write(config, "[login]\nexchange = true\n", 0o644);
    let status = jwt_ssh(&machine, &["status", "alice@web1"]).run();
    let status = status.expect_code(1);
    let told =
        "makes no token for ssh://web1 of that of the login: it refused: unsupported_grant_type";
    assert!(status.stdout.contains(told), "{status}");

    // It revokes nothing, either.
    let output = jwt_ssh(&machine, &["logout"]).run().expect_code(1);
    let told = "the refresh token was not revoked: its metadata has no revocation_endpoint";
    assert!(output.stdout.contains(told), "{output}");
    assert!(!exists(&machine, STATE) && !exists(&machine, &token_file(&machine)));
}

fn logins_that_come_to_nothing(odd: &mut Odd<'_>) {
    let machine = odd.machine;
    let not = |odd: &Odd<'_>, words: &[&str], code: i32, word: &str| {
        let output = odd.login(words).expect_code(code);
        assert!(output.stderr.contains(word), "{word}\n{output}");
        assert!(!exists(machine, STATE) && !exists(machine, &token_file(machine)));
    };
    odd.says("/token", 400, json!({ "error": "authorization_pending" }));
    not(odd, &[], 1, "nobody confirmed the code in time");
    odd.says("/token", 400, json!({ "error": "access_denied" }));
    not(odd, &[], 1, "it was refused");
    odd.says("/token", 400, json!({ "error": "invalid_grant\u{1b}[2J" }));
    not(odd, &[], 2, "it refused: invalid_grant [2J\n");
    odd.gives("opaque");
    not(
        odd,
        &["--id-token"],
        2,
        "without an ID token: ask for the scope openid",
    );
    not(
        odd,
        &["--no-browser"],
        2,
        "its metadata has no authorization_endpoint",
    );
    let metadata = json!({ "issuer": ODD, "token_endpoint": format!("{ODD}/token") });
    let place = "/.well-known/openid-configuration";
    let before = odd.answers[place][1].clone();
    odd.says(place, 200, metadata);
    not(odd, &[], 2, "knows no login on another device");
    odd.says(place, 200, "<html>");
    not(odd, &[], 2, "something else than its metadata");
    odd.says(place, 200, before);
}
