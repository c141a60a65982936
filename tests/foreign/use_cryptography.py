"""cryptography mints and verifies with ML-DSA; exchange.py says what is asked and answered.

It knows signatures and no tokens, so what RFC 7515 and RFC 9964 make of them is written
here. Beyond what is asked of the others, `mint` takes the key's seed, in base64url, and
the context of FIPS 204 that the signature is to have; and answers with the private JWK.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from exchange import answer

PRIVATE = {
    "ML-DSA-44": mldsa.MLDSA44PrivateKey,
    "ML-DSA-65": mldsa.MLDSA65PrivateKey,
    "ML-DSA-87": mldsa.MLDSA87PrivateKey,
}
PUBLIC = {
    "ML-DSA-44": mldsa.MLDSA44PublicKey,
    "ML-DSA-65": mldsa.MLDSA65PublicKey,
    "ML-DSA-87": mldsa.MLDSA87PublicKey,
}


class InvalidToken(Exception):
    """The signature holds, and the token is not what was asked for."""


def encoded(octets):
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def decoded(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def mint(alg, kid, claims, seed=None, context=""):
    key = PRIVATE[alg].from_seed_bytes(decoded(seed)) if seed else PRIVATE[alg].generate()
    public = key.public_key()
    jwk = {"kty": "AKP", "alg": alg, "kid": kid, "pub": encoded(public.public_bytes_raw())}
    header = {"alg": alg, "kid": kid, "typ": "at+jwt"}
    parts = [encoded(json.dumps(part).encode()) for part in (header, claims)]
    signature = key.sign(".".join(parts).encode(), context.encode())
    return {
        "jwk": jwk,
        "private_jwk": {**jwk, "priv": encoded(key.private_bytes_raw())},
        "pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "token": ".".join([*parts, encoded(signature)]),
    }


def verify(alg, jwk, token, issuer, audience):
    if (jwk["kty"], jwk["alg"]) != ("AKP", alg):
        raise InvalidToken("the key is for something else")
    header, payload, signature = token.split(".")
    signing_input = f"{header}.{payload}".encode()
    PUBLIC[alg].from_public_bytes(decoded(jwk["pub"])).verify(decoded(signature), signing_input)
    claims = json.loads(decoded(payload))
    for name, wanted, found in [
        ("alg", alg, json.loads(decoded(header))["alg"]),
        ("iss", issuer, claims["iss"]),
        ("aud", audience, claims["aud"]),
    ]:
        if found != wanted:
            raise InvalidToken(f"{name} is {found!r}")
    return {"claims": claims}


answer(mint, verify)
