"""All threads share one connection to UPSTREAM, which the first request opens."""

import threading

import server

lock = threading.Lock()
pool = []


def handle(connection):
    for target in server.requests(connection):
        with lock:
            if not pool:
                pool.append(server.upstream())
            server.ask(pool[0], b"/call?id=" + server.token(target))
        server.reply(connection)


server.threads(handle)
