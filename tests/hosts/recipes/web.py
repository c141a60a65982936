"""What issuers publish, by address, at port 443 and 8443 of every name that has a certificate.

web.py DOCUMENTS CERTIFICATES: the first is a JSON object of address and document, which is JSON
too, or a text that goes out as it is; the second the directory with NAME.pem and NAME.key. Each request is a line on standard output.
"""

import http.server
import json
import pathlib
import ssl
import sys
import threading

documents = json.loads(pathlib.Path(sys.argv[1]).read_text())


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        address = f"https://{self.headers['Host']}{self.path}"
        document = documents.get(address)
        body = (document if isinstance(document, str) else json.dumps(document)).encode()
        self.send_response(404 if document is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        print(self.status_line(address, document), flush=True)

    def status_line(self, address, document):
        return f"{address} {'missing' if document is None else 'found'}"

    def log_message(self, *_):
        pass


def context_of(file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, file.with_suffix(".key"))
    return context


directory = pathlib.Path(sys.argv[2])
contexts = {file.stem: context_of(file) for file in directory.glob("*.pem") if file.stem != "ca"}


def choose(socket, name, _):
    socket.context = contexts[name]


first = next(iter(contexts.values()))
first.sni_callback = choose
servers = [http.server.ThreadingHTTPServer(("", port), Answer) for port in (443, 8443)]
for server in servers:
    server.socket = first.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever).start()
print("ready", flush=True)
