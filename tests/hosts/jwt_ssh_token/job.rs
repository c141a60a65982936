//! The identity of a job: of GitHub Actions, where a server on the loopback interface that
//! speaks the documented request stands in for GitHub's, and of a pod of Kubernetes.

use super::server::{answer, serve};
use super::*;

/// What opens the request.
const SECRET: &str = "the-secret-of-the-job";

fn job<'m>(command: Command<'m>, url: &str) -> Command<'m> {
    command
        .env("ACTIONS_ID_TOKEN_REQUEST_URL", url)
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET)
}

/// GitHub's answer.
fn minted(machine: &Machine, audience: &str) -> String {
    let token = machine.token(["alice", "--audience", audience]);
    answer(
        "200 OK",
        &json!({ "count": token.len(), "value": token }).to_string(),
    )
}

#[test]
fn a_job_logs_in_with_a_token_for_the_audience_of_the_host() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let odd = "https://fleet/?a=b&c=d e+f#ü%20";
    server_goes_by(&machine, &[odd]);
    for (audience, query) in [
        ("ssh://machine", "audience=ssh%3A%2F%2Fmachine"),
        (
            odd,
            "audience=https%3A%2F%2Ffleet%2F%3Fa%3Db%26c%3Dd%20e%2Bf%23%C3%BC%2520",
        ),
    ] {
        if audience == odd {
            settings(
                &machine,
                &format!("[[host]]\nmatch = \"machine\"\naudience = {odd:?}\n"),
            );
        }
        for (path, before) in [
            ("/x/idtoken?api-version=2.0&job=7", "&"),
            ("/x", "?"),
            ("", "/?"),
        ] {
            let ((), heads) = serve(
                &machine,
                |_, to| {
                    to.write_all(minted(&machine, audience).as_bytes())
                        .expect("a client")
                },
                |port| {
                    let url = format!("http://127.0.0.1:{port}{path}");
                    expect_login(job(login(&machine, &[]), &url).run());
                },
            );
            let [head] = &heads[..] else {
                panic!("{heads:?}");
            };
            let first = format!("GET {path}{before}{query} HTTP/1.1\r\n");
            assert!(head.starts_with(&first), "{first}{head}");
            let authorization = format!("\r\nauthorization: bearer {SECRET}\r\n");
            assert!(head.to_ascii_lowercase().contains(&authorization), "{head}");
        }
    }
}

/// A token at hand goes before, and half of what a job has is no job.
#[test]
fn a_job_is_asked_last_and_only_where_it_may() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let token = machine.token(["alice"]);
    let ((), heads) = serve(
        &machine,
        |_, _| {},
        |port| {
            let url = format!("http://127.0.0.1:{port}/");
            let with_token = login(&machine, &[]).env("BEARER_TOKEN", &token);
            expect_login(job(with_token, &url).run());
            for (name, value) in [
                ("ACTIONS_ID_TOKEN_REQUEST_URL", &*url),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", SECRET),
            ] {
                let half = login(&machine, &[]).env(name, value);
                expect_not_sent(&machine, half, &["there is no token: "]);
            }
        },
    );
    assert_eq!(heads, [""; 0]);
}

