//! The keys of a file in issuers.d.

use cli::manual::settings::{
    Form::{Flag, List, Number, Section, Table, Text, TextOrTexts, Texts, Time},
    Key,
    Missing::{Default, Else, Wrong},
};

/// The keys.
pub const KEYS: &[Key] = &[
    Key::new(
        "issuer",
        Text,
        Wrong("\"https://login.example.org\""),
        "The tokens' iss claim, byte for byte.",
    ),
    Key::new(
        "spiffe",
        Text,
        Else("\"example.org\""),
        "In place of `issuer`: the trust domain whose tokens these are, as in SPIFFE below.",
    ),
    Key::new(
        "audience",
        Texts,
        Wrong("[\"ssh://{hostname}\"]"),
        "A token's aud must name one of these. `{hostname}` is this machine's name, or \
         `audience_host` of pam-jwt.toml(5). An audience of each machine's own keeps one machine \
         from using the tokens that it is shown at another.",
    ),
    Key::new(
        "keys",
        List,
        Wrong("[\"/etc/pam-jwt/keys/example.jwks\"]"),
        "The issuer's keys, as in KEYS IN FILES below; unless they are fetched.",
    ),
    Key::new(
        "discover",
        Flag,
        Default("false"),
        "In place of `keys`: they are fetched from where the issuer's metadata say (RFC 8414, \
         OpenID Connect Discovery), and so are its status lists. The issuer is an https URL then.",
    ),
    Key::new(
        "jwks_uri",
        Text,
        Else("\"https://login.example.org/jwks\""),
        "In place of `keys`: they are fetched from here, a JWK Set.",
    ),
    Key::new(
        "max_key_age",
        Time,
        Default("\"3d\""),
        "For how long fetched keys are good since the last fetch that succeeded.",
    ),
    Key::new(
        "refresh_on_unknown_kid",
        Flag,
        Default("false"),
        "Have the keys fetched anew when a token names one that is not known here: within 3 \
         seconds, and at most once a minute. Any secret of 128 bytes or more that opens nothing has \
         it done, whatever it is, so that the time it takes tells nobody which accounts exist.",
    ),
    Key::new(
        "typ",
        TextOrTexts,
        Default("[\"at+jwt\", \"JWT\", \"none\"]"),
        "What a token's typ may be; `none` stands for tokens without one. `\"at+jwt\"` alone keeps \
         out ID tokens, but also the tokens of issuers that do not say at+jwt: those of Keycloak \
         and GitHub say JWT, those of Kubernetes nothing. In a file of SPIFFE, JOSE takes the place \
         of at+jwt in what holds without it.",
    ),
    Key::new(
        "max_lifetime",
        Time,
        Else("\"12h\""),
        "The longest time from iat to exp. Where it is missing: any.",
    ),
    Key::new(
        "status",
        Text,
        Default("\"if-present\""),
        "What becomes of a token of which no status list says anything, because it names none or \
         the list is missing or stale: `\"require\"` refuses it, `\"if-present\"` does not. Either \
         way a token is refused that the list calls invalid, or whose place the list does not have.",
    ),
    Key::new(
        "status_lists",
        Texts,
        Else("[\"https://login.example.org/statuslists/1\"]"),
        "Addresses of status lists that pam-jwt-fetch(8) fetches beside those that `discover` \
         finds. What comes by other ways is for `pam-jwt status-list load`.",
    ),
    Key::new(
        "device",
        Section,
        Else("{ client_id = \"pam-jwt\" }"),
        "A login with a browser, as below. Where it is missing: none.",
    ),
    Key::new(
        "introspection",
        Section,
        Else(
            "{ client_id = \"web1\", client_secret_file = \"/etc/pam-jwt/private/s\", \
             prefix = \"glpat-\" }",
        ),
        "Opaque tokens, as below. Where it is missing: none.",
    ),
    Key::new(
        "allow",
        Section,
        Else("[{ account = \"alice\", services = [\"sshd\"] }]"),
        "The rules, as below. Where it is missing, the issuer's tokens let nobody in.",
    ),
];

/// Those of an entry of `keys`.
pub const KEY: &[Key] = &[
    Key::new(
        "file",
        Text,
        Wrong("\"/etc/pam-jwt/keys/example.pem\""),
        "Its path.",
    ),
    Key::new(
        "alg",
        Text,
        Else("\"PS256\""),
        "The algorithm of a key that names none.",
    ),
    Key::new(
        "kid",
        Text,
        Else("\"2026-a\""),
        "The kid of a key that has none.",
    ),
];

