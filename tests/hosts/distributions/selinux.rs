//! The SELinux policy module, compiled here; what it allows is asked of the policy that Debian's
//! modules and ours make. No kernel is asked: what takes one is in packaging/doc/packagers.md.

use crate::place::{fresh, says, target};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The policy of all modules, made once.
fn policy() -> &'static str {
    static POLICY: OnceLock<String> = OnceLock::new();
    POLICY.get_or_init(|| {
        let place = target().join("selinux");
        let place = place.display();
        says(&format!("sh tests/selinux.sh {place}"));
        format!("{place}/policy")
    })
}

/// What must be allowed, and what must not: who, to what, of which class, does what.
const RULES: [(bool, &str); 36] = [
    // A login reads whom it trusts, and the key that it signs with, and changes neither.
    (true, "sshd_t pam_jwt_etc_t file read"),
    (true, "sshd_t pam_jwt_key_t file read"),
    (true, "local_login_t pam_jwt_etc_t file read"),
    (true, "user_sudo_t pam_jwt_key_t file read"),
    (false, "sshd_t pam_jwt_etc_t file write"),
    (false, "sshd_t pam_jwt_key_t file write"),
    (true, "sshd_t pam_jwt_fetched_t file read"),
    (false, "sshd_t pam_jwt_fetched_t file write"),
    // It notes tokens that are used up, and makes those of sessions.
    (true, "sshd_t pam_jwt_var_lib_t file create"),
    (true, "sshd_t pam_jwt_run_t file create"),
    (true, "sshd_t pam_jwt_token_t file create"),
    (true, "sshd_t pam_jwt_token_t file setattr"),
    (true, "user_sudo_t pam_jwt_token_t file unlink"),
    // What it asks an issuer, another program asks in its place.
    (true, "sshd_t pam_jwt_fetch_t process transition"),
    (true, "sshd_t pam_jwt_fetch_t process sigkill"),
    (true, "init_t pam_jwt_fetch_t process transition"),
    (true, "init_t pam_jwt_fetch_t process2 nnp_transition"),
    (true, "pam_jwt_fetch_t http_port_t tcp_socket name_connect"),
    (true, "pam_jwt_fetch_t pam_jwt_etc_t file read"),
    (true, "pam_jwt_fetch_t pam_jwt_fetched_t file create"),
    (false, "pam_jwt_fetch_t pam_jwt_key_t file read"),
    (false, "pam_jwt_fetch_t pam_jwt_var_lib_t file write"),
    (false, "pam_jwt_fetch_t pam_jwt_token_t file read"),
    (false, "pam_jwt_fetch_t shadow_t file read"),
    // A user reads the own token, and nothing else of ours.
    (true, "user_t pam_jwt_token_t file read"),
    (
        true,
        "staff_t pam_jwt_authserver_t unix_stream_socket connectto",
    ),
    (false, "user_t pam_jwt_token_t file write"),
    (false, "user_t pam_jwt_key_t file read"),
    (false, "user_t pam_jwt_run_t file read"),
    (false, "user_t pam_jwt_var_lib_t file read"),
    // The server: PAM, its store, a port of its own.
    (true, "init_t pam_jwt_authserver_t process2 nnp_transition"),
    (true, "pam_jwt_authserver_t chkpwd_t process transition"),
    (
        true,
        "pam_jwt_authserver_t pam_jwt_authserver_var_lib_t file map",
    ),
    (
        true,
        "pam_jwt_authserver_t http_port_t tcp_socket name_bind",
    ),
    (false, "pam_jwt_authserver_t pam_jwt_fetched_t file write"),
    (false, "sshd_t pam_jwt_authserver_var_lib_t file read"),
];

