//! The token of a user of this machine. It says that the account's own process has asked for it
//! (`amr`), and not that anybody logged in: that may be long ago, or never, as with cron(8); so
//! there is neither `auth_time` nor `acr`, and who asks for a fresh login takes no such token.

use super::account::Account;
use super::protocol::Asked;
use crate::config::Config;
use crate::error::{Code, Failure, OAuthError};
use crate::scopes;
use crate::settings::Settings;
use crate::state::Server;
use crate::token::access::{Access, Signed};
use clients::{AuthMethod, Client};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

/// How it is known who asks: the kernel says so (SO_PEERCRED). None of the registered names
/// says that (RFC 8176 §2: `user` is a person's presence, `wia` is Windows), and §1 leaves others
/// to whoever agrees on them.
const AMR: &str = "peercred";

/// From where PAM's modules see it asked for: this machine.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What is given.
#[derive(Debug)]
pub struct Issued {
    /// The answer.
    pub answer: Value,
    /// `client_id`
    pub client_id: String,
    /// `jti`
    pub id: String,
    /// `aud`
    pub audience: Vec<String>,
    /// `scope`
    pub scopes: Vec<String>,
}

/// A token for `account` at `now`, in seconds since the epoch.
///
/// # Errors
/// `access_denied`, `invalid_scope`, `invalid_target`.
pub async fn issued(
    server: &Server,
    account: &Account,
    asked: &Asked,
    now: u64,
) -> Result<Issued, Failure> {
    let settings = server.settings();
    let config = &settings.config;
    account.may_have_tokens(config)?;
    if !server.standing.is_good(now, &account.name, HERE).await? {
        let why = "this account has expired, or may not log in here for another reason";
        return Err(OAuthError::new(Code::AccessDenied, why).into());
    }
    let client = client(&settings);
    let scopes = granted(config, &client, account, asked.scope.as_deref())?;
    let audience = scopes::audience(config, &client, &scopes, &asked.audience)?;
    let wants_groups = |name: &String| config.scopes.get(name).is_some_and(|one| one.groups_claim);
    let lifetime = config.lifetimes.access_token;
    let key = settings.keys.signing(now)?;
    let access = Access {
        issuer: &config.issuer,
        subject: &account.name,
        audience: &audience,
        client_id: &client.client_id,
        scopes: &scopes,
        now,
        lifetime,
        index: server.next_index().await?,
        amr: &[AMR.to_owned()],
        groups: scopes.iter().any(wants_groups).then_some(&account.groups),
        ..Access::default()
    };
    let Signed { token, id } = access.signed(key)?;
    let mut answer = json!({
        "access_token": token, "token_type": "Bearer", "expires_in": lifetime,
    });
    if let (Some(members), false) = (answer.as_object_mut(), scopes.is_empty()) {
        members.insert("scope".to_owned(), scopes.join(" ").into());
    }
    Ok(Issued {
        answer,
        id,
        client_id: client.client_id,
        audience,
        scopes,
    })
}

/// The client that such tokens are of: the administrator's of that id, or one that has all
/// scopes there are.
fn client(settings: &Settings) -> Client {
    let id = &settings.config.local.client_id;
    let registered = settings.clients.get(id).cloned();
    registered.unwrap_or_else(|| Client {
        client_id: id.clone(),
        client_id_issued_at: None,
        client_name: None,
        token_endpoint_auth_method: AuthMethod::None,
        secret_sha256: Vec::new(),
        jwks: None,
        redirect_uris: Vec::new(),
        grant_types: Vec::new(),
        scopes: settings.config.scopes.keys().cloned().collect(),
        audiences: Vec::new(),
        consent: false,
        introspects: false,
    })
}

