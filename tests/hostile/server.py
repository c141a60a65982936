"""A host that is not sshd: what it asks in keyboard-interactive authentication (RFC 4256)
is not what PAM can, with a name and an instruction, several questions in one request, and
bytes that no PAM module could have.

    server.py ADDRESS KEY HEARD <SCRIPT

serves one connection, and lets nobody in. The script is JSON: "banner", and "requests",
each of which has "name", "instruction" and "prompts", pairs of a text and whether the
answer is shown. Each character of a text is a byte. HEARD is a JSON array of an element
for each prompt: null where there was no answer. The process returns once it listens."""

import json
import os
import socket
import sys
import threading

import paramiko


def octets(text):
    return text.encode("latin-1")


class Host(paramiko.ServerInterface):
    def __init__(self, script, path):
        self.banner = octets(script["banner"])
        self.requests = iter(script["requests"])
        self.path = path
        self.heard = []
        self.keep()

    def keep(self):
        with open(self.path, "w", encoding="ascii") as file:
            json.dump(self.heard, file)

    def get_banner(self):
        return (self.banner, "en") if self.banner else (None, None)

    def get_allowed_auths(self, username):
        return "keyboard-interactive"

    def check_auth_interactive(self, username, submethods):
        request = next(self.requests, None)
        if request is None:
            return paramiko.AUTH_FAILED
        name, instruction = octets(request["name"]), octets(request["instruction"])
        query = paramiko.InteractiveQuery(name, instruction)
        for text, shown in request["prompts"]:
            query.add_prompt(octets(text), shown)
            self.heard.append(None)
        self.keep()
        return query

    def check_auth_interactive_response(self, responses):
        if responses:
            self.heard[-len(responses):] = responses
            self.keep()
        return self.check_auth_interactive(None, None)


def serve(client, key, host):
    transport = paramiko.Transport(client)
    transport.add_server_key(key)
    ended = threading.Event()
    transport.start_server(ended, host)
    transport.join()


def main():
    address, key, heard = sys.argv[1:]
    host = Host(json.load(sys.stdin), heard)
    key = paramiko.Ed25519Key.from_private_key_file(key)
    listener = socket.create_server((address, 22))
    if os.fork() != 0:
        return
    # Whoever started this waits for the end of its output.
    null = os.open("/dev/null", os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    client, _ = listener.accept()
    listener.close()
    serve(client, key, host)


main()
