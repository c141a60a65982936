"""joserfc mints and verifies; exchange.py says what is asked and answered."""

import json
from urllib.request import urlopen

from exchange import answer
from joserfc import jwk as keys
from joserfc import jwt

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


def private_key(alg, parameters):
    """A new key, with `parameters` of its JWK."""
    if alg.startswith("HS"):
        return keys.OctKey.generate_key(int(alg[2:]), parameters)
    if alg.startswith(("RS", "PS")):
        return keys.RSAKey.generate_key(2048, parameters)
    if alg in CURVES:
        return keys.ECKey.generate_key(CURVES[alg], parameters)
    return keys.OKPKey.generate_key("Ed25519", parameters)


def mint(alg, kid, claims):
    key = private_key(alg, {"kid": kid, "alg": alg, "use": "sig"})
    symmetric = isinstance(key, keys.OctKey)
    return {
        "jwk": key.as_dict(private=symmetric),
        "pem": None if symmetric else key.as_pem(private=False).decode(),
        "token": jwt.encode({"alg": alg, "kid": kid, "typ": "at+jwt"}, claims, key, [alg]),
    }


def verify(alg, token, issuer, audience, jwk=None, jwks_uri=None, typ="at+jwt"):
    if jwks_uri is None:
        key = keys.import_key(jwk)
    else:
        with urlopen(jwks_uri) as answered:
            key = keys.KeySet.import_key_set(json.load(answered))
    claims = jwt.decode(token, key, [alg]).claims
    required = {"essential": True}
    identifier = ["jti"] if typ == "at+jwt" else []
    jwt.JWTClaimsRegistry(
        iss={**required, "value": issuer},
        aud={**required, "value": audience},
        **{name: required for name in ("sub", "exp", "iat", *identifier)},
    ).validate(claims)
    return {"claims": claims}


answer(mint, verify)
