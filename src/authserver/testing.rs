//! What tests of endpoints need: the server with its router, its keys and a store of its own, in a
//! directory that goes when the test ends. Requests go in and answers come out as over HTTP, but
//! for the sockets.

pub mod browser;

use crate::config::Config;
use crate::endpoint::request::{BodyLimit, Peer};
use crate::endpoint::router;
use crate::keys::Keys;
use crate::parameters::encoded;
use crate::resource_owner::frame;
use crate::resource_owner::message::{
    self, Answers, Granted, Message, Outcome, Purpose, Reason, Report, Start, Style,
};
use crate::serve::channel::{Received, receive};
use crate::settings::Settings;
use crate::state::Server;
use crate::store::{Code, Grant, Store};
use crate::token::secret::{self, Secret};
use axum::Router;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, Request};
use base64ct::{Base64, Encoding};
use clients::Clients;
use http_body_util::BodyExt;
use jose::{Algorithm, Claims, Compact, Header, PrivateKey, private_key, sign};
use serde_json::{Map, Value};
use std::fs::Permissions;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tower::Service;

/// The server's issuer.
pub const ISSUER: &str = "https://auth.example.org";

/// The secret of the clients that have one.
pub const SECRET: &str = "a secret/of 100%+";

/// The password of everybody.
pub const PASSWORD: &str = "right \u{e9}";

/// An account that every machine has, and that [`CONFIG`] lets log in.
pub const ACCOUNT: &str = "daemon";

/// Settings with a few scopes: `ssh` and `api` for everybody, `staff` for the group of
/// [`ACCOUNT`], `ops` for another.
pub const CONFIG: &str = r#"
[accounts]
min_uid = 1
[scopes.ssh]
description = "Log in to hosts"
audiences = ["ssh://*"]
[scopes.api]
description = "Use the API"
audiences = ["https://api.example.org"]
[scopes.staff]
description = "Be staff"
groups = ["daemon"]
groups_claim = true
[scopes.ops]
description = "Run it"
groups = ["no-such-group"]
"#;

/// Where browsers are sent back to.
pub const REDIRECT: &str = "https://app.example.org/cb";

