"""A gateway with a thread for each connection: whatever it is asked, it asks UPSTREAM the same and passes the reply on.

Each thread keeps its connection to UPSTREAM. A reply of UPSTREAM that never comes is waited for.
"""

import http.client
import http.server
import os
import sys
import threading

UPSTREAM = os.environ["UPSTREAM"]
mine = threading.local()


def ask(path):
    connection = getattr(mine, "connection", None)
    if connection is None:
        connection = mine.connection = http.client.HTTPConnection(UPSTREAM)
    connection.request("GET", path)
    reply = connection.getresponse()
    return reply.status, reply.read()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write for each reply

    def do_GET(self):
        status, body = ask(self.path)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        pass  # a client that is gone, or talks nonsense


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("127.0.0.1:%d" % server.server_address[1])
sys.stdin.read()
