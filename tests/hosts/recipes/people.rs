//! Issuers of tokens for people: the shape is that of their documentation, whose names and
//! numbers are made up.

use super::case::{Case, Change, Keys, timed};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const APPLICATION: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";

pub fn keycloak(now: u64) -> Case {
    let claims = json!({
        "auth_time": now - 600, "jti": "onrtac:9c9bcb16-0f57-4f2f-8d6a-5a1a7b1c2d3e",
        "iss": "https://sso.example.org/realms/staff", "aud": ["ssh://machine", "account"],
        "sub": "f3b0c442-98fc-4c14-9afb-f4c8996fb924", "typ": "Bearer", "azp": "jwt-ssh",
        "sid": "0d1c2b3a-4f5e-4d6c-8b7a-9f8e7d6c5b4a", "acr": "1",
        "allowed-origins": ["https://ssh.example.org"],
        "realm_access": { "roles": ["default-roles-staff", "offline_access", "uma_authorization", "ssh-users"] },
        "resource_access": { "account": { "roles": ["manage-account", "manage-account-links", "view-profile"] } },
        "scope": "openid email profile", "email_verified": true, "name": "Alice Example",
        "preferred_username": "alice", "given_name": "Alice", "family_name": "Example",
        "email": "alice@example.org",
    });
    Case {
        recipe: "keycloak",
        kid: "TvN5hqzEG8nXwYbTt2mC9sQpLrKdJfVuA3oI6eW1xZ0",
        set: &[
            "issuer=https://sso.example.org/realms/staff",
            "client=jwt-ssh",
            "role=ssh-users",
        ],
        issuer: "https://sso.example.org/realms/staff",
        keys: Keys::DiscoveredAt(
            "https://sso.example.org/realms/staff/.well-known/openid-configuration",
            "https://sso.example.org/realms/staff/protocol/openid-connect/certs",
        ),
        alg: Algorithm::RS256,
        header: json!({ "typ": "JWT" }),
        claims: timed(claims, now, 20, 300),
        account: "alice",
        service: "sshd",
        bytes: 1300..=1900,
        misses: vec![
            (Change::Account("bob"), "account_not_allowed"),
            (
                Change::Claim("/preferred_username", json!("Alice")),
                "account_not_allowed",
            ),
            (Change::Claim("/typ", json!("ID")), "claims_not_allowed"),
            (Change::Claim("/azp", json!("shop")), "claims_not_allowed"),
            (
                Change::Claim("/realm_access/roles", json!(["ssh"])),
                "claims_not_allowed",
            ),
            (Change::Without("realm_access"), "claims_not_allowed"),
            (Change::Claim("/aud", json!("account")), "audience_mismatch"),
            (
                Change::Claim("/iss", json!("https://sso.example.org/realms/staf")),
                "issuer_unknown",
            ),
            (
                Change::Claim("/iss", json!("https://sso.example.org/realms/guests")),
                "issuer_unknown",
            ),
            (
                Change::Claim("/exp", json!(now + 7200)),
                "lifetime_too_long",
            ),
            (Change::Service("sudo"), "service_not_allowed"),
        ],
    }
}

