"""Authlib, by its session for requests: see client.py."""

import secrets

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from client import API, DEVICE, REDIRECT, SCOPE, browse, done, given, got, refused
from joserfc import jwt
from joserfc.jwk import KeySet, OKPKey

issuer, secret = given["issuer"], given["secret"]


def session(client_id, client_secret=secret, method="client_secret_basic", **more):
    more.setdefault("scope", SCOPE)
    return OAuth2Session(
        client_id, client_secret, redirect_uri=REDIRECT,
        token_endpoint_auth_method=method, code_challenge_method="S256", **more,
    )


web = session("web")
metadata = web.get(issuer + "/.well-known/openid-configuration", withhold_token=True).json()
# Every member by the rules of its document.
AuthorizationServerMetadata(metadata).validate()
OpenIDProviderMetadata(metadata).validate()
keys = KeySet.import_key_set(web.get(metadata["jwks_uri"], withhold_token=True).json())
token_endpoint = metadata["token_endpoint"]

service = session("service", scope="read")
got["client_credentials"] = service.fetch_token(
    token_endpoint, grant_type="client_credentials", resource=API)
# The secret may be in the form as well.
posted = session("service", method="client_secret_post", scope="read")
got["posted"] = posted.fetch_token(token_endpoint, grant_type="client_credentials")

private_key = OKPKey.import_key(given["private_key"])
signing = session("signing", private_key, PrivateKeyJWT(token_endpoint, alg="EdDSA"), scope="read")
got["private_key_jwt"] = signing.fetch_token(token_endpoint, grant_type="client_credentials")

verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
address, state = web.create_authorization_url(
    metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce, resource=API)
back = browse(address)
tokens = web.fetch_token(
    token_endpoint, authorization_response=back, state=state, code_verifier=verifier)
got["code"] = dict(tokens)
algorithms = metadata["id_token_signing_alg_values_supported"]
decoded = jwt.decode(tokens["id_token"], keys, algorithms=algorithms)
claims = CodeIDToken(
    decoded.claims, decoded.header,
    {"iss": {"value": issuer}, "aud": {"value": "web"}, "nonce": {"value": nonce}},
    {"nonce": nonce, "client_id": "web", "access_token": tokens["access_token"]},
)
claims.validate()
got["id_token_claims"] = dict(claims)
got["userinfo"] = web.get(metadata["userinfo_endpoint"]).json()

first = tokens["refresh_token"]
refreshed = web.refresh_token(token_endpoint, refresh_token=first)
got["refresh"] = dict(refreshed)
introspect = metadata["introspection_endpoint"]
got["introspection"] = web.introspect_token(introspect, token=refreshed["access_token"]).json()
web.revoke_token(metadata["revocation_endpoint"], token=refreshed["refresh_token"])
got["revoked"] = web.introspect_token(introspect, token=refreshed["access_token"]).json()
got["refresh_revoked"] = refused(
    lambda: web.refresh_token(token_endpoint, refresh_token=refreshed["refresh_token"]))

old = session("old", scope="read")
account, password = given["account"], given["password"]
got["password"] = dict(old.fetch_token(token_endpoint, username=account, password=password))
got["wrong_password"] = refused(
    lambda: old.fetch_token(token_endpoint, username=account, password="wrong"))

app = session("app", None, "none", scope="openid read")
device = app.post(
    metadata["device_authorization_endpoint"],
    data={"client_id": "app", "scope": "openid read"}, withhold_token=True,
).json()
got["device_page"] = browse(device["verification_uri_complete"])
got["device"] = dict(
    app.fetch_token(token_endpoint, grant_type=DEVICE, device_code=device["device_code"]))

done()
