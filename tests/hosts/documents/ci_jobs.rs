//! Jobs of GitHub Actions and GitLab CI: their workflows as they are shown, step by step, on a
//! runner where a server that speaks GitHub's documented request gives out tokens like GitHub's.
//! What cannot be tried here is GitHub and GitLab themselves: that they read the files as these
//! schemas say, and give jobs what they document.

use super::mint::Key;
use super::player::Player;
use super::server::{answer, serve};
use super::{host, page};
use jsonwebtoken::Algorithm;
use machine::{Issuer, Machine, Terminal};
use serde_json::{Value, json};
use std::time::SystemTime;

const GITHUB: &str = "https://token.actions.githubusercontent.com";

const GITLAB: &str = "https://gitlab.com";

/// What the document has for the jobs' host.
const HOST: &str = "web1.example.org";

#[test]
fn jobs_log_in_by_the_workflows_that_are_shown() {
    let web1 = host("bookworm", "web1");
    let [outside, runner] = ["outside", "runner"].map(Machine::boot_named);
    web1.link("192.0.2.1", &outside, "192.0.2.2");
    web1.link("192.0.2.5", &runner, "192.0.2.6");
    runner.append("/etc/hosts", format!("192.0.2.5 {HOST}\n"));
    for machine in [&outside, &runner] {
        machine.install();
    }
    runner.account("runner");
    runner
        .run(["install", "-d", "-o", "runner", "/home/runner/work/site"])
        .expect_success();
    runner.write_as(
        "runner",
        "/home/runner/work/site/index.html",
        "new\n",
        0o644,
    );
    let (_server, github, gitlab) = publish(&outside, &web1);
    let files = Issuer::start(&runner, "files.example.org");
    let www = "cp /usr/bin/jwt-ssh /srv/files.example.org/www; rm /usr/bin/jwt-ssh*";
    runner.run(["sh", "-c", www]).expect_success();

    // What the services keep for the project; the document says how each is found out.
    let host_key = web1.read("/etc/ssh/ssh_host_ed25519_key.pub");
    let sum = runner.run(["sha256sum", "/srv/files.example.org/www/jwt-ssh"]);
    let sum = sum.expect_success().stdout;
    let variables = [
        ("KNOWN_HOSTS", format!("{HOST} {host_key}")),
        ("JWT_SSH_URL", format!("{}/jwt-ssh", files.url)),
        (
            "JWT_SSH_SHA256",
            sum.split(' ').next().unwrap_or_default().to_owned(),
        ),
    ];
    let service = Service {
        runner: &runner,
        variables: &variables,
    };
    let mut played = Vec::new();
    Player::new(&[&web1]).play(page!("ci-jobs.md"), |name, text| {
        let (file, schema) = match name {
            ".github/workflows/deploy.yml" => (page!("github-actions.yml"), "github-workflows"),
            ".gitlab-ci.yml" => (page!("gitlab-ci.yml"), "gitlab-ci"),
            _ => return,
        };
        assert_eq!(text, file, "{name} is not the file beside the document");
        let job = service.read(text, schema);
        match schema {
            "gitlab-ci" => service.gitlab(&job["deploy"], &gitlab),
            _ => service.github(&job["jobs"]["deploy"], &github),
        }
        web1.run(["grep", "-x", "new", "/home/deploy/site/index.html"])
            .expect_success();
        web1.run(["rm", "-r", "/home/deploy/site"]).expect_success();
        played.push(schema);
    });
    assert_eq!(played, ["github-workflows", "gitlab-ci"]);
}

/// Has the issuers' keys at their addresses, which web1 finds at `outside`.
fn publish(outside: &Machine, web1: &Machine) -> (Terminal, Key, Key) {
    let key = |name: &str, kid: &str| Key::new(outside, name, Algorithm::RS256, kid);
    let (github, gitlab) = (key("github", "gh-1"), key("gitlab", "gl-1"));
    let keys = |key: &Key| json!({ "keys": [key.jwk] });
    let web = json!({
        format!("{GITHUB}/.well-known/jwks"): keys(&github),
        format!("{GITLAB}/.well-known/openid-configuration"):
            { "issuer": GITLAB, "jwks_uri": format!("{GITLAB}/oauth/discovery/keys") },
        format!("{GITLAB}/oauth/discovery/keys"): keys(&gitlab),
    });
    let server = super::publish(outside, &web, &[(web1, "192.0.2.2")]);
    (server, github, gitlab)
}

/// What a job's token says, as far as the recipe asks; the test of the recipes has all of it.
fn claims(issuer: &str, lifetime: u64, more: Value) -> Value {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.expect("a clock").as_secs();
    let mut claims = json!({ "iss": issuer, "iat": now, "nbf": now, "exp": now + lifetime });
    let more = more.as_object().expect("an object").clone();
    claims.as_object_mut().expect("an object").extend(more);
    claims
}

