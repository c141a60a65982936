//! Issuers of tokens for jobs and workloads, in the shape of their documentation.

use super::case::{Case, Change, Keys, timed};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

pub fn github(now: u64) -> Case {
    let claims = json!({
        "jti": "2b6a1f0e-9c8d-4e7f-8a6b-5c4d3e2f1a0b",
        "sub": "repo:octo-org/octo-repo:environment:production", "aud": "ssh://machine",
        "ref": "refs/heads/main", "sha": "1f0e9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b",
        "repository": "octo-org/octo-repo", "repository_owner": "octo-org",
        "repository_owner_id": "65", "run_id": "9876543210", "run_number": "1042",
        "run_attempt": "1", "repository_visibility": "private", "repository_id": "1296269",
        "actor_id": "583231", "actor": "octocat", "workflow": "Deploy to production",
        "head_ref": "", "base_ref": "", "event_name": "workflow_dispatch",
        "ref_protected": "true", "ref_type": "branch",
        "workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
        "workflow_sha": "1f0e9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b",
        "job_workflow_ref": "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
        "job_workflow_sha": "7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1f0e9c8d",
        "runner_environment": "github-hosted", "environment": "production",
        "environment_node_id": "EN_kwDOAAABBc4AAAAB", "check_run_id": "24681357911",
        "iss": "https://token.actions.githubusercontent.com",
    });
    let mut claims = timed(claims, now, 20, 300);
    claims["nbf"] = json!(now - 620);
    Case {
        recipe: "github-actions",
        kid: "eBZ_cn3sXYAd0ch4THBKHIgOwOE",
        set: &[
            "repository_id=1296269",
            "environment=production",
            "account=deploy",
        ],
        issuer: "https://token.actions.githubusercontent.com",
        keys: Keys::At("https://token.actions.githubusercontent.com/.well-known/jwks"),
        alg: Algorithm::RS256,
        header: json!({ "typ": "JWT", "x5t": "eBZ_cn3sXYAd0ch4THBKHIgOwOE" }),
        claims,
        account: "deploy",
        service: "sshd",
        bytes: 1800..=2250,
        misses: vec![
            (Change::Account("alice"), "account_not_allowed"),
            (
                Change::Claim("/repository_id", json!("12962690")),
                "claims_not_allowed",
            ),
            (
                Change::Claim("/repository_id", json!(1_296_269)),
                "claims_not_allowed",
            ),
            // The name of the repository is somebody else's now.
            (
                Change::Claim("/repository_id", json!("777")),
                "claims_not_allowed",
            ),
            (Change::Without("environment"), "claims_not_allowed"),
            (
                Change::Claim("/environment", json!("staging")),
                "claims_not_allowed",
            ),
            (
                Change::Claim("/environment", json!("production2")),
                "claims_not_allowed",
            ),
            (
                Change::Claim("/aud", json!("https://github.com/octo-org")),
                "audience_mismatch",
            ),
            (
                Change::Claim(
                    "/iss",
                    json!("https://token.actions.githubusercontent.com/octo-org"),
                ),
                "issuer_unknown",
            ),
            (Change::Service("sudo"), "service_not_allowed"),
            (
                Change::Claim("/exp", json!(now + 3600)),
                "lifetime_too_long",
            ),
        ],
    }
}

