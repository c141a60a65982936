"""What the scripts here have in common: the argument is `mint` or `verify`, standard
input a JSON list of requests, standard output the list of answers in the same order.

mint    {"alg", "kid", "claims"}                       a new key of the library's, and
     -> {"jwk", "pem", "token"}                        a token by it; no pem for HS*
verify  {"alg", "jwk", "token", "issuer", "audience"}  the library's own checks, the
     -> {"claims"}                                     algorithm pinned. An issuer's
                                                       "jwks_uri" may stand for "jwk",
                                                       and "typ" if it is not at+jwt

What the library refuses, or has no name for, is {"refused": NAME}: its exception.
use_jose.mjs answers the same.
"""

import json
import sys


def answer(mint, verify):
    """Answers every request of standard input."""
    does = {"mint": mint, "verify": verify}[sys.argv[1]]
    json.dump([attempt(does, request) for request in json.load(sys.stdin)], sys.stdout)


def attempt(does, request):
    """The answer to one request."""
    try:
        return does(**request)
    except Exception as error:
        return {"refused": type(error).__name__, "detail": str(error)}
