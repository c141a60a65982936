//! `pam-jwt clients add`

use super::{DIR, Secret, TAKEN_UP, as_json, path_of};
use crate::grounds;
use crate::new_file::NewFiles;
use crate::read_named;
use ::clients::text::{short_name, written};
use ::clients::{AuthMethod, Client, GrantType};
use clap::Args;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use cli::output::{Exit, Failure, Output};
use jose::JwkSet;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Register a client, and print its secret, once.
///
/// Which grants it has follows from what it is, unless --grant says so: with --redirect-uri it
/// sends people to log in and comes back with a code; --public without one is a command that
/// shows people a code for their browser (the device flow); with neither it acts for itself.
/// A client of --introspects alone asks about tokens, and gets none.
#[derive(Args)]
#[command(after_long_help = "\
Examples:
  # a web application in which people log in
  pam-jwt clients add wiki --redirect-uri https://wiki.example.org/cb --scope openid
  # a program on people's own machines: no secret, PKCE; the port may vary
  pam-jwt clients add app --public --redirect-uri http://127.0.0.1/cb --scope openid
  # a command for a terminal, such as jwt-ssh
  pam-jwt clients add jwt-ssh --public --scope openid --scope offline_access --audience 'ssh://*'
  # a job that shows who it is by a key of its own, and has no secret
  pam-jwt keygen --alg ES256 --out job.jwk
  pam-jwt clients add job --jwks job.pub.jwk --audience https://store.example.org
  # a server that asks whether tokens are good
  pam-jwt clients add store --introspects")]
pub struct Add {
    /// Its client_id: letters, digits and - . _ ~
    #[arg(value_name = "CLIENT_ID")]
    id: String,
    /// What people are told who asks.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// It runs where a secret would be everybody's: a native or a browser's application.
    #[arg(long, conflicts_with_all = ["auth_method", "jwks", "introspects"])]
    public: bool,
    /// A grant that it may use; may be given several times.
    #[arg(long = "grant", value_name = "GRANT", value_parser = grant())]
    grants: Vec<GrantType>,
    /// Where a browser may be sent back to; may be given several times.
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// A scope that it may ask for; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE", value_parser = NonEmptyStringValueParser::new())]
    scopes: Vec<String>,
    /// For whom its tokens may be meant; the first is the default.
    #[arg(long = "audience", value_name = "URI", value_parser = NonEmptyStringValueParser::new())]
    audiences: Vec<String>,
    /// How it shows who it is; client_secret_basic, or with --jwks private_key_jwt.
    #[arg(long, value_name = "METHOD", value_parser = auth_method())]
    auth_method: Option<AuthMethod>,
    /// Its public keys: a JWK or a JWK Set.
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// People are not asked whether it may have a token for them: it is the house's own.
    #[arg(long)]
    no_consent: bool,
    /// It may ask about the tokens of others (RFC 7662): it is a resource server.
    #[arg(long)]
    introspects: bool,
}

impl Add {
    /// Runs it.
    pub fn run(&self, config: &Path, out: &Output) -> Result<Exit, Failure> {
        let jwks = self.jwks.as_deref().map(public_keys).transpose()?;
        let mut client = self.client(jwks)?;
        let secret = match client.token_endpoint_auth_method {
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => Some(Secret::new()?),
            _ => None,
        };
        client
            .secret_sha256
            .extend(secret.as_ref().map(|secret| secret.sha256.clone()));
        if let Some(fault) = client.faults().into_iter().next() {
            return Err(Failure::new(fault));
        }
        let path = path_of(config, &self.id);
        let mut files = NewFiles::default();
        files.directory(config, 0o755)?;
        files.directory(&config.join(DIR), 0o755)?;
        files.whole(&path, 0o600, written(&client).as_bytes(), false)?;
        files.keep();
        for grant in [GrantType::Implicit, GrantType::Password] {
            if client.may(grant) {
                out.hint(&format!(
                    "{}: RFC 9700 advises against this grant; take it away when nothing needs it",
                    grant.name()
                ));
            }
        }
        let shown = path.display();
        out.report(
            || {
                let mut json = as_json(&client);
                if let Some(secret) = &secret {
                    json.insert("client_secret".to_owned(), secret.text.as_str().into());
                }
                json.insert("file".to_owned(), shown.to_string().into());
                json.into()
            },
            || {
                let secret = match &secret {
                    Some(secret) => format!(
                        "client_secret  {}\n\nThe secret is shown this once. ",
                        *secret.text
                    ),
                    None => String::new(),
                };
                format!(
                    "client_id      {}\n{secret}{}Registered in {shown}.\n{TAKEN_UP}",
                    client.client_id,
                    if secret.is_empty() { "\n" } else { "" },
                )
            },
        );
        Ok(Exit::Done)
    }