pub fn gitlab(now: u64) -> Case {
    let claims = json!({
        "namespace_id": "9970", "namespace_path": "my-group", "project_id": "278964",
        "project_path": "my-group/my-project", "user_id": "4711", "user_login": "alice",
        "user_email": "alice@example.org", "user_access_level": "maintainer",
        "user_identities": [{ "provider": "saml", "extern_uid": "alice@example.org" }],
        "job_project_id": "278964", "job_project_path": "my-group/my-project",
        "job_namespace_id": "9970", "job_namespace_path": "my-group",
        "pipeline_id": "1574000123", "pipeline_source": "push", "job_id": "9302001234",
        "ref": "main", "ref_type": "branch", "ref_path": "refs/heads/main",
        "ref_protected": "true", "groups_direct": ["my-group/ops", "my-other-group/dev"],
        "environment": "production", "environment_protected": "true",
        "deployment_tier": "production", "environment_action": "start",
        "runner_id": 12_270_831, "runner_environment": "gitlab-hosted",
        "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc", "project_visibility": "private",
        "ci_config_ref_uri": "gitlab.com/my-group/my-project//.gitlab-ci.yml@refs/heads/main",
        "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
        "jti": "235b3a54-b797-45c7-ae9a-f72d7bc6ef5b", "iss": "https://gitlab.com",
        "sub": "project_path:my-group/my-project:ref_type:branch:ref:main",
        "aud": "ssh://machine",
    });
    Case {
        recipe: "gitlab",
        kid: "4i3sFE7sxqNPOT7FdvcGA1ZVGGI_r-tsDXnEuYT4ZqE",
        set: &["project_id=278964", "account=deploy"],
        issuer: "https://gitlab.com",
        keys: Keys::DiscoveredAt(
            "https://gitlab.com/.well-known/openid-configuration",
            "https://gitlab.com/oauth/discovery/keys",
        ),
        alg: Algorithm::RS256,
        header: json!({ "typ": "JWT" }),
        claims: timed(claims, now, 20, 3600),
        account: "deploy",
        service: "sshd",
        bytes: 1800..=2300,
        misses: vec![
            (
                Change::Claim("/ref_protected", json!("false")),
                "claims_not_allowed",
            ),
            // What it is not: GitLab's truth is a text.
            (
                Change::Claim("/ref_protected", json!(true)),
                "claims_not_allowed",
            ),
            (Change::Without("ref_protected"), "claims_not_allowed"),
            (
                Change::Claim("/project_id", json!("2789640")),
                "claims_not_allowed",
            ),
            (
                Change::Claim("/project_id", json!("1")),
                "claims_not_allowed",
            ),
            (
                Change::Claim("/aud", json!("https://vault.example.com")),
                "audience_mismatch",
            ),
            (
                Change::Claim("/iss", json!("https://gitlab.com/")),
                "issuer_unknown",
            ),
            (Change::Account("alice"), "account_not_allowed"),
            (Change::Service("sudo"), "service_not_allowed"),
        ],
    }
}

pub fn kubernetes(now: u64) -> Case {
    let claims = json!({
        "aud": ["ssh://machine"], "iss": "https://kubernetes.default.svc.cluster.local",
        "jti": "aed34954-b33a-4142-b1ec-389d6bbb4936",
        "kubernetes.io": {
            "namespace": "backup",
            "node": { "name": "worker-1.k8s.example.org", "uid": "646e7c5e-32d6-4d42-9dbd-e504e6cbe6b1" },
            "pod": { "name": "runner-5dd8c8b5f4-k9x2p", "uid": "5e0bd49b-f040-43b0-99b7-22765a53f7f3" },
            "serviceaccount": { "name": "runner", "uid": "14ee3fa4-a7e2-420f-9f9a-dbc4507c3798" },
        },
        "sub": "system:serviceaccount:backup:runner",
    });
    Case {
        recipe: "kubernetes",
        kid: "kL2vQ9nT0cXyWb7RzE4sJmHdPfGuA8oI5eK1xV3tZ6Y",
        set: &[
            "issuer=https://kubernetes.default.svc.cluster.local",
            "namespace=backup",
            "serviceaccount=runner",
            "uid=14ee3fa4-a7e2-420f-9f9a-dbc4507c3798",
            "account=backup-runner",
        ],
        issuer: "https://kubernetes.default.svc.cluster.local",
        keys: Keys::File("/etc/pam-jwt/keys/kubernetes.jwks"),
        alg: Algorithm::RS256,
        header: json!({}),
        claims: timed(claims, now, 20, 3600),
        account: "backup-runner",
        service: "sshd",
        bytes: 1080..=1350,
        misses: vec![
            (
                Change::Claim("/sub", json!("system:serviceaccount:backup2:runner")),
                "claims_not_allowed",
            ),
            (
                Change::Claim("/sub", json!("system:serviceaccount:backup:runner2")),
                "claims_not_allowed",
            ),
            (
                Change::Claim("/kubernetes.io/namespace", json!("other")),
                "claims_not_allowed",
            ),
            // Deleted, and made again by somebody else.
            (
                Change::Claim(
                    "/kubernetes.io/serviceaccount/uid",
                    json!("99ee3fa4-a7e2-420f-9f9a-dbc4507c3798"),
                ),
                "claims_not_allowed",
            ),
            (Change::Without("kubernetes.io"), "claims_not_allowed"),
            (
                Change::Claim(
                    "/aud",
                    json!(["https://kubernetes.default.svc.cluster.local"]),
                ),
                "audience_mismatch",
            ),
            (Change::Typ(json!("JWT")), "type_not_accepted"),
            (Change::Account("alice"), "account_not_allowed"),
            (Change::Service("sudo"), "service_not_allowed"),
            (
                Change::Claim("/exp", json!(now + 31_536_000)),
                "lifetime_too_long",
            ),
        ],
    }
}

