"""A threading HTTP server and a ThreadPoolExecutor of POOL that makes the calls.

The query says which habit. wait: the request's thread waits for the result. two: it waits for two. replies: the pool's
thread replies. forget: the request's thread replies at once. none, sync: the pool has nothing to do. nested: the pool's
thread makes a call, hands five more to a second pool and replies while they go on.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from backend import call

POOL = ThreadPoolExecutor(int(os.environ["POOL"]))
INNER = ThreadPoolExecutor(int(os.environ["POOL"]))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # the head and the body of a reply leave in one write

    def do_GET(self):
        query = parse_qs(urlsplit(self.path).query)
        getattr(self, query["k"][0])(query["id"][0])

    def none(self, token):
        self.reply()

    def sync(self, token):
        call("/b1", token)
        self.reply()

    def wait(self, token):
        POOL.submit(call, "/b1", token).result()
        self.reply()

    def two(self, token):
        first, second = POOL.submit(call, "/b1", token), POOL.submit(call, "/b2", token)
        first.result(), second.result()
        self.reply()

    def forget(self, token):
        POOL.submit(call, "/b1", token)
        self.reply()

    def replies(self, token):
        self.answered_by(lambda: (call("/b1", token), self.reply()))

    def nested(self, token):
        def work():
            call("/b1", token)
            for n in range(1, 6):
                INNER.submit(call, f"/n{n}", token)
            self.reply()

        self.answered_by(work)

    def answered_by(self, work):
        """Has the pool answer. This thread must not read the next request before the reply is out."""
        POOL.submit(work).result()

    def reply(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")
        self.wfile.flush()

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
