//! What is wrong with the files is told before the server is started, with what mends it.

use super::*;
use jose::{Algorithm, private_key, sign};
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

/// A configuration directory with files that are fine, until it is dropped.
struct Files(PathBuf);

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn client(id: &str) -> String {
    format!("client_id = \"{id}\"\ntoken_endpoint_auth_method = \"none\"\n")
}

impl Files {
    fn new() -> Self {
        // Below a directory that nobody else may write to, as trusted files are.
        let name = format!("/run/pam-jwt-check.{}", sign::random_name().unwrap());
        let files = Self(PathBuf::from(name));
        fs::create_dir(&files.0).unwrap();
        for dir in ["clients.d", "authserver-keys", "store"] {
            fs::create_dir(files.path(dir)).unwrap();
            files.mode(dir, 0o700);
        }
        for name in ["a", "b"] {
            files.certify(name);
        }
        files.settings("");
        files.write("clients.d/c.toml", &client("c"));
        let key = private_key::generate(Algorithm::EdDsa, Some("own")).unwrap();
        files.write("authserver-keys/own.jwk", &key.private_jwk);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.mode(name, 0o600);
    }

    fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
        self.mode(to, 0o600);
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    fn append(&self, name: &str, more: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        self.write(name, &(text + more));
    }

    /// The settings, with the store in `store/` unless `more` says where it is, and TLS.
    fn settings(&self, more: &str) {
        let dir = self.0.display();
        let store = format!("[store]\nurl = \"sqlite://{dir}/store/store.db\"\n");
        let store = if more.contains("[store]") { "" } else { &store };
        let text = format!(
            "issuer = \"https://a.example\"\n[tls]\ncertificate = \"{dir}/a.pem\"\n\
             key = \"{dir}/a.key\"\n{store}{more}"
        );
        self.write(crate::settings::FILE, &text);
    }

    /// Makes a certificate and its key, `name.pem` and `name.key`.
    fn certify(&self, name: &str) {
        let [key, certificate] = ["key", "pem"].map(|end| self.path(&format!("{name}.{end}")));
        let made = Command::new("openssl")
            .args("req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256".split(' '))
            .args("-subj /CN=a.example -keyout".split(' '))
            .arg(key)
            .arg("-out")
            .arg(certificate)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }

    /// The errors, but for the machine's, which is not that of a server.
    fn told(&self) -> Vec<String> {
        let findings = of_files(&self.0, Some(nix::unistd::geteuid()), 1_800_000_000);
        let errors = findings.into_iter().filter(|finding| finding.is_error);
        let texts = errors.map(|finding| finding.text);
        texts.filter(|text| !text.contains("/etc/pam.d")).collect()
    }
}