/// Those of a rule.
pub const ALLOW: &[Key] = &[
    Key::new(
        "account",
        Text,
        Wrong("\"{preferred_username}\""),
        "Whom it lets in: the name of an account, or a placeholder alone, `\"{CLAIM}\"`. That \
         takes the whole value of a claim that is a string, and it has to be the account that is \
         asked for. A CLAIM that begins with / is a JSON Pointer (RFC 6901) to a claim inside \
         another, such as `\"{/user/email}\"`.",
    ),
    Key::new(
        "services",
        Texts,
        Wrong("[\"sshd\", \"login\"]"),
        "The PAM services where it holds: names of files in */etc/pam.d*. `su -` is `su-l`, \
         `sudo -i` is `sudo-i`.",
    ),
    Key::new(
        "claims",
        Table,
        Else("{ groups = \"ops\", environment = [\"production\", \"staging\"] }"),
        "Claims that the token must have, all of them: the claim is equal to the value, or has it \
         among its elements; of a list of values any one will do. Names may be JSON Pointers, such \
         as `\"/realm_access/roles\"`.",
    ),
    Key::new(
        "strip_suffix",
        Text,
        Else("\"@example.org\""),
        "With a placeholder: the end of the claim, which must be there and is no part of the \
         account's name. It begins with @.",
    ),
    Key::new(
        "strip_prefix",
        Text,
        Else("\"spiffe://example.org/user/\""),
        "In a file of SPIFFE, with the account `\"{sub}\"`: the beginning, likewise. It ends with /.",
    ),
    Key::new(
        "max_age",
        Time,
        Else("\"10m\""),
        "The longest time since iat.",
    ),
    Key::new(
        "max_auth_age",
        Time,
        Else("\"15m\""),
        "The longest time since auth_time, the login at the issuer: so what opens ssh need not open \
         sudo. Who lacks only that is told so.",
    ),
    Key::new(
        "acr",
        TextOrTexts,
        Else("\"urn:example:gold\""),
        "The class of that login; of a list any one will do.",
    ),
    Key::new(
        "amr",
        TextOrTexts,
        Else("[\"otp\", \"hwk\"]"),
        "A method of that login (RFC 8176); of a list any one will do.",
    ),
    Key::new(
        "one_time",
        Flag,
        Default("false"),
        "The token opens one login on this machine, ever. It takes a `max_age`, which then bounds \
         exp - iat too.",
    ),
    Key::new(
        "bound",
        Flag,
        Default("false"),
        "The token has to be bound to a key (cnf).",
    ),
    Key::new(
        "may_issue",
        Flag,
        Else("true"),
        "Whether the session may get a token of this machine's (`[issue]` in pam-jwt.toml(5)). \
         Where it is missing: unless the token is good for one login, or bound to a key.",
    ),
    Key::new(
        "fetched_keys",
        Flag,
        Default("false"),
        "Keys and status lists that were fetched count for root, and at services that make root of \
         whom they let in.",
    ),
];

/// Those of `[device]`.
pub const DEVICE: &[Key] = &[
    Key::new(
        "client_id",
        Text,
        Wrong("\"pam-jwt\""),
        "What this machine is called at the issuer.",
    ),
    Key::new(
        "client_secret_file",
        Text,
        Else("\"/etc/pam-jwt/private/client.secret\""),
        "The file with its secret, if it has one there: one line, root's, mode 0600.",
    ),
    Key::new(
        "scope",
        Text,
        Else("\"openid profile\""),
        "The scopes, if the issuer wants to be asked for some.",
    ),
    Key::new(
        "resource",
        Text,
        Else("\"ssh://{hostname}\""),
        "Whom the token is to be for (RFC 8707), if the issuer asks.",
    ),
    Key::new(
        "token",
        Text,
        Default("\"access_token\""),
        "Which token of the answer counts: `\"id_token\"` where that alone is a JWT.",
    ),
    Key::new(
        "qr",
        Flag,
        Default("true"),
        "Whether the address is shown as a QR code too.",
    ),
];

/// Those of `[introspection]`.
pub const INTROSPECTION: &[Key] = &[
    Key::new(
        "client_id",
        Text,
        Wrong("\"web1\""),
        "What this machine is called at the issuer.",
    ),
    Key::new(
        "client_secret_file",
        Text,
        Wrong("\"/etc/pam-jwt/private/example.secret\""),
        "The file with its secret: one line, root's, mode 0600.",
    ),
    Key::new(
        "prefix",
        Text,
        Else("\"glpat-\""),
        "What the tokens begin with.",
    ),
    Key::new(
        "length",
        Number,
        Else("40"),
        "How many bytes they have, where it is always as many.",
    ),
];
