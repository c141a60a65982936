"""Signs a status list token with this machine's key as pam-jwt made it, whatever it says.

Arguments: the typ, and the claims or `bomb`. Prints the token.
"""

import base64
import json
import sys
import time
import zlib

from joserfc import jws
from joserfc.jwk import OKPKey

with open("/etc/pam-jwt/private/local.jwk", encoding="utf-8") as file:
    key = OKPKey.import_key(json.load(file))
typ, claims = sys.argv[1:]
if claims == "bomb":
    packer = zlib.compressobj(9)
    zeros = bytes(1 << 20)
    packed = b"".join(packer.compress(zeros) for _ in range(1 << 10)) + packer.flush()
    lst = base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
    claims = json.dumps(
        {"sub": "https://x", "iat": int(time.time()), "status_list": {"bits": 1, "lst": lst}}
    )
header = {"alg": "EdDSA", "kid": key.kid, "typ": typ}
print(jws.serialize_compact(header, claims, key, algorithms=["EdDSA"]))
