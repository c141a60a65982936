"""requests-oauthlib, and oauthlib with it: see client.py."""

import secrets

from client import API, REDIRECT, SCOPE, browse, done, given, got, refused
from oauthlib.oauth2 import (
    BackendApplicationClient,
    LegacyApplicationClient,
    MobileApplicationClient,
)
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

issuer, secret = given["issuer"], given["secret"]
web = OAuth2Session("web", redirect_uri=REDIRECT, scope=SCOPE.split(), pkce="S256")
metadata = web.get(issuer + "/.well-known/oauth-authorization-server", withhold_token=True).json()
token_endpoint = metadata["token_endpoint"]

service = OAuth2Session(client=BackendApplicationClient("service", scope=["read"]))
got["client_credentials"] = service.fetch_token(
    token_endpoint, auth=HTTPBasicAuth("service", secret), resource=API)

nonce = secrets.token_urlsafe(16)
address, state = web.authorization_url(
    metadata["authorization_endpoint"], nonce=nonce, resource=API)
back = browse(address)
# oauthlib takes a redirect address on the loopback for one that others read.
tokens = web.fetch_token(
    token_endpoint, code=dict(pair.split("=", 1) for pair in back.split("?", 1)[1].split("&"))["code"],
    state=state, client_secret=secret)
got["code"] = dict(tokens)
got["nonce"] = nonce
got["userinfo"] = web.get(metadata["userinfo_endpoint"]).json()
first = tokens["refresh_token"]
refreshed = web.refresh_token(
    token_endpoint, refresh_token=first, auth=HTTPBasicAuth("web", secret))
got["refresh"] = dict(refreshed)
got["reused"] = refused(
    lambda: web.refresh_token(
        token_endpoint, refresh_token=first, auth=HTTPBasicAuth("web", secret)))

old = OAuth2Session(client=LegacyApplicationClient("old", scope=["read"]))
got["password"] = old.fetch_token(
    token_endpoint, username=given["account"], password=given["password"],
    auth=HTTPBasicAuth("old", secret))
got["wrong_password"] = refused(
    lambda: old.fetch_token(
        token_endpoint, username=given["account"], password="wrong",
        auth=HTTPBasicAuth("old", secret)))
# A client without the grant, whatever its user would tell it.
unregistered = OAuth2Session(client=LegacyApplicationClient("web", scope=["read"]))
got["password_unregistered"] = refused(
    lambda: unregistered.fetch_token(
        token_endpoint, username=given["account"], password=given["password"],
        auth=HTTPBasicAuth("web", secret)))

# An application without a server, as they were made before PKCE (RFC 6749 section 4.2).
def implicit(client_id, redirect):
    session = OAuth2Session(
        client=MobileApplicationClient(client_id), redirect_uri=redirect, scope=["read"])
    address, _ = session.authorization_url(metadata["authorization_endpoint"])
    return session, browse(address)


session, back = implicit("old", "https://old.example.org/callback")
got["implicit"] = dict(session.token_from_fragment(back))
got["implicit_unregistered"] = implicit("web", REDIRECT)[1]

done()