fn github_claims() -> Value {
    let job = json!({
        "repository_id": "1296269", "environment": "production",
        "sub": "repo:octo-org/octo-repo:environment:production",
    });
    claims(GITHUB, 300, job)
}

fn gitlab_claims() -> Value {
    let job = json!({
        "project_id": "278964", "ref_protected": "true", "environment": "production",
        "sub": "project_path:my-group/my-project:ref_type:branch:ref:main",
    });
    claims(GITLAB, 600, job)
}

/// What stands in for a service that runs jobs.
struct Service<'a> {
    runner: &'a Machine,
    variables: &'a [(&'static str, String)],
}

impl Service<'_> {
    /// A workflow, which has to be what the service's schema says.
    fn read(&self, text: &str, schema: &str) -> Value {
        let file = "/run/workflow.yml";
        self.runner.write(file, text, 0o644);
        let schema = format!("vendor.{schema}");
        let check = ["check-jsonschema", "--builtin-schema", &schema, file];
        let _ = self.runner.python(&check).run().expect_success();
        let script = "import json, sys\nfrom ruamel.yaml import YAML\n\
            print(json.dumps(YAML(typ='safe').load(open(sys.argv[1]))))";
        let parsed = self.runner.python(&["python3", "-c", script, file]).run();
        let parsed = parsed.expect_success();
        serde_json::from_str(&parsed.stdout).expect("JSON")
    }

    /// Each step that runs something, as GitHub's runner does: in a shell of its own, which
    /// finds the programs of the directories that steps before have added.
    fn github(&self, job: &Value, key: &Key) {
        assert_eq!(job["permissions"]["id-token"], "write");
        let claims = github_claims();
        assert_eq!(job["environment"], claims["environment"]);
        let mint = |head: &str, to: &mut dyn std::io::Write| {
            let (_, rest) = head.split_once("audience=").expect("an audience");
            let (audience, _) = rest.split_once(' ').expect("the end of a request line");
            let mut claims = claims.clone();
            claims["aud"] = audience.replace("%3A", ":").replace("%2F", "/").into();
            let token = key.sign(&json!({ "typ": "JWT" }), &claims);
            let body = json!({ "value": token }).to_string();
            to.write_all(answer("200 OK", &body).as_bytes())
                .expect("a client");
        };
        let steps = job["steps"].as_array().expect("steps");
        let ((), asked) = serve(self.runner, mint, |port| {
            for script in steps.iter().filter_map(|step| step["run"].as_str()) {
                let url = format!("http://127.0.0.1:{port}/token?api-version=2.0");
                let path = "touch ~/path; PATH=$(tac ~/path | tr '\\n' ':')$PATH";
                let step = self.script(&[path, script], &job["env"]);
                let step = step.env("GITHUB_PATH", "/home/runner/path");
                let step = step.env("ACTIONS_ID_TOKEN_REQUEST_URL", url);
                step.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret")
                    .run()
                    .expect_success();
            }
        });
        // rsync's login, and the one that looks.
        assert_eq!(asked.len(), 2, "{asked:?}");
        self.runner
            .run(["rm", "-r", "/home/runner/.local", "/home/runner/.ssh"])
            .expect_success();
    }

    /// All lines in one shell, as GitLab's runner does.
    fn gitlab(&self, job: &Value, key: &Key) {
        let mut claims = gitlab_claims();
        assert_eq!(job["environment"], claims["environment"]);
        claims["aud"] = job["id_tokens"]["BEARER_TOKEN"]["aud"].clone();
        let token = key.sign(&json!({ "typ": "JWT" }), &claims);
        let parts = ["before_script", "script"].iter();
        let lines = parts.flat_map(|part| job[part].as_array().expect("lines"));
        let lines: Vec<&str> = lines.map(|line| line.as_str().expect("a line")).collect();
        let mut script = self.script(&lines, &job["variables"]);
        for (name, value) in self.variables {
            script = script.env(name, value);
        }
        script.env("BEARER_TOKEN", token).run().expect_success();
    }

    /// A script in the checkout, with what `env` sets.
    fn script(&self, lines: &[&str], env: &Value) -> machine::Command<'_> {
        let script = format!("cd ~/work; {}", lines.join("\n"));
        let script = ["bash", "-e", "-o", "pipefail", "-c", &script];
        let mut script = self.runner.command(script).user("runner");
        for (name, value) in env.as_object().expect("an object") {
            let value = value.as_str().expect("a text");
            let variable = value
                .strip_prefix("${{ vars.")
                .and_then(|v| v.strip_suffix(" }}"));
            let kept = variable.map(|variable| {
                let kept = self.variables.iter().find(|(name, _)| *name == variable);
                kept.unwrap_or_else(|| panic!("nobody has {variable}"))
                    .1
                    .as_str()
            });
            script = script.env(name, kept.unwrap_or(value));
        }
        script
    }
}
