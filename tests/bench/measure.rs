//! What is measured, and of whom.

use crate::load::{Outcome, Plan};
use crate::report;
use base64ct::{Base64, Encoding};
use machine::{AuthServer, CLIENT_SECRET, DISK, Machine, Postgresql, wait_until};
use std::env::current_exe;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Connections at once.
const CONNECTIONS: usize = 64;

/// How long each is measured, in seconds.
const SECONDS: f64 = 8.0;

/// How many tokens are introspected in turn: as many as a server has in use that asks about each
/// more than once, and more than are remembered to be verified.
const TOKENS: usize = 1000;
/// See `TOKENS`.
const MANY_TOKENS: usize = 10_000;

/// How long a token's answer is, in bytes, more or less.
const ANSWER: usize = 700;

const RESOURCE: &str = "resource=https%3A%2F%2Fapi.example.org";
const GRANT: &str = "grant_type=client_credentials&scope=read";

/// What stands in a request for the refresh token that the connection has.
pub const REFRESH_TOKEN: &str = "{refresh_token____________________________}";

const ROBOT: &str = "client_name = \"Robot\"
grant_types = [\"password\", \"refresh_token\"]
scopes = [\"read\"]
audiences = [\"https://api.example.org\"]
";

/// Those of the kernel's ticks that are a second of a processor's (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// The machine, and which of it all is measured.
pub struct Bench<'m> {
    machine: &'m Machine,
    only: Vec<String>,
}

/// A server under load.
struct Target<'a> {
    name: &'a str,
    address: SocketAddr,
    /// Its processes, by their pids in the machine.
    processes: Vec<String>,
    introspector: &'a str,
    token_path: &'a str,
    introspection_path: &'a str,
}

impl<'m> Bench<'m> {
    /// For this machine, where everything is installed.
    pub fn new(machine: &'m Machine, only: Vec<String>) -> Self {
        Self { machine, only }
    }

    /// Measures.
    pub fn run(&mut self) {
        if self.wants("rates") {
            self.rates();
        }
        if self.wants("memory") {
            self.memory();
        }
        if self.wants("start") {
            self.start();
        }
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }

    fn rates(&self) {
        report::head("Tokens and introspection");
        let sqlite = self.server(None);
        let ours = target(&sqlite, "pam-jwt-authserver, SQLite");
        let (issued, introspected) = self.rates_of(&ours);
        self.rotations(&ours);
        sqlite.stop();
        let database = Postgresql::start_in(self.machine, &format!("{DISK}/postgresql"));
        let shared = self.server(Some(&database));
        let ours = target(&shared, "pam-jwt-authserver, PostgreSQL");
        self.rates_of(&ours);
        self.rotations(&ours);
        shared.stop();
        database.stop();
        self.floor();
        let (theirs, their_introspected) = self.with_provider(|target| self.rates_of(target));
        println!(
            "client_credentials: {:.1} times oidc-provider's rate; introspection: {:.1} times",
            issued / theirs,
            introspected / their_introspected
        );
    }

    /// The top rates of tokens and of introspection.
    fn rates_of(&self, target: &Target<'_>) -> (f64, f64) {
        let issue = [target.token_request(true)];
        let top = self.load(target, "client_credentials", plan(target, 0.0, &issue));
        self.load(
            target,
            "… at half that rate",
            plan(target, top.rate / 2.0, &issue),
        );
        let introspect: Vec<String> = self
            .tokens(target)
            .iter()
            .map(|token| target.introspection(token))
            .collect();
        let (some, _) = introspect.split_at(TOKENS);
        let asked = self.load(target, "introspection", plan(target, 0.0, some));
        let half = plan(target, asked.rate / 2.0, some);
        self.load(target, "… at half that rate", half);
        let many = plan(target, 0.0, &introspect);
        self.load(target, "… of ten thousand tokens in turn", many);
        (top.rate, asked.rate)
    }

    /// The rate at which refresh tokens are rotated: each is a commit, and on the disk before
    /// it is answered.
    fn rotations(&self, target: &Target<'_>) {
        let login = "grant_type=password&username=alice&password=bench&scope=read";
        self.machine.password("alice", "bench");
        let login = target.post(target.token_path, "robot", login);
        let tokens = self.machine.inside(|| {
            let first = (0..CONNECTIONS).map(|_| target.answer(&login));
            let token = |answer: serde_json::Value| {
                let token = answer["refresh_token"].as_str();
                token.unwrap_or_else(|| panic!("{answer}")).to_owned()
            };
            first.map(token).collect()
        });
        let refresh = format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}");
        let request = target.post(target.token_path, "robot", &refresh);
        let plan = Plan {
            tokens,
            ..plan(target, 0.0, &[request])
        };
        self.load(target, "refresh tokens rotated", plan);
    }

    fn memory(&self) {
        let server = self.server(None);
        let target = target(&server, "pam-jwt-authserver, SQLite");
        println!(
            "\nResident memory: {:.1} MiB at first",
            self.resident(&target)
        );
        for million in 1..=2 {
            let issue = Plan {
                seconds: 600.0,
                count: 1_000_000,
                ..plan(&target, 0.0, &[target.token_request(true)])
            };
            let outcome = self.loaded(&issue);
            let tokens = outcome.answered * million;
            println!(
                "    {:.1} MiB after {tokens} tokens",
                self.resident(&target)
            );
        }
        server.stop();
    }

    fn start(&self) {
        println!("\nFrom exec to the first answer, in ms, five times:");
        let server = self.server(None);
        server.stop();
        let argv = ["pam-jwt-authserver", "--config", &server.directory];
        let address = format!("127.0.0.1:{}", server.port);
        let times = |argv: &[&str], address: &str| {
            let mut times: Vec<f64> = Vec::new();
            for _ in 0..5 {
                let bench = current_exe().expect("/proc");
                let bench = self.machine.command([bench.as_os_str()]);
                let started = bench.args(["first-answer", address]).args(argv).run();
                let printed = started.expect_success().stdout;
                times.push(printed.trim().parse().expect("a number"));
            }
            let times: Vec<String> = times.iter().map(|time| format!("{time:.0}")).collect();
            times.join(" ")
        };
        println!("    pam-jwt-authserver: {}", times(&argv, &address));
    }

    fn server(&self, database: Option<&Postgresql<'_>>) -> AuthServer<'m> {
        let setup = AuthServer::on(self.machine);
        let setup = setup.settings(&format!(
            "{}\n[limits]\nrequests_per_minute = 4000000000\n",
            machine::SCOPES
        ));
        let setup = setup.client("robot", Some(CLIENT_SECRET), ROBOT);
        match database {
            Some(database) => setup.postgresql(database).start(),
            None => {
                let make = "install -d -m 0777 $0/sqlite; rm -f $0/sqlite/*";
                let make = ["sh", "-c", make, DISK];
                self.machine.run(make).expect_success();
                let url = format!("sqlite://{DISK}/sqlite/store.db");
                setup.store(&url).start()
            }
        }
    }

    /// A server that does nothing, under the load of tokens, and of introspection.
    fn floor(&self) {
        let address = "127.0.0.1:9081";
        let bench = current_exe().expect("/proc");
        let bench = self.machine.command([bench.as_os_str()]);
        let bytes = ANSWER.to_string();
        let mut terminal = bench.args(["floor", address, &bytes]).terminal();
        wait_until("it listens", || {
            self.machine.inside(|| TcpStream::connect(address).is_ok())
        });
        let floor = Target {
            name: "a server that does nothing",
            address: address.parse().expect("an address"),
            processes: Vec::new(),
            introspector: "api",
            token_path: "/token",
            introspection_path: "/introspect",
        };
        let asked = [floor.token_request(true)];
        self.load(&floor, "answers", plan(&floor, 0.0, &asked));
        terminal.send("\u{3}");
    }

    fn with_provider<T>(&self, measured: impl FnOnce(&Target<'_>) -> T) -> T {
        let node = self.machine.node(&["bench.mjs", "9080"]);
        let mut terminal = node
            .env("CLIENT_SECRET", CLIENT_SECRET)
            .env("NODE_ENV", "production")
            .terminal();
        let metadata = "http://127.0.0.1:9080/.well-known/openid-configuration";
        wait_until("oidc-provider answers", || {
            self.machine
                .try_curl([metadata])
                .is_ok_and(|answer| answer.status == 200)
        });
        let pids = self.machine.run(["pgrep", "-x", "node"]).expect_success();
        let target = Target {
            name: "oidc-provider",
            address: "127.0.0.1:9080".parse().expect("an address"),
            processes: pids.stdout.lines().map(str::to_owned).collect(),
            introspector: "service",
            token_path: "/token",
            introspection_path: "/token/introspection",
        };
        let measured = measured(&target);
        terminal.send("\u{3}");
        measured
    }

    /// Tokens to introspect: oidc-provider keeps no JWT, so they are opaque there.
    fn tokens(&self, target: &Target<'_>) -> Vec<String> {
        let jwt = target.introspector != "service";
        self.machine
            .inside(|| (0..MANY_TOKENS).map(|_| target.token(jwt)).collect())
    }

    fn load(&self, target: &Target<'_>, what: &str, plan: Plan) -> Outcome {
        let before = self.computed(target);
        let outcome = self.loaded(&plan);
        let computed = self.computed(target) - before;
        // What it computed in the second that does not count is not counted either.
        let share = plan.seconds / (plan.seconds + 1.0);
        report::line(
            &format!("{}: {what}", target.name),
            &outcome,
            computed * share,
        );
        outcome
    }

    fn loaded(&self, plan: &Plan) -> Outcome {
        let bench = current_exe().expect("/proc");
        let plan = serde_json::to_string(plan).expect("JSON");
        let bench = self
            .machine
            .command([bench.as_os_str()])
            .arg("load")
            .stdin(plan);
        let outcome = bench
            .time_limit(Duration::from_secs(900))
            .run()
            .expect_success();
        serde_json::from_str(&outcome.stdout).expect("an outcome")
    }

    /// For how many seconds its processes have computed.
    fn computed(&self, target: &Target<'_>) -> f64 {
        let of = |pid: &String| {
            let stat = self.machine.read(&format!("/proc/{pid}/stat"));
            let (_, fields) = stat.rsplit_once(')').expect("proc(5)");
            let fields = fields.split_whitespace().skip(11).take(2);
            fields
                .map(|ticks| ticks.parse::<f64>().expect("a number"))
                .sum::<f64>()
                / TICKS
        };
        target.processes.iter().map(of).sum()
    }

    /// What its processes have in memory, in MiB: what they share is counted once for each.
    fn resident(&self, target: &Target<'_>) -> f64 {
        let of = |pid: &String| {
            let status = self.machine.read(&format!("/proc/{pid}/status"));
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let kib = line.and_then(|line| line.split_whitespace().next());
            kib.and_then(|kib| kib.parse::<f64>().ok())
                .unwrap_or_default()
                / 1024.0
        };
        target.processes.iter().map(of).sum()
    }
}

impl Target<'_> {
    /// A request for a token of the client's own: a JWT, or what else the server has.
    fn token_request(&self, jwt: bool) -> String {
        let resource = if jwt {
            format!("&{RESOURCE}")
        } else {
            String::new()
        };
        self.post(self.token_path, "service", &format!("{GRANT}{resource}"))
    }

    fn introspection(&self, token: &str) -> String {
        self.post(
            self.introspection_path,
            self.introspector,
            &format!("token={token}"),
        )
    }

    fn post(&self, path: &str, client: &str, form: &str) -> String {
        let basic = Base64::encode_string(format!("{client}:{CLIENT_SECRET}").as_bytes());
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {basic}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
            self.address,
            form.len()
        )
    }

    /// A new token; to be called in the machine.
    fn token(&self, jwt: bool) -> String {
        let answer = self.answer(&self.token_request(jwt));
        let token = answer["access_token"].as_str();
        token.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// What a request is answered; to be called in the machine.
    fn answer(&self, request: &str) -> serde_json::Value {
        let request = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(self.address).expect("the server listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).expect(&answer)
    }
}

fn target<'a>(server: &AuthServer<'_>, name: &'a str) -> Target<'a> {
    Target {
        name,
        address: SocketAddr::from(([127, 0, 0, 1], server.port)),
        processes: server.processes(),
        introspector: "api",
        token_path: "/token",
        introspection_path: "/introspect",
    }
}

fn plan(target: &Target<'_>, rate: f64, requests: &[String]) -> Plan {
    Plan {
        address: target.address,
        connections: CONNECTIONS,
        seconds: SECONDS,
        rate,
        count: 0,
        requests: requests.to_vec(),
        tokens: Vec::new(),
    }
}