/// A verifier, and the challenge that is made of it (RFC 7636 appendix B).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// See [`VERIFIER`].
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A server, and the directory of its store.
pub struct World {
    /// The server.
    pub server: Arc<Server>,
    /// What PAM says of its accounts.
    pub account: Arc<Mutex<Account>>,
    router: Router,
    dir: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// An issuer that the machine trusts.
pub struct Foreign {
    /// `iss`
    pub issuer: String,
    key: PrivateKey,
}

impl Foreign {
    /// A token of these claims, with `iss` and `iat` if they lack them.
    pub fn token(&self, claims: &Value) -> String {
        let mut claims = claims.as_object().unwrap().clone();
        let issuer = Value::from(self.issuer.as_str());
        claims.entry("iss").or_insert(issuer);
        let now = system::clock::now().unwrap();
        claims.entry("iat").or_insert(now.into());
        sign::sign(&self.key, "JWT", &claims).unwrap()
    }
}

/// What PAM's account stack says of everybody.
#[derive(Default)]
pub struct Account {
    /// Why nobody may log in; none: everybody may.
    pub refused: Option<Reason>,
    /// How often it was asked.
    pub asked: usize,
}

/// A monitor that stands in for the real one and for PAM, which tests/hosts have: [`PASSWORD`] is
/// everybody's, each conversation asks for it and for nothing else, and names are in lower case,
/// however they are typed.
pub fn monitor(account: &Arc<Mutex<Account>>) -> Arc<UnixStream> {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let account = Arc::clone(account);
    theirs.set_nonblocking(false).unwrap();
    std::thread::spawn(move || {
        loop {
            match receive(&theirs) {
                Ok(Received::Request(_, socket)) => {
                    let account = Arc::clone(&account);
                    std::thread::spawn(move || converse(UnixStream::from(socket), &account));
                }
                Ok(Received::Closed) | Err(_) => return,
                Ok(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    });
    Arc::new(ours)
}

fn converse(mut socket: UnixStream, account: &Mutex<Account>) -> Option<()> {
    let start: Start = frame::read(&mut socket).ok()?;
    let granted = Outcome::Granted(Granted {
        // As of an account database that folds case.
        account: start.account.to_lowercase(),
        uid: 1,
        groups: Vec::new(),
        amr: vec!["pwd".to_owned()],
        changed_password: false,
    });
    if start.purpose == Purpose::Check {
        let mut account = account.lock().unwrap();
        account.asked += 1;
        let outcome = account.refused.map_or(granted, Outcome::Refused);
        return frame::write(&mut socket, &Report::Outcome(outcome)).ok();
    }
    let prompt = Report::Messages(vec![Message::new(Style::Hidden, "Password: ")]);
    frame::write(&mut socket, &prompt).ok()?;
    let answers: Answers = frame::read(&mut socket).ok()?;
    let typed = answers.answers.first().map(message::Secret::text);
    let outcome = if typed == Some(PASSWORD) {
        granted
    } else {
        Outcome::Refused(Reason::AuthenticationFailed)
    };
    frame::write(&mut socket, &Report::Outcome(outcome)).ok()
}

/// The registration of a client that has [`SECRET`], and what `more` says of it.
pub fn confidential(client_id: &str, more: &str) -> String {
    let digest = secret::digest(SECRET);
    format!("client_id = \"{client_id}\"\nsecret_sha256 = [\"{digest}\"]\n{more}")
}

/// The registration of a public client, and what `more` says of it.
pub fn public(client_id: &str, more: &str) -> String {
    format!("client_id = \"{client_id}\"\ntoken_endpoint_auth_method = \"none\"\n{more}")
}

impl World {
    /// A server of these clients; `config` is what its file of settings says besides the issuer.
    pub async fn new(config: &str, clients: &[String]) -> Self {
        // Below a directory that nobody else may write to, as trusted files are.
        let dir = format!("/run/pam-jwt-authserver.{}", sign::random_name().unwrap());
        let dir = PathBuf::from(dir);
        std::fs::create_dir(&dir).unwrap();
        let now = system::clock::now().unwrap();
        let key = private_key::generate(Algorithm::EdDsa, Some("own")).unwrap();
        let config = match config.starts_with("issuer = ") {
            true => config.to_owned(),
            false => format!("issuer = \"{ISSUER}\"\n{config}"),
        };
        let settings = Settings {
            config: Config::parse(&config).unwrap(),
            clients: Clients::parse(clients.iter().map(|text| ("client", text.as_str()))).unwrap(),
            keys: Keys::parse([("own", key.private_jwk.as_str())], now).unwrap(),
            tls: None,
            dir: dir.clone(),
        };
        let url = format!("sqlite://{}", dir.join("store.db").display());
        let store = Store::open(&url).await.unwrap();
        let account = Arc::default();
        let server = Server::new(settings, store, monitor(&account), now).await;
        let server = Arc::new(server.unwrap());
        Self {
            router: router(Arc::clone(&server)),
            server,
            account,
            dir,
        }
    }

    /// How often the audit log was told of this event: its kind, its result and its grant.
    pub fn told(&self, event: &str, result: &str, grant: &str) -> u64 {
        let counter = format!(
            "pam_jwt_authserver_events_total{{event=\"{event}\",result=\"{result}\",\
             grant=\"{grant}\"}} "
        );
        let text = self.server.metrics.text(0, 0);
        let count = text.lines().find_map(|line| line.strip_prefix(&counter));
        count.map_or(0, |count| count.parse().unwrap())
    }

    /// The time by the server's clock.
    pub fn now(&self) -> u64 {
        self.server.now().unwrap()
    }

    /// What [`ACCOUNT`] has allowed this client just now.
    pub fn grant(&self, client_id: &str, scopes: &[&str]) -> Grant {
        Grant {
            id: sign::random_id().unwrap(),
            client_id: client_id.to_owned(),
            registered: None,
            account: ACCOUNT.to_owned(),
            uid: Some(1),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            resources: Vec::new(),
            auth_time: Some(self.now() - 10),
            amr: vec!["pwd".to_owned()],
            nonce: Some("n-0S6_WzA2Mj".to_owned()),
            expires: self.now() + 86_400,
        }
    }

    /// A code, as the authorization endpoint hands it out, for [`REDIRECT`] and [`VERIFIER`].
    pub async fn code(&self, grant: Grant) -> String {
        let code = Code {
            grant,
            redirect_uri: Some(REDIRECT.to_owned()),
            challenge: Some(CHALLENGE.to_owned()),
        };
        self.put_code(&code, self.now() + 60).await
    }

    /// Any code.
    pub async fn put_code(&self, code: &Code, expires: u64) -> String {
        let secret = Secret::new().unwrap();
        let store = &self.server.store;
        store.put_code(&secret.digest, code, expires).await.unwrap();
        secret.text.to_string()
    }

    /// Trusts an issuer: what `more` says of it, and its key.
    pub fn trust(&self, name: &str, more: &str) -> Foreign {
        let key = private_key::generate(Algorithm::Es256, Some(name)).unwrap();
        let write = |file: &str, text: &str| {
            let path = self.dir.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            path.display().to_string()
        };
        let file = write(&format!("keys/{name}.jwk"), &key.public_jwk.unwrap());
        write("pam-jwt.toml", "min_uid = 1\n");
        let issuer = format!("https://{name}.example.org");
        write(
            &format!("issuers.d/{name}.toml"),
            &format!("issuer = \"{issuer}\"\nkeys = [\"{file}\"]\n{more}"),
        );
        Foreign {
            issuer,
            key: PrivateKey::parse(key.private_jwk.as_bytes()).unwrap(),
        }
    }

    /// Sends a form. `basic` is an id and a secret for HTTP Basic.
    pub async fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        basic: Option<(&str, &str)>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((id, secret)) = basic {
            request = request.header(AUTHORIZATION, basic_of(id, secret));
        }
        self.send(request.body(Body::from(form_of(form))).unwrap())
            .await
    }

    /// Asks for what is at `path`.
    pub async fn get(&self, path: &str) -> Answer {
        let request = Request::builder().uri(path).body(Body::empty());
        self.send(request.unwrap()).await
    }

    /// Sends any request, from loopback.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let limit = self.server.settings().config.limits.body;
        let peer = Peer(IpAddr::from([127, 0, 0, 1]));
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(BodyLimit(limit));
        let response = self.router.clone().call(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

/// The `Authorization` of HTTP Basic (RFC 6749 §2.3.1).
pub fn basic_of(id: &str, secret: &str) -> String {
    let pair = format!("{}:{}", encoded(id), encoded(secret));
    format!("Basic {}", Base64::encode_string(pair.as_bytes()))
}

/// The form of these parameters.
pub fn form_of(form: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = form
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    pairs.join("&")
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its head's fields.
    pub headers: HeaderMap,
    /// Its body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A member of the JSON object in the body; nothing where it is none or no text.
    pub fn member(&self, name: &str) -> String {
        let json = self.json();
        let text = json.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    }

    /// Its status and its `error`.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.member("error"))
    }

    /// A field of its head.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }

    /// The claims of the token in this member.
    pub fn claims(&self, member: &str) -> Map<String, Value> {
        claims_of(&self.member(member)).all().clone()
    }
}

/// The claims of a token, unverified.
pub fn claims_of(token: &str) -> Claims {
    let compact = Compact::parse(token.as_bytes()).unwrap();
    Claims::parse(compact.payload()).unwrap()
}

/// The `typ` of a token.
pub fn typ_of(token: &str) -> Option<String> {
    let compact = Compact::parse(token.as_bytes()).unwrap();
    Header::parse(&compact).unwrap().typ
}