#[test]
fn who_may_do_what_is_as_it_ought_to_be() {
    let policy = policy();
    let mut wrong = Vec::new();
    for (allowed, rule) in RULES {
        let mut words = rule.split(' ');
        let mut word = || words.next().expect("four words");
        let (who, what, class, act) = (word(), word(), word(), word());
        let ask = format!("sesearch --allow -s {who} -t {what} -c {class} -p {act} {policy}");
        // What a boolean may allow is not allowed as it comes.
        let found = says(&ask)
            .lines()
            .any(|line| line.starts_with("allow") && !line.contains(" ["));
        if found != allowed {
            wrong.push(format!(
                "{}: {rule}",
                if found { "allowed" } else { "not allowed" }
            ));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let any_port = "-s pam_jwt_fetch_t -t smtp_port_t -c tcp_socket -p name_connect";
    let any_port = says(&format!("sesearch --allow {any_port} {policy}"));
    assert!(
        any_port.contains("[ pam_jwt_fetch_any_port ]:True"),
        "{any_port}"
    );
}

/// What a program makes has its type at once, without restorecon.
#[test]
fn what_is_made_anew_has_its_type() {
    let made = says(&format!("sesearch --type_trans -s sshd_t {}", policy()));
    for rule in [
        "sshd_t pam_jwt_fetch_exec_t:process pam_jwt_fetch_t;",
        "sshd_t var_lib_t:dir pam_jwt_var_lib_t pam-jwt;",
        "sshd_t var_run_t:dir pam_jwt_run_t pam-jwt;",
        "sshd_t pam_jwt_run_t:dir pam_jwt_token_t;",
        "sshd_t pam_jwt_run_t:dir pam_jwt_run_t handoff;",
        "sshd_t pam_jwt_run_t:dir pam_jwt_run_t sessions;",
    ] {
        assert!(made.contains(rule), "{rule}\n{made}");
    }
}

#[test]
fn every_path_has_the_type_that_it_is_meant_to_have() {
    let place = fresh("selinux");
    let place = place.display();
    says(&format!(
        "sh packaging/selinux/build.sh {place}
        cd {place}
        semodule_unpackage pam_jwt.pp pam_jwt.mod pam_jwt.fc"
    ));
    let expected = BTreeMap::from([
        ("/etc/pam-jwt", "pam_jwt_etc_t"),
        ("/etc/pam-jwt/pam-jwt.toml", "pam_jwt_etc_t"),
        ("/etc/pam-jwt/issuers.d/a.toml", "pam_jwt_etc_t"),
        ("/etc/pam-jwt/keys/a.jwks", "pam_jwt_etc_t"),
        ("/etc/pam-jwt/private", "pam_jwt_key_t"),
        ("/etc/pam-jwt/private/local.jwk", "pam_jwt_key_t"),
        ("/usr/sbin/pam-jwt-fetch", "pam_jwt_fetch_exec_t"),
        ("/usr/bin/pam-jwt-fetch", "pam_jwt_fetch_exec_t"),
        ("/usr/local/sbin/pam-jwt-fetch", "pam_jwt_fetch_exec_t"),
        ("/usr/sbin/pam-jwt-authserver", "pam_jwt_authserver_exec_t"),
        ("/var/lib/pam-jwt", "pam_jwt_var_lib_t"),
        ("/var/lib/pam-jwt/used/1", "pam_jwt_var_lib_t"),
        ("/var/lib/pam-jwt/revoked/1", "pam_jwt_var_lib_t"),
        ("/var/lib/pam-jwt/status/1", "pam_jwt_var_lib_t"),
        ("/var/lib/pam-jwt/fetched/status/1", "pam_jwt_fetched_t"),
        (
            "/var/lib/pam-jwt-authserver/store.db",
            "pam_jwt_authserver_var_lib_t",
        ),
        ("/run/pam-jwt", "pam_jwt_run_t"),
        ("/run/pam-jwt/sessions/1000.7", "pam_jwt_run_t"),
        ("/run/pam-jwt/handoff/5e", "pam_jwt_run_t"),
        ("/run/pam-jwt/1000", "pam_jwt_token_t"),
        ("/run/pam-jwt/1000/6f", "pam_jwt_token_t"),
        ("/var/run/pam-jwt/1000/6f", "pam_jwt_token_t"),
        ("/run/pam-jwt-authserver/local", "pam_jwt_authserver_run_t"),
    ]);
    for (path, expected) in expected {
        let kind =
            if path.ends_with("-fetch") || path.ends_with("-authserver") && path.contains("bin") {
                "-t file"
            } else {
                ""
            };
        let found = says(&format!(
            "selabel_lookup -b file -f {place}/pam_jwt.fc -k {path} {kind}"
        ));
        assert!(
            found.contains(&format!(":{expected}:s0")),
            "{path}: {found}"
        );
    }
    let other = format!("! selabel_lookup -b file -f {place}/pam_jwt.fc -k /usr/sbin/pam-jwt 2>&1");
    says(&other);
}