/// With so many groups as Entra puts into a token.
pub fn entra(now: u64, groups: usize) -> Case {
    let mut claims = json!({
        "aud": APPLICATION, "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        "aio": "AWQAm/8XAAAAwzQ1b2R6aWxsYS1leGFtcGxlLW9mLWFuLW9wYXF1ZS12YWx1ZS10aGF0LWlzLWxvbmctYW5kLWxvbmdlci1zdGlsbC1iYXNlNjQ=",
        "azp": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "azpacr": "0", "name": "Alice Example",
        "oid": "4a5b6c7d-0e1f-4a2b-8c3d-9e0f1a2b3c4d", "preferred_username": "alice@example.org",
        "rh": "1.AXEAv4j5cvGGr0GRqy180BHbRysXdG5WvkNIn_TmajsiEuNxAABxAA.", "scp": "login",
        "roles": ["ssh"], "sid": "005d4a3c-1b2e-4f6a-9c8d-7e6f5a4b3c2d",
        "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ", "tid": TENANT,
        "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0", "xms_ftd": "kQ3yzV0Zt9rWmJ5nLx2b7cTgHs1uAeDfIoPq8vRw4XY",
    });
    let group = |n: usize| json!(format!("{n:08x}-86f1-41af-91ab-2d7cd011db47"));
    if groups > 0 {
        claims["groups"] = (0..groups).map(group).collect::<Vec<Value>>().into();
    }
    let bytes = if groups > 0 {
        11_000..=13_000
    } else {
        1450..=1750
    };
    Case {
        recipe: "entra",
        kid: "-KI3Q9nNR7bRofxmeZoXqbHZGew",
        set: &[
            "tenant=72f988bf-86f1-41af-91ab-2d7cd011db47",
            "application=6e74172b-be56-4843-9ff4-e66a39bb12e3",
            "account=alice",
            "object=4a5b6c7d-0e1f-4a2b-8c3d-9e0f1a2b3c4d",
        ],
        issuer: "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
        keys: Keys::DiscoveredAt(
            "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0/.well-known/openid-configuration",
            "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/discovery/v2.0/keys",
        ),
        alg: Algorithm::RS256,
        header: json!({ "typ": "JWT" }),
        // iat lies five minutes back.
        claims: timed(claims, now, 300, 5100 + 300),
        account: "alice",
        service: "sshd",
        bytes,
        misses: vec![
            (Change::Account("bob"), "account_not_allowed"),
            (
                Change::Claim("/oid", json!("5b5b6c7d-0e1f-4a2b-8c3d-9e0f1a2b3c4d")),
                "claims_not_allowed",
            ),
            (
                Change::Claim("/tid", json!(OTHER_TENANT)),
                "claims_not_allowed",
            ),
            (
                Change::Claim(
                    "/iss",
                    json!(format!(
                        "https://login.microsoftonline.com/{OTHER_TENANT}/v2.0"
                    )),
                ),
                "issuer_unknown",
            ),
            (
                Change::Claim("/iss", json!(format!("https://sts.windows.net/{TENANT}/"))),
                "issuer_unknown",
            ),
            (
                Change::Claim("/aud", json!("00000003-0000-0000-c000-000000000000")),
                "audience_mismatch",
            ),
            (
                Change::Claim("/aud", json!(format!("api://{APPLICATION}"))),
                "audience_mismatch",
            ),
            (Change::Without("oid"), "claims_not_allowed"),
            (
                Change::Claim("/exp", json!(now + 100_000)),
                "lifetime_too_long",
            ),
        ],
    }
}

pub fn google(now: u64) -> Case {
    let client = "1234987819200-8f2c0ik3n5gk.apps.googleusercontent.com";
    let claims = json!({
        "iss": "https://accounts.google.com", "azp": client, "aud": client,
        "sub": "107691503500061507151", "hd": "example.org", "email": "alice@example.org",
        "email_verified": true, "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q", "name": "Alice Example",
        "picture": "https://lh3.googleusercontent.com/a/ACg8ocJx7Qm2Vt9rWmJ5nLx2b7cTgHs1uAeDfIoPq8vRw4XY=s96-c",
        "given_name": "Alice", "family_name": "Example", "jti": "0f2b8d6a5a1a7b1c2d3e4f5061728394a5b6c7d8",
    });
    let mut claims = timed(claims, now, 20, 3600);
    claims.as_object_mut().expect("an object").remove("nbf");
    Case {
        recipe: "google",
        kid: "c7e04465649ffa606557650c7e65f0a87ae00fe8",
        set: &[
            "client=1234987819200-8f2c0ik3n5gk.apps.googleusercontent.com",
            "domain=example.org",
            "account=alice",
            "subject=107691503500061507151",
        ],
        issuer: "https://accounts.google.com",
        keys: Keys::At("https://www.googleapis.com/oauth2/v3/certs"),
        alg: Algorithm::RS256,
        header: json!({ "typ": "JWT" }),
        claims,
        account: "alice",
        service: "login",
        bytes: 1050..=1300,
        misses: vec![
            (Change::Account("bob"), "account_not_allowed"),
            // Another person with her address, and somebody of no Workspace.
            (
                Change::Claim("/sub", json!("107691503500061507152")),
                "claims_not_allowed",
            ),
            (Change::Without("hd"), "claims_not_allowed"),
            (
                Change::Claim("/hd", json!("example.org.example.net")),
                "claims_not_allowed",
            ),
            (
                Change::Claim("/aud", json!("1234987819200-x.apps.googleusercontent.com")),
                "audience_mismatch",
            ),
            // As Google's older tokens have it.
            (
                Change::Claim("/iss", json!("accounts.google.com")),
                "issuer_unknown",
            ),
            (Change::Service("sudo"), "service_not_allowed"),
        ],
    }
}