#[test]
fn what_goes_wrong_with_a_job_is_told_without_its_secret() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let valid = machine.token(["alice"]);
    let ok = |body: &Value| answer("200 OK", &body.to_string());
    let elsewhere = machine.token(["alice", "--audience", "ssh://other"]);
    let no_token = "it answered with something else than a token";
    let ((), elsewhere_heads) = serve(
        &machine,
        |_, _| {},
        |other| {
            let redirect = |status: &str| {
                let to = format!("{status}\r\nLocation: http://127.0.0.1:{other}/x");
                answer(&to, &json!({ "value": valid }).to_string())
            };
            for (reply, word) in [
                (
                    answer("401 Unauthorized", SECRET),
                    "it answered with status 401",
                ),
                (
                    answer("500 Internal Server Error", ""),
                    "it answered with status 500",
                ),
                (redirect("302 Found"), "it answered with status 302"),
                (
                    redirect("307 Temporary Redirect"),
                    "it answered with status 307",
                ),
                (answer("204 No Content", ""), "it answered with status 204"),
                (answer("200 OK", ""), no_token),
                (answer("200 OK", SECRET), no_token),
                (answer("200 OK", &valid), no_token),
                (ok(&json!({ "token": valid })), no_token),
                (ok(&json!({ "value": 7 })), no_token),
                (answer("200 OK", &"[".repeat(60_000)), no_token),
                (
                    ok(&json!({ "value": SECRET })),
                    "Actions job holds is no token",
                ),
                (ok(&json!({ "value": elsewhere })), "it is for ssh://other"),
                (
                    ok(&json!({ "value": "a".repeat(70_000) })),
                    "it answered with more than 66560 bytes",
                ),
                (
                    "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{".to_owned(),
                    "disconnected",
                ),
                ("SSH-2.0-x\r\n\r\n".to_owned(), "GitHub Actions job: "),
                (String::new(), "GitHub Actions job: "),
            ] {
                let ((), heads) = serve(
                    &machine,
                    |_, to| drop(to.write_all(reply.as_bytes())),
                    |port| {
                        let url = format!("http://127.0.0.1:{port}/");
                        let command = job(login(&machine, &[]), &url);
                        let output = expect_not_sent(&machine, command, &[word]);
                        assert!(!output.to_string().contains(SECRET), "{output}");
                    },
                );
                assert_eq!(heads.len(), 1, "{reply}");
            }
        },
    );
    assert_eq!(elsewhere_heads, [""; 0]);
}

#[test]
fn an_answer_without_an_end_is_not_read_to_it() {
    let machine = machine();
    let _sshd = sshd(&machine);
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n{\"value\":\"",
        "HTTP/1.1 200 OK\r\nX: ",
    ] {
        let ((), _) = serve(
            &machine,
            |_, to| {
                let mut text = head.as_bytes();
                while to.write_all(text).is_ok() {
                    text = &[b'a'; 4096];
                }
            },
            |port| {
                let command = job(login(&machine, &[]), &format!("http://127.0.0.1:{port}/"));
                expect_not_sent(&machine, command, &["GitHub Actions job: "]);
            },
        );
    }
}

/// Neither over the network in clear nor to a proxy, which may be anywhere.
#[test]
fn the_secret_goes_nowhere_in_clear() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let ((), proxied) = serve(
        &machine,
        |_, to| drop(to.write_all(answer("403 Forbidden", "").as_bytes())),
        |proxy| {
            let proxy = format!("http://127.0.0.1:{proxy}");
            let behind_proxy = |url: &str| {
                let command = job(login(&machine, &[]), url);
                [
                    "ALL_PROXY",
                    "HTTP_PROXY",
                    "HTTPS_PROXY",
                    "http_proxy",
                    "https_proxy",
                ]
                .iter()
                .fold(command, |command, name| command.env(name, &proxy))
            };
            let ((), heads) = serve(
                &machine,
                |_, to| drop(to.write_all(minted(&machine, "ssh://machine").as_bytes())),
                |port| {
                    let url = format!("http://127.0.0.1:{port}/");
                    expect_login(behind_proxy(&url).run());
                    for host in [
                        "machine",
                        "localhost",
                        "127.0.0.1@machine",
                        "192.0.2.1",
                        "0.0.0.0",
                    ] {
                        let command = job(login(&machine, &[]), &format!("http://{host}:{port}/"));
                        let words = ["is neither an https URL nor on this machine"];
                        expect_not_sent(&machine, command, &words);
                    }
                },
            );
            assert_eq!(heads.len(), 1, "{heads:?}");
            let command = behind_proxy("https://machine/");
            expect_not_sent(&machine, command, &["proxy server responded 403"]);
        },
    );
    let [connect] = &proxied[..] else {
        panic!("{proxied:?}");
    };
    assert!(
        connect.starts_with("CONNECT machine:443 HTTP/1.1\r\n"),
        "{connect}"
    );
    assert!(!connect.contains(SECRET), "{connect}");
}

