//! The keys of authserver.toml.

use cli::manual::settings::{
    Form::{Flag, Number, Section, Text, Texts, Time},
    Key,
    Missing::{Default, Else, Wrong},
};

/// The tables, by their names in the page.
pub const TABLES: [(&str, &[Key]); 9] = [
    ("main", MAIN),
    ("tls", TLS),
    ("store", STORE),
    ("lifetimes", LIFETIMES),
    ("accounts", ACCOUNTS),
    ("local", LOCAL),
    ("registration", REGISTRATION),
    ("limits", LIMITS),
    ("scopes", SCOPES),
];

const MAIN: &[Key] = &[
    Key::new(
        "issuer",
        Text,
        Wrong("\"https://login.example.org\""),
        "The URL under which clients reach the server, and the iss of its tokens: https, or http on \
         loopback. No slash at the end. It is in every token and with all who trust them, so it is \
         chosen once.",
    ),
    Key::new(
        "listen",
        Texts,
        Default("[\"127.0.0.1:8420\"]"),
        "Addresses and ports at which it listens, unless pam-jwt-authserver.socket does.",
    ),
    Key::new(
        "proxies",
        Texts,
        Default("[]"),
        "Addresses of the reverse proxies before it, whose `X-Forwarded-For` says who asks. Where \
         one is missing here, everybody who comes by it counts as one. Whoever connects from such \
         an address is believed: of 127.0.0.1, every local user, unless a firewall lets the proxy \
         alone connect.",
    ),
    Key::new(
        "metrics",
        Text,
        Else("\"127.0.0.1:9420\""),
        "Address and port at which `/metrics` is served, for Prometheus. Where it is missing: \
         nowhere.",
    ),
    Key::new(
        "tls",
        Section,
        Else(TLS_EXAMPLE),
        "TLS of its own, as below. Where it is missing, a proxy has it.",
    ),
    Key::new(
        "store",
        Section,
        Default("{}"),
        "Where it keeps what has to survive, as below.",
    ),
    Key::new(
        "lifetimes",
        Section,
        Default("{}"),
        "How long its tokens live, as below.",
    ),
    Key::new(
        "accounts",
        Section,
        Default("{}"),
        "Who may log in, as below.",
    ),
    Key::new(
        "local",
        Section,
        Default("{}"),
        "Tokens for this machine's own users, as below.",
    ),
    Key::new(
        "registration",
        Section,
        Default("{}"),
        "Clients that register themselves, as below.",
    ),
    Key::new("limits", Section, Default("{}"), "What it bears, as below."),
    Key::new(
        "scopes",
        Section,
        Default("{}"),
        "What tokens may be asked to allow, as below.",
    ),
];

const TLS_EXAMPLE: &str = "{ certificate = \"/c.pem\", key = \"/k.pem\" }";

const TLS: &[Key] = &[
    Key::new(
        "certificate",
        Text,
        Wrong("\"/etc/pam-jwt/tls/chain.pem\""),
        "The certificate and those that lead to its issuer, PEM.",
    ),
    Key::new(
        "key",
        Text,
        Wrong("\"/etc/pam-jwt/tls/key.pem\""),
        "Its private key, PEM, mode 0600.",
    ),
];

const STORE: &[Key] = &[Key::new(
    "url",
    Text,
    Default("\"sqlite:///var/lib/pam-jwt-authserver/store.db\""),
    "A file of SQLite; or, for several replicas behind one name, a PostgreSQL database that the role \
     owns: `postgres://pam-jwt-authserver@db.example.org/tokens`, and over a network \
     `?sslmode=verify-full` at its end. A password may be in it; then this file is for root's eyes (0600).",
)];

const LIFETIMES: &[Key] = &[
    Key::new(
        "access_token",
        Time,
        Default("\"10m\""),
        "Of an access token.",
    ),
    Key::new("id_token", Time, Default("\"10m\""), "Of an ID token."),
    Key::new(
        "refresh_token",
        Time,
        Default("\"7d\""),
        "Of a refresh token that is not used.",
    ),
    Key::new(
        "grant",
        Time,
        Default("\"30d\""),
        "Of what a person allowed: no refresh token of it works longer.",
    ),
    Key::new(
        "code",
        Time,
        Default("\"1m\""),
        "Of an authorization code, at most 10m.",
    ),
    Key::new("device_code", Time, Default("\"10m\""), "Of a device code."),
    Key::new(
        "session",
        Time,
        Default("\"8h\""),
        "Of a login in a browser: until then nobody is asked for a password again.",
    ),
];

