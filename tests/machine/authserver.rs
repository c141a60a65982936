//! `pam-jwt-authserver` at work in a machine, as it is installed: with its settings, clients and
//! a key of its own, TLS if that is asked for, and SQLite or PostgreSQL.
//!
//! ```no_run
//! use machine::{AuthServer, Machine, SECRET};
//!
//! let machine = Machine::ready(); // Or boot(), and install().
//! machine.password("alice", "correct horse"); // pam_unix is what its stack asks.
//! let server = AuthServer::on(&machine).start();
//! let answer = server.post("/token", &["--user", &server.basic("service")],
//!     &[("grant_type", "client_credentials")]);
//! let token = answer.expect(200).json()["access_token"].clone();
//! ```
//!
//! `tls()`, `postgresql(…)`, `settings(…)` and `client(…)` before `start()` make it another one.
//! How many processes it is, and as whom they run, nobody is asked here: a process is any of
//! the session that was started.
//!
//! Its clients are, unless `client` has one of the same name ([`CLIENTS`]):
//!
//! - `service`: client credentials, and token exchange.
//! - `web`: a site with a secret: code, refresh, device, and it redirects to
//!   `http://127.0.0.1/callback` at any port. People are asked.
//! - `app`: the same, public: with PKCE instead of a secret.
//! - `api`: a resource server, which introspects.
//!
//! The secret of each is [`CLIENT_SECRET`], by HTTP Basic.

use std::collections::BTreeMap;

use crate::{Machine, Postgresql, wait_until};

/// The secret of the clients that have one.
pub const CLIENT_SECRET: &str = "the-secret-of-a-client-which-is-long-enough-now";

