"""A threaded HTTP service: looks a price up in the store, over one connection per thread."""

import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STORE = ("127.0.0.1", int(os.environ["STORE_PORT"]))
local = threading.local()


def command(*words):
    """Sends one RESP command and returns the first line of the reply."""
    if not hasattr(local, "store"):
        local.store = socket.create_connection(STORE)
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    local.store.sendall(b"".join(parts))
    reply = local.store.recv(4096)
    if not reply:
        raise ConnectionError("the store has closed the connection")
    return reply.split(b"\r\n")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        item = self.path.rsplit("/", 1)[-1]
        command("INCR", "views:" + item)
        price = command("GET", "price:" + item)
        body = price[1] if len(price) > 1 else b"0"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", int(os.environ["PORT"])), Handler)
print("ready", flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    sys.exit(0)
