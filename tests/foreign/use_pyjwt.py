"""PyJWT mints and verifies; exchange.py says what is asked and answered."""

import secrets

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from exchange import answer

CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


def private_key(alg):
    """A new key; PyJWT makes none itself, and takes those of cryptography."""
    if alg.startswith("HS"):
        return secrets.token_bytes(int(alg[2:]) // 8)
    if alg.startswith(("RS", "PS")):
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    if alg in CURVES:
        return ec.generate_private_key(CURVES[alg]())
    return ed25519.Ed25519PrivateKey.generate()


def mint(alg, kid, claims):
    algorithm = jwt.get_algorithm_by_name(alg)
    key = private_key(alg)
    public, pem = key, None
    if not isinstance(key, bytes):
        public = key.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return {
        "jwk": {**algorithm.to_jwk(public, as_dict=True), "kid": kid, "alg": alg},
        "pem": pem,
        "token": jwt.encode(claims, key, alg, headers={"kid": kid, "typ": "at+jwt"}),
    }


def verify(alg, token, issuer, audience, jwk=None, jwks_uri=None, typ="at+jwt"):
    if jwks_uri is None:
        key = jwt.PyJWK(jwk, alg)
    else:
        key = jwt.PyJWKClient(jwks_uri).get_signing_key_from_jwt(token)
    identifier = ["jti"] if typ == "at+jwt" else []
    claims = jwt.decode(
        token,
        key,
        algorithms=[alg],
        issuer=issuer,
        audience=audience,
        options={"require": ["iss", "sub", "aud", "exp", "iat", *identifier]},
    )
    return {"claims": claims}


answer(mint, verify)