/// As SPIRE makes it: neither iss nor nbf.
pub fn spiffe(now: u64) -> Case {
    let claims = json!({ "sub": "spiffe://example.org/ssh/alice", "aud": ["ssh://machine"] });
    let mut claims = timed(claims, now, 20, 300);
    claims.as_object_mut().expect("an object").remove("nbf");
    let id = |id: &str| Change::Claim("/sub", json!(id));
    Case {
        recipe: "spiffe",
        kid: "OqHcLxqk8v2bTzWm9sYdRfGjPnAu3eKi",
        set: &[
            "trust_domain=example.org",
            "bundle=https://spire.example.org:8443/",
            "path=ssh",
        ],
        issuer: "spiffe://example.org",
        keys: Keys::At("https://spire.example.org:8443/"),
        alg: Algorithm::ES256,
        header: json!({ "typ": "JWT" }),
        claims,
        account: "alice",
        service: "sshd",
        bytes: 250..=450,
        misses: vec![
            (id("spiffe://example.com/ssh/alice"), "issuer_unknown"),
            (
                id("spiffe://example.org.example.net/ssh/alice"),
                "issuer_unknown",
            ),
            (id("spiffe://example.org/ssh2/alice"), "account_not_allowed"),
            (
                id("spiffe://example.org/ssh/x/alice"),
                "account_not_allowed",
            ),
            (
                id("spiffe://example.org/x/ssh/alice"),
                "account_not_allowed",
            ),
            (
                id("spiffe://example.org/ssh/alice/x"),
                "account_not_allowed",
            ),
            (id("spiffe://example.org/ssh/Alice"), "account_not_allowed"),
            (
                id("spiffe://example.org/ssh/../ssh/alice"),
                "issuer_missing",
            ),
            (id("spiffe://example.org//ssh/alice"), "issuer_missing"),
            (id("spiffe://EXAMPLE.org/ssh/alice"), "issuer_missing"),
            (id("spiffe://example.org/ssh/alice?x"), "issuer_missing"),
            (id("alice"), "issuer_missing"),
            // A token with an iss is of that issuer: by its keys, and by its rules.
            (
                Change::Claim("/iss", json!("spiffe://example.org")),
                "issuer_unknown",
            ),
            (
                Change::Claim("/iss", json!("https://gitlab.com")),
                "key_unknown",
            ),
            (Change::Account("bob"), "account_not_allowed"),
            (
                Change::Claim("/aud", json!(["ssh://other"])),
                "audience_mismatch",
            ),
            (Change::Without("aud"), "audience_missing"),
            (Change::Without("exp"), "expiry_missing"),
            (Change::Typ(json!("at+jwt")), "type_not_accepted"),
            (Change::Service("sudo"), "service_not_allowed"),
        ],
    }
}