pub fn authserver(now: u64) -> Case {
    let claims = json!({
        "iss": "https://login.example.org", "sub": "alice", "aud": "ssh://machine",
        "client_id": "jwt-ssh", "auth_time": now - 30, "amr": ["pwd"],
        "jti": "b1c2d3e4f5061728394a5b6c7d8e9f00",
        "status": { "status_list": { "idx": 6, "uri": "https://login.example.org/status/0" } },
    });
    Case {
        recipe: "pam-jwt-authserver",
        kid: "2Jk5vQnT0cXyWb7RzE4sJmHdPfGuA8oI5eK1xV3tZ6Y",
        set: &["issuer=https://login.example.org", "accounts=alice,bob"],
        issuer: "https://login.example.org",
        keys: Keys::DiscoveredAt(
            "https://login.example.org/.well-known/oauth-authorization-server",
            "https://login.example.org/jwks",
        ),
        alg: Algorithm::EdDSA,
        header: json!({ "typ": "at+jwt" }),
        claims: timed(claims, now, 20, 3600),
        account: "alice",
        service: "sshd",
        bytes: 400..=600,
        misses: vec![
            (Change::Account("bob"), "account_not_allowed"),
            (Change::Account("root"), "account_not_allowed"),
            (Change::Claim("/sub", json!("carol")), "account_not_allowed"),
            (
                Change::Claim("/client_id", json!("shop")),
                "claims_not_allowed",
            ),
            (Change::Without("client_id"), "claims_not_allowed"),
            (Change::Typ(json!("JWT")), "type_not_accepted"),
            (Change::Typ(Value::Null), "type_not_accepted"),
            (
                Change::Claim("/aud", json!("ssh://other")),
                "audience_mismatch",
            ),
            (Change::Service("sudo"), "service_not_allowed"),
            (
                Change::Claim("/status/status_list/idx", json!(7)),
                "status_invalid",
            ),
            (
                Change::Claim("/status/status_list/idx", json!(8)),
                "status_unknown",
            ),
            (
                Change::Claim(
                    "/status/status_list/uri",
                    json!("https://login.example.org/status/1"),
                ),
                "status_unknown",
            ),
            (Change::Without("status"), "status_missing"),
        ],
    }
}

/// As [issue] of that machine makes it for a session.
pub fn pam_jwt_host(now: u64) -> Case {
    let claims = json!({
        "iss": "https://db1.example.org", "sub": "alice", "aud": "ssh://machine",
        "client_id": "pam:sshd", "jti": "4f5061728394a5b6c7d8e9f0", "sid": "c7d8e9f00f1e2d3c",
    });
    let mut claims = timed(claims, now, 20, 8 * 3600);
    claims.as_object_mut().expect("an object").remove("nbf");
    Case {
        recipe: "pam-jwt-host",
        kid: "9Hf2vQnT0cXyWb7RzE4sJmHdPfGuA8oI5eK1xV3tZ6Y",
        set: &[
            "issuer=https://db1.example.org",
            "keys=/etc/pam-jwt/keys/db1.jwk",
            "accounts=alice, bob",
        ],
        issuer: "https://db1.example.org",
        keys: Keys::File("/etc/pam-jwt/keys/db1.jwk"),
        alg: Algorithm::EdDSA,
        header: json!({ "typ": "at+jwt" }),
        claims,
        account: "alice",
        service: "sshd",
        bytes: 280..=480,
        misses: vec![
            (Change::Account("bob"), "account_not_allowed"),
            (Change::Claim("/sub", json!("carol")), "account_not_allowed"),
            (Change::Claim("/sub", json!("root")), "account_not_allowed"),
            (
                Change::Claim("/sub", json!("alice,bob")),
                "account_not_allowed",
            ),
            (Change::Service("sudo"), "service_not_allowed"),
            (Change::Service("sudo-i"), "service_not_allowed"),
            (Change::Service("su"), "service_not_allowed"),
            (Change::Service("login"), "service_not_allowed"),
            (
                Change::Claim("/aud", json!("ssh://db1")),
                "audience_mismatch",
            ),
            (
                Change::Claim("/exp", json!(now + 86_400)),
                "lifetime_too_long",
            ),
        ],
    }
}
