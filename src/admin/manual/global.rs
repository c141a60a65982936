//! The keys of pam-jwt.toml.

use cli::manual::settings::{
    Form::{Number, Section, Table, Text, Texts, Time},
    Key,
    Missing::{Default, Else, Wrong},
};

/// The keys.
pub const KEYS: &[Key] = &[
    Key::new(
        "audience_host",
        Text,
        Else("\"db1.example.org\""),
        "What `{hostname}` stands for in audiences. Where it is missing: the name of the machine \
         (gethostname(2)).",
    ),
    Key::new(
        "leeway",
        Time,
        Default("\"30s\""),
        "By how much clocks may differ: a token is taken so long after its exp, and so long before \
         its nbf and iat. At most 5m.",
    ),
    Key::new(
        "min_uid",
        Number,
        Default("1000"),
        "The lowest uid that a rule with a placeholder lets in. At least 1: root takes a rule that \
         names it.",
    ),
    Key::new(
        "prompt",
        Text,
        Default("\"Password or \""),
        "What the user is asked, at most 100 bytes. `token: ` follows always, since what answers \
         by itself looks for it. `\"Password, Enter for a browser, or \"` tells people of a login \
         with a browser.",
    ),
    Key::new(
        "max_token_bytes",
        Number,
        Default("65536"),
        "The longest token, in bytes, however it comes. From 1000 to 65536. A token in pieces is \
         asked for until it has more.",
    ),
    Key::new(
        "fetch_program",
        Text,
        Else("\"/usr/local/sbin/pam-jwt-fetch\""),
        "The program that asks issuers for a login, by its absolute path. Where it is missing: \
         `/usr/sbin/pam-jwt-fetch`. It is root's, and runs as the owner of \
         */var/lib/pam-jwt/fetched*.",
    ),
    Key::new(
        "end_with_token",
        Texts,
        Else("[\"sshd\"]"),
        "PAM services whose sessions end with the token that opened them, as below. Where it is \
         missing: none.",
    ),
    Key::new(
        "issue",
        Section,
        Else("{ issuer = \"https://a\", audience = [\"ssh://b\"], services = [\"sshd\"] }"),
        "The token that a session gets, as below. Where it is missing: none.",
    ),
];

/// Those of `[issue]`.
pub const ISSUE: &[Key] = &[
    Key::new(
        "issuer",
        Text,
        Wrong("\"https://db1.example.org\""),
        "The iss of the tokens: what the hosts that take them call this machine.",
    ),
    Key::new(
        "audience",
        Texts,
        Wrong("[\"ssh://web1.example.org\"]"),
        "Their aud: the hosts where they are good. `{hostname}` is this machine's name.",
    ),
    Key::new(
        "services",
        Texts,
        Wrong("[\"sshd\", \"login\"]"),
        "PAM services whose sessions get one.",
    ),
    Key::new(
        "key",
        Text,
        Else("\"/etc/pam-jwt/private/ci.jwk\""),
        "The private JWK that they are signed with, root's alone. Where it is missing: \
         */etc/pam-jwt/private/local.jwk*.",
    ),
    Key::new(
        "lifetime",
        Time,
        Default("\"8h\""),
        "How long they live, at most 7d. Where a token opened the session, never longer than that \
         one.",
    ),
    Key::new(
        "methods",
        Texts,
        Default("[\"password\", \"token\", \"none\"]"),
        "How a login may have come about. `password` is whatever PAM asked for that is no token, \
         `none` that nobody was asked (cron, root's su, sudo without a password). sshd's own \
         `publickey`, `hostbased` and `gssapi-with-mic` are left out, since a key that is \
         restricted to a command could read the token: name `publickey` where no key is.",
    ),
    Key::new(
        "password_services",
        Texts,
        Else("[\"login\"]"),
        "Those of `services` where what is asked for is a password indeed, so that amr may say \
         pwd. The module does not see which other module let somebody in. Where it is missing: \
         none; hwk and swk come of the key that sshd has verified.",
    ),
    Key::new(
        "accounts",
        Texts,
        Else("[\"root\"]"),
        "Accounts whose sessions get one, by name: the only way for root. Under su and sudo it is \
         the target's.",
    ),
    Key::new(
        "groups",
        Texts,
        Else("[\"ops\"]"),
        "Groups whose members' sessions get one, without uid 0.",
    ),
    Key::new(
        "min_uid",
        Number,
        Else("500"),
        "From this uid on, sessions get one. Where `accounts`, `groups` and this are all missing, \
         it is the `min_uid` above; where one of the others is there, nobody besides.",
    ),
    Key::new(
        "claims",
        Table,
        Else("{ sun = \"{account}\", \"wlcg.ver\" = \"1.0\" }"),
        "Further claims: values or lists of them, in which `{account}`, `{uid}`, `{groups}`, \
         `{host}` and `{service}` are filled in. `sun = \"{account}\"` is the account's name for a \
         program that looks for it there; `\"wlcg.ver\" = \"1.0\"` and a `scope` are what the \
         tools of the WLCG look for.",
    ),
];

/// What a file may look like.
pub const EXAMPLE: &str = "\
# Tokens for these machines name the cluster, not the node.
audience_host = \"cluster.example.org\"

# A session that a token opened ends with it.
end_with_token = [\"sshd\"]

# Whoever logs in at the console gets a token for the cluster's web servers.
[issue]
issuer = \"https://db1.example.org\"
audience = [\"ssh://web1.example.org\", \"ssh://web2.example.org\"]
services = [\"login\"]
password_services = [\"login\"]
groups = [\"ops\"]
lifetime = \"4h\"
claims = { groups = \"{groups}\" }
";