#[test]
fn what_the_server_would_not_start_with_is_told_with_what_mends_it() {
    type Break = fn(&Files);
    let table: [(Break, &[&str]); 33] = [
        (|_| {}, &[]),
        (
            |files| fs::remove_file(files.path("authserver.toml")).unwrap(),
            &["authserver.toml does not exist"],
        ),
        (
            |files| files.mode("authserver.toml", 0o666),
            &["authserver.toml", "run: chmod go-w"],
        ),
        (
            |files| fs::write(files.path("authserver.toml"), b"issuer = \"\xff\"").unwrap(),
            &["authserver.toml is not UTF-8"],
        ),
        (
            |files| files.settings("[limits]\nbodi = 1\n"),
            &["authserver.toml", "unknown field `bodi`", "line 8"],
        ),
        (
            |files| files.settings("[scopes.a]\naudiences = 1\n"),
            &["authserver.toml", "invalid type"],
        ),
        (
            |files| files.settings("[scopes.a]\ndescription = \"\"\n"),
            &["\"a\" lacks a description"],
        ),
        (
            |files| files.settings("[scopes.openid]\ndescription = \"d\"\n"),
            &["\"openid\" is built in"],
        ),
        (
            |files| files.settings("[scopes.\"a b\"]\ndescription = \"d\"\n"),
            &["\"a b\" is no name of a scope"],
        ),
        (
            |files| files.append("clients.d/c.toml", "redirect_uri = []\n"),
            &["clients.d/c.toml", "unknown field `redirect_uri`"],
        ),
        (
            |files| files.append("clients.d/c.toml", "grant_types = [\"x\"]\n"),
            &["clients.d/c.toml", "unknown variant `x`"],
        ),
        (
            |files| files.write("clients.d/d.toml", &client("c")),
            &["clients.d/d.toml: ", "client_id"],
        ),
        (
            |files| files.mode("clients.d/c.toml", 0o620),
            &["clients.d/c.toml", "run: chmod go-w"],
        ),
        (
            |files| files.mode("clients.d", 0o777),
            &["clients.d", "run: chmod go-w"],
        ),
        (
            |files| fs::remove_file(files.path("authserver-keys/own.jwk")).unwrap(),
            &["pam-jwt keys rotate"],
        ),
        (
            |files| files.mode("authserver-keys/own.jwk", 0o640),
            &["authserver-keys/own.jwk", "run: chmod 600"],
        ),
        (
            |files| files.write("authserver-keys/own.jwk", "{}"),
            &["authserver-keys/own.jwk: "],
        ),
        (
            |files| fs::remove_file(files.path("a.pem")).unwrap(),
            &["a.pem does not exist"],
        ),
        (
            |files| fs::remove_file(files.path("a.key")).unwrap(),
            &["a.key does not exist"],
        ),
        (
            |files| files.mode("a.key", 0o644),
            &["a.key", "run: chmod 600"],
        ),
        (
            |files| files.copy("b.key", "a.key"),
            &["a.pem and ", "the key is not that of the first certificate"],
        ),
        (
            |files| files.write("a.pem", "garbage\n"),
            &["a.pem and ", "the first has no certificate"],
        ),
        (
            |files| files.write("a.key", "garbage\n"),
            &["a.key: ", "the second has no private key"],
        ),
        (
            |files| files.copy("a.pem", "a.key"),
            &["a.key: ", "the second has no private key"],
        ),
        (
            |files| {
                let text = "-----BEGIN CERTIFICATE-----\n####\n-----END CERTIFICATE-----\n";
                files.write("a.pem", text);
            },
            &["a.pem and ", "the certificate: "],
        ),
        (
            |files| {
                let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
                files.write("a.pem", text);
            },
            &["a.pem and "],
        ),
        (
            |files| files.settings("[store]\nurl = \"sqlite:store.db\"\n"),
            &["sqlite:// and an absolute path"],
        ),
        (
            |files| fs::remove_dir(files.path("store")).unwrap(),
            &["/store: ", "run: install -d -m 0700 -o pam-jwt-authserver"],
        ),
        (
            |files| files.mode("store", 0o500),
            &["cannot write into", "run: chmod 700"],
        ),
        (
            |files| fs::create_dir(files.path("store/store.db")).unwrap(),
            &["store.db is not a file", "move it away"],
        ),
        (
            |files| symlink("/dev/null", files.path("store/store.db")).unwrap(),
            &["store.db is not a file"],
        ),
        (
            |files| {
                files.write("store/store.db", "");
                files.mode("store/store.db", 0o400);
            },
            &["store.db cannot be written", "run: chmod 600"],
        ),
        (
            |files| {
                files.write("store/store.db", "");
                files.mode("store/store.db", 0o660);
            },
            &["store.db is open to others", "run: chmod 600"],
        ),
    ];
    let mut wrong = Vec::new();
    for (number, (harm, expected)) in table.into_iter().enumerate() {
        let files = Files::new();
        harm(&files);
        let told = files.told().join("\n");
        let is_told = expected.iter().all(|part| told.contains(part));
        if !is_told || told.is_empty() != expected.is_empty() {
            wrong.push(format!("{number}: {expected:?}, but: {told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn whose_the_store_is_matters() {
    let files = Files::new();
    let other = Uid::from_raw(nix::unistd::geteuid().as_raw() + 1);
    let dir = files.path("store");
    let told = of_directory(&dir, other).unwrap();
    assert!(
        told.is_error && told.text.contains("does not belong to"),
        "{told:?}"
    );
    files.write("store/store.db", "");
    let told = of_file(&files.path("store/store.db"), other).unwrap();
    assert!(
        told.is_error && told.text.contains("run: chown"),
        "{told:?}"
    );
    files.mode("store", 0o755);
    let told = of_directory(&dir, nix::unistd::geteuid()).unwrap();
    assert!(
        !told.is_error && told.text.contains("run: chmod 700"),
        "{told:?}"
    );
}

#[test]
fn what_may_not_be_meant_is_told() {
    let said = |more: &str| {
        let config = Config::parse(&format!("issuer = \"https://[::1]\"\n{more}")).unwrap();
        let texts = of_config(&config).into_iter().map(|finding| finding.text);
        texts.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(said(""), "");
    assert!(said("listen = [\"0.0.0.0:443\"]").contains("in the clear"));
    let proxy = "listen = [\"0.0.0.0:443\"]\nproxies = [\"192.0.2.1\"]";
    assert_eq!(said(proxy), "");
    let long = "[lifetimes]\naccess_token = \"8d\"";
    assert!(said(long).contains("--keep"));
    assert_eq!(said(&long.replace('8', "7")), "");
    assert!(said("[registration]\nmode = \"open\"").contains("every program"));
}
