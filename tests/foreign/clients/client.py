"""What the Python clients here have in common; client.mjs says what is given and printed."""

import json
import subprocess
import sys
from pathlib import Path

given = json.loads(sys.argv[1])
REDIRECT = "http://127.0.0.1:8999/callback"
API = "https://api.example.org"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "openid offline_access read"
got = {}


def browse(address):
    """What a person gets to whom this address is shown."""
    person = Path(__file__).with_name("person.py")
    command = ["/usr/bin/python3", person, given["account"], given["password"], address]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def refused(act):
    """How a library refuses."""
    try:
        act()
    except Exception as error:
        return getattr(error, "error", None) or type(error).__name__
    return "nothing"


def done():
    json.dump(got, sys.stdout)
