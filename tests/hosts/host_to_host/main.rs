//! From host to host: a login by password at one gives the session a token, which opens the
//! next host, whose sessions have a token of their own.
//!
//! Two machines, linked with each other and with nothing else. On both alice and carol have
//! accounts; the password of either is theirs on `a` alone. `b` trusts the key of `a` for
//! alice, over ssh. On `b` alice may become root by sudo, with a token of `b` itself and of
//! a login of the last ten minutes.

mod shell;
mod story;

use base64ct::{Base64UrlUnpadded, Encoding};
use machine::{Machine, Sshd};
use serde_json::Value;

const NOON: u64 = 2_209_032_000;
const MINUTE: u64 = 60;

/// What alice and carol type at `a`.
const PASSWORD: &str = "correct horse";

/// One of the two.
struct Host {
    name: &'static str,
    address: &'static str,
    /// Where its tokens are good.
    audience: &'static str,
    lifetime: &'static str,
}

const A: Host = Host {
    name: "a",
    address: "192.0.2.1",
    audience: "[\"ssh://b\"]",
    lifetime: "1h",
};

const B: Host = Host {
    name: "b",
    address: "192.0.2.2",
    audience: "[\"ssh://b\", \"ssh://a\"]",
    lifetime: "8h",
};

impl Host {
    fn issuer(&self) -> String {
        format!("https://{}.example.org", self.name)
    }

    /// A machine that issues tokens to the sessions of its sshd.
    fn boot(&self) -> Machine {
        let machine = Machine::boot_named(self.name);
        machine.install();
        let init = ["pam-jwt", "init", "--issuer", &self.issuer()];
        let _ = machine.run(init).expect_success();
        machine.account("alice");
        machine.account("carol");
        machine.pam_line("sshd", "auth sufficient pam_jwt.so");
        let lines = "/^@include common-auth/a auth optional pam_jwt.so issue
                     /^@include common-session/i session optional pam_jwt.so issue";
        let sed = ["sed", "-i", lines, "/etc/pam.d/sshd"];
        let _ = machine.run(sed).expect_success();
        let issue = format!(
            "[issue]\nissuer = \"{}\"\naudience = {}\nservices = [\"sshd\"]\n\
             password_services = [\"sshd\"]\nlifetime = \"{}\"\n",
            self.issuer(),
            self.audience,
            self.lifetime
        );
        machine.write("/etc/pam-jwt/pam-jwt.toml", issue, 0o644);
        machine
    }

    /// Where a host says that it trusts this one.
    fn trust_file(&self) -> String {
        format!("/etc/pam-jwt/issuers.d/{}.toml", self.name)
    }

    /// Has `machine` trust this host, which is `itself`, for alice over ssh.
    fn trusted_by(&self, machine: &Machine, itself: &Machine) {
        let key = format!("/etc/pam-jwt/keys/{}.jwk", self.name);
        machine.write(&key, itself.read("/etc/pam-jwt/keys/local.jwk"), 0o644);
        let trust = format!(
            "issuer = \"{}\"\naudience = [\"ssh://{{hostname}}\"]\nkeys = [\"{key}\"]\n\
             [[allow]]\naccount = \"alice\"\nservices = [\"sshd\"]\nclaims = {{ sub = \"alice\" }}\n",
            self.issuer()
        );
        machine.write(&self.trust_file(), trust, 0o644);
    }

    fn sshd<'m>(&self, machine: &'m Machine) -> Sshd<'m> {
        machine.sshd(&[&format!("ListenAddress {}", self.address)])
    }
}

/// The two of them at noon, ready for logins.
struct Hosts {
    a: Machine,
    b: Machine,
}

impl Hosts {
    fn boot() -> Hosts {
        let [a, b] = [A, B].map(|host| host.boot());
        a.link(A.address, &b, B.address);
        for account in ["alice", "carol"] {
            a.password(account, PASSWORD);
        }
        A.trusted_by(&b, &a);
        b.write("/etc/pam-jwt/issuers.d/local.toml", local("sudo"), 0o644);
        b.pam_line("sudo", "auth sufficient pam_jwt.so");
        let sudoers = "Defaults passwd_tries = 1\nalice ALL=(ALL) ALL\n";
        b.write("/etc/sudoers.d/alice", sudoers, 0o440);
        let hosts = Hosts { a, b };
        hosts.clock("12:00:00");
        hosts
    }

    /// Starts an sshd on each, whose keys both know.
    fn sshds(&self) -> [Sshd<'_>; 2] {
        let sshds = [A.sshd(&self.a), B.sshd(&self.b)];
        for machine in [&self.a, &self.b] {
            for sshd in &sshds {
                sshd.known_to(machine);
            }
        }
        sshds
    }

    /// Stops both clocks at this time of the day.
    fn clock(&self, time: &str) {
        for machine in [&self.a, &self.b] {
            machine.set_clock(&format!("2040-01-01 {time}"));
        }
    }
}

/// What `b` takes its own tokens for: a fresh login.
fn local(service: &str) -> String {
    format!(
        "issuer = \"{}\"\naudience = [\"ssh://{{hostname}}\"]\n\
         keys = [\"/etc/pam-jwt/keys/local.jwk\"]\n\
         [[allow]]\naccount = \"{{sub}}\"\nservices = [\"{service}\"]\nmax_auth_age = \"10m\"\n",
        B.issuer()
    )
}

/// What a token says, unverified.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    let payload = Base64UrlUnpadded::decode_vec(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

/// One of its claims, as the log shows it.
fn claim(token: &str, name: &str) -> String {
    claims(token)[name].as_str().expect("a string").to_owned()
}