/// The scopes that the token has: those of the account where none are asked for, and otherwise
/// these or none at all, since a script had better not find out later.
fn granted(
    config: &Config,
    client: &Client,
    account: &Account,
    scope: Option<&str>,
) -> Result<Vec<String>, OAuthError> {
    let asked = scopes::asked(config, client, scope)?;
    let mut may = scopes::of_account(config, &asked, &account.name, &account.groups);
    if scope.is_some() && may != asked {
        let why = "this account may not have one of these scopes";
        return Err(OAuthError::new(Code::InvalidScope, why));
    }
    // openid is about a login, and there was none.
    may.retain(|scope| !Config::is_built_in(scope));
    Ok(may)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::alice;
    use crate::resource_owner::message::Reason;
    use crate::testing::{ISSUER, World, public};
    use crate::token::access;

    const SCOPES: &str = "[scopes.ssh]\ndescription = \"d\"\naudiences = [\"ssh://*\"]\n\
        [scopes.api]\ndescription = \"d\"\naudiences = [\"https://api\"]\n\
        groups = [\"ops\"]\ngroups_claim = true\n";

    fn asked(audience: &[&str], scope: Option<&str>) -> Asked {
        Asked {
            audience: audience.iter().map(|one| (*one).to_owned()).collect(),
            scope: scope.map(str::to_owned),
        }
    }

    async fn claims(world: &World, account: &Account, asked: &Asked) -> Result<Value, Code> {
        let (server, now) = (&world.server, world.now());
        let issued = match issued(server, account, asked, now).await {
            Ok(issued) => issued,
            Err(Failure::Refused(error)) => return Err(error.code),
            Err(Failure::Fault(fault)) => panic!("{fault}"),
        };
        let token = issued.answer["access_token"].as_str().unwrap();
        let settings = server.settings();
        let verified = access::verify(token, ISSUER, &settings.keys, now).unwrap();
        let mut claims = verified.claims.all().clone();
        let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        claims.insert("exp".to_owned(), lifetime.into());
        for of_every_token in ["jti", "status", "iss", "iat"] {
            assert!(claims.remove(of_every_token).is_some());
        }
        assert_eq!(
            issued.answer["scope"],
            claims.get("scope").cloned().unwrap_or_default()
        );
        Ok(claims.into())
    }

    #[tokio::test]
    async fn a_token_says_who_asked_and_that_nobody_logged_in() {
        let world = World::new(SCOPES, &[]).await;
        let claims = claims(&world, &alice(1000, &[]), &asked(&["ssh://host"], None)).await;
        let expected = json!({
            "sub": "alice", "aud": "ssh://host", "client_id": "local", "exp": 600,
            "scope": "ssh", "amr": ["peercred"],
        });
        assert_eq!(claims, Ok(expected));
    }

    #[tokio::test]
    async fn scopes_and_audiences_are_the_accounts() {
        let world = World::new(SCOPES, &[]).await;
        let [plain, ops] = [alice(1000, &["staff"]), alice(1000, &["staff", "ops"])];
        for (account, asked, expected) in [
            (&plain, asked(&[], None), Ok(json!(["ssh", ISSUER]))),
            (
                &ops,
                asked(&[], None),
                Ok(json!(["api ssh", "https://api"])),
            ),
            (&ops, asked(&[], Some("ssh")), Ok(json!(["ssh", ISSUER]))),
            (&plain, asked(&[], Some("ssh api")), Err(Code::InvalidScope)),
            (&plain, asked(&[], Some("other")), Err(Code::InvalidScope)),
            (
                &plain,
                asked(&["https://api"], None),
                Err(Code::InvalidTarget),
            ),
            (
                &ops,
                asked(&["https://api"], Some("ssh")),
                Err(Code::InvalidTarget),
            ),
        ] {
            let claims = claims(&world, account, &asked).await;
            let told = claims.map(|claims| {
                let groups = claims.get("groups").cloned();
                let has_api = claims["scope"].as_str().unwrap().contains("api");
                assert_eq!(groups, has_api.then(|| json!(["staff", "ops"])));
                json!([claims["scope"], claims["aud"]])
            });
            assert_eq!(told, expected, "{asked:?}");
        }
        let system = alice(33, &[]);
        let refused = claims(&world, &system, &asked(&[], None)).await;
        assert_eq!(refused, Err(Code::AccessDenied));
    }

    #[tokio::test]
    async fn an_account_that_pam_does_not_let_pass_has_none() {
        let world = World::new(SCOPES, &[]).await;
        let says = |refused| world.account.lock().unwrap().refused = refused;
        says(Some(Reason::AccountExpired));
        let alice = alice(1000, &[]);
        let refused = claims(&world, &alice, &asked(&[], None)).await;
        assert_eq!(refused, Err(Code::AccessDenied));
        says(Some(Reason::Unavailable));
        let answer = issued(&world.server, &alice, &asked(&[], None), world.now()).await;
        assert!(matches!(answer, Err(Failure::Fault(fault)) if fault.passing));
        says(None);
        assert!(claims(&world, &alice, &asked(&[], None)).await.is_ok());
    }

    #[tokio::test]
    async fn the_administrator_may_say_what_such_tokens_are_good_for() {
        let more = "scopes = [\"openid\", \"ssh\"]\naudiences = [\"https://batch\"]";
        let client = public("local", more);
        let world = World::new(SCOPES, &[client]).await;
        let ops = alice(1000, &["ops"]);
        let told = claims(&world, &ops, &asked(&[], None)).await.unwrap();
        assert_eq!(
            (&told["scope"], &told["aud"]),
            (&json!("ssh"), &json!("https://batch"))
        );
        let refused = claims(&world, &ops, &asked(&[], Some("api"))).await;
        assert_eq!(refused, Err(Code::InvalidScope));
    }
}
