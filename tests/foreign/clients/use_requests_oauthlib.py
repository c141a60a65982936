"""requests-oauthlib, and oauthlib with it: see client.py."""

import secrets

from client import API, REDIRECT, SCOPE, browse, done, given, got, refused
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient
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

done()