/// OpenSSL's server, which takes the answer from the file that is called like the request.
#[test]
fn a_job_asks_over_https_whom_a_certificate_names() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let certificates = "
        mkdir /srv/job; cd /srv/job
        for name in ca stranger; do
            openssl req -x509 -newkey rsa:2048 -noenc -keyout $name.key -out $name.pem \
                -subj /CN=$name -addext basicConstraints=critical,CA:TRUE
        done
        for name in machine other; do
            openssl req -x509 -newkey rsa:2048 -noenc -keyout $name.key -out $name.pem \
                -CA ca.pem -CAkey ca.key -subj /CN=$name -addext subjectAltName=DNS:$name \
                -addext basicConstraints=critical,CA:FALSE
        done";
    machine.run(["sh", "-ec", certificates]).expect_success();
    let file = "/srv/job/x?api-version=2.0&audience=ssh%3A%2F%2Fmachine";
    machine.write(file, minted(&machine, "ssh://machine"), 0o644);
    let server = |port: &str, name: &str, more: &str| {
        let text = format!(
            "cd /srv/job; exec openssl s_server -HTTP -accept {port} -cert {name}.pem -key {name}.key {more}"
        );
        let mut server = machine.command(["sh", "-c", &text]).terminal();
        server.expect("ACCEPT");
        server
    };
    let _servers = [
        server("4433", "machine", ""),
        server("4434", "machine", "-tls1_2"),
        server("4435", "machine", "-tls1_1 -cipher ALL:@SECLEVEL=0"),
        server("4436", "other", ""),
    ];
    let command = |port: u16, ca: &str| {
        let url = format!("https://machine:{port}/x?api-version=2.0");
        job(login(&machine, &[]), &url).env("SSL_CERT_FILE", format!("/srv/job/{ca}.pem"))
    };
    expect_login(command(4433, "ca").run());
    expect_login(command(4434, "ca").run());
    for (port, ca, word) in [
        (4433, "stranger", "invalid peer certificate: UnknownIssuer"),
        (
            4436,
            "ca",
            "invalid peer certificate: certificate not valid for name \"machine\"",
        ),
        (4435, "ca", "GitHub Actions job: "),
        (4433, "missing", "No CA certificates were loaded"),
    ] {
        let output = expect_not_sent(&machine, command(port, ca), &[word]);
        assert!(!output.to_string().contains(SECRET), "{output}");
    }
    // The authorities of the system do not know this one.
    let url = "https://machine:4433/x?api-version=2.0";
    expect_not_sent(
        &machine,
        job(login(&machine, &[]), url),
        &["GitHub Actions job: "],
    );
}

/// As the kubelet lays it out: a link to a link, which it turns to another directory when it
/// renews the token.
#[test]
fn a_pod_logs_in_with_its_service_account_if_that_is_for_the_host() {
    let machine = machine();
    let _sshd = sshd(&machine);
    let mount = "/var/run/secrets/kubernetes.io/serviceaccount";
    let project = |token: &str| {
        let text = format!(
            "rm -rf {mount}; mkdir -p {mount}/..2026_11_24; cd {mount}; cat >..2026_11_24/token
             ln -s ..2026_11_24 ..data; ln -s ..data/token token"
        );
        let project = machine.command(["sh", "-ec", &text]);
        project.stdin(token).run().expect_success();
    };
    let in_pod = || login(&machine, &[]).env("KUBERNETES_SERVICE_HOST", "10.96.0.1");
    let api = "https://kubernetes.default.svc";
    expect_not_sent(&machine, in_pod(), &["there is no token: "]);
    project(&machine.token(["alice", "--audience", api, "--audience", "ssh://machine"]));
    expect_login(in_pod().run());
    // The file alone is no pod.
    expect_not_sent(&machine, login(&machine, &[]), &["there is no token: "]);
    let status = ["jwt-ssh", "status", "alice@machine"];
    let status = machine.command(status).user("carol");
    let status = status
        .env("KUBERNETES_SERVICE_HOST", "10.96.0.1")
        .run()
        .expect_success();
    let from = format!("from     the service account of this pod, {mount}/token\n");
    assert!(status.stdout.starts_with(&from), "{status}");

    project(&machine.token(["alice", "--audience", api]));
    let word = format!("this pod is for {api}, not for ssh://machine: have the pod project one");
    // It opens the cluster, so that nothing sends it.
    for force in [&[][..], &["--force"]] {
        let login = login(&machine, force).env("KUBERNETES_SERVICE_HOST", "10.96.0.1");
        expect_not_sent(&machine, login, &[&word]);
    }
    project("");
    expect_not_sent(&machine, in_pod(), &["the service account of this pod"]);
}
