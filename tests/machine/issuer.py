"""An issuer as machines meet them: serves the files in ROOT/www, over TLS if there is a
certificate, and does what ROOT/fault says instead.

    issuer.py ADDRESS PORT ROOT

ROOT/fault is a JSON object; without one all is well. "path" is the path that it is about (all
by default), "certificate" which of ROOT/NAME.pem is shown, and "kind" what happens:

    status    the answer has the status "status"
    page      an HTML page
    slow      one byte a second
    silent    no answer
    huge      100 MiB of zeros
    bomb      the file, packed, behind 64 MiB of spaces (Content-Encoding: gzip)
    cut       half of the file, then the end
    redirect  to "to"

ROOT/headers is a JSON object of headers that go with every file. ROOT/log has a line for each
request: its path and If-None-Match.
"""

import gzip
import hashlib
import http.server
import json
import os
import ssl
import sys
import time

ADDRESS, PORT, ROOT = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def read(name, otherwise):
    try:
        with open(os.path.join(ROOT, name)) as file:
            return json.load(file)
    except FileNotFoundError:
        return otherwise


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.close_connection = True
        path = self.path.split("?")[0]
        with open(os.path.join(ROOT, "log"), "a") as log:
            print(path, self.headers.get("If-None-Match", "-"), file=log)
        fault = read("fault", {})
        if fault.get("path", path) == path and "kind" in fault:
            return getattr(self, fault["kind"])(fault)
        self.serve()

    def do_POST(self):
        self.close_connection = True
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open(os.path.join(ROOT, "log"), "a") as log:
            print(self.path, body, self.headers.get("Authorization", "-"), file=log)
        fault = read("fault", {})
        if fault.get("path", self.path) == self.path and "kind" in fault:
            return getattr(self, fault["kind"])(fault)
        self.serve()

    def file(self):
        try:
            with open(os.path.join(ROOT, "www", self.path.split("?")[0].lstrip("/")), "rb") as file:
                return file.read()
        except (FileNotFoundError, IsADirectoryError):
            return None

    def serve(self):
        body = self.file()
        if body is None:
            return self.answer(404, b"there is nothing")
        etag = '"%s"' % hashlib.sha256(body).hexdigest()[:16]
        headers = dict(read("headers", {}), ETag=etag)
        if self.headers.get("If-None-Match") == etag:
            return self.answer(304, b"", headers)
        self.answer(200, body, headers)

    def answer(self, status, body, headers={}):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def status(self, fault):
        self.answer(fault["status"], b"{}")

    def page(self, fault):
        page = b"<!DOCTYPE html><html><body>Please log in</body></html>"
        self.answer(200, page, {"Content-Type": "text/html"})

    def slow(self, fault):
        body = self.file()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for byte in body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(1)

    def silent(self, fault):
        time.sleep(60)

    def huge(self, fault):
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            self.wfile.write(bytes(1 << 20))

    def bomb(self, fault):
        packed = gzip.compress(b" " * (64 << 20) + self.file())
        self.answer(200, packed, {"Content-Encoding": "gzip"})

    def cut(self, fault):
        body = self.file()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])

    def redirect(self, fault):
        self.answer(302, b"", {"Location": fault["to"]})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self):
        connection, address = super().get_request()
        name = read("fault", {}).get("certificate", "own")
        certificate = os.path.join(ROOT, name + ".pem")
        if os.path.exists(certificate):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            connection = context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def handle_error(self, request, client_address):
        pass


Server((ADDRESS, PORT), Handler).serve_forever()