const ACCOUNTS: &[Key] = &[
    Key::new(
        "service",
        Text,
        Default("\"pam-jwt-authserver\""),
        "The PAM service that people log in by, a file in */etc/pam.d*. The pages carry whatever it \
         asks and says. No session is opened.",
    ),
    Key::new(
        "min_uid",
        Number,
        Default("1000"),
        "Accounts of a lower uid do not log in.",
    ),
    Key::new("allow_root", Flag, Default("false"), "Whether root does."),
    Key::new(
        "amr",
        Texts,
        Default("[\"pwd\"]"),
        "What the stack proves of who gets through it (RFC 8176), since PAM does not say: with \
         pam_oath(8) as the second factor `[\"pwd\", \"otp\", \"mfa\"]`.",
    ),
    Key::new(
        "groups",
        Texts,
        Default("[]"),
        "Whoever logs in is a member of one of these; none: everybody may.",
    ),
    Key::new(
        "max_conversations",
        Number,
        Default("64"),
        "Logins at once. An eighth is kept for those that are just ending, and another is for \
         looking whether accounts may still log in.",
    ),
    Key::new(
        "conversation_timeout",
        Time,
        Default("\"5m\""),
        "How long a login may take.",
    ),
];

const LOCAL: &[Key] = &[
    Key::new("enabled", Flag, Default("true"), "Whether there are such."),
    Key::new(
        "socket",
        Text,
        Default("\"/run/pam-jwt-authserver/local\""),
        "The Unix socket.",
    ),
    Key::new(
        "client_id",
        Text,
        Default("\"local\""),
        "The client that the tokens are of. One that is registered under this id says which scopes \
         and audiences they may have, and can take them back; where there is none, it is all scopes \
         that the account may have.",
    ),
    Key::new(
        "accounts",
        Texts,
        Default("[]"),
        "Accounts below `min_uid` that get some too, root among them, by name.",
    ),
];

const REGISTRATION: &[Key] = &[
    Key::new(
        "mode",
        Text,
        Default("\"off\""),
        "`\"off\"`; `\"initial_access_token\"`: who has one of those below; `\"open\"`: whoever \
         comes from the machine itself. Behind a proxy, name that in `proxies`, or everybody does.",
    ),
    Key::new(
        "initial_access_tokens",
        Texts,
        Default("[]"),
        "The SHA-256 of each, in lower-case hexadecimal: `printf %s \"$TOKEN\" | sha256sum`.",
    ),
    Key::new(
        "scopes",
        Texts,
        Default("[]"),
        "The scopes that such clients may have.",
    ),
    Key::new(
        "most",
        Number,
        Default("1000"),
        "How many there may be at once.",
    ),
];

const LIMITS: &[Key] = &[
    Key::new(
        "body",
        Number,
        Default("65536"),
        "Bytes of a request's body.",
    ),
    Key::new(
        "head",
        Number,
        Default("16384"),
        "Bytes of a request's head.",
    ),
    Key::new(
        "request_timeout",
        Time,
        Default("\"10s\""),
        "How long either may take to arrive.",
    ),
    Key::new(
        "connections",
        Number,
        Default("16384"),
        "Connections at once.",
    ),
    Key::new(
        "connections_per_address",
        Number,
        Default("1024"),
        "Of them, those of one address. An IPv6 address counts by its /64.",
    ),
    Key::new(
        "requests_per_minute",
        Number,
        Default("6000"),
        "Requests of one client that shows who it is, and of one address otherwise. More are \
         answered with 429 and `Retry-After`.",
    ),
    Key::new(
        "pending",
        Number,
        Default("10000"),
        "Device codes and pushed requests that wait, of which one asker has a sixteenth at most; \
         and, apart from them, people at the pages.",
    ),
];

const SCOPES: &[Key] = &[
    Key::new(
        "description",
        Text,
        Wrong("\"log in to our servers as you\""),
        "What it allows, as people read it who are asked.",
    ),
    Key::new(
        "audiences",
        Texts,
        Default("[]"),
        "Whom tokens with it may be for, such as `[\"ssh://*\"]`. A `*` at the end stands for \
         whatever follows.",
    ),
    Key::new(
        "groups",
        Texts,
        Default("[]"),
        "People in one of these groups may have it. With neither this nor `accounts`, everybody.",
    ),
    Key::new("accounts", Texts, Default("[]"), "And these accounts may."),
    Key::new(
        "groups_claim",
        Flag,
        Default("false"),
        "The token says which groups the account is in.",
    ),
];