/// The scopes that there are unless [`Setup::settings`] has others.
pub const SCOPES: &str = "
[scopes.read]
description = \"read what is yours\"
audiences = [\"https://api.example.org\", \"https://other.example.org\"]
[scopes.write]
description = \"change what is yours\"
audiences = [\"https://api.example.org\"]
[scopes.groups]
description = \"see which groups you are in\"
groups_claim = true
";

/// The clients that there are: the name, whether it has a secret, and the rest of the file.
pub const CLIENTS: [(&str, bool, &str); 4] = [
    (
        "service",
        true,
        "client_name = \"Service\"
grant_types = [\"client_credentials\", \"urn:ietf:params:oauth:grant-type:token-exchange\"]
scopes = [\"read\", \"write\"]
audiences = [\"https://api.example.org\"]
",
    ),
    ("web", true, WEB),
    ("app", false, WEB),
    (
        "api",
        true,
        "client_name = \"API\"
introspects = true
",
    ),
];

const WEB: &str = "client_name = \"Site\"
grant_types = [\"authorization_code\", \"refresh_token\",
    \"urn:ietf:params:oauth:grant-type:device_code\"]
redirect_uris = [\"http://127.0.0.1/callback\"]
scopes = [\"openid\", \"offline_access\", \"read\", \"write\", \"groups\"]
audiences = [\"https://api.example.org\"]
";

/// Its host where it has TLS.
const HOST: &str = "as.example.org";

/// The port of the first; a replica has the next one.
const PORT: u16 = 8443;

/// Where its configuration is; that of a replica has a number added.
const DIRECTORY: &str = "/etc/pam-jwt";

/// What it logs and who it is: one file each, with the port.
const RUN: &str = "/run/authserver";

/// Makes the account and the directories that a package makes.
const PREPARE: &str = "
getent passwd pam-jwt-authserver >/dev/null ||
    useradd --system --no-create-home --shell /usr/sbin/nologin pam-jwt-authserver
for directory in /var/lib/pam-jwt-authserver /run/pam-jwt-authserver; do
    [ -e $directory ] ||
        install -d -m 0700 -o pam-jwt-authserver -g pam-jwt-authserver $directory
done
chmod 0755 /run/pam-jwt-authserver
[ -e /etc/pam.d/pam-jwt-authserver ] ||
    cp /usr/share/doc/pam-jwt/pam.d/authserver /etc/pam.d/pam-jwt-authserver 2>/dev/null ||
    printf '@include %s\\n' common-auth common-account common-password \
        >/etc/pam.d/pam-jwt-authserver
install -d -m 0700 $0/clients.d $0/authserver-keys
install -d $1
[ -n \"$(ls $0/authserver-keys)\" ] || {
    pam-jwt keygen --alg EdDSA --out $1/first.jwk
    mv $1/first.jwk $0/authserver-keys
}
";

/// What a server is to be.
#[must_use]
pub struct Setup<'m> {
    machine: &'m Machine,
    issuer: String,
    tls: String,
    store: String,
    settings: String,
    clients: BTreeMap<String, String>,
}

impl<'m> Setup<'m> {
    /// Has it serve TLS, by an authority that the machine trusts.
    pub fn tls(mut self) -> Self {
        let (certificate, key) = self.machine.certificate(HOST);
        self.issuer = format!("https://{HOST}:{PORT}");
        self.tls = format!("[tls]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n");
        self
    }

    /// Has it store in this database.
    pub fn postgresql(self, database: &Postgresql<'_>) -> Self {
        self.store(&database.url())
    }

    /// Has it store at this URL.
    pub fn store(mut self, url: &str) -> Self {
        self.store = format!("[store]\nurl = \"{url}\"\n");
        self
    }

    /// Lines of authserver.toml, top-level keys first, in place of [`SCOPES`]: all but
    /// `issuer`, `listen`, `[tls]` and `[store]`, which are the harness's.
    pub fn settings(mut self, toml: &str) -> Self {
        self.settings = toml.to_owned();
        self
    }

    /// Has it have one more client, or another one of this name: its secret, or none if it is
    /// public, and the file but for `client_id`, `secret_sha256` and, where there is none,
    /// `token_endpoint_auth_method`.
    pub fn client(mut self, id: &str, secret: Option<&str>, toml: &str) -> Self {
        let proof = match secret {
            Some(secret) => format!("secret_sha256 = [\"{}\"]\n", self.machine.sha256(secret)),
            None if toml.contains("token_endpoint_auth_method") => String::new(),
            None => "token_endpoint_auth_method = \"none\"\n".to_owned(),
        };
        let text = format!("client_id = \"{id}\"\n{proof}{toml}");
        self.clients.insert(id.to_owned(), text);
        self
    }

    /// Writes the files, starts it, and waits until it answers.
    pub fn start(self) -> AuthServer<'m> {
        let settings = format!("{}\n{}{}", self.settings, self.store, self.tls);
        let server = AuthServer {
            machine: self.machine,
            issuer: self.issuer,
            port: PORT,
            directory: DIRECTORY.to_owned(),
            settings,
        };
        server.write_settings();
        let prepare = ["sh", "-euc", PREPARE, DIRECTORY, RUN];
        self.machine.run(prepare).expect_success();
        for (id, text) in &self.clients {
            server.write_client(id, text);
        }
        server.again();
        server
    }
}

/// A server that runs, or has been stopped.
pub struct AuthServer<'m> {
    machine: &'m Machine,
    /// Its issuer.
    pub issuer: String,
    /// Where it listens on the loopback.
    pub port: u16,
    /// Its configuration.
    pub directory: String,
    settings: String,
}

impl<'m> AuthServer<'m> {
    /// One for this machine, which has pam-jwt installed: at `http://127.0.0.1:PORT`, with
    /// SQLite.
    pub fn on(machine: &'m Machine) -> Setup<'m> {
        let mut setup = Setup {
            machine,
            issuer: format!("http://127.0.0.1:{PORT}"),
            tls: String::new(),
            store: String::new(),
            settings: SCOPES.to_owned(),
            clients: BTreeMap::new(),
        };
        for (id, has_secret, text) in CLIENTS {
            setup = setup.client(id, has_secret.then_some(CLIENT_SECRET), text);
        }
        setup
    }

    /// One more that is the same server to the world, with files of its own that are copies,
    /// at the `number`th port after this one's: for whom it matters which of them answers,
    /// [`AuthServer::url`] says where it is.
    pub fn replica(&self, number: u16) -> AuthServer<'m> {
        let replica = AuthServer {
            machine: self.machine,
            issuer: self.issuer.clone(),
            port: self.port + number,
            directory: format!("{DIRECTORY}-{number}"),
            settings: self.settings.clone(),
        };
        let copy = ["cp", "-a", &self.directory, &replica.directory];
        self.machine.run(copy).expect_success();
        replica.write_settings();
        replica.again();
        replica
    }

    /// The machine that it runs in.
    #[must_use]
    pub fn machine(&self) -> &'m Machine {
        self.machine
    }

    /// Where this one answers, however many replicas there are.
    #[must_use]
    pub fn url(&self) -> String {
        let (place, _) = self.issuer.rsplit_once(':').expect("the issuer has a port");
        format!("{place}:{}", self.port)
    }

    /// Starts it after it was stopped, and waits until it answers.
    ///
    /// # Panics
    ///
    /// If it does not, with its log.
    #[track_caller]
    pub fn again(&self) {
        let log = self.start();
        let metadata = format!("{}/.well-known/oauth-authorization-server", self.url());
        wait_until(&format!("{metadata} answers, whose log is\n{log}"), || {
            let answers = self.machine.try_curl([metadata.as_str()]);
            assert!(
                answers.is_ok() || self.runs(),
                "pam-jwt-authserver has ended:\n{}",
                self.log()
            );
            answers.is_ok_and(|answer| answer.status == 200)
        });
    }

    /// Starts it, and does not wait: the path of its log. It is the first of a session, and has a
    /// descriptor more than the three, as with sockets of systemd's.
    pub fn start(&self) -> String {
        let file = self.file("");
        let start = "rm -f $1pid $1status
            run='echo $$ >$1pid; exec pam-jwt-authserver --config $0 7</etc/shadow'
            { setsid sh -c \"$run\" $0 $1 </dev/null >>$1log 2>&1; echo $? >$1status; } \
                >/dev/null 2>&1 &
            until [ -s $1pid ]; do sleep 0.01; done";
        let start = ["sh", "-c", start, &self.directory, &file];
        self.machine.run(start).expect_success();
        format!("{file}log")
    }

    /// Waits for its end: its exit status, as a shell has it.
    ///
    /// # Panics
    ///
    /// If it does not come.
    #[track_caller]
    #[must_use]
    pub fn ended(&self) -> i32 {
        let status = format!("[ -s {} ]", self.file("status"));
        self.machine.wait_until(&status);
        let status = self.machine.read(&self.file("status"));
        status.trim().parse().expect("a number")
    }

    /// Has it end as it does by itself when it is told to (SIGTERM), and waits for that.
    pub fn stop(&self) {
        self.signal("TERM");
        wait_until("pam-jwt-authserver has ended", || !self.runs());
    }

    /// Kills all its processes where they stand (SIGKILL).
    pub fn kill(&self) {
        // Some, as those of conversations, may end by themselves meanwhile.
        let kill = "kill -KILL $(ps -o pid= -s $0) || true";
        let pid = self.pid();
        self.machine.run(["sh", "-c", kill, &pid]).expect_success();
        wait_until("pam-jwt-authserver is gone", || !self.runs());
    }

    /// Sends the first of its processes a signal, such as HUP.
    pub fn signal(&self, signal: &str) {
        let pid = self.pid();
        self.machine
            .run(["kill", "-s", signal, &pid])
            .expect_success();
    }

    /// Whether any process of it runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        !self.processes().is_empty()
    }

    /// The pid, in the machine, of the first of its processes.
    #[must_use]
    pub fn pid(&self) -> String {
        self.machine.read(&self.file("pid")).trim().to_owned()
    }

    /// The pids, in the machine, of all its processes.
    #[must_use]
    pub fn processes(&self) -> Vec<String> {
        let listed = self
            .machine
            .run(["ps", "-o", "pid=,stat=", "-s", &self.pid()]);
        let mut pids = Vec::new();
        for line in listed.stdout.lines() {
            let mut words = line.split_whitespace();
            if let (Some(pid), Some(state)) = (words.next(), words.next())
                && !state.starts_with('Z')
            {
                pids.push(pid.to_owned());
            }
        }
        pids
    }

    /// All that it has said so far, from its first start on.
    #[must_use]
    pub fn log(&self) -> String {
        self.machine.read(&self.file("log"))
    }

    /// Waits until it has said this.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        wait_until(&format!("{text:?} in {}", self.file("log")), || {
            self.log().contains(text)
        });
    }

    /// Writes a client's file, in place of one of the same name; a server that runs takes it
    /// up by itself.
    pub fn write_client(&self, id: &str, toml: &str) {
        let path = format!("{}/clients.d/{id}.toml", self.directory);
        self.machine.write(&path, toml, 0o600);
    }

    fn write_settings(&self) {
        let Self {
            issuer,
            port,
            settings,
            ..
        } = self;
        let text = format!("issuer = \"{issuer}\"\nlisten = [\"127.0.0.1:{port}\"]\n{settings}");
        let path = format!("{}/authserver.toml", self.directory);
        self.machine.write(&path, text, 0o644);
    }

    fn file(&self, name: &str) -> String {
        format!("{RUN}/{}.{name}", self.port)
    }
}

impl Machine {
    /// The SHA-256 of a text, hexadecimal.
    #[must_use]
    pub fn sha256(&self, text: &str) -> String {
        let sum = self.command(["sha256sum"]).stdin(text).run();
        let sum = sum.expect_success().stdout;
        sum.split(' ').next().unwrap_or_default().to_owned()
    }
}
