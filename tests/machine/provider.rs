//! An issuer that this project did not write, in a machine: npm's `oidc-provider`, with TLS by
//! an authority that the machine trusts, and people who log in at its pages with Chromium.
//!
//! ```no_run
//! use machine::{Machine, PROVIDER, Provider};
//!
//! let machine = Machine::ready();
//! let mut provider = Provider::start(&machine, r#"{ "accounts": { "alice": { "groups": ["ops"] } } }"#);
//! // … a client shows an address and a code …
//! # let (url, code) = ("", "");
//! provider.confirm_device(url, code, "alice");
//! let token = provider.token("alice", "ssh://machine"); // … or without the pages.
//! provider.rotate(); // A new key signs, the old one is still published.
//! provider.drop_old_keys();
//! provider.stop();
//! ```
//!
//! Its issuer is [`PROVIDER`]. Any name is an account, whose `sub` and `preferred_username` it
//! is. The settings are JSON, `{}` for none:
//!
//! - `accounts`: more claims of an account, by its name.
//! - `access_token_seconds` (600): how long access and ID tokens are valid.
//! - `device_code_seconds` (600), and `interval`, without which a client polls every 5 s.
//! - `opaque`: true for access tokens that are no JWTs for any audience.
//! - `clients`: more of them, as in dynamic registration (RFC 7591).
//!
//! Its clients are `jwt-ssh`, which is public (device code, authorization code with PKCE and a
//! redirect to `http://127.0.0.1:PORT/` or `…/callback`, refresh tokens with `offline_access`,
//! token exchange), and `pam-jwt` with [`SECRET`] (device code, introspection).
//!
//! With `resource=ssh://HOST` in both requests of a flow an access token is a JWT
//! (RFC 9068) for that audience, otherwise it is opaque, and good for introspection. Refresh
//! tokens take `scope=openid offline_access`, and in the code flow `prompt=consent`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Mutex;

use crate::certificate::AUTHORITY;
use crate::node::DIRECTORY;
use crate::{Machine, Terminal};

/// The issuer.
pub const PROVIDER: &str = "https://id.example.org";

/// The secret of its client `pam-jwt`.
pub const SECRET: &str = "the-secret-of-pam-jwt";

/// The running provider. It ends when this is dropped.
pub struct Provider<'m> {
    machine: &'m Machine,
    terminal: Terminal,
    /// Started when somebody first needs it.
    browser: Mutex<Option<Terminal>>,
}

impl<'m> Provider<'m> {
    /// Starts it and waits until it answers, at port 443 of the machine. One that is started
    /// in a machine again has the keys that it had, but no grants and refresh tokens.
    ///
    /// # Panics
    ///
    /// If `make foreign` has not installed it.
    pub fn start(machine: &'m Machine, settings: &str) -> Provider<'m> {
        machine.write(&file("settings.json"), settings, 0o644);
        if !machine.inside(|| Path::new(&file("server.pem")).exists()) {
            let (certificate, key) = machine.certificate(name());
            machine.inside(|| {
                symlink(certificate, file("server.pem")).expect("/run");
                symlink(key, file("server.key")).expect("/run");
            });
        }
        let mut provider = Provider {
            machine,
            terminal: machine.node(&["provider.mjs", PROVIDER]).terminal(),
            browser: Mutex::new(None),
        };
        provider.terminal.expect("is ready");
        provider
    }

    /// Has a machine that is linked to its own find it at `address` and trust its authority.
    pub fn known_to(&self, machine: &Machine, address: &str) {
        machine.append("/etc/hosts", format!("{address} {}\n", name()));
        machine.trust(&self.machine.read(AUTHORITY));
    }

    /// Has a new key sign from now on; its kid. Those before stay published.
    pub fn rotate(&mut self) -> String {
        self.say("rotate")
    }

    /// Publishes only the key that signs; its kid.
    pub fn drop_old_keys(&mut self) -> String {
        self.say("drop")
    }

    /// An access token of an account's for a resource, as token exchange gives one, but valid
    /// as long as the settings say: for tests of what comes after the pages.
    pub fn token(&mut self, account: &str, resource: &str) -> String {
        let line = format!("token {account} {resource}");
        let printed = self.terminal.send_line(&line).expect("the token is ");
        printed.until(".\r\n")
    }

    /// Stops it, and returns when it has ended; all that it printed, a line for each request
    /// among it: `GET /jwks 200`.
    pub fn stop(mut self) -> String {
        self.terminal.send_line("stop");
        self.terminal.wait().stdout
    }

    /// How often it was asked something so far that it answered: `GET /jwks 200`, or how such
    /// a line begins. Its log is read, since what it prints may still be on the way here when
    /// its answer has come.
    #[must_use]
    pub fn asked(&self, request: &str) -> usize {
        let log = file("requests.log");
        let lines = self.machine.inside(|| fs::read_to_string(log));
        let lines = lines.unwrap_or_default();
        lines
            .lines()
            .filter(|line| line.starts_with(request))
            .count()
    }

    /// Opens the address of a device login in Chromium, enters the code where it is asked for
    /// (`verification_uri_complete` has it), logs in as `account` and confirms.
    pub fn confirm_device(&self, address: &str, code: &str, account: &str) {
        let shown = self.browse(&[address, account, code]);
        assert!(shown.contains("Sign-in Success"), "{shown}");
    }

    /// The same up to where it is confirmed: aborts there.
    pub fn abort_device(&self, address: &str, code: &str, account: &str) {
        let shown = self.browse(&[address, account, code, "abort"]);
        assert!(shown.contains("interrupted"), "{shown}");
    }

    /// Opens the address of an authorization request in Chromium, logs in as `account`,
    /// consents, and follows the redirect to the client's address on the loopback; what that
    /// shows.
    pub fn login(&self, address: &str, account: &str) -> String {
        self.browse(&[address, account])
    }

    /// Each time a browser that knows nobody yet.
    fn browse(&self, words: &[&str]) -> String {
        let mut browser = self.browser.lock().expect("no other thread panicked");
        let line = words.join(" ");
        browser
            .get_or_insert_with(|| self.machine.node(&["browser.mjs"]).terminal())
            .send_line(&line)
            .expect(&line)
            .until("-- that was shown")
    }

    fn say(&mut self, word: &str) -> String {
        self.terminal.send_line(word).expect("signing with ");
        self.terminal.until(".")
    }
}

/// What it reads and writes.
fn file(name: &str) -> String {
    format!("{DIRECTORY}/{name}")
}

/// The host in its issuer.
fn name() -> &'static str {
    PROVIDER.trim_start_matches("https://")
}