    fn client(&self, jwks: Option<Value>) -> Result<Client, Failure> {
        let method = match (self.auth_method, &jwks) {
            _ if self.public => AuthMethod::None,
            (Some(AuthMethod::None), _) => {
                return Err(Failure::new("a client without a secret is --public"));
            }
            (Some(method), _) => method,
            (None, Some(_)) => AuthMethod::PrivateKeyJwt,
            (None, None) => AuthMethod::ClientSecretBasic,
        };
        let grant_types = if self.grants.is_empty() {
            self.usual_grants()
        } else {
            self.grants.clone()
        };
        Ok(Client {
            client_id: self.id.clone(),
            client_id_issued_at: Some(grounds::now()?),
            client_name: self.name.clone(),
            token_endpoint_auth_method: method,
            secret_sha256: Vec::new(),
            jwks,
            redirect_uris: self.redirect_uris.clone(),
            grant_types,
            scopes: self.scopes.clone(),
            audiences: self.audiences.clone(),
            consent: !self.no_consent,
            introspects: self.introspects,
        })
    }

    fn usual_grants(&self) -> Vec<GrantType> {
        if !self.redirect_uris.is_empty() {
            vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
        } else if self.public {
            vec![GrantType::DeviceCode, GrantType::RefreshToken]
        } else if self.introspects && self.scopes.is_empty() && self.audiences.is_empty() {
            Vec::new()
        } else {
            vec![GrantType::ClientCredentials]
        }
    }
}

/// The public keys in a file, as a JWK Set.
fn public_keys(path: &Path) -> Result<Value, Failure> {
    let shown = path.display();
    let text = read_named(path)?;
    let failed = |why: String| Failure::new(format!("{shown}: {why}"));
    let set = JwkSet::parse(&text).map_err(|error| failed(error.to_string()))?;
    let is_secret = |jwk: &jose::Jwk| matches!(jwk.key, jose::Material::Secret(_));
    if set.keys.iter().any(is_secret) {
        return Err(failed("a symmetric key is no public key".to_owned()));
    }
    if let Some((index, why)) = set.left_out.first() {
        return Err(failed(format!("key {index} of the set: {why}")));
    }
    let json: Value = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
    Ok(match json.get("keys") {
        Some(_) => json,
        None => json!({ "keys": [json] }),
    })
}

fn grant() -> impl TypedValueParser<Value = GrantType> {
    let names = GrantType::ALL.map(short_name);
    PossibleValuesParser::new(names).try_map(|name| {
        let grant = GrantType::ALL
            .into_iter()
            .find(|one| short_name(*one) == name);
        grant.ok_or_else(|| format!("{name} is not known"))
    })
}

fn auth_method() -> impl TypedValueParser<Value = AuthMethod> {
    let names = AuthMethod::ALL.map(AuthMethod::name);
    PossibleValuesParser::new(names).try_map(|name| {
        let method = AuthMethod::ALL.into_iter().find(|one| one.name() == name);
        method.ok_or_else(|| format!("{name} is not known"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cli;
    use crate::clients::Clients;
    use clap::Parser;

    fn added(words: &str) -> Result<Client, Failure> {
        let words = format!("pam-jwt clients add a {words}");
        let cli = Cli::try_parse_from(words.split_whitespace()).unwrap();
        match cli.command {
            crate::Command::Clients(Clients::Add(add)) => add.client(None),
            _ => panic!("another command"),
        }
    }

    #[test]
    fn what_a_client_is_says_what_it_may() {
        use GrantType::{AuthorizationCode, ClientCredentials, DeviceCode, RefreshToken};
        for (words, grants, method) in [
            (
                "--redirect-uri https://a/cb",
                vec![AuthorizationCode, RefreshToken],
                AuthMethod::ClientSecretBasic,
            ),
            (
                "--public --redirect-uri http://127.0.0.1/",
                vec![AuthorizationCode, RefreshToken],
                AuthMethod::None,
            ),
            ("--public", vec![DeviceCode, RefreshToken], AuthMethod::None),
            ("", vec![ClientCredentials], AuthMethod::ClientSecretBasic),
            ("--introspects", vec![], AuthMethod::ClientSecretBasic),
            (
                "--introspects --scope s --auth-method client_secret_post",
                vec![ClientCredentials],
                AuthMethod::ClientSecretPost,
            ),
            (
                "--grant device_code --auth-method private_key_jwt",
                vec![DeviceCode],
                AuthMethod::PrivateKeyJwt,
            ),
        ] {
            let client = added(words).ok().unwrap();
            assert_eq!(client.grant_types, grants, "{words}");
            assert_eq!(client.token_endpoint_auth_method, method, "{words}");
            assert!(client.consent && client.client_id_issued_at.is_some());
        }
        assert!(!added("--public --no-consent").ok().unwrap().consent);
        assert!(added("--auth-method none").is_err());
    }

    #[test]
    fn no_private_key_becomes_part_of_a_registration() {
        let dir = std::env::temp_dir().join(format!("pam-jwt-add-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let key = jose::private_key::generate(jose::Algorithm::Es256, None).unwrap();
        let file = dir.join("key");
        std::fs::write(&file, &*key.private_jwk).unwrap();
        assert!(public_keys(&file).is_err());
        std::fs::write(&file, key.public_jwk.unwrap()).unwrap();
        let set = public_keys(&file).ok().unwrap();
        assert_eq!(set["keys"].as_array().map(Vec::len), Some(1));
        let shared = jose::private_key::generate(jose::Algorithm::Hs256, None).unwrap();
        std::fs::write(&file, &*shared.private_jwk).unwrap();
        assert!(public_keys(&file).is_err());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