pub fn wlcg(now: u64) -> Case {
    let claims = json!({
        "wlcg.ver": "1.0", "sub": "e1eb758b-b73c-4761-bfff-adc793da409c",
        "aud": "ssh://machine", "iss": "https://dune-auth.example.org/",
        "client_id": "9f8e7d6c-5b4a-4392-8170-6f5e4d3c2b1a",
        "jti": "aef94c8c-0fea-490f-9027-ff444dd66d8c",
        "scope": "openid wlcg.groups:/dune/operators compute.read compute.create storage.read:/dune",
        "wlcg.groups": ["/dune/operators", "/dune"],
        "eduperson_assurance": ["https://refeds.org/assurance/profile/espresso"],
        "acr": "https://refeds.org/profile/mfa", "auth_time": now - 500,
    });
    let group = |groups: Value| Change::Claim("/wlcg.groups", groups);
    Case {
        recipe: "wlcg",
        kid: "rsa1",
        set: &[
            "issuer=https://dune-auth.example.org/",
            "subject=e1eb758b-b73c-4761-bfff-adc793da409c",
            "group=/dune/operators",
            "account=dunepro",
        ],
        issuer: "https://dune-auth.example.org/",
        keys: Keys::DiscoveredAt(
            "https://dune-auth.example.org/.well-known/openid-configuration",
            "https://dune-auth.example.org/jwk",
        ),
        alg: Algorithm::RS256,
        header: json!({ "typ": "at+jwt" }),
        claims: timed(claims, now, 20, 3600),
        account: "dunepro",
        service: "sshd",
        bytes: 1000..=1450,
        misses: vec![
            (
                Change::Claim("/aud", json!("https://wlcg.cern.ch/jwt/v1/any")),
                "audience_mismatch",
            ),
            (
                Change::Claim("/sub", json!("f1eb758b-b73c-4761-bfff-adc793da409c")),
                "claims_not_allowed",
            ),
            (group(json!(["/dune"])), "claims_not_allowed"),
            (
                group(json!(["/dune/operators/night"])),
                "claims_not_allowed",
            ),
            (Change::Without("wlcg.groups"), "claims_not_allowed"),
            (Change::Without("wlcg.ver"), "claims_not_allowed"),
            (
                Change::Claim("/iss", json!("https://dune-auth.example.org")),
                "issuer_unknown",
            ),
            (
                Change::Claim("/exp", json!(now + 30_000)),
                "lifetime_too_long",
            ),
            (Change::Account("alice"), "account_not_allowed"),
            (Change::Service("sudo"), "service_not_allowed"),
        ],
    }
}

pub fn scitokens(now: u64) -> Case {
    let claims = json!({
        "ver": "scitoken:2.0", "sub": "pipeline@example.org", "aud": "ssh://machine",
        "iss": "https://tokens.example.org", "scope": "read:/pipeline write:/pipeline/out",
        "jti": "aef94c8c-0fea-490f-9027-ff444dd66d8d",
    });
    Case {
        recipe: "scitokens",
        kid: "key-es256",
        set: &[
            "issuer=https://tokens.example.org",
            "subject=pipeline@example.org",
            "account=pipeline",
        ],
        issuer: "https://tokens.example.org",
        keys: Keys::DiscoveredAt(
            "https://tokens.example.org/.well-known/openid-configuration",
            "https://tokens.example.org/oauth2/certs",
        ),
        alg: Algorithm::ES256,
        header: json!({ "typ": "JWT" }),
        claims: timed(claims, now, 20, 1200),
        account: "pipeline",
        service: "sshd",
        bytes: 400..=600,
        misses: vec![
            (Change::Claim("/aud", json!("ANY")), "audience_mismatch"),
            (
                Change::Claim("/sub", json!("pipeline@example.net")),
                "claims_not_allowed",
            ),
            (
                Change::Claim("/ver", json!("scitoken:1.0")),
                "claims_not_allowed",
            ),
            (
                Change::Claim("/iss", json!("https://tokens.example.org/x")),
                "issuer_unknown",
            ),
            (Change::Typ(Value::Null), "type_not_accepted"),
            (Change::Account("alice"), "account_not_allowed"),
        ],
    }
}
