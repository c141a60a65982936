//! An issuer that this project did not write, as far as HTTP goes: Python's server, with TLS
//! from a certification authority that the machine trusts, which can be told to misbehave.

use crate::Machine;

const SERVER: &str = include_str!("issuer.py");

/// Makes a certification authority that the machine trusts; then NAME.pem in the directory $1,
/// for the host $2. `expired` ended long ago, `other` is for another host.
const CERTIFICATES: &str = r#"
umask 077
ca=/etc/ssl/private/test-ca
if [ ! -e $ca.pem ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj /CN=test-ca -keyout $ca.key -out $ca.pem
    cat $ca.pem >>/etc/ssl/certs/ca-certificates.crt
    cp $ca.pem /etc/ssl/certs/test-ca.pem
    chmod 0644 /etc/ssl/certs/test-ca.pem
    ln -s test-ca.pem /etc/ssl/certs/$(openssl x509 -in $ca.pem -noout -subject_hash).0
    printf '[ca]\ndefault_ca=ca\n[ca]\ndatabase=%s.db\nrand_serial=yes\ndefault_md=sha256\n
        policy=any\nemail_in_dn=no\nunique_subject=no\n[any]\ncommonName=optional\n' $ca >$ca.cnf
    : >$ca.db
fi
cd "$1"
certificate() {
    printf 'subjectAltName=DNS:%s\nextendedKeyUsage=serverAuth\n' "$2" >$1.ext
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" \
        -keyout $1.key -out $1.csr
    openssl ca -batch -notext -config $ca.cnf -extfile $1.ext -outdir . \
        -cert $ca.pem -keyfile $ca.key -startdate "$3" -enddate "$4" -in $1.csr -out $1.crt
    cat $1.crt $1.key >$1.pem
}
certificate own "$2" 20200101000000Z 20450101000000Z
certificate expired "$2" 20200101000000Z 20210101000000Z
certificate other "not-$2" 20200101000000Z 20450101000000Z
"#;

/// An issuer at work on the machine's loopback.
pub struct Issuer<'m> {
    machine: &'m Machine,
    /// Its name, which is where it is.
    pub url: String,
    root: String,
    address: String,
}

impl<'m> Issuer<'m> {
    /// Starts one at https://HOST.
    pub fn start(machine: &'m Machine, host: &str) -> Self {
        let root = format!("/srv/{host}");
        let address = format!("127.0.1.{}", 1 + host.len());
        machine.append("/etc/hosts", format!("{address} {host}\n"));
        let directory = machine.run(["install", "-d", &format!("{root}/www/.well-known")]);
        let _ = directory.expect_success();
        let certificates = ["sh", "-ec", CERTIFICATES, "sh", &root, host];
        let _ = machine.run(certificates).expect_success();
        let issuer = Self {
            machine,
            url: format!("https://{host}"),
            root,
            address,
        };
        issuer.listen();
        issuer.describe(&issuer.url);
        issuer
    }

    /// Starts the server, at first or again.
    pub fn listen(&self) {
        let server = format!("{}/server.py", self.root);
        self.machine.write(&server, SERVER, 0o644);
        let start = "setsid /usr/bin/python3 $0 $1 443 $2 </dev/null >$2/out 2>&1 &
            echo $! >$2/pid
            for try in $(seq 200); do
                (: <>/dev/tcp/$1/443) 2>/dev/null && exit
                sleep 0.05
            done; cat $2/out; exit 1";
        let start = ["bash", "-c", start, &server, &self.address, &self.root];
        let _ = self.machine.run(start).expect_success();
    }

    /// Ends the server.
    pub fn stop(&self) {
        let stop = "read pid <$0/pid; kill $pid; while kill -0 $pid 2>/dev/null; do :; done";
        let _ = self
            .machine
            .run(["sh", "-c", stop, &self.root])
            .expect_success();
    }

    /// Puts a file there.
    pub fn put(&self, path: &str, text: &str) {
        self.machine
            .write(&format!("{}/www{path}", self.root), text, 0o644);
    }

    /// Has its metadata say that they are of `issuer`.
    pub fn describe(&self, issuer: &str) {
        let url = &self.url;
        let metadata = format!(
            r#"{{"issuer":"{issuer}","jwks_uri":"{url}/jwks",
            "introspection_endpoint":"{url}/introspect",
            "status_list_aggregation_endpoint":"{url}/aggregation"}}"#
        );
        self.put("/.well-known/openid-configuration", &metadata);
    }

    /// Publishes the public halves of these keys, which `Issuer::key` has made.
    pub fn publish(&self, kids: &[&str]) {
        let jwks = kids.iter().map(|kid| {
            let jwk = self.machine.read(&format!("{}/{kid}.pub.jwk", self.root));
            jwk.trim().to_owned()
        });
        let jwks: Vec<String> = jwks.collect();
        self.put("/jwks", &format!(r#"{{"keys":[{}]}}"#, jwks.join(",")));
    }

    /// Where a private key is that `Issuer::key` has made.
    #[must_use]
    pub fn key_file(&self, kid: &str) -> String {
        format!("{}/{kid}.jwk", self.root)
    }

    /// Makes a key.
    pub fn key(&self, kid: &str) {
        let path = self.key_file(kid);
        let keygen = ["pam-jwt", "keygen", "--alg", "EdDSA", "--kid", kid, "--out"];
        let _ = self
            .machine
            .command(keygen)
            .arg(path)
            .run()
            .expect_success();
    }

    /// A token for alice that this key has signed, unless `more` says otherwise.
    #[must_use]
    pub fn token(&self, kid: &str, more: &[&str]) -> String {
        self.token_for("alice", kid, more)
    }

    /// A token for an account.
    #[must_use]
    pub fn token_for(&self, account: &str, kid: &str, more: &[&str]) -> String {
        let key = self.key_file(kid);
        let audience = format!("ssh://{}", self.machine.name());
        let words = [
            account,
            "--issuer",
            &self.url,
            "--key",
            &key,
            "--audience",
            &audience,
        ];
        self.machine
            .token(words.into_iter().chain(more.iter().copied()))
    }

    /// From now on this is wrong with it, as issuer.py has it; nothing where it is empty.
    pub fn fault(&self, fault: &str) {
        let fault = if fault.is_empty() { "{}" } else { fault };
        self.machine
            .write(&format!("{}/fault", self.root), fault, 0o644);
    }

    /// Headers that go with every file, as JSON.
    pub fn headers(&self, headers: &str) {
        self.machine
            .write(&format!("{}/headers", self.root), headers, 0o644);
    }

    /// The requests since this was asked last.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let log = format!("{}/log", self.root);
        let take = ["sh", "-c", "cat \"$0\" 2>/dev/null; rm -f \"$0\"", &log];
        let log = self.machine.run(take).expect_success().stdout;
        log.lines().map(str::to_owned).collect()
    }

    /// Writes the file that trusts it, with these lines above its rules, for alice and root.
    pub fn trust(&self, lines: &str) {
        let text = format!(
            "issuer = \"{}\"\naudience = [\"ssh://{{hostname}}\"]\n{lines}\n\n[[allow]]\n\
            account = \"{{sub}}\"\nservices = [\"sshd\"]\n\n[[allow]]\naccount = \"root\"\n\
            services = [\"sshd\"]\n",
            self.url
        );
        let host = self.url.trim_start_matches("https://");
        let path = format!("/etc/pam-jwt/issuers.d/{host}.toml");
        self.machine.write(&path, text, 0o644);
    }
}
